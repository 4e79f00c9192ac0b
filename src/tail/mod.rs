//! Log files on a node: discovery, identity, rotation, reading, checkpoints, acknowledgement.
//!
//! It gives bytes and takes back word of what became of them. It knows no patterns, no framing, no events and no exporter, and it
//! never writes to a log. Synchronous: it runs on whatever thread calls it, and waits only in [`Tailer::poll`].
//!
//! Invariant: [`Ledger`] alone says how far a file is done. A checkpoint is its watermark and nothing else, so no byte is skipped
//! after a restart whose event wasn't acknowledged.
//!
//! In reading order: `config`, `names` (what a file name says), `identity` (when a file is the same file), `listing`, `walk` and `discover`
//! (what the globs reach), `watch` (which gives `hints`) with `pace`, `file` (one followed file) with `handle`, `gzip`, `departure`, `arrivals` and `lines`, `scan` (what is on
//! the disk held against what is followed), `take_up` (what to do with a file that was seen) with `since`, `ready` (whose turn it is),
//! `ledger`, `entry` and `checkpoint`, `stats`.

mod arrivals;
mod checkpoint;
mod config;
mod departure;
mod discover;
mod entry;
mod file;
mod gzip;
mod handle;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there is nobody to tell"))]
mod hints;
mod identity;
mod ledger;
mod lines;
mod listing;
mod names;
mod pace;
mod ready;
mod scan;
mod since;
mod stats;
mod take_up;
mod walk;
#[cfg_attr(not(target_os = "linux"), path = "unwatched.rs")]
mod watch;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

pub use checkpoint::{CheckpointError, Checkpoints, Damage};
pub use config::{Config, LineTime, ReadFrom};
pub use identity::Identity;
pub use ledger::{Ledger, Mark, UnitId};
pub use stats::{Loss, LossReason, Losses, Stats};

use discover::Globs;
use entry::Entry;
use file::{Followed, Step};
use listing::Listings;
use pace::Pace;
use take_up::Known;
use watch::Watch;

/// How often sizes are looked at while inotify can't tell.
const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// Nothing is waited for any longer, whatever the caller or the configuration says.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How long a file that couldn't be read is left alone.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// Names a file for as long as it is followed. Ours; never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u64);

impl FileId {
    /// Of what comes from no file: nothing holds a checkpoint for it.
    pub const NONE: FileId = FileId(u64::MAX);
}

/// A file that is worth a [`Tailer::read`].
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its name in calls.
    pub id: FileId,
    /// The path as the include glob matched it. For a rotated file, compressed or not, it is still the live path: the container is
    /// read from it.
    pub path: PathBuf,
    /// Who it is, or was before the kubelet compressed it. With a byte offset it names a place for good, through renames, restarts and
    /// compression.
    pub identity: Identity,
    /// Where reading of this file began: 0, or what a checkpoint said.
    pub offset: u64,
    /// 1-based number of the line at `offset`.
    pub line: u64,
    /// The first time that this file is handed out: begin a stream for it.
    pub new: bool,
}

/// What [`Tailer::read`] gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// How many bytes of the buffer were filled.
    pub bytes: usize,
    /// Where the first of them is in the file.
    pub offset: u64,
    /// The file is complete: rotated away or deleted, and drained. Finish its stream and settle the ledger at its end. `bytes` is 0.
    pub ended: bool,
    /// The content was replaced: reset the stream to offset 0, line 1. `bytes` is 0; what is there now comes with the next read.
    pub truncated: bool,
    /// There is, or may be, more at once. If not, the file is handed out again when there is.
    pub more: bool,
}

