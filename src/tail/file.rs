//! One followed file: where it is, how far it was read, and whether it can still grow. [`read`] reads it.
//!
//! Knows nothing of other files, of folders, or of what became of the bytes.

mod read;

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::arrivals::Arrivals;
use super::departure::Departure;
use super::discover::Sighting;
use super::handle::{Handle, open_seen};
use super::identity::{Identity, Prefix};
use super::ledger::Mark;
use super::names::Rank;
use super::stats::LossReason;

pub use read::Step;

/// Why a file isn't read any further.
#[derive(Clone, Copy, Debug)]
struct Over {
    reason: LossReason,
    /// Lines that were left, as far as that is known.
    lines: u64,
}

impl Over {
    /// For a reason that leaves nothing to look at.
    fn unseen(reason: LossReason) -> Over {
        Over { reason, lines: 0 }
    }
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
    over: Option<Over>,
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
        self.over = Some(Over { reason, lines: self.unread_lines() });
        self.handle.close();
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

    /// Takes in what it begins with by now, if it is open.
    pub fn learn_beginning(&mut self) {
        if let Handle::Plain { file: Some(file), .. } = &self.handle {
            // Without it, it is recognised by what is known already, or read twice.
            let _ = self.prefix.grow(file);
        }
    }

    /// Whether it went away before anything was seen in it.
    pub fn is_gone_unseen(&self) -> bool {
        let unseen = self.offset == 0 && self.prefix.len == 0 && !self.is_open() && self.departed() && !self.ended;
        unseen && !self.at.exists()
    }

    /// Whether it is open and, at this moment, deleted.
    pub fn is_deleted(&self) -> bool {
        self.handle.unlinked()
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
