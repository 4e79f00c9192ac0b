//! The record around a line: back to where it can begin, then forward until it is closed.

use super::Limits;
use super::lines::{Lane, Lines, Logical};
use crate::record::trace::{self, Assembler, Step};

/// One record: one or more logical lines of a lane.
#[derive(Debug)]
pub(super) struct Assembled<'w> {
    /// Its lines, in order; at least one.
    pub lines: Vec<Logical<'w>>,
    /// The line right before it, whose header speaks for a trace that has none.
    pub lead: Option<Logical<'w>>,
}

impl Assembled<'_> {
    pub(super) fn start(&self) -> usize {
        self.lines[0].start
    }

    pub(super) fn end(&self) -> usize {
        self.lines[self.lines.len() - 1].end
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Assembly<'w> {
    /// The record is whole.
    Closed(Assembled<'w>),
    /// More lines could belong to it; it begins here.
    Open { start: usize },
}

/// Assembles the record that the raw line at `hit` is part of. Looks no further back than `floor`. `last`: no more lines
/// will come, so what is open is closed.
pub(super) fn around<'w>(lines: Lines<'w>, lane: Lane, hit: usize, floor: usize, last: bool, limits: &Limits) -> Option<Assembly<'w>> {
    let hit = lines.logical_start(lane, hit, floor);
    let mut at = earliest_start(lines, lane, hit, floor, limits);
    loop {
        let record = forward(lines, lane, at, last, limits)?;
        match record {
            Assembly::Closed(record) if record.end() <= hit => at = record.end(),
            Assembly::Closed(mut record) => {
                if record.lines.len() > 1 {
                    record.lead = lines.previous(lane, record.start(), 0);
                }
                return Some(Assembly::Closed(record));
            }
            open => return Some(open),
        }
    }
}

/// How far back a record that holds the line at `hit` can begin: until two neighbours can't stand in one record.
fn earliest_start(lines: Lines<'_>, lane: Lane, hit: usize, floor: usize, limits: &Limits) -> usize {
    let Some(mut line) = lines.next(lane, hit) else { return hit };
    for _ in 0..limits.record_lines {
        let Some(before) = lines.previous(lane, line.start, floor) else { break };
        let too_far = hit - before.start > limits.lookback_bytes;
        if too_far || !trace::may_continue(&before.content, &line.content) {
            break;
        }
        line = before;
    }
    line.start
}

/// The record that begins with the first line of the lane at or after `at`.
fn forward<'w>(lines: Lines<'w>, lane: Lane, at: usize, last: bool, limits: &Limits) -> Option<Assembly<'w>> {
    let first = lines.next(lane, at)?;
    let start = first.start;
    if !first.complete && !last {
        return Some(Assembly::Open { start });
    }
    let Some(mut assembler) = Assembler::start(&first.content) else {
        return Some(Assembly::Closed(Assembled { lines: vec![first], lead: None }));
    };
    let mut joined = vec![first];
    let mut held: Vec<Logical<'w>> = Vec::new();
    let mut next_at = joined[0].end;
    let mut bytes = joined[0].content.len();
    let closed = loop {
        if joined.len() + held.len() >= limits.record_lines || bytes >= limits.record_bytes {
            break true;
        }
        let Some(line) = lines.next(lane, next_at) else { break last };
        if !line.complete && !last {
            break false;
        }
        next_at = line.end;
        bytes += line.content.len();
        match assembler.push(&line.content) {
            Step::Joined => {
                joined.append(&mut held);
                joined.push(line);
            }
            Step::Held => held.push(line),
            Step::Closed => break true,
        }
    };
    match closed {
        true => Some(Assembly::Closed(Assembled { lines: joined, lead: None })),
        false => Some(Assembly::Open { start }),
    }
}
