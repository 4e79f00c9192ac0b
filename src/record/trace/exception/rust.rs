//! The message of a Rust panic.

use memchr::memmem;

use super::super::rust::{Rust, panic_at};
use super::{Lines, joined, message, owned};
use crate::event::Exception;

pub(super) fn find(lines: &Lines<'_>) -> Option<Exception> {
    let (at, offset) = lines.first(panic_at)?;
    let said = said_in_line(lines.cut(at, offset).0);
    let trace = lines.trace(at, offset, if said.is_some() { Rust::Told } else { Rust::Announced });
    let below =
        trace[1..].iter().take_while(|(_, state)| matches!(state, Rust::Told | Rust::Gap(_))).map(|(line, _)| *line);
    let said = said.unwrap_or_else(|| joined(below));
    let framed = trace.iter().any(|(_, state)| *state == Rust::Frames);
    Some(Exception {
        kind: Some("panic".to_owned()),
        message: message(said),
        stacktrace: framed.then(|| joined(trace.iter().map(|(line, _)| *line))),
    })
}

/// `'message', src/main.rs:4:5`, as it was before the message got its own line.
fn said_in_line(line: &[u8]) -> Option<String> {
    let start = memmem::find(line, b" panicked at '")? + 14;
    let end = memmem::rfind(line, b"', ").filter(|end| *end >= start)?;
    Some(owned(&line[start..end]))
}
