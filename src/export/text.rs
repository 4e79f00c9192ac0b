//! Events for a person at a terminal, who may be tired: what failed, where, why, what to do, how often.
//!
//! The first event of a failure in a place is shown whole, repeats are counted, and a summary closes the report, by incident, root causes
//! first. Log text is hostile: control characters never reach the terminal.

mod unknown;

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::correlate::Place;
use crate::correlate::incidents::causes::Causes;
use crate::correlate::tally::{Failure, Group, Tally};
use crate::correlate::unclassified;
use crate::event::{Event, Value};
use crate::pattern::model::{Origin, Severity};

/// Lines of a record that are shown; the rest is cut out of the middle.
const MAX_RECORD_LINES: usize = 12;
/// Longest part of a log line that is shown, in characters.
const MAX_LINE_CHARS: usize = 400;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// A report in the making.
pub struct Report {
    width: usize,
    tally: Tally,
    shown: u64,
}

/// What was read, for the closing line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// Files, entries of bundles, or 1 for standard input.
    pub sources: u64,
    /// Bytes after decompression.
    pub bytes: u64,
}

impl Report {
    /// A report for a terminal of `width` columns; its summary goes by what explains what.
    pub fn new(width: usize, causes: Causes) -> Self {
        Report { width: width.clamp(60, 120), tally: Tally::new(causes), shown: 0 }
    }

    /// Shows an event, or counts it if its like was shown.
    pub fn event(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        // What no pattern knows is told of seldom enough.
        if !unclassified::is(event) && !self.tally.observe(event) {
            return Ok(());
        }
        if self.shown > 0 {
            writeln!(out)?;
        }
        self.shown += 1;
        self.event_alone(event, out)
    }

    /// Shows an event without counting it.
    pub(super) fn event_alone(&self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        let colour = colour(event.pattern.severity);
        let severity = event.pattern.severity.text();
        writeln!(out, "{colour}{severity:<5}{colour:#} {BOLD}{}{BOLD:#}", event.pattern.title)?;
        writeln!(out, "      {DIM}{}{DIM:#}", event.pattern.id)?;
        if let Some(place) = place(event) {
            self.field(out, "where", &place)?;
        }
        let label = if event.origin == Origin::Log { "line" } else { "from" };
        writeln!(out, "{DIM}{label:>6}{DIM:#}  {}", visible(&position(event), usize::MAX))?;
        if let Some(time) = event.time {
            self.field(out, "when", &time.to_string())?;
        }
        self.log(event, out)?;
        self.field(out, "why", event.pattern.cause.trim())?;
        for (number, step) in event.pattern.fix.iter().enumerate() {
            let label = if number == 0 { "fix" } else { "" };
            self.field(out, label, &format!("{}. {}", number + 1, step.trim()))?;
        }
        if let Some(reference) = event.pattern.references.first() {
            writeln!(out, "{DIM}{:>6}{DIM:#}  {reference}", "more")?;
        }
        Ok(())
    }

    /// The record, and what was caught in it.
    fn log(&self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        match &event.told {
            Some(told) => self.field(out, "log", &cut(told))?,
            None => self.record(event, out)?,
        }
        self.facts(event, out)
    }

    fn record(&self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        let lines: Vec<&str> = event.record.lines().collect();
        let cut = lines.len().saturating_sub(MAX_RECORD_LINES);
        let head = if cut == 0 { lines.len() } else { MAX_RECORD_LINES / 3 };
        let mut label = "log";
        for (number, line) in lines.iter().enumerate() {
            if cut > 0 && number == head {
                writeln!(out, "{:>6}  {DIM}… {cut} lines …{DIM:#}", "")?;
            }
            if number < head || number >= head + cut {
                let identifying = lines.len() > 1 && *line == event.body;
                let style = if identifying { BOLD } else { Style::new() };
                writeln!(out, "{DIM}{label:>6}{DIM:#}  {style}{}{style:#}", visible(line, MAX_LINE_CHARS))?;
                label = "";
            }
        }
        Ok(())
    }

    fn facts(&self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        let facts = event.attributes.iter().map(|attribute| {
            let value = match &attribute.value {
                Value::Text(text) => visible(text, 200).into_owned(),
                Value::Int(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
            };
            format!("{} = {value}", attribute.name)
        });
        for (number, fact) in facts.enumerate() {
            self.field(out, if number == 0 { "facts" } else { "" }, &fact)?;
        }
        Ok(())
    }

    fn field(&self, out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
        let text = visible(text, usize::MAX);
        for (number, line) in textwrap::wrap(&text, self.width - 8).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            writeln!(out, "{DIM}{label:>6}{DIM:#}  {line}")?;
        }
        Ok(())
    }

