//! What is remembered of one log file, and the document in which such entries are kept.
//!
//! Knows nothing of open files or of where the document lies. Versions, each of which is read for ever:
//! - 1: `{"version":1,"files":[{"path","dev","inode","prefix_len","prefix_hash","offset","line","seen"}]}`;
//! - 2 adds to a file, each only where there is something to say: `"size"`, `"done":true`, `"gzip":{"dev","inode"}`.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::identity::{Identity, PREFIX_LIMIT, Prefix};
use super::ledger::Mark;

const VERSION: u64 = 2;
const OLDEST_VERSION: u64 = 1;

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
    /// Bytes that were there when it was last looked at. Absent for a file that isn't followed, and in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// It was read to its end, or what is left of it isn't to be had.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// The compressed file that its content lies in by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gzip: Option<Inode>,
}

/// An identity as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Inode {
    dev: u64,
    inode: u64,
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
    /// An entry for a file of which `mark` is the first byte to be read again.
    pub fn new(path: &Path, identity: Identity, prefix: Prefix, mark: Mark) -> Entry {
        Entry {
            path: path.to_string_lossy().into_owned(),
            dev: identity.dev,
            inode: identity.inode,
            prefix_len: prefix.len,
            prefix_hash: Hex(prefix.hash),
            offset: mark.offset,
            line: mark.line,
            seen: 0,
            size: None,
            done: false,
            gzip: None,
        }
    }

    /// Notes how many bytes there are.
    pub fn sized(mut self, size: u64) -> Entry {
        self.size = Some(size);
        self
    }

    /// Notes which file on the disk has the content: the file itself, or a compressed one.
    pub fn held_by(mut self, holder: Identity) -> Entry {
        self.gzip = (holder != self.identity()).then_some(Inode { dev: holder.dev, inode: holder.inode });
        self
    }

    /// Who the file is, or was before it was compressed.
    pub fn identity(&self) -> Identity {
        Identity { dev: self.dev, inode: self.inode }
    }

    /// Who has its content.
    pub fn holder(&self) -> Identity {
        self.gzip.map_or(self.identity(), |gzip| Identity { dev: gzip.dev, inode: gzip.inode })
    }

    /// What it begins with, unpacked.
    pub fn prefix(&self) -> Prefix {
        Prefix { len: self.prefix_len, hash: self.prefix_hash.0 }
    }

    /// Where to go on.
    pub fn mark(&self) -> Mark {
        Mark { offset: self.offset, line: self.line }
    }

    /// Bytes that were there and aren't done, as far as is known.
    pub fn unread(&self) -> u64 {
        self.size.map_or(0, |size| size.saturating_sub(self.offset))
    }

    /// Whether more may have been written to it since: it was followed, and hadn't come to its end. One that was empty can't be
    /// recognised in its compressed form, so nothing is said of it.
    pub fn was_followed(&self) -> bool {
        self.size.is_some() && !self.done && self.prefix_len > 0
    }

    /// Notes that the file is there at `now`. Whether that is news.
    pub fn see(&mut self, now: Timestamp) -> bool {
        let before = std::mem::replace(&mut self.seen, hour(now));
        before != self.seen
    }
}

/// Whole hours, so that a quiet node writes the same bytes, which is to say nothing, most of the time.
pub fn hour(time: Timestamp) -> i64 {
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

/// The document of these entries.
///
/// # Errors
/// None that is known of; the encoder may have some.
pub fn to_json(files: Vec<Entry>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Document { version: VERSION, files })
}

/// The entries of a document of any version.
///
/// # Errors
/// What is wrong with it.
pub fn parse(json: &[u8]) -> Result<Vec<Entry>, String> {
    let Version { version } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        return Err(format!("version {version}, and only versions {OLDEST_VERSION} to {VERSION} are known"));
    }
    let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    match document.files.iter().find(|entry| entry.prefix_len > PREFIX_LIMIT) {
        Some(entry) => Err(format!("prefix_len {} is more than {PREFIX_LIMIT}", entry.prefix_len)),
        None => Ok(document.files),
    }
}
