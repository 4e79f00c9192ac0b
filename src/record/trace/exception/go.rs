//! The value of a Go panic, or the words of a crash of the runtime.

use memchr::memmem;

use super::super::go::{Go, is_crash, panic_at, report_at};
use super::super::prefix::leads;
use super::super::text::{finder, is_indented};
use super::{Lines, joined, message, owned};
use crate::event::Exception;

const SERVING: &[u8] = b"http: panic serving ";
const RUNTIME: &str = "runtime error: ";

pub(super) fn find(lines: &Lines<'_>) -> Option<Exception> {
    panicked(lines).or_else(|| crashed(lines))
}

fn panicked(lines: &Lines<'_>) -> Option<Exception> {
    let (at, (offset, skip)) = lines.first(panic_words)?;
    let trace = lines.trace(at, offset, Go::Panicked);
    let framed = trace.iter().any(|(_, state)| *state == Go::Stacks);
    let line = lines.lines[at];
    if !framed && (lines.quoted || !leads(&line[..offset])) {
        return None;
    }
    let first = trace[0].0.get(skip..).unwrap_or_default().trim_ascii_end();
    let first = first.strip_suffix(b" [recovered]").unwrap_or(first);
    let more = trace[1..].iter().map(|(line, _)| *line).take_while(|line| is_value(line));
    let said = joined(std::iter::once(first).chain(more));
    let (kind, said) = said.strip_prefix(RUNTIME).map_or(("panic", said.as_str()), |said| ("runtime error", said));
    Some(told(kind, said, &trace, framed))
}

/// Where the report begins in the line, and how many bytes stand before the value.
fn panic_words(line: &[u8]) -> Option<(usize, usize)> {
    if let Some(at) = memmem::find(line, SERVING) {
        let value = memmem::find(&line[at + SERVING.len()..], b": ")?;
        return Some((at, SERVING.len() + value + 2));
    }
    panic_at(line).map(|at| (at, b"panic: ".len()))
}

/// A further line of a panic's value, rather than a nested panic.
fn is_value(line: &[u8]) -> bool {
    is_indented(line) && !line.trim_ascii().is_empty() && !line.trim_ascii_start().starts_with(b"panic: ")
}

fn crashed(lines: &Lines<'_>) -> Option<Exception> {
    let heads = [finder!("SIG"), finder!("fatal error: "), finder!("runtime: "), finder!("unexpected fault")];
    let (at, offset) = lines.first(|line| report_at(line, &heads, is_crash))?;
    let trace = lines.trace(at, offset, Go::Head);
    let framed = trace.iter().any(|(_, state)| *state == Go::Stacks);
    // What the runtime says before its verdict explains it, but the verdict is the failure.
    let verdict = trace.iter().map(|(line, _)| *line).find(|line| line.starts_with(b"fatal error: "));
    let line = owned(verdict.unwrap_or(trace[0].0));
    let (kind, said) = match line.split_once(": ") {
        Some((kind, said)) if kind.starts_with("SIG") || kind == "fatal error" => (kind, said),
        Some(("runtime", said)) => ("fatal error", said),
        _ => ("fatal error", line.as_str()),
    };
    Some(told(kind, said, &trace, framed))
}

fn told(kind: &str, said: &str, trace: &[(&[u8], Go)], framed: bool) -> Exception {
    Exception {
        kind: Some(kind.to_owned()),
        message: message(said.to_owned()),
        stacktrace: framed.then(|| joined(trace.iter().map(|(line, _)| *line))),
    }
}
