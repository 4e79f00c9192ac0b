//! Walking over the lines of a window, back and forth, fragment by fragment.
//!
//! A raw line is what stands between two newlines. A logical line is what the program printed: the fragments that the
//! container runtime cut it into, joined again. stdout and stderr share a file, so each has a lane of its own.

use std::borrow::Cow;

use jiff::Timestamp;

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

    pub(super) fn of(frame: &Frame<'_>) -> Lane {
        match frame.stream {
            Some(Stream::Stdout) => Lane::Stdout,
            Some(Stream::Stderr) => Lane::Stderr,
            None => Lane::Only,
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
    /// Its last fragment is there.
    pub complete: bool,
}

/// The whole lines of a window: every line in `bytes` ends with a newline or at the end of `bytes`.
#[derive(Clone, Copy)]
pub(super) struct Lines<'w> {
    pub bytes: &'w [u8],
    pub format: Format,
    /// A logical line longer than this is cut.
    pub max_bytes: usize,
}

/// One raw line and its frame.
struct Raw<'w> {
    start: usize,
    end: usize,
    frame: Frame<'w>,
}

impl<'w> Lines<'w> {
    fn raw(&self, start: usize) -> Option<Raw<'w>> {
        if start >= self.bytes.len() {
            return None;
        }
        let text_end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |at| start + at);
        let frame = frame::decode(&self.bytes[start..text_end], self.format);
        Some(Raw { start, end: (text_end + 1).min(self.bytes.len()), frame })
    }

    fn raw_before(&self, end: usize) -> Option<Raw<'w>> {
        let last = end.checked_sub(1)?;
        let start = memchr::memrchr(b'\n', &self.bytes[..last]).map_or(0, |at| at + 1);
        self.raw(start)
    }

    fn next_in_lane(&self, lane: Lane, mut at: usize) -> Option<Raw<'w>> {
        loop {
            let raw = self.raw(at)?;
            if Lane::of(&raw.frame) == lane {
                return Some(raw);
            }
            at = raw.end;
        }
    }

    fn previous_in_lane(&self, lane: Lane, mut end: usize, floor: usize) -> Option<Raw<'w>> {
        while end > floor {
            let raw = self.raw_before(end)?;
            if raw.start < floor {
                return None;
            }
            if Lane::of(&raw.frame) == lane {
                return Some(raw);
            }
            end = raw.start;
        }
        None
    }

    /// The lane of the raw line that starts at `at`, and whether it is a fragment.
    pub(super) fn lane_at(&self, at: usize) -> Option<(Lane, bool)> {
        self.raw(at).map(|raw| (Lane::of(&raw.frame), raw.frame.partial))
    }

    /// The logical line of a lane that starts at or after `at`.
    pub(super) fn next(&self, lane: Lane, at: usize) -> Option<Logical<'w>> {
        let first = self.next_in_lane(lane, at)?;
        let mut line = Logical {
            start: first.start,
            end: first.end,
            content: first.frame.content,
            time: first.frame.time,
            complete: !first.frame.partial,
        };
        while !line.complete && line.content.len() < self.max_bytes {
            let Some(more) = self.next_in_lane(lane, line.end) else { return Some(line) };
            line.content.to_mut().extend_from_slice(&more.frame.content);
            line.end = more.end;
            line.complete = !more.frame.partial;
        }
        line.complete = true;
        Some(line)
    }

    /// Where the logical line starts that the raw line at `at` is part of. Looks no further back than `floor`.
    pub(super) fn logical_start(&self, lane: Lane, at: usize, floor: usize) -> usize {
        let mut start = at;
        while let Some(before) = self.previous_in_lane(lane, start, floor) {
            let too_long = at - before.start > self.max_bytes;
            if !before.frame.partial || too_long {
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
        self.next(lane, start)
    }
}
