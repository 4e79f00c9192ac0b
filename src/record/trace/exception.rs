//! The exception that a record shows, by the semantic conventions' three fields.
//!
//! Reads a whole record; doesn't decide which lines make one. A trace may stand inside a JSON object whose escapes were undone in
//! place: then it ends where its string does.

mod fields;
mod go;
mod managed;
mod python;
mod rust;

use std::cell::LazyCell;

use super::run::{Grammar, Next, Run};
use super::words::Words;
use crate::event::{self, Exception};

/// The exception that a record shows: of Python the last of a chain, of other languages the outermost.
///
/// `text` is the record's lines joined with `\n`, the escapes of a JSON log undone. Prefixes that the lines repeat are taken off.
/// None where nothing names a failure, however many frames there are.
pub fn exception(text: &[u8]) -> Option<Exception> {
    told_of(Words::of(text), text)
}

/// The same of a text where no other words stand than these.
fn told_of(words: Words, text: &[u8]) -> Option<Exception> {
    let lines = LazyCell::new(|| Lines::of(text));
    let find = |of: Words, find: fn(&Lines<'_>) -> Option<Exception>| words.any(of).then(|| find(&lines)).flatten();
    find(Words::TRACEBACK, python::find)
        .or_else(|| find(Words::PANIC, rust::find))
        .or_else(|| find(Words::GO, go::find))
        .or_else(|| find(Words::MANAGED, managed::find))
        .or_else(|| words.any(Words::STACK).then(|| fields::find(text)).flatten())
}

/// A record's lines.
struct Lines<'t> {
    lines: Vec<&'t [u8]>,
    /// Whether they stand inside a JSON object.
    quoted: bool,
}

impl<'t> Lines<'t> {
    fn of(text: &'t [u8]) -> Lines<'t> {
        Lines { lines: text.split(|b| *b == b'\n').collect(), quoted: text.trim_ascii_start().starts_with(b"{") }
    }

    /// The first line where `find` finds something, and what.
    fn first<F>(&self, find: impl Fn(&'t [u8]) -> Option<F>) -> Option<(usize, F)> {
        self.lines.iter().enumerate().find_map(|(at, line)| find(line).map(|found| (at, found)))
    }

    /// Line `at` up to the end of the JSON string that it ends, if it ends one.
    fn cut(&self, at: usize, offset: usize) -> (&'t [u8], bool) {
        let line = &self.lines[at][offset..];
        let end = if self.quoted { string_end(line, at + 1 == self.lines.len()) } else { None };
        end.map_or((line, false), |end| (&line[..end], true))
    }

    /// The trace that begins at `offset` of line `at`: the lines of it, prefixes taken off, with the state after each.
    fn trace<G: Grammar>(&self, at: usize, offset: usize, state: G) -> Vec<(&'t [u8], G)> {
        let mut run = Run::begin(self.lines[at], offset, state);
        let (first, mut ended) = self.cut(at, offset);
        let mut trace = vec![(first, state)];
        let mut joined = 1;
        for below in at + 1..self.lines.len() {
            if ended {
                break;
            }
            let (line, last) = self.cut(below, 0);
            ended = last;
            let (next, bare) = run.push(line);
            if next == Next::Close {
                break;
            }
            trace.push((bare, run.state()));
            if next == Next::Join(()) {
                joined = trace.len();
            }
        }
        trace.truncate(joined);
        trace
    }
}

/// Where a JSON string ends whose inner quotes lost their escapes: before the next field, or where only brackets follow to the end
/// of the object; `last` says whether `text` reaches that far.
fn string_end(text: &[u8], last: bool) -> Option<usize> {
    memchr::memchr_iter(b'"', text).find(|&at| {
        let rest = &text[at + 1..];
        let closes =
            last && !rest.is_empty() && rest.iter().all(|b| matches!(b, b'}' | b']') || b.is_ascii_whitespace());
        closes || rest.strip_prefix(b",").is_some_and(|rest| is_field(rest.trim_ascii_start()))
    })
}

/// `"name":`
fn is_field(text: &[u8]) -> bool {
    let Some(name) = text.strip_prefix(b"\"") else {
        return false;
    };
    let end = name.iter().take(64).position(|b| *b == b'"');
    end.is_some_and(|end| name[end + 1..].trim_ascii_start().starts_with(b":"))
}

fn owned(text: &[u8]) -> String {
    event::text(text).into_owned()
}

fn joined<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> String {
    let lines: Vec<&[u8]> = lines.into_iter().map(<[u8]>::trim_ascii_end).collect();
    owned(&lines.join(&b'\n'))
}

/// A message, none where it is empty.
fn message(text: String) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

#[cfg(test)]
pub(super) mod tests;
