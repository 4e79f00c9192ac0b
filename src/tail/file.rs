//! One followed file: how far it was read, and whether it can still grow.
//!
//! Knows nothing of other files, of folders, or of what became of the bytes.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::arrivals::Arrivals;
use super::departure::Departure;
use super::discover::Sighting;
use super::gzip::Piece;
use super::handle::{Handle, open_seen};
use super::identity::{Identity, Prefix};
use super::ledger::Mark;
use super::lines::{newlines_before, newlines_in, read_at};
use super::names::Rank;
use super::stats::LossReason;

/// What one attempt to read gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes. None, of a compressed file: its place wasn't reached yet.
    Bytes(usize),
    /// Nothing more for now.
    End,
    /// It ended, and so many bytes that are known to have been there aren't to be had.
    Lost(LossReason, u64),
    /// The content was replaced: reading begins again at 0. So many bytes of the old weren't read.
    Replaced(u64),
}

/// A log file that is being read.
#[derive(Debug)]
pub struct Followed {
    /// The path for people: as the include glob matched it.
    pub shown: PathBuf,
    /// The path it is or was written as.
    pub live: PathBuf,
    /// Where it is now, as far as is known.
    pub at: PathBuf,
    /// Who it is, or was before it was compressed.
    pub identity: Identity,
    /// Who is at `at`: itself, or the compressed file that has its content.
    pub holder: Identity,
    /// What it begins with, unpacked.
    pub prefix: Prefix,
    /// Where reading began. Line 0: not counted yet.
    pub start: Mark,
    /// The next byte to read.
    pub offset: u64,
    /// Its size when last looked at; of a compressed file the unpacked one, where that is known.
    pub size: u64,
    /// Whether the reader of the logs has heard of it.
    pub announced: bool,
    /// Complete: drained, and nothing can follow.
    pub ended: bool,
    /// Not before this, after a failure to read.
    pub retry_at: Option<Instant>,
    /// A clock that ticks with each use; the smallest was used longest ago.
    pub used: u64,
    handle: Handle,
    departed: Option<Departure>,
    arrivals: Arrivals,
    /// Unread bytes that were seen before it became shorter.
    cut: u64,
    /// The last attempt to read failed.
    unreadable: bool,
    /// Nothing more is to be had of it, for this reason; the next read says so.
    over: Option<LossReason>,
}

impl Followed {
    /// Follows a file from `start`.
    pub fn new(sighting: &Sighting, identity: Identity, handle: Handle, prefix: Prefix, start: Mark) -> Followed {
        let mut file = Followed {
            shown: sighting.shown.clone(),
            live: sighting.live.clone(),
            at: sighting.path.clone(),
            identity,
            holder: sighting.identity,
            prefix,
            start,
            offset: start.offset,
            size: start.offset,
            announced: false,
            ended: false,
            retry_at: None,
            used: 0,
            handle,
            departed: None,
            arrivals: Arrivals::default(),
            cut: 0,
            unreadable: false,
            over: None,
        };
        let size = file.handle.unpacked().unwrap_or(sighting.size);
        file.resize(size.max(start.offset), sighting.modified);
        file
    }

    /// Whether a descriptor is held.
    pub fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    /// Whether it is, or will be, unpacked for reading.
    pub fn is_packed(&self) -> bool {
        self.handle.is_packed() && !self.ended
    }

    /// Gives the descriptor back. The file is opened again by its path when it grows.
    pub fn close(&mut self) {
        self.handle.close();
    }

    /// Closes it for good, though it wasn't read to its end. The next read says so.
    pub fn give_up(&mut self, reason: LossReason) {
        self.handle.close();
        self.over = Some(reason);
    }

    /// Bytes known to be there and not read.
    pub fn unread(&self) -> u64 {
        if self.ended { 0 } else { self.size.saturating_sub(self.offset) }
    }

    /// Whether there is, or may be, something to read before its end.
    pub fn waits(&self) -> bool {
        self.unread() > 0 || self.is_packed()
    }

    /// Since when its oldest unread byte is there.
    pub fn unread_since(&self) -> Option<Instant> {
        self.arrivals.oldest().filter(|_| self.unread() > 0)
    }

    /// Its place among the files of its container.
    pub fn rank(&self) -> Rank {
        Rank::of(&self.live, &self.at)
    }

    /// Whether it left its live path.
    pub fn departed(&self) -> bool {
        self.departed.is_some()
    }

    /// If it is deleted and lives only as long as it is open: since when.
    pub fn unlinked(&self) -> Option<Instant> {
        let departure = self.departed.filter(Departure::unlinked)?;
        self.is_open().then(|| departure.since())
    }

