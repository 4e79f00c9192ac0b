//! What to read, from where, and how much may be held while doing so.
//!
//! Knows nothing of configuration files.

use std::time::Duration;

use jiff::Timestamp;

use super::TailError;
use super::discover::Globs;

/// Tells a line's time from its bytes, without the newline. This room doesn't know how lines are framed, so whoever does gives it one.
pub type LineTime = fn(&[u8]) -> Option<Timestamp>;

/// Where files are taken up that are there at a first start, when there are no checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// At their first byte; of each container also what the kubelet has rotated away and still keeps.
    Beginning,
    /// After their last whole line.
    #[default]
    End,
    /// At the first line of this time or later, in files modified since. Where lines have no time ([`Config::line_time`]), at the
    /// first byte of such files. Other files are taken up at their end.
    Since(Timestamp),
}

/// What to read.
#[derive(Clone, Debug)]
pub struct Config {
    /// Globs (`*`, `?`, `[…]`, `**` for folders). Relative ones start at the current folder.
    pub include: Vec<String>,
    /// Globs over absolute paths, of what not to read. `.tmp` is never read, and `.gz` only where it holds what the kubelet
    /// rotated away and compressed before it was read to its end.
    pub exclude: Vec<String>,
    /// Where to begin at a first start. Files that appear later are read from their beginning.
    pub read_from: ReadFrom,
    /// For [`ReadFrom::Since`].
    pub line_time: Option<LineTime>,
    /// How often folders are walked, whatever inotify says: between a tenth of a second and a day. At least every ten seconds where
    /// inotify can't tell of all of them.
    pub rescan: Duration,
    /// Descriptors held at once. Beyond it, files that have been idle longest are closed and opened again when they grow; deleted
    /// ones, which can't be opened again, are given up oldest first.
    pub max_open_files: usize,
    /// Files followed at once. Beyond it, files aren't taken up until others are gone.
    pub max_files: usize,
    /// Folders walked and watched. What is beyond isn't read.
    pub max_folders: usize,
    /// Files that aren't followed and whose end is remembered, at most 100,000. Beyond it, those seen longest ago are forgotten.
    pub max_entries: usize,
    /// Bytes of deleted files that are kept on the disk because they are held open to be read to their end. Beyond it, the ones
    /// deleted first are given up.
    pub max_deleted_bytes: u64,
    /// Bytes that one compressed file may unpack to. The rest of it isn't read.
    pub max_unpacked_bytes: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            include: vec!["/var/log/pods/*/*/*.log".to_string()],
            exclude: Vec::new(),
            read_from: ReadFrom::End,
            line_time: None,
            rescan: Duration::from_secs(30),
            max_open_files: 4096,
            max_files: 16_384,
            max_folders: 65_536,
            max_entries: 100_000,
            max_deleted_bytes: 1 << 30,
            max_unpacked_bytes: 1 << 30,
        }
    }
}

impl Config {
    /// Checks the globs without touching a file.
    ///
    /// # Errors
    /// A glob that can't be used, or none at all.
    pub fn check(&self) -> Result<(), TailError> {
        Globs::new(&self.include, &self.exclude).map(|_| ())
    }
}
