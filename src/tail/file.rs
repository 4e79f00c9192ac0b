//! One followed file: its descriptor, how far it was read, and whether it can still grow.
//!
//! Knows nothing of other files, of folders, or of what became of the bytes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::discover::Sighting;
use super::identity::{Identity, Prefix};
use super::ledger::Mark;
use super::lines::{newlines_before, read_at};
use super::names::Rank;

/// How long a renamed file is waited for while nothing has taken its place: the runtime goes on writing to it until it is told to reopen.
const RENAME_GRACE: Duration = Duration::from_secs(5);
/// How long after something has taken its place: the runtime opens the new file before it has emptied its buffers into the old.
const SUCCESSOR_GRACE: Duration = Duration::from_secs(1);

/// What became of a file that isn't at its live path any more.
#[derive(Clone, Copy, Debug)]
pub struct Departure {
    since: Instant,
    unlinked: bool,
    succeeded: Option<Instant>,
}

/// What one attempt to read gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes.
    Bytes(usize),
    /// Nothing more for now.
    End,
    /// The content was replaced: reading begins again at 0.
    Replaced,
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
    /// Who it is.
    pub identity: Identity,
    /// What it begins with.
    pub prefix: Prefix,
    /// Where reading began. Line 0: not counted yet.
    pub start: Mark,
    /// The next byte to read.
    pub offset: u64,
    /// Its size when last looked at.
    pub size: u64,
    /// Whether the reader of the logs has heard of it.
    pub announced: bool,
    /// Complete: drained, and nothing can follow.
    pub ended: bool,
    /// Not before this, after a failure to read.
    pub retry_at: Option<Instant>,
    /// A clock that ticks with each use; the smallest was used longest ago.
    pub used: u64,
    departed: Option<Departure>,
    file: Option<File>,
    /// The last read came to the end, so the content may have been replaced since.
    suspect: bool,
}

/// Opens a file for reading, and only the very file that was seen: no link, no pipe, nothing that took its place.
///
/// # Errors
/// Those of opening; `NotFound` if another file is there now.
pub fn open_seen(path: &Path, identity: Identity) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() && Identity::of(&metadata) == identity {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "another file has taken its place")),
    }
}

impl Followed {
    /// Follows an opened file from `start`.
    pub fn new(sighting: &Sighting, file: File, prefix: Prefix, start: Mark) -> Followed {
        Followed {
            shown: sighting.shown.clone(),
            live: sighting.live.clone(),
            at: sighting.path.clone(),
            identity: sighting.identity,
            prefix,
            start,
            offset: start.offset,
            size: sighting.size,
            announced: false,
            ended: false,
            retry_at: None,
            used: 0,
            departed: None,
            file: Some(file),
            suspect: false,
        }
    }

    /// Whether a descriptor is held.
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Gives the descriptor back. The file is opened again by its path when it grows.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Bytes known to be there and not read.
    pub fn unread(&self) -> u64 {
        self.size.saturating_sub(self.offset)
    }

    /// Its place among the files of its container.
    pub fn rank(&self) -> Rank {
        Rank::of(&self.live, &self.at)
    }

    /// Whether it left its live path.
    pub fn departed(&self) -> bool {
        self.departed.is_some()
    }

    /// Whether it was deleted and lives only as long as it is open.
    pub fn unlinked(&self) -> bool {
        self.departed.is_some_and(|departure| departure.unlinked)
    }

    /// It was seen at `path`; `succeeded` says whether another file is at its live path.
    pub fn place(&mut self, path: &Path, size: u64, succeeded: bool, now: Instant) {
        self.at = path.to_path_buf();
        self.size = size;
        if self.at == self.live {
            // Also when a rotation was undone because the runtime failed to reopen.
            self.departed = None;
        } else {
            self.depart(false, succeeded, now);
        }
    }

    /// It wasn't seen anywhere: deleted, or moved out of sight.
    pub fn lose_sight(&mut self, succeeded: bool, now: Instant) {
        let unlinked = match &self.file {
            Some(file) => file.metadata().map_or(true, |metadata| metadata.nlink() == 0),
            // It may have been renamed just while we looked; the grace of a rename leaves time to look again.
            None => false,
        };
        self.depart(unlinked, succeeded, now);
        self.look();
    }

