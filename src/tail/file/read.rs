//! Reading a followed file: its next bytes, its end, the loss of what isn't to be had, and the content that took its place.
//!
//! Knows nothing of where the file is or of when it has to be looked at.

use std::fs::Metadata;
use std::io;
use std::time::Instant;

use super::{Followed, Over};
use crate::tail::gzip::Piece;
use crate::tail::handle::{Handle, open_seen};
use crate::tail::identity::Prefix;
use crate::tail::ledger::Mark;
use crate::tail::lines::{newlines_between, newlines_in, read_at};
use crate::tail::stats::{Loss, LossReason};

/// More than that isn't looked through for the lines in it: the reader has other files to read.
const COUNTED_BYTES: u64 = 256 << 20;

/// What one attempt to read gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes. None, of a compressed file: its place wasn't reached yet.
    Bytes(usize),
    /// Nothing more for now.
    End,
    /// It ended, and what is known to have been there isn't to be had.
    Lost(LossReason, Loss),
    /// The content was replaced: reading begins again at 0. So many bytes of the old weren't read.
    Replaced(u64),
}

impl Followed {
    /// Reads on into `buffer`, opening the file if need be. At the end of a file that can't grow any more it sets `ended`.
    ///
    /// # Errors
    /// Those of opening and reading. A departed file that can't be opened any more ends instead.
    pub fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Step> {
        if self.ended || buffer.is_empty() {
            return Ok(if self.ended { Step::End } else { Step::Bytes(0) });
        }
        if let Some(over) = self.over {
            return Ok(self.end_without(over));
        }
        let step = self.try_read(buffer, now);
        self.unreadable = step.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::NotFound);
        step
    }

    fn try_read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Step> {
        if let Err(error) = self.handle.open(&self.at, self.holder) {
            let gone = error.kind() == io::ErrorKind::NotFound && self.is_final(now);
            return if gone { Ok(self.end_gone()) } else { Err(error) };
        }
        match &mut self.handle {
            Handle::Packed { inflater: Some(inflater), .. } => {
                let piece = inflater.read(self.offset, buffer)?;
                Ok(self.unpacked(piece))
            }
            Handle::Plain { file: Some(file), .. } => {
                let metadata = file.metadata()?;
                if metadata.len() < self.offset || !self.prefix.holds(file)? {
                    return self.restart(&metadata);
                }
                let bytes = read_at(file, buffer, self.offset)?;
                if bytes == 0 {
                    return self.at_end(now);
                }
                self.prefix.grow(file)?;
                self.advance(bytes);
                if self.offset > metadata.len() || bytes == buffer.len() {
                    self.look();
                }
                Ok(Step::Bytes(bytes))
            }
            Handle::Plain { file: None, .. } | Handle::Packed { inflater: None, .. } => Ok(Step::End),
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        self.size = self.size.max(self.offset);
        self.arrivals.read_to(self.offset);
    }

    fn unpacked(&mut self, piece: Piece) -> Step {
        match piece {
            Piece::Bytes(bytes) => {
                self.advance(bytes);
                Step::Bytes(bytes)
            }
            Piece::Skipped => Step::Bytes(0),
            Piece::End => {
                self.end();
                Step::End
            }
            Piece::Damaged => self.lose(Over::unseen(LossReason::GzipDamaged)),
            Piece::TooLarge => self.lose(Over::unseen(LossReason::GzipTooLarge)),
        }
    }

    fn at_end(&mut self, now: Instant) -> io::Result<Step> {
        let Handle::Plain { file: Some(file), .. } = &self.handle else {
            return Ok(Step::End);
        };
        let metadata = file.metadata()?;
        if metadata.len() < self.offset {
            return self.restart(&metadata);
        }
        self.resize_by(&metadata);
        if self.size == self.offset && self.is_final(now) {
            self.end();
        }
        Ok(Step::End)
    }

    fn end(&mut self) {
        self.ended = true;
        self.size = self.offset;
        self.handle.close();
    }

    /// It can't be opened any more, and isn't expected to come back.
    fn end_gone(&mut self) -> Step {
        let reason = match self.departed {
            _ if self.unreadable => LossReason::Unreadable,
            Some(departure) if departure.succeeded() => LossReason::RotatedAway,
            _ => LossReason::Deleted,
        };
        self.end_without(Over::unseen(reason))
    }

    /// It ends, whatever there still is to be read.
    fn end_without(&mut self, over: Over) -> Step {
        if self.waits() {
            return self.lose(over);
        }
        self.end();
        Step::End
    }

    fn lose(&mut self, Over { reason, lines }: Over) -> Step {
        let loss = Loss { lines, ..Loss::of_file(self.unread()) };
        self.end();
        Step::Lost(reason, loss)
    }

    /// Lines that are there and not read: known only while the file is held open, and not of very many bytes.
    pub(super) fn unread_lines(&self) -> u64 {
        match &self.handle {
            Handle::Plain { file: Some(file), .. } if self.unread() <= COUNTED_BYTES => {
                newlines_between(file, self.offset..self.size).unwrap_or(0)
            }
            _ => 0,
        }
    }

    fn restart(&mut self, metadata: &Metadata) -> io::Result<Step> {
        if let Handle::Plain { file: Some(file), .. } = &self.handle {
            self.prefix = Prefix::take(file)?;
        }
        if metadata.len() < self.size {
            self.cut = self.cut.max(self.unread());
        }
        self.start = Mark::BEGINNING;
        (self.offset, self.size) = (0, 0);
        self.arrivals.clear();
        self.resize_by(metadata);
        Ok(Step::Replaced(std::mem::take(&mut self.cut)))
    }

    /// Counts the lines before the place where reading begins, if that wasn't done. Beyond `limit` bytes they stay uncounted: the
    /// first line read is then line 1.
    ///
    /// # Errors
    /// Those of reading.
    pub fn count_lines(&mut self, limit: u64) -> io::Result<()> {
        if self.start.line > 0 {
            return Ok(());
        }
        let mut lines = 0;
        if self.start.offset <= limit {
            lines = match &self.handle {
                Handle::Plain { file: Some(file), .. } => newlines_between(file, 0..self.start.offset)?,
                Handle::Plain { .. } => newlines_between(&open_seen(&self.at, self.holder)?, 0..self.start.offset)?,
                Handle::Packed { .. } => newlines_in(open_seen(&self.at, self.holder)?, self.start.offset),
            };
        }
        self.start.line = lines + 1;
        Ok(())
    }
}