/// Why a [`Tailer`] can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// A glob that can't be used.
    #[error("the glob {glob} can't be used: {why}")]
    BadGlob {
        /// As configured.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Follows the log files of a node.
#[derive(Debug)]
pub struct Tailer {
    globs: Globs,
    listings: Listings,
    config: Config,
    /// What is configured, or less where the system allows less.
    max_open_files: usize,
    rescan: Duration,
    watch: Watch,
    pace: Pace,
    checkpoints: Checkpoints,
    ledger: Ledger,
    files: BTreeMap<FileId, Followed>,
    by_holder: HashMap<Identity, FileId>,
    by_path: HashMap<PathBuf, FileId>,
    known: HashMap<Identity, Known>,
    /// During a walk: what was known of an inode, or a content, that is another's by now, and the live path of that.
    displaced: Vec<(Entry, PathBuf)>,
    /// Paths already complained about, so that each is named once.
    complained: HashSet<PathBuf>,
    last_id: u64,
    /// Of the last checkpoint written: see [`progress`](Tailer::progress).
    saved_progress: Option<u64>,
    saved_hour: Option<i64>,
    /// What is remembered of files that aren't followed has changed since.
    unsaved: bool,
    /// Ticks with each use of a file.
    clock: u64,
    now: Instant,
    scanned: bool,
    scan_wanted: bool,
    next_scan: Instant,
    earliest_scan: Instant,
    next_look: Instant,
    bytes_read: u64,
    lost: Losses,
    truncations: u64,
}

impl Tailer {
    /// A tailer that goes on where `checkpoints` left off. Nothing is opened before the first [`poll`](Tailer::poll).
    ///
    /// # Errors
    /// Globs that can't be used. That inotify isn't to be had is no error: see [`Stats::polling`].
    pub fn new(config: Config, mut checkpoints: Checkpoints) -> Result<Tailer, TailError> {
        let globs = Globs::new(&config.include, &config.exclude)?;
        let now = Instant::now();
        Ok(Tailer {
            globs,
            listings: Listings::default(),
            max_open_files: config.max_open_files.max(1),
            rescan: config.rescan.clamp(LOOK_PERIOD / 10, LONGEST_WAIT),
            config,
            watch: Watch::new(),
            pace: Pace::new(now),
            known: checkpoints.take_entries().into_iter().map(Known::before).collect(),
            checkpoints,
            ledger: Ledger::default(),
            files: BTreeMap::new(),
            by_holder: HashMap::new(),
            by_path: HashMap::new(),
            displaced: Vec::new(),
            complained: HashSet::new(),
            last_id: 0,
            saved_progress: None,
            saved_hour: None,
            unsaved: true,
            clock: 0,
            now,
            scanned: false,
            scan_wanted: false,
            next_scan: now,
            earliest_scan: now,
            next_look: now,
            bytes_read: 0,
            lost: Losses::default(),
            truncations: 0,
        })
    }

    /// Waits until there is something to read, at most for `timeout`, and says what.
    ///
    /// Files of one container are read in order (earlier runs, then by rotation): a younger one isn't handed out while an older one
    /// has bytes to read.
    pub fn poll(&mut self, timeout: Duration) -> Vec<Ready> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        loop {
            let now = Instant::now();
            self.sweep(now);
            let ready = self.ready();
            if !ready.is_empty() || now >= deadline {
                return ready;
            }
            let until = self.next_due().min(deadline);
            let now = Instant::now();
            if self.watch.wait(until.saturating_duration_since(now), self.pace.rest(now)) {
                self.pace.looked(Instant::now(), self.watch.written());
            }
        }
    }

    /// From here on follows what these globs reach. What they don't reach any more is read to its end and let go.
    ///
    /// # Errors
    /// Globs that can't be used; the ones from before stay.
    pub fn set_globs(&mut self, include: &[String], exclude: &[String]) -> Result<(), TailError> {
        self.globs = Globs::new(include, exclude)?;
        self.next_scan = self.now;
        Ok(())
    }

    /// Keeps up with renamed and deleted files while nothing is read, for about this long.
    pub fn tend(&mut self, time: Duration) {
        self.sweep(Instant::now());
        std::thread::sleep(time);
    }

    /// Reads on in a file. With nothing there, `bytes` is 0 and nothing is set; the same while the place where a compressed file is to
    /// be read on isn't reached.
    ///
    /// # Errors
    /// Those of opening and reading; the file isn't handed out again for a second. `NotFound` also for an unknown `id`.
    pub fn read(&mut self, id: FileId, buffer: &mut [u8]) -> io::Result<Read> {
        self.make_room(id);
        self.clock += 1;
        let file = self.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        file.used = self.clock;
        let offset = file.offset;
        let step = match file.read(buffer, self.now) {
            Ok(step) => step,
            Err(error) => {
                file.retry_at = Some(self.now + RETRY_PERIOD);
                self.spare_descriptors(&error);
                return Err(error);
            }
        };
        file.retry_at = None;
        let more = file.is_ready(self.now);
        let read = Read { bytes: 0, offset, ended: file.ended, truncated: false, more };
        let shown = |file: &Followed| file.shown.display().to_string();
        match step {
            Step::Bytes(bytes) => {
                self.bytes_read += bytes as u64;
                Ok(Read { bytes, ..read })
            }
            Step::End => Ok(read),
            Step::Lost(reason, loss) => {
                let shown = shown(file);
                self.lose(&shown, reason, loss);
                Ok(read)
            }
            Step::Replaced(unread) => {
                let shown = shown(file);
                self.truncations += 1;
                if unread > 0 {
                    self.lose(&shown, LossReason::Truncated, Loss::of_file(unread));
                }
                self.ledger.open(id, Mark::BEGINNING);
                Ok(Read { offset: 0, truncated: true, more: true, ..read })
            }
        }
    }

    /// Where to say what was sent, what was acknowledged, and what isn't needed any more.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Writes down how far every file is done. Cheap if nothing changed since the last time.
    ///
    /// # Errors
    /// [`CheckpointError::Unsaved`]; trying again later is all there is to do.
    pub fn checkpoint(&mut self, now: Timestamp) -> Result<(), CheckpointError> {
        self.retire();
        self.unsaved |= self.saved_hour != Some(entry::hour(now));
        for known in self.known.values_mut().filter(|known| known.seen) {
            self.unsaved |= known.entry.see(now);
            known.seen = false;
        }
        let state = self.progress();
        if !self.unsaved && self.saved_progress == Some(state) {
            self.checkpoints.unchanged();
            return Ok(());
        }
        self.forget_old(now);
        let finished = self.known.values().map(|known| known.entry.clone());
        // A closed file whose inode went to another one has nothing left to be read, and its entry would stand for the other.
        let followed = self.files.iter().filter(|(id, file)| self.by_holder.get(&file.holder) == Some(id));
        let followed = followed.map(|(&id, file)| {
            let mark = self.ledger.watermark(id).unwrap_or(file.start);
            let mut entry =
                Entry::new(&file.live, file.identity, file.prefix, mark).held_by(file.holder).sized(file.size);
            entry.see(now);
            entry
        });
        // Followed files come first, so that they win over what is remembered of others.
        self.checkpoints.save(followed.chain(finished).collect(), now)?;
        (self.saved_progress, self.saved_hour, self.unsaved) = (Some(state), Some(entry::hour(now)), false);
        Ok(())
    }

    /// A number that changes whenever a followed file does: what a checkpoint says of it, without making one.
    fn progress(&self) -> u64 {
        let mut hasher = Xxh3::new();
        for (id, file) in &self.files {
            let offset = self.ledger.watermark(*id).unwrap_or(file.start).offset;
            for part in [id.0, offset, file.size, file.holder.inode, file.holder.dev, file.prefix.hash] {
                hasher.update(&part.to_le_bytes());
            }
        }
        hasher.digest()
    }

    /// Numbers for metrics and health. Takes a look at each followed file's entry, so it isn't for every turn.
    pub fn stats(&self) -> Stats {
        let now = Instant::now();
        let files = self.files.values();
        let in_danger = files.clone().filter(|file| file.departed() && file.unread() > 0);
        let oldest = files.clone().filter_map(Followed::unread_since).min();
        Stats {
            files_open: files.clone().filter(|file| file.is_open()).count(),
            files_known: files.len(),
            bytes_read: self.bytes_read,
            lag_bytes: files.map(Followed::unread).sum(),
            lag: oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest)),
            rotated_unread_bytes: in_danger.clone().map(Followed::unread).sum(),
            rotated_unread_files: in_danger.count(),
            lost: self.lost,
            truncations: self.truncations,
            refused: self.complained.len(),
            polling: !self.watch.complete(),
            checkpoint_age: self.checkpoints.age(),
            checkpoint_failures: self.checkpoints.failures(),
        }
    }
}

#[cfg(test)]
mod tests;