    /// Closes the report.
    pub fn summary(&self, coverage: Coverage, out: &mut dyn Write) -> io::Result<()> {
        let groups = self.tally.groups();
        let read = format!("{} in {}", bytes(coverage.bytes), counted(coverage.sources, "source"));
        if groups.is_empty() {
            return writeln!(out, "No known failure found ({read} read).");
        }
        let failures = || groups.iter().flat_map(|group| &group.failures);
        let kinds: HashSet<&str> = failures().map(|failure| failure.pattern.id.as_str()).collect();
        let known = counted(kinds.len() as u64, "known failure");
        let occurrences = counted(failures().map(|failure| failure.occurrences).sum(), "occurrence");
        let incidents = match groups.iter().map(|group| group.incidents).sum() {
            0 | 1 => String::new(),
            several => format!(" in {}", counted(several, "incident")),
        };
        writeln!(out, "\n{BOLD}{known}{incidents}, {occurrences}{BOLD:#} {DIM}({read} read){DIM:#}")?;
        for group in &groups {
            if !incidents.is_empty() {
                writeln!(out, "\n{BOLD}{}{BOLD:#}", visible(&whose(group), usize::MAX))?;
            }
            for failure in &group.failures {
                self.summary_line(failure, group, out)?;
            }
        }
        Ok(())
    }

    fn summary_line(&self, failure: &Failure, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let colour = colour(failure.pattern.severity);
        let severity = failure.pattern.severity.text();
        let times = format!("{}×", failure.occurrences);
        let places = if failure.places > 1 { format!(" in {} containers", failure.places) } else { String::new() };
        writeln!(out, "{times:>6}  {colour}{severity:<5}{colour:#} {}{DIM}{places}{DIM:#}", failure.pattern.title)?;
        let causes = self.tally.causes(failure, group);
        if !causes.is_empty() {
            let titles: Vec<&str> = causes.iter().map(|cause| cause.pattern.title.as_str()).collect();
            writeln!(out, "{:>14}{DIM}explained by: {}{DIM:#}", "", titles.join("; "))?;
        } else if self.explains_another(failure, group) {
            writeln!(out, "{:>14}{BOLD}← root cause: start here{BOLD:#}", "")?;
        }
        Ok(())
    }

    fn explains_another(&self, failure: &Failure, group: &Group) -> bool {
        let by_this = |cause: &&Failure| cause.pattern.id == failure.pattern.id;
        group.failures.iter().any(|other| self.tally.causes(other, group).iter().any(by_this))
    }
}

/// The workloads of a group, as many as are of use.
fn whose(group: &Group) -> String {
    let names: Vec<&str> =
        group.workloads.iter().map(|name| if name == "-" { "standard input" } else { name }).collect();
    match names.as_slice() {
        [] => "elsewhere".into(),
        [first, rest @ ..] if rest.len() > 2 => format!("{first} and {} more", rest.len()),
        few => few.join(", "),
    }
}

pub(super) fn colour(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Info => AnsiColor::Cyan,
        Severity::Warn => AnsiColor::Yellow,
        Severity::Error | Severity::Fatal => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// `namespace/pod · container (restart 2)`, as much as is known.
fn place(event: &Event) -> Option<String> {
    let Place { namespace, pod, container, object } = Place::of(&event.resource);
    let pod = pod.or(object).map(|pod| namespace.map_or(pod.clone(), |namespace| format!("{namespace}/{pod}")));
    let restarts = event.resource.attributes.iter().find(|a| a.name == "k8s.container.restart_count").map(|a| &a.value);
    let container = container.map(|container| match restarts {
        Some(Value::Int(restarts)) if *restarts > 0 => format!("{container} (restart {restarts})"),
        _ => container,
    });
    let parts: Vec<String> = pod.into_iter().chain(container).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// `source:line`, or `source:first-last`; of what is no log the source alone.
pub(super) fn position(event: &Event) -> String {
    let source = if &*event.source == "-" { "standard input" } else { &event.source };
    if event.origin != Origin::Log {
        return source.to_owned();
    }
    let last = if event.last_line > event.line { format!("-{}", event.last_line) } else { String::new() };
    format!("{source}:{}{last}", event.line)
}

/// The beginning of a long text, as far as a person wants to read.
fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(2 * MAX_LINE_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Makes text safe to print: control characters become visible, and what is too long is cut.
pub(super) fn visible(text: &str, max_chars: usize) -> Cow<'_, str> {
    let long = text.char_indices().nth(max_chars).map(|(at, _)| at);
    let hostile =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if long.is_none() && !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let shown = &text[..long.unwrap_or(text.len())];
    let mut safe: String = shown
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            // The control pictures of Unicode: U+2400 and on.
            '\0'..='\x1f' if c != '\n' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            c if hostile(c) => '\u{fffd}',
            c => c,
        })
        .collect();
    if long.is_some() {
        safe.push('…');
    }
    Cow::Owned(safe)
}

/// `1 log`, `2 logs`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_the_terminal() {
        let table =
            [("plain", "plain"), ("a\x1b[31mb", "a␛[31mb"), ("a\u{202e}b\x7f", "a\u{fffd}b\u{fffd}"), ("a\tb", "a b")];
        for (text, want) in table {
            assert_eq!(visible(text, 100), want);
        }
        assert_eq!(visible("abcdef", 3), "abc…");
    }
}
