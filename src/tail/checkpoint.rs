//! The checkpoint file: how far each log file is done, kept across restarts.
//!
//! Knows nothing of open files or of what was found in them. One JSON document, replaced as a whole and durably: written beside, synced,
//! renamed, and the folder synced. Version 1 is
//! `{"version":1,"files":[{"path","dev","inode","prefix_len","prefix_hash","offset","line","seen"}]}`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::identity::{Identity, PREFIX_LIMIT, Prefix};
use super::ledger::Mark;

const VERSION: u64 = 1;
const NAME: &str = "checkpoints.json";
/// Files remembered at most; those seen last are kept.
pub const ENTRY_LIMIT: usize = 100_000;
/// A checkpoint file can't be larger than this many bytes: [`ENTRY_LIMIT`] entries with long paths.
const SIZE_LIMIT: u64 = 128 << 20;
/// Entries of files that weren't seen for so many seconds are dropped: seven days.
pub const KEEP_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Damaged files kept for inspection.
const DAMAGED_LIMIT: u32 = 9;

/// How far one file is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the file is, or was, written. Says where to look; doesn't identify it, so bytes that aren't
    /// UTF-8 may be replaced.
    pub path: String,
    dev: u64,
    inode: u64,
    prefix_len: usize,
    prefix_hash: Hex,
    /// The first byte to be read again.
    pub offset: u64,
    /// The 1-based number of the line at `offset`; 0 where it hasn't been counted.
    pub line: u64,
    /// When the file was last there: seconds since 1970, in steps of an hour.
    pub seen: i64,
}

/// 16 hexadecimal digits: JSON readers elsewhere lose the low bits of such large numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Hex(u64);

impl TryFrom<String> for Hex {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Hex, Self::Error> {
        u64::from_str_radix(&text, 16).map(Hex)
    }
}

impl From<Hex> for String {
    fn from(hex: Hex) -> String {
        format!("{:016x}", hex.0)
    }
}

impl Entry {
    /// An entry for a file seen at `seen`.
    pub fn new(path: &Path, identity: Identity, prefix: Prefix, mark: Mark, seen: Timestamp) -> Entry {
        Entry {
            path: path.to_string_lossy().into_owned(),
            dev: identity.dev,
            inode: identity.inode,
            prefix_len: prefix.len,
            prefix_hash: Hex(prefix.hash),
            offset: mark.offset,
            line: mark.line,
            seen: hour(seen),
        }
    }

    /// Who the file is.
    pub fn identity(&self) -> Identity {
        Identity { dev: self.dev, inode: self.inode }
    }

    /// What it begins with.
    pub fn prefix(&self) -> Prefix {
        Prefix { len: self.prefix_len, hash: self.prefix_hash.0 }
    }

    /// Where to go on.
    pub fn mark(&self) -> Mark {
        Mark { offset: self.offset, line: self.line }
    }

    /// Notes that the file is there at `now`.
    pub fn see(&mut self, now: Timestamp) {
        self.seen = hour(now);
    }

    fn is_sane(&self) -> bool {
        self.prefix_len <= PREFIX_LIMIT
    }
}

/// Whole hours, so that a quiet node writes the same bytes, which is to say nothing, most of the time.
fn hour(time: Timestamp) -> i64 {
    time.as_second().div_euclid(3600) * 3600
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u64,
    files: Vec<Entry>,
}

/// Read first: the entries of another version may well look different.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

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
    saved: u64,
}

impl Checkpoints {
    /// Opens the checkpoints in `state_dir`, making the folder if it isn't there.
    ///
    /// A damaged file is no error: it is set aside, see [`damage`](Checkpoints::damage).
    ///
    /// # Errors
    /// [`CheckpointError::Unwritable`] and [`CheckpointError::Unreadable`], both for the operator to mend.
    pub fn open(state_dir: &Path) -> Result<Checkpoints, CheckpointError> {
        let folder = state_dir.to_path_buf();
        let unwritable = |source| CheckpointError::Unwritable { folder: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(unwritable)?;
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
        Ok(Checkpoints { folder, entries, fresh, damage, saved: 0 })
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

    /// Writes these entries, without those of files not seen for a week before `now`, and the ones seen last if there are more
    /// than [`ENTRY_LIMIT`]. Writes nothing if nothing changed.
    ///
    /// # Errors
    /// [`CheckpointError::Unsaved`].
    pub(super) fn save(&mut self, mut files: Vec<Entry>, now: Timestamp) -> Result<(), CheckpointError> {
        files.retain(|entry| is_recent(entry, now));
        if files.len() > ENTRY_LIMIT {
            files.sort_by_key(|entry| std::cmp::Reverse(entry.seen));
            files.truncate(ENTRY_LIMIT);
        }
        files.sort_by_cached_key(|entry| (entry.path.clone(), entry.identity()));
        let path = self.folder.join(NAME);
        let unsaved = |source| CheckpointError::Unsaved { path: path.clone(), source };
        let json = serde_json::to_vec(&Document { version: VERSION, files }).map_err(|error| unsaved(error.into()))?;
        let hash = xxh3_64(&json);
        if hash != self.saved {
            replace(&self.folder, &path, &json).map_err(unsaved)?;
            self.saved = hash;
        }
        Ok(())
    }
}

/// Whether an entry is still worth keeping at `now`.
pub(super) fn is_recent(entry: &Entry, now: Timestamp) -> bool {
    now.as_second().saturating_sub(entry.seen) <= KEEP_SECONDS
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
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
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
    let Version { version } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("version {version}, and only version {VERSION} is known"));
    }
    let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    match document.files.iter().find(|entry| !entry.is_sane()) {
        Some(entry) => Err(format!("prefix_len {} is more than {PREFIX_LIMIT}", entry.prefix_len)),
        None => Ok(document.files),
    }
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
#[path = "checkpoint_tests.rs"]
mod tests;
