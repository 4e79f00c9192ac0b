//! A stream's window: the room that is read into, and what of a source is kept for later.
//!
//! While a source is quiet it keeps no more than the lines that a record can still reach back to, so that hundreds of quiet sources
//! cost little and share one room ([`Stream::unpark`]).

use super::Stream;
use crate::classify::assemble;
use crate::classify::lines::{Lane, last_piece};
use crate::frame::{self, FrameKind};

impl Stream {
    /// Room for at least `size` more bytes, to be read into.
    pub fn space(&mut self, size: usize) -> &mut [u8] {
        if self.window.len() - self.filled < size {
            self.forget();
            if self.window.len() - self.filled < size {
                // Some more than asked for, or each small read would move the whole window.
                self.window.resize(self.filled + size.max(self.classifier.limits.lookback_bytes), 0);
            }
        }
        &mut self.window[self.filled..]
    }

    /// Reads into this room from now on; what it held is of no interest.
    pub fn unpark(&mut self, mut room: Vec<u8>) {
        if room.len() < self.filled {
            room.resize(self.filled, 0);
        }
        room[..self.filled].copy_from_slice(&self.window[..self.filled]);
        self.window = room;
    }

    /// Gives the room back while the source is quiet. What may still be needed stays.
    pub fn park(&mut self) -> Vec<u8> {
        self.forget_before(self.reach_back());
        let kept = self.window[..self.filled].to_vec();
        std::mem::replace(&mut self.window, kept)
    }

    /// Where the earliest record begins that a line still to come can be part of: in each lane the record of its last line.
    fn reach_back(&self) -> usize {
        let limits = &self.classifier.limits;
        let lines = self.lines(&self.window[..self.scanned]);
        let earliest = self.scanned.saturating_sub(limits.lookback_bytes);
        let settled = |lane: Lane| self.lanes[lane.index()].done_to.saturating_sub(self.base) as usize;
        let (mut records, mut seen, mut end) = (None::<usize>, [false; Lane::COUNT], self.scanned);
        // All lanes in one walk: most logs have one, and looking for the others leads over every line that is kept.
        let mut known: Option<&[u8]> = None;
        while end > earliest && seen.contains(&false) {
            let Some(start) = lines.start_before(end) else { break };
            // Nearly all lines are of a lane that was seen, which is told without decoding them.
            let beside = known.and_then(|known| frame::stream_beside(known, lines.text(start)));
            if beside.is_some_and(|stream| seen[Lane::of_stream(stream).index()]) {
                end = start;
                continue;
            }
            let Some(raw) = lines.raw(start) else { break };
            if raw.frame.kind == FrameKind::Cri {
                known = Some(lines.text(start));
            }
            let lane = raw.lane();
            if !std::mem::replace(&mut seen[lane.index()], true) {
                let begins = assemble::last_record(lines, lane, settled(lane).max(earliest), limits);
                records = records.into_iter().chain(begins).min();
            }
            end = raw.start;
        }
        // For community rules, a line without a time belongs to the last one with a time, however far back that is.
        let plain = || lines.raw_before(self.scanned).is_some_and(|last| last.frame.kind == FrameKind::Text);
        if self.classifier.set.community.is_some() && plain() {
            return self.scanned.saturating_sub(limits.lookback_bytes);
        }
        records.unwrap_or(self.scanned)
    }

    /// Drops the bytes at the window's front that are too far back for any later line.
    fn forget(&mut self) {
        self.forget_before(self.scanned.saturating_sub(self.classifier.limits.lookback_bytes));
    }

    /// Drops the lines before the one that stands before `needed`, unless something waits for them.
    fn forget_before(&mut self, needed: usize) {
        let limits = self.classifier.limits;
        let watermark = (self.settled_to() - self.base) as usize;
        // One more: the line before a record gives its time.
        let wanted = needed.min(watermark).saturating_sub(1);
        // A window always begins where a raw line does, so that its neighbours can be walked over.
        let line = memchr::memrchr(b'\n', &self.window[..wanted]).map_or(0, |newline| newline + 1);
        let drop = line + last_piece(wanted - line, limits.line_bytes);
        if drop == 0 {
            return;
        }
        self.line_number(drop);
        self.window.copy_within(drop..self.filled, 0);
        self.filled -= drop;
        self.scanned -= drop;
        self.counted_to -= drop;
        self.base += drop as u64;
    }
}
