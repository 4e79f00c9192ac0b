//! Secrets taken out of what leaves the process: tokens, keys and passwords that logs print by mistake.
//!
//! Holds the rules by which a secret is known ([`rules`]) and puts [`MASK`] in its place. A rule knows a secret by its own shape
//! (`AKIA…`, `eyJ….eyJ…`) or by what stands before it (`password=`, `Bearer `). What is long and random but no secret stays: digests, uids, request ids,
//! names of models. Knows nothing of patterns, files or transports; it never changes an event's identity.

mod rules;

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{Event, Value};

/// What stands where a secret was.
pub const MASK: &str = "[REDACTED]";

/// A secret shorter than this is only masked where a rule finds it, and not wherever the same letters stand.
const TELLING: usize = 6;

/// The text without its secrets.
pub fn text(text: &str) -> Cow<'_, str> {
    let found = rules::secrets(text);
    if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(masked(text, &found)) }
}

/// Takes the secrets out of everything that an event shows of its log. Gives how many places were masked.
///
/// A secret that the whole record gives away is masked in every part, also where the part alone would not tell: a capture may be the
/// bare password.
pub fn event(event: &mut Event) -> u64 {
    let record = event.record.clone();
    let found = rules::secrets(&record);
    let mut known: Vec<String> =
        found.iter().map(|range| record[range.clone()].to_owned()).filter(|s| s.len() >= TELLING).collect();
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    known.dedup();
    let mut places = 0;
    for part in parts(event) {
        // The record is a part itself, and of one line it is the body too.
        let own = if *part == record { found.clone() } else { rules::secrets(part) };
        places += mask(part, own, &known);
    }
    places
}

/// All texts of an event that come from the log.
fn parts(event: &mut Event) -> impl Iterator<Item = &mut String> {
    let attributes = event.attributes.iter_mut().filter_map(|attribute| match &mut attribute.value {
        Value::Text(text) => Some(text),
        Value::Int(_) | Value::Bool(_) => None,
    });
    let exception = event.exception.iter_mut().flat_map(|e| [&mut e.message, &mut e.stacktrace]).flatten();
    [&mut event.body, &mut event.record].into_iter().chain(event.told.as_mut()).chain(attributes).chain(exception)
}

/// Masks what the rules found in this part, and the secrets that are known already.
fn mask(part: &mut String, mut found: Vec<Range<usize>>, known: &[String]) -> u64 {
    for secret in known {
        found.extend(part.match_indices(secret.as_str()).map(|(at, _)| at..at + secret.len()));
    }
    if found.is_empty() {
        return 0;
    }
    let found = merged(found);
    *part = masked(part, &found);
    found.len() as u64
}

/// Ranges in order, those that touch or overlap made one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The text with the mask in place of these ranges, which are in order and apart.
fn masked(text: &str, ranges: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.push_str(&text[from..range.start]);
        out.push_str(MASK);
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests;
