//! Walking over the lines of a window, back and forth, fragment by fragment.
//!
//! A raw line is what stands between two newlines, or a piece of that where it is longer than the limit; where the pieces begin
//! depends on the line alone, not on how its bytes arrived. A logical line is what the program printed: the fragments that the
//! container runtime cut it into, joined again. stdout and stderr share a file, so each has a lane of its own.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Limits;
use crate::frame::{self, Format, Frame, Stream};

/// Which of a file's interleaved streams a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Stdout,
    Stderr,
    /// The framing doesn't say.
    Only,
}

impl Lane {
    pub(super) const COUNT: usize = 3;
    pub(super) const ALL: [Lane; Lane::COUNT] = [Lane::Stdout, Lane::Stderr, Lane::Only];

    pub(super) fn of(frame: &Frame<'_>) -> Lane {
        match frame.stream {
            Some(stream) => Lane::of_stream(stream),
            None => Lane::Only,
        }
    }

    pub(super) fn of_stream(stream: Stream) -> Lane {
        match stream {
            Stream::Stdout => Lane::Stdout,
            Stream::Stderr => Lane::Stderr,
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Lane::Stdout => Some("stdout"),
            Lane::Stderr => Some("stderr"),
            Lane::Only => None,
        }
    }
}

/// A line as the program printed it.
#[derive(Clone, Debug)]
pub(super) struct Logical<'w> {
    /// Where its first raw line starts.
    pub start: usize,
    /// Where its last raw line ends, newline included.
    pub end: usize,
    /// Its text.
    pub content: Cow<'w, [u8]>,
    /// The time that the framing gives its first fragment.
    pub time: Option<Timestamp>,
    /// No more fragments can be joined to it.
    pub complete: bool,
}

/// The whole lines of a window. `bytes` begins where a raw line does, and its last line ends where `bytes` does.
#[derive(Clone, Copy)]
pub(super) struct Lines<'w> {
    pub bytes: &'w [u8],
    pub format: Format,
    /// A raw line longer than this is cut.
    pub line_bytes: usize,
    /// Only fragments that begin within so many bytes are joined.
    pub reach: usize,
}

/// One raw line and its frame.
#[derive(Clone)]
pub(super) struct Raw<'w> {
    pub start: usize,
    pub end: usize,
    pub frame: Frame<'w>,
}

impl Raw<'_> {
    pub(super) fn lane(&self) -> Lane {
        Lane::of(&self.frame)
    }
}

impl<'w> From<Raw<'w>> for Logical<'w> {
    /// The logical line that begins with a raw one, as far as that goes.
    fn from(Raw { start, end, frame }: Raw<'w>) -> Self {
        Logical { start, end, content: frame.content, time: frame.time, complete: !frame.partial }
    }
}

/// Where the last piece begins of a line of `length` bytes, of which no piece is longer than `line_bytes`.
pub(super) fn last_piece(length: usize, line_bytes: usize) -> usize {
    let line_bytes = line_bytes.max(1);
    length.saturating_sub(1) / line_bytes * line_bytes
}

impl<'w> Lines<'w> {
    pub(super) fn new(bytes: &'w [u8], format: Format, limits: &Limits) -> Self {
        Lines { bytes, format, line_bytes: limits.line_bytes.max(1), reach: limits.record_bytes }
    }

    /// The bounds of the raw line that starts at `start`: where its text ends, and where the next line starts.
    fn bounds(&self, start: usize) -> Option<(usize, usize)> {
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        // One byte more than a line may have: there its newline may stand.
        let look = &rest[..rest.len().min(self.line_bytes.saturating_add(1))];
        match memchr::memchr(b'\n', look) {
            Some(newline) => Some((start + newline, start + newline + 1)),
            None => {
                let end = start + look.len().min(self.line_bytes);
                Some((end, end))
            }
        }
    }

    /// The raw line that starts at `start`.
    pub(super) fn raw(&self, start: usize) -> Option<Raw<'w>> {
        let (text_end, end) = self.bounds(start)?;
        Some(Raw { start, end, frame: frame::decode(&self.bytes[start..text_end], self.format) })
    }

    /// The bytes of the raw line that starts at `start`, without its newline.
    pub(super) fn text(&self, start: usize) -> &'w [u8] {
        self.bounds(start).map_or(&[], |(text_end, _)| &self.bytes[start..text_end])
    }

    /// The raw line that ends at `end`.
    pub(super) fn raw_before(&self, end: usize) -> Option<Raw<'w>> {
        self.raw(self.start_before(end)?)
    }

    /// Where the raw line starts that ends at `end`.
    pub(super) fn start_before(&self, end: usize) -> Option<usize> {
        let last = end.checked_sub(1)?;
        let text_end = if self.bytes[last] == b'\n' { last } else { end };
        let line = memchr::memrchr(b'\n', &self.bytes[..text_end]).map_or(0, |newline| newline + 1);
        Some(line + last_piece(text_end - line, self.line_bytes))
    }

    /// The next raw line of a lane that starts at or after `at` and before `until`.
    pub(super) fn next_in_lane(&self, lane: Lane, mut at: usize, until: usize) -> Option<Raw<'w>> {
        while at < until {
            let raw = self.raw(at)?;
            if raw.lane() == lane {
                return Some(raw);
            }
            at = raw.end;
        }
        None
    }

    /// The last raw line of a lane that starts at or after `floor` and ends at or before `end`.
    pub(super) fn previous_in_lane(&self, lane: Lane, mut end: usize, floor: usize) -> Option<Raw<'w>> {
        while end > floor {
            let raw = self.raw_before(end)?;
            if raw.start < floor {
                return None;
            }
            if raw.lane() == lane {
                return Some(raw);
            }
            end = raw.start;
        }
        None
    }

    /// The next logical line of a lane that starts at or after `at` and before `until`.
    pub(super) fn next(&self, lane: Lane, at: usize, until: usize) -> Option<Logical<'w>> {
        let first = self.next_in_lane(lane, at, until)?;
        let until = first.start.saturating_add(self.reach);
        let mut line = Logical::from(first);
        while !line.complete {
            let Some(more) = self.next_in_lane(lane, line.end, until) else {
                line.complete = until <= self.bytes.len();
                break;
            };
            line.content.to_mut().extend_from_slice(&more.frame.content);
            line.end = more.end;
            line.complete = !more.frame.partial;
        }
        Some(line)
    }

    /// Where the logical line starts that the raw line at `at` is part of. Looks no further back than `floor`.
    pub(super) fn logical_start(&self, lane: Lane, at: usize, floor: usize) -> usize {
        let mut start = at;
        while let Some(before) = self.previous_in_lane(lane, start, floor) {
            let too_far = at - before.start >= self.reach;
            if !before.frame.partial || too_far {
                break;
            }
            start = before.start;
        }
        start
    }

    /// The logical line of a lane that ends at or before `end`, looking no further back than `floor`.
    pub(super) fn previous(&self, lane: Lane, end: usize, floor: usize) -> Option<Logical<'w>> {
        let last = self.previous_in_lane(lane, end, floor)?;
        let start = self.logical_start(lane, last.start, floor);
        self.next(lane, start, usize::MAX)
    }
}
