//! The record around a line: back to where it can begin, then forward until it is closed.

use super::Limits;
use super::lines::{Lane, Lines, Logical, Raw};
use crate::engine::Clues;
use crate::record::trace::{self, Assembler, Step};

/// One record: one or more logical lines of a lane.
pub(super) struct Assembled<'w> {
    /// Its lines, in order; at least one.
    pub lines: Vec<Logical<'w>>,
    /// The line right before it, whose header speaks for a trace that has none.
    pub lead: Option<Raw<'w>>,
    /// What is known by its raw bytes, where it is one line.
    pub clues: Option<&'w Clues>,
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
pub(super) enum Assembly<'w> {
    /// The record is whole.
    Closed(Assembled<'w>),
    /// More lines could belong to it; it begins here.
    Open { start: usize },
}

/// Assembles the record that the raw line at `hit` is part of. Looks no further back than `floor`. `last`: no more lines
/// will come, so what is open is closed.
pub(super) fn around<'w>(
    lines: Lines<'w>,
    lane: Lane,
    hit: usize,
    floor: usize,
    last: bool,
    limits: &Limits,
) -> Option<Assembly<'w>> {
    let first = lines.logical_start(lane, hit, floor);
    // What is further back may have left the window; where to stop must not depend on that.
    let floor = floor.max(hit.saturating_sub(limits.lookback_bytes));
    let hit = first;
    let mut at = earliest_start(lines, lane, hit, floor, limits);
    loop {
        let record = forward(lines, lane, at, last, limits)?;
        match record {
            Assembly::Closed(record) if record.end() <= hit => at = record.end(),
            Assembly::Closed(mut record) => {
                if record.lines.len() > 1 {
                    record.lead = lines.raw_before(record.start()).filter(|raw| raw.lane() == lane);
                }
                return Some(Assembly::Closed(record));
            }
            open => return Some(open),
        }
    }
}

/// Where the record begins, at the earliest, that the last line of a lane is part of. None: the lane has no line after `floor`.
pub(super) fn last_record(lines: Lines<'_>, lane: Lane, floor: usize, limits: &Limits) -> Option<usize> {
    let last = lines.previous(lane, lines.bytes.len(), floor)?;
    Some(earliest_start(lines, lane, last.start, floor, limits))
}

/// The record that a raw line is of its own, which told these clues.
pub(super) fn alone<'w>(raw: Raw<'w>, clues: &'w Clues) -> Assembled<'w> {
    Assembled { lines: vec![raw.into()], lead: None, clues: Some(clues) }
}

/// Is the raw line a record of its own? Looks no further back than `floor`. Where that isn't plain at once, it says no.
pub(super) fn is_alone(lines: Lines<'_>, raw: &Raw<'_>, floor: usize, limits: &Limits) -> bool {
    if raw.frame.partial || Assembler::start(&raw.frame.content).is_some() {
        return false;
    }
    let (lane, start) = (raw.lane(), raw.start);
    let Some(before) = lines.previous_in_lane(lane, start, floor) else { return true };
    if before.frame.partial {
        return false;
    }
    if before.start < start.saturating_sub(limits.lookback_bytes) {
        return true;
    }
    // Of a line in fragments this is the last one, which doesn't say what the line is.
    lines.logical_start(lane, before.start, floor) == before.start
        && !trace::may_continue(&before.frame.content, &raw.frame.content)
}

/// How far back a record that holds the line at `hit` can begin: until two neighbours can't stand in one record.
fn earliest_start(lines: Lines<'_>, lane: Lane, hit: usize, floor: usize, limits: &Limits) -> usize {
    let Some(mut line) = lines.next(lane, hit, usize::MAX) else { return hit };
    for _ in 0..limits.record_lines {
        let Some(before) = lines.previous(lane, line.start, floor) else { break };
        if !trace::may_continue(&before.content, &line.content) {
            break;
        }
        line = before;
    }
    line.start
}

/// The record that begins with the first line of the lane at or after `at`.
pub(super) fn forward<'w>(
    lines: Lines<'w>,
    lane: Lane,
    at: usize,
    last: bool,
    limits: &Limits,
) -> Option<Assembly<'w>> {
    let first = lines.next(lane, at, usize::MAX)?;
    let start = first.start;
    let until = start.saturating_add(limits.record_bytes);
    if !first.complete && !last {
        return Some(Assembly::Open { start });
    }
    let Some(mut assembler) = Assembler::start(&first.content) else {
        return Some(Assembly::Closed(Assembled { lines: vec![first], lead: None, clues: None }));
    };
    let mut joined = vec![first];
    let mut held: Vec<Logical<'w>> = Vec::new();
    let mut next_at = joined[0].end;
    let closed = loop {
        if joined.len() + held.len() >= limits.record_lines {
            break true;
        }
        let Some(line) = lines.next(lane, next_at, until) else { break last || until <= lines.bytes.len() };
        if !line.complete && !last {
            break false;
        }
        next_at = line.end;
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
        true => Some(Assembly::Closed(Assembled { lines: joined, lead: None, clues: None })),
        false => Some(Assembly::Open { start }),
    }
}
