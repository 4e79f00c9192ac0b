//! zap's console encoder: controller-runtime's operators, Karpenter, istiod, ztunnel and, since Istio 1.3, Envoy's own log.
//!
//! `time TAB level TAB logger TAB message TAB {json}`; Istio's has `key=value` columns instead of the object. Who copies
//! such a line from a terminal often gets blanks for the tabs.

use nom::{Parser, sequence::terminated};

use super::{
    Header, Kind, envoy,
    fields::Fields,
    json, level, logfmt,
    scan::{coloured, gap, is_location, trim, trim_end},
    time::Stamp,
};
use crate::event;

/// The header of a console line, of which the time was read; `rest` stands behind it.
pub(super) fn header(stamp: Stamp, rest: &[u8]) -> Option<Header<'_>> {
    let (columns, (_, level, _)) = (gap, coloured(level::word), gap).parse(rest).ok()?;
    let is_console = stamp.rfc3339 || rest.first() == Some(&b'\t');
    if !is_console {
        return None;
    }
    let mut fields = Fields::default();
    let (text, object) = split_object(columns, &mut fields);
    let (text, quotes) = split_pairs(text, &mut fields);
    let (logger, message) = split_logger(text);
    let header = Header {
        level: Some(level),
        time: Some(stamp.time),
        logger: logger.map(event::text),
        structured: object || quotes,
        fields,
        ..Header::new(Kind::Console, message)
    };
    Some(match logger {
        Some(logger) if logger.starts_with(b"envoy ") => envoy::of_console(header, logger, message),
        _ => header,
    })
}

/// Takes the JSON object off the end. Whether there was one.
fn split_object<'a>(columns: &'a [u8], fields: &mut Fields<'a>) -> (&'a [u8], bool) {
    let line = trim_end(columns);
    if line.last() != Some(&b'}') {
        return (columns, false);
    }
    // The object is the last column; its own strings hold no tabs, but may hold blanks.
    let finders = [memchr::memmem::rfind(line, b"\t{"), memchr::memmem::find(line, b" {\"")];
    for at in finders.into_iter().flatten() {
        let mut read = Fields::default();
        if matches!(json::object(&line[at + 1..], &mut read), Ok((b"", ()))) {
            *fields = read;
            return (&line[..at], true);
        }
    }
    (columns, false)
}

/// Takes Istio's `key=value` columns off the end. Whether one of the values was quoted, and so may hold escapes.
fn split_pairs<'a>(text: &'a [u8], fields: &mut Fields<'a>) -> (&'a [u8], bool) {
    let Some(first) = columns(text).find(|(_, column)| logfmt::begins(column)).map(|(at, _)| at) else {
        return (text, false);
    };
    let (before, pairs) = text.split_at(first);
    if trim(before).is_empty() {
        return (text, false);
    }
    logfmt::pairs(pairs, fields);
    (trim_end(before), memchr::memmem::find(pairs, b"=\"").is_some())
}

/// The logger's column, and the message behind it and behind the caller's.
fn split_logger(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let text = trim_end(text);
    let mut rest = columns(text);
    let (Some((_, first)), Some((second_at, second))) = (rest.next(), rest.next()) else {
        return one_column(text);
    };
    match rest.next() {
        Some((third_at, _)) if is_caller(second) => (Some(first), &text[third_at..]),
        _ if is_caller(first) => (None, &text[second_at..]),
        _ => (Some(first), &text[second_at..]),
    }
}

/// A column alone is the message, unless single blanks stand for the tabs: then a dotted or `::` name leads it.
fn one_column(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let name = nom::bytes::complete::take_while1(|byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-:".contains(&byte)
    });
    match terminated(name, gap).parse(text) {
        Ok((message, name)) if is_dotted(name) => (Some(name.strip_suffix(b":").unwrap_or(name)), message),
        _ => (None, text),
    }
}

fn is_dotted(name: &[u8]) -> bool {
    let dot = name.iter().position(|byte| *byte == b'.');
    let dotted = dot.is_some_and(|at| at > 0 && at + 1 < name.len()) && !name.contains(&b':');
    dotted || (memchr::memmem::find(name, b"::").is_some() && name.ends_with(b":"))
}

/// A caller is a file and a line, without blanks.
fn is_caller(column: &[u8]) -> bool {
    is_location(column) && !column.contains(&b' ')
}

/// The columns with where they begin: parted by tabs, or by two blanks and more where there are no tabs.
fn columns(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let tabs = text.contains(&b'\t');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let end = if tabs { memchr::memchr(b'\t', rest) } else { memchr::memmem::find(rest, b"  ") };
        let column = &rest[..end.unwrap_or(rest.len())];
        let start = at;
        let blanks = rest[column.len()..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        at += column.len() + blanks;
        Some((start, trim_end(column)))
    })
}
