//! The checkpoint file: how far each log file is done, kept across restarts.
//!
//! Knows nothing of open files or of what was found in them. One JSON document (see [`entry`]), replaced as a whole and
//! durably: written beside, synced, renamed, and the folder synced. The folder is locked, so that two agents don't take turns at
//! overwriting what the other did.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::entry::{self, Entry};

const NAME: &str = "checkpoints.json";
const LOCK: &str = "lock";
/// Files remembered at most; those seen last are kept.
pub const ENTRY_LIMIT: usize = 100_000;
/// A checkpoint file can't be larger than this many bytes: [`ENTRY_LIMIT`] entries with long paths.
const SIZE_LIMIT: u64 = 128 << 20;
/// Entries of files that weren't seen for so many seconds are dropped: seven days.
pub const KEEP_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Damaged files kept for inspection.
const DAMAGED_LIMIT: u32 = 9;

/// Why checkpoints can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The state folder can't be made or written to.
    #[error(
        "can't keep checkpoints in {}: {source}; make the folder writable for the user that faultscope runs as, \
         or set state_dir to one that is", folder.display()
    )]
    Unwritable {
        /// The state folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are checkpoints, but they can't be read.
    #[error(
        "can't read the checkpoints in {}: {source}; make the file readable for the user that faultscope runs as, \
         or remove it to start anew", path.display()
    )]
    Unreadable {
        /// The checkpoint file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process keeps its checkpoints there.
    #[error(
        "another faultscope is running with the state folder {}; stop it, or give each its own state_dir", folder.display()
    )]
    InUse {
        /// The state folder.
        folder: PathBuf,
    },
    /// Writing failed. The checkpoints written before are still in force.
    #[error("can't write checkpoints to {}: {source}; after a restart, logs are read again from the last ones written", path.display())]
    Unsaved {
        /// The checkpoint file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A checkpoint file was there and couldn't be understood. It was set aside, and the start goes on as if there had been none.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoints can't be understood ({why}); they were set aside as {} and logs are taken up as at a first start", aside.display())]
pub struct Damage {
    /// Where the file is now.
    pub aside: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// The checkpoint file of one state folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    entries: Vec<Entry>,
    fresh: bool,
    damage: Option<Damage>,
    /// Hash of what was last written, so that nothing is written twice.
    written: u64,
    saved: Option<Instant>,
    failures: u64,
    /// Holds the lock as long as it is open.
    _lock: File,
}

impl Checkpoints {
    /// Opens the checkpoints in `state_dir`, making the folder if it isn't there.
    ///
    /// A damaged file is no error: it is set aside, see [`damage`](Checkpoints::damage).
    ///
    /// # Errors
    /// [`CheckpointError::Unwritable`], [`CheckpointError::InUse`] and [`CheckpointError::Unreadable`], all for the operator to mend.
    pub fn open(state_dir: &Path) -> Result<Checkpoints, CheckpointError> {
        let folder = state_dir.to_path_buf();
        let unwritable = |source| CheckpointError::Unwritable { folder: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let lock = lock(&folder)?;
        try_writing(&folder).map_err(unwritable)?;
        let path = folder.join(NAME);
        let found = read(&path).map_err(|source| CheckpointError::Unreadable { path: path.clone(), source })?;
        let (entries, fresh, damage) = match found.map(|json| parse(&json)) {
            Some(Ok(entries)) => (entries, false, None),
            Some(Err(why)) => {
                let aside = set_aside(&folder, &path).map_err(unwritable)?;
                (Vec::new(), true, Some(Damage { aside, why }))
            }
            None => (Vec::new(), true, None),
        };
        Ok(Checkpoints { folder, entries, fresh, damage, written: 0, saved: None, failures: 0, _lock: lock })
    }

    /// Whether there were no usable checkpoints: the first start on this node, as far as anyone can tell.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// What was wrong with the checkpoints found, if anything was.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Hands over what was found.
    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// How long ago [`save`](Checkpoints::save) last succeeded.
    pub(super) fn age(&self) -> Option<Duration> {
        self.saved.map(|saved| saved.elapsed())
    }

    /// How often [`save`](Checkpoints::save) failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// There is nothing to be written.
    pub(super) fn unchanged(&mut self) {
        self.saved = Some(Instant::now());
    }

    /// Writes these entries, without those of files not seen for a week before `now`, and the ones seen last if there are more
    /// than [`ENTRY_LIMIT`]. Writes nothing if nothing changed.
    ///
    /// # Errors
    /// [`CheckpointError::Unsaved`].
    pub(super) fn save(&mut self, files: Vec<Entry>, now: Timestamp) -> Result<(), CheckpointError> {
        let path = self.folder.join(NAME);
        match self.write(&path, files, now) {
            Ok(()) => {
                self.saved = Some(Instant::now());
                Ok(())
            }
            Err(source) => {
                self.failures += 1;
                Err(CheckpointError::Unsaved { path, source })
            }
        }
    }

    fn write(&mut self, path: &Path, mut files: Vec<Entry>, now: Timestamp) -> io::Result<()> {
        files.retain(|entry| is_recent(entry, now));
        if files.len() > ENTRY_LIMIT {
            files.sort_by_key(|entry| std::cmp::Reverse(entry.seen));
            files.truncate(ENTRY_LIMIT);
        }
        files.sort_by_cached_key(|entry| (entry.path.clone(), entry.holder()));
        let json = entry::to_json(files)?;
        let hash = xxh3_64(&json);
        if hash != self.written {
            replace(&self.folder, path, &json)?;
            self.written = hash;
        }
        Ok(())
    }
}

/// Whether an entry is still worth keeping at `now`.
pub(super) fn is_recent(entry: &Entry, now: Timestamp) -> bool {
    now.as_second().saturating_sub(entry.seen) <= KEEP_SECONDS
}

/// Takes the folder for this process. The lock goes with the process, however that ends.
fn lock(folder: &Path) -> Result<File, CheckpointError> {
    let unwritable = |source| CheckpointError::Unwritable { folder: folder.to_path_buf(), source };
    let path = folder.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(CheckpointError::InUse { folder: folder.to_path_buf() }),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) => {
            tracing::warn!(folder = %folder.display(), %error, "can't lock the state folder; see that no other faultscope uses it");
        }
    }
    Ok(file)
}

fn temporary(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.tmp"))
}

fn try_writing(folder: &Path) -> io::Result<()> {
    let path = temporary(folder);
    OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    fs::remove_file(path)
}

fn replace(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary(folder);
    let written = write_durably(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // On a full disk half a file would only take up space. What is in force lies in another one.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(folder)?.sync_all()
}

fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// What is in the file; `None` if there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut json = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut json)?;
    Ok(Some(json))
}

fn parse(json: &[u8]) -> Result<Vec<Entry>, String> {
    if json.len() as u64 > SIZE_LIMIT {
        return Err(format!("larger than {SIZE_LIMIT} bytes"));
    }
    entry::parse(json)
}

fn set_aside(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let named = |number: u32| folder.join(format!("{NAME}.damaged-{number}"));
    let free = (1..=DAMAGED_LIMIT).map(named).find(|aside| !aside.exists());
    // When all are taken the last is given up.
    let aside = free.unwrap_or_else(|| named(DAMAGED_LIMIT));
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
#[path = "tests/checkpoint.rs"]
mod tests;
