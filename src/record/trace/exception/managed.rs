//! The outermost exception of the runtimes whose frames begin with `at`: the JVM, .NET, Node.js.

use super::super::dotnet::{self, DotNet};
use super::super::java::{self, Java};
use super::super::node::{self, Node};
use super::super::run::Grammar;
use super::super::text::{exception_names, is_at_frame};
use super::{Lines, joined, message, owned};
use crate::event::Exception;

pub(super) fn find(lines: &Lines<'_>) -> Option<Exception> {
    let framed = lines.lines.iter().enumerate().find_map(|(at, line)| {
        let offset = begin(line, lines.quoted)?;
        let node = if line.trim_ascii_end().ends_with(b"{") { Node::Properties } else { Node::Told };
        let traces = [
            trace(lines, at, offset, Java::Told),
            trace(lines, at, offset, DotNet::Told),
            trace(lines, at, offset, node),
        ];
        // The first line may suit all three; the right one can place the most of what follows.
        traces.into_iter().rev().max_by_key(Vec::len).and_then(framed)
    });
    framed.or_else(|| rejected(lines)).or_else(|| alone(lines))
}

/// Where the exception begins in the line. A string of a JSON object that goes on below is the last of its line.
fn begin(line: &[u8], quoted: bool) -> Option<usize> {
    if quoted && line.trim_ascii_start().starts_with(b"{") {
        return exception_names(line).last().map(|(start, _)| start);
    }
    // Either knows words of its own that stand before the type.
    let typed = java::exception_at(line).into_iter().chain(dotnet::exception_at(line)).min();
    typed.or_else(|| node::error_at(line))
}

fn trace<'t, G: Grammar>(lines: &Lines<'t>, at: usize, offset: usize, state: G) -> Vec<&'t [u8]> {
    lines.trace(at, offset, state).into_iter().map(|(line, _)| line).collect()
}

fn framed(trace: Vec<&[u8]>) -> Option<Exception> {
    let frame = trace.iter().position(|line| is_at_frame(line))?;
    let mut exception = described(trace[0], &trace[1..frame])?;
    exception.stacktrace = Some(joined(trace));
    Some(exception)
}

/// `[UnhandledPromiseRejection: … ] {`: what Node.js says where a rejection's reason is no error and so has no frames.
fn rejected(lines: &Lines<'_>) -> Option<Exception> {
    const HEAD: &[u8] = b"[UnhandledPromiseRejection: ";
    let (_, said) = lines.first(|line| line.strip_prefix(HEAD))?;
    let said = &said[..said.iter().rposition(|b| *b == b']').unwrap_or(said.len())];
    let kind = Some("UnhandledPromiseRejection".to_owned());
    Some(Exception { kind, message: message(owned(said)), stacktrace: None })
}

/// An exception without frames counts where the record begins with it.
fn alone(lines: &Lines<'_>) -> Option<Exception> {
    let line = lines.lines.first()?;
    (!lines.quoted && begin(line, false) == Some(0)).then(|| described(line, &[])).flatten()
}

/// The exception whose own line is `first`, its message going on in `more`.
fn described(first: &[u8], more: &[&[u8]]) -> Option<Exception> {
    let first = after_intro(first);
    let (start, end) = exception_names(first).next()?;
    let rest = first[end..].trim_ascii_start();
    // `TypeError [ERR_CODE]: message`
    let rest =
        match rest.strip_prefix(b"[").and_then(|code| code.iter().position(|b| *b == b']').map(|at| &code[at + 1..])) {
            Some(after) if after.starts_with(b":") => after,
            _ => rest,
        };
    let said = rest.strip_prefix(b":").unwrap_or_default();
    let wrapped = |line: &&&[u8]| !line.trim_ascii_start().starts_with(b"---> ");
    let said = joined(std::iter::once(said).chain(more.iter().take_while(wrapped).copied()));
    let said = said.strip_suffix(" {").unwrap_or(&said).to_owned();
    Some(Exception { kind: Some(owned(&first[start..end])), message: message(said), stacktrace: None })
}

/// The line from the type on, where words that could be taken for one stand before it.
fn after_intro(line: &[u8]) -> &[u8] {
    if let Some(thread) = line.strip_prefix(b"Exception in thread \"") {
        return memchr::memmem::find(thread, b"\" ").map_or(thread, |end| &thread[end + 2..]);
    }
    line.strip_prefix(b"Unhandled Exception: ").unwrap_or(line)
}