    /// It was seen; `succeeded` says whether another file is at its live path.
    pub fn place(&mut self, sighting: &Sighting, succeeded: bool, now: Instant) {
        self.at.clone_from(&sighting.path);
        if !sighting.compressed {
            self.resize(sighting.size, sighting.modified);
        }
        if self.at == self.live {
            // Also when a rotation was undone because the runtime failed to reopen.
            self.departed = None;
        } else {
            self.departed.get_or_insert(Departure::at(now)).see(false, succeeded, now);
        }
    }

    /// It wasn't seen anywhere: deleted, or moved out of sight.
    pub fn lose_sight(&mut self, succeeded: bool, now: Instant) {
        // One that isn't open may have been renamed just while we looked; the grace of a rename leaves time to look again.
        let unlinked = self.handle.unlinked();
        self.departed.get_or_insert(Departure::at(now)).see(unlinked, succeeded, now);
        self.look();
    }

    /// Its content lies in a compressed file now. As long as it is open itself it is read from there.
    pub fn pack(&mut self, sighting: &Sighting, unpacked: Option<u64>, limit: u64) {
        self.at.clone_from(&sighting.path);
        self.holder = sighting.identity;
        self.over = None;
        if self.handle.pack(unpacked, limit) {
            self.resize(unpacked.unwrap_or(self.size).max(self.offset), sighting.modified);
        }
    }

    /// Looks at its size again, if that is possible.
    pub fn look(&mut self) {
        if let Some(metadata) = self.handle.metadata(&self.at, self.holder) {
            self.resize_by(&metadata);
        }
    }

    fn resize_by(&mut self, metadata: &Metadata) {
        self.resize(metadata.len(), metadata.modified().ok());
    }

    fn resize(&mut self, size: u64, modified: Option<SystemTime>) {
        if size < self.size {
            self.cut = self.cut.max(self.unread());
        } else if size > self.size {
            let now = Instant::now();
            let age = modified.and_then(|modified| modified.elapsed().ok());
            self.arrivals.came(size, age.and_then(|age| now.checked_sub(age)).unwrap_or(now));
        }
        self.size = size;
    }

    fn is_final(&self, now: Instant) -> bool {
        self.departed.is_some_and(|departure| departure.final_at() <= now)
    }

    /// Whether a read at `now` would make a difference.
    pub fn is_ready(&self, now: Instant) -> bool {
        let waiting = self.retry_at.is_some_and(|retry| now < retry);
        let different = self.size != self.offset || self.is_packed() || self.over.is_some() || self.is_final(now);
        !self.ended && !waiting && different
    }

    /// When, after `now`, it has to be looked at without any hint.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let final_at = self.departed.map(|departure| departure.final_at());
        [final_at, self.retry_at].into_iter().flatten().filter(|due| *due > now).min()
    }

    /// Reads on into `buffer`, opening the file if need be. At the end of a file that can't grow any more it sets `ended`.
    ///
    /// # Errors
    /// Those of opening and reading. A departed file that can't be opened any more ends instead.
    pub fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Step> {
        if self.ended || buffer.is_empty() {
            return Ok(if self.ended { Step::End } else { Step::Bytes(0) });
        }
        if let Some(reason) = self.over {
            return Ok(self.end_without(reason));
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
            Piece::Damaged => self.lose(LossReason::GzipDamaged),
            Piece::TooLarge => self.lose(LossReason::GzipTooLarge),
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
        self.end_without(reason)
    }

    /// It ends, whatever there still is to be read.
    fn end_without(&mut self, reason: LossReason) -> Step {
        if self.waits() {
            return self.lose(reason);
        }
        self.end();
        Step::End
    }

    fn lose(&mut self, reason: LossReason) -> Step {
        let bytes = self.unread();
        self.end();
        Step::Lost(reason, bytes)
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
                Handle::Plain { file: Some(file), .. } => newlines_before(file, self.start.offset)?,
                Handle::Plain { .. } => newlines_before(&open_seen(&self.at, self.holder)?, self.start.offset)?,
                Handle::Packed { .. } => newlines_in(open_seen(&self.at, self.holder)?, self.start.offset),
            };
        }
        self.start.line = lines + 1;
        Ok(())
    }

    /// Whether the file is the one that was seen with the same holder. While it is open no other file can have that; when it is closed
    /// and the name has changed too, its first bytes decide. Of one that was empty there is nothing to be mistaken.
    ///
    /// # Errors
    /// Those of opening and reading.
    pub fn is_same(&self, sighting: &Sighting) -> io::Result<bool> {
        if self.is_open() || self.at == sighting.path {
            return Ok(true);
        }
        if self.prefix.len == 0 {
            return Ok(self.live == sighting.live);
        }
        Ok(!sighting.compressed && self.prefix.holds(&open_seen(&sighting.path, sighting.identity)?)?)
    }
}