    fn depart(&mut self, unlinked: bool, succeeded: bool, now: Instant) {
        let departure = self.departed.get_or_insert(Departure { since: now, unlinked, succeeded: None });
        departure.unlinked = unlinked;
        if succeeded {
            departure.succeeded.get_or_insert(now);
        }
    }

    /// Looks at its size again, if that is possible.
    pub fn look(&mut self) {
        let metadata = match &self.file {
            Some(file) => file.metadata(),
            None => std::fs::symlink_metadata(&self.at),
        };
        if let Ok(metadata) = metadata
            && Identity::of(&metadata) == self.identity
        {
            self.size = metadata.len();
        }
    }

    /// When nothing more is to be expected of it, provided that a read then gives nothing.
    fn final_at(&self) -> Option<Instant> {
        let departed = self.departed?;
        Some(match (departed.unlinked, departed.succeeded) {
            (true, _) => departed.since,
            (false, Some(succeeded)) => succeeded + SUCCESSOR_GRACE,
            (false, None) => departed.since + RENAME_GRACE,
        })
    }

    fn is_final(&self, now: Instant) -> bool {
        self.final_at().is_some_and(|end| end <= now)
    }

    /// Whether a read at `now` would make a difference.
    pub fn is_ready(&self, now: Instant) -> bool {
        let waiting = self.retry_at.is_some_and(|retry| now < retry);
        !self.ended && !waiting && (self.size != self.offset || self.is_final(now))
    }

    /// When, after `now`, it has to be looked at without any hint.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        if self.ended {
            return None;
        }
        [self.final_at(), self.retry_at].into_iter().flatten().filter(|due| *due > now).min()
    }

    /// Reads on into `buffer`, opening the file if need be. At the end of a file that can't grow any more it sets `ended`.
    ///
    /// # Errors
    /// Those of opening and reading. A departed file that can't be opened any more ends instead.
    pub fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Step> {
        if self.ended || buffer.is_empty() {
            return Ok(if self.ended { Step::End } else { Step::Bytes(0) });
        }
        if self.file.is_none() && !self.reopen(now)? {
            self.ended = true;
            return Ok(Step::End);
        }
        let Some(file) = &self.file else {
            return Ok(Step::End);
        };
        if self.suspect && (file.metadata()?.len() < self.offset || !self.prefix.holds(file)?) {
            self.restart()?;
            return Ok(Step::Replaced);
        }
        let bytes = read_at(file, buffer, self.offset)?;
        if bytes == 0 {
            return self.at_end(now);
        }
        self.prefix.grow(file)?;
        self.offset += bytes as u64;
        self.suspect = bytes < buffer.len();
        self.size = if self.suspect { self.offset } else { file.metadata()?.len() };
        Ok(Step::Bytes(bytes))
    }

    /// `false`: it is gone for good.
    fn reopen(&mut self, now: Instant) -> io::Result<bool> {
        match open_seen(&self.at, self.identity) {
            Ok(file) => {
                self.file = Some(file);
                // While it was closed its inode may have gone to another file.
                self.suspect = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_final(now) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn at_end(&mut self, now: Instant) -> io::Result<Step> {
        let Some(file) = &self.file else {
            return Ok(Step::End);
        };
        let size = file.metadata()?.len();
        self.suspect = true;
        if size < self.offset {
            self.restart()?;
            return Ok(Step::Replaced);
        }
        self.size = size;
        if size == self.offset && self.is_final(now) {
            self.ended = true;
            self.file = None;
        }
        Ok(Step::End)
    }

    fn restart(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            self.prefix = Prefix::take(file)?;
            self.size = file.metadata()?.len();
        }
        self.start = Mark::BEGINNING;
        self.offset = 0;
        self.suspect = false;
        Ok(())
    }

    /// Counts the lines before the place where reading begins, if that wasn't done. Beyond `limit` bytes they stay uncounted: the
    /// first line read is then line 1.
    ///
    /// # Errors
    /// Those of reading.
    pub fn count_lines(&mut self, limit: u64, now: Instant) -> io::Result<()> {
        if self.start.line > 0 {
            return Ok(());
        }
        let mut lines = 0;
        if self.start.offset <= limit
            && (self.file.is_some() || self.reopen(now)?)
            && let Some(file) = &self.file
        {
            lines = newlines_before(file, self.start.offset)?;
        }
        self.start.line = lines + 1;
        Ok(())
    }
}
