//! The exception at the end of a Python traceback.

use memchr::memmem;

use super::super::python::{Python, final_type};
use super::{Lines, joined, message, owned};
use crate::event::Exception;

const HEADER: &[u8] = b"Traceback (most recent call last):";
const GROUP: &[u8] = b"+ Exception Group ";

pub(super) fn find(lines: &Lines<'_>) -> Option<Exception> {
    let (at, (offset, state)) = lines.first(begin)?;
    let trace = lines.trace(at, offset, state);
    let (kind, said) = last_exception(&trace).unwrap_or_default();
    let told = kind.is_some() || trace.len() > 1;
    told.then(|| Exception { kind, message: said, stacktrace: Some(joined(trace.iter().map(|(line, _)| *line))) })
}

fn begin(line: &[u8]) -> Option<(usize, Python)> {
    let at = memmem::find(line, HEADER)?;
    let alone = line[at + HEADER.len()..].trim_ascii().is_empty();
    let group = line[..at].ends_with(GROUP);
    let margin = at.saturating_sub(GROUP.len() + 2);
    alone.then_some(if group { (margin, Python::Group) } else { (at, Python::Frames) })
}

/// The type and the message of the chain's last exception.
fn last_exception(trace: &[(&[u8], Python)]) -> Option<(Option<String>, Option<String>)> {
    let at = match trace.last()?.1 {
        // Of a group it is the first that names the group.
        Python::Group => {
            let start = trace.iter().rposition(|(_, state)| *state != Python::Group).map_or(0, |at| at + 1);
            start + trace[start..].iter().position(|(line, _)| final_type(bare(line)).is_some())?
        }
        _ => trace.windows(2).rposition(|pair| pair[1].1 == Python::Ended && pair[0].1 != Python::Ended)? + 1,
    };
    let line = bare(trace[at].0);
    let end = final_type(line)?;
    let more = trace[at + 1..].iter().take_while(|(_, state)| *state == Python::Ended).map(|(line, _)| *line);
    let said = line.get(end + 1..).unwrap_or_default();
    let said = joined(std::iter::once(said).chain(more));
    Some((Some(owned(&line[..end])), message(said)))
}

/// The line without the bar of a group.
fn bare(line: &[u8]) -> &[u8] {
    line.trim_ascii_start().strip_prefix(b"| ").unwrap_or(line)
}
