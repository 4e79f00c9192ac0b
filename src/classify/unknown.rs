//! What no pattern knows and yet is a failure: records that their log calls errors, and exceptions.
//!
//! Holds how such a record is told from the rest, the fragments by which its lines are found in raw blocks ([`ANCHORS`]; a set that is
//! loaded without them notices nothing, and costs nothing), and what its event has of its own. What such failures have in common is
//! found out later, where events of all sources come together ([`crate::correlate::templates`]).

use std::sync::Arc;

use super::Limits;
use super::assemble::{self, Assembled, Assembly};
use super::lines::{Lane, Lines};
use crate::correlate::templates::masked;
use crate::event::{Attribute, Event, Value};
use crate::pattern::PatternSet;
use crate::pattern::model::{Pattern, Severity};
use crate::pattern::unclassified;
use crate::record::Record;
use crate::record::header::Level;

/// One of these stands in a line of nearly every record that says it is an error, in whatever format and framing. What else they find is
/// told from it by its header.
// A table.
#[rustfmt::skip]
pub const ANCHORS: &[&[u8]] = &[
    // Levels in capitals.
    b"ERROR", b"FATAL", b"CRIT", b"SEVERE", b"PANIC", b"ALERT", b"EMERG", b" ERR ", b"[ERR]",
    // Levels as values in JSON: as printed, spaced, and both within the JSON of docker.
    b"\":\"err", b"\": \"err", b"\\\":\\\"err", b"\\\": \\\"err",
    b"\":\"Err", b"\": \"Err", b"\\\":\\\"Err", b"\\\": \\\"Err",
    b"\":\"fatal", b"\": \"fatal", b"\\\":\\\"fatal", b"\\\": \\\"fatal",
    b"\":\"crit", b"\": \"crit", b"\\\":\\\"crit", b"\\\": \\\"crit",
    b"\":\"panic", b"\": \"panic", b"\\\":\\\"panic", b"\\\": \\\"panic",
    b"\":\"dpanic", b"\\\":\\\"dpanic", b"\":\"severe", b"\":\"emerg", b"\":\"alert",
    b"evel\":50", b"evel\":60", b"evel\\\":50", b"evel\\\":60",
    // Levels in pairs, in brackets, and between tabs or blanks.
    b"l=err", b"l=fatal", b"l=panic", b"l=dpanic", b"l=crit", b"l=\"err", b"l=\\\"err",
    b"[err", b"[crit", b"[fatal", b"[alert", b"[emerg",
    b"\terror", b"\\terror", b"  error ", b"\tfatal", b"\\tfatal", b"  fatal ", b"\tcritical",
    b"fail: ", b"crit: ", b"%0|", b"%1|", b"%2|", b"%3|",
    // Initials: klog's before a month or a year, PyTorch's, and those that stand alone.
    b"E01", b"E02", b"E03", b"E04", b"E05", b"E06", b"E07", b"E08", b"E09", b"E10", b"E11", b"E12", b"E20",
    b"F01", b"F02", b"F03", b"F04", b"F05", b"F06", b"F07", b"F08", b"F09", b"F10", b"F11", b"F12", b"F20",
    b"[E1", b"[E2", b"[E3", b"[E4", b"[E5", b"[E6", b"[E7", b"[E8", b"[E9", b"[E ", b"[C ", b" E ", b" C | ",
    // Exceptions.
    b"Traceback (most recent", b"Exception", b"Error: ", b"panic: ", b"panicked at", b"fatal error: ", b"Caused by: ",
];

/// How grave a record is that no pattern knows; none if its log doesn't make it a failure.
///
/// An exception counts unless the very line calls itself less than a warning.
pub fn severity(record: &Record<'_>) -> Option<Severity> {
    match record.level() {
        Some(Level::Fatal) => Some(Severity::Fatal),
        Some(Level::Error) => Some(Severity::Error),
        Some(Level::Trace | Level::Debug | Level::Info) => None,
        Some(Level::Warn) => record.exception().map(|_| Severity::Warn),
        None => record.exception().map(|_| match record.lead_level() {
            Some(Level::Fatal) => Severity::Fatal,
            Some(Level::Warn) => Severity::Warn,
            _ => Severity::Error,
        }),
    }
}

/// Is a line of its own a failure, by what it says?
pub(super) fn is_grave(set: &PatternSet, content: &[u8]) -> bool {
    set.notices_unknown && severity(&Record::read(&[content], None)).is_some()
}

/// What follows a record in its lane, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It may still come.
    Unseen,
    /// A trace: the record is its headline, and the trace speaks for both.
    Trace,
    /// Something else, or so far away that it doesn't matter.
    Other,
}

/// Looks behind a record. `last`: no more lines will come.
///
/// What it says must not depend on how much has arrived: a trace that begins in reach is waited for until it is closed.
pub(super) fn next(lines: Lines<'_>, lane: Lane, record: &Assembled<'_>, last: bool, limits: &Limits) -> Next {
    let until = record.start().saturating_add(limits.record_bytes);
    let Some(line) = lines.next(lane, record.end(), until) else {
        return if until > lines.bytes.len() { Next::Unseen } else { Next::Other };
    };
    match assemble::forward(lines, lane, line.start, last, limits) {
        Some(Assembly::Closed(next)) if next.lines.len() > 1 => Next::Trace,
        Some(Assembly::Open { .. }) => Next::Unseen,
        Some(Assembly::Closed(_)) | None => Next::Other,
    }
}

/// Does a community rule ask for the record?
pub(super) fn is_of_a_rule(set: &PatternSet, record: &Record<'_>) -> bool {
    let Some(community) = &set.community else { return false };
    let text = record.text();
    let matched = community.terms.matched_among(&set.engine.clues(text, 0).others, text, text);
    !community.touched(&matched).is_empty()
}

/// What is said of the record.
pub(super) fn pattern_and_attributes(severity: Severity, record: &Record<'_>) -> (Arc<Pattern>, Vec<Attribute>) {
    let gist = Attribute { name: unclassified::TEMPLATE, value: Value::Text(record.gist()) };
    (unclassified::pattern(severity), vec![gist])
}

/// Takes what varies out of the event's template, once its secrets are out of it.
pub(super) fn mask(event: &mut Event) {
    for attribute in event.attributes.iter_mut().filter(|attribute| attribute.name == unclassified::TEMPLATE) {
        if let Value::Text(template) = &mut attribute.value {
            *template = masked(template);
        }
    }
}

/// Which of the record's lines names the failure: that of the exception, else the first.
pub(super) fn identifying_line(assembled: &Assembled<'_>, record: &Record<'_>) -> usize {
    let Some(kind) = record.exception().and_then(|exception| exception.kind) else { return 0 };
    let names = |content: &[u8]| memchr::memmem::find(content, kind.as_bytes()).is_some();
    assembled.lines.iter().rposition(|line| names(&line.content)).unwrap_or(0)
}

#[cfg(test)]
#[path = "unknown_tests.rs"]
mod tests;
