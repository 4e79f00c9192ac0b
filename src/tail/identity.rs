//! What makes a file the same file: device, inode, and a hash of its first bytes.
//!
//! Knows nothing of paths or of positions. An inode alone is not enough, because file systems hand the number of a deleted
//! file to the next one; the first bytes alone are not enough, because programs begin every log with the same banner.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use xxhash_rust::xxh3::xxh3_64;

/// How many of a file's first bytes are hashed, at most.
pub const PREFIX_LIMIT: usize = 1024;

/// The file system's own name for a file. Stays with it through renames; used again after it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The device that holds it.
    pub dev: u64,
    /// Its inode there.
    pub inode: u64,
}

impl Identity {
    /// The identity in a file's metadata.
    pub fn of(metadata: &Metadata) -> Identity {
        Identity { dev: metadata.dev(), inode: metadata.ino() }
    }
}

/// The hash (XXH3, 64 bits) of as many first bytes as were there when it was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// How many bytes were hashed, up to [`PREFIX_LIMIT`]. With none, any content fits.
    pub len: usize,
    /// Their hash; 0 when there were none.
    pub hash: u64,
}

impl Prefix {
    /// Hashes the first bytes of a file.
    pub fn of(bytes: &[u8]) -> Prefix {
        let bytes = &bytes[..bytes.len().min(PREFIX_LIMIT)];
        Prefix { len: bytes.len(), hash: if bytes.is_empty() { 0 } else { xxh3_64(bytes) } }
    }

    /// Hashes what is there now.
    ///
    /// # Errors
    /// Those of reading.
    pub fn take(file: &File) -> io::Result<Prefix> {
        let mut buffer = [0; PREFIX_LIMIT];
        let filled = read_first(file, &mut buffer)?;
        Ok(Prefix::of(&buffer[..filled]))
    }

    /// Whether the file still begins with these bytes.
    ///
    /// # Errors
    /// Those of reading.
    pub fn holds(&self, file: &File) -> io::Result<bool> {
        let mut buffer = [0; PREFIX_LIMIT];
        let wanted = &mut buffer[..self.len.min(PREFIX_LIMIT)];
        let filled = read_first(file, wanted)?;
        Ok(Prefix::of(&wanted[..filled]) == *self)
    }

    /// Whether these are the first bytes of a file that begins so.
    pub fn holds_in(&self, first: &[u8]) -> bool {
        first.get(..self.len).is_some_and(|first| Prefix::of(first) == *self)
    }

    /// Takes in bytes that have come since, unless those taken before have changed: then it stays, so that
    /// [`holds`](Prefix::holds) goes on telling so.
    ///
    /// # Errors
    /// Those of reading.
    pub fn grow(&mut self, file: &File) -> io::Result<()> {
        if self.len >= PREFIX_LIMIT {
            return Ok(());
        }
        let mut buffer = [0; PREFIX_LIMIT];
        let filled = read_first(file, &mut buffer)?;
        if filled > self.len && Prefix::of(&buffer[..self.len]) == *self {
            *self = Prefix::of(&buffer[..filled]);
        }
        Ok(())
    }
}

/// Fills `buffer` from the start of the file, as far as the file goes.
fn read_first(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn appending_keeps_a_prefix_and_other_first_bytes_break_it() {
        let mut log = file(b"2026-02-03T04:05:06Z one");
        let prefix = Prefix::take(&log).unwrap();
        log.write_all(b" and more\n").unwrap();
        assert!(prefix.holds(&log).unwrap());
        log.write_at(b"3", 3).unwrap();
        assert!(!prefix.holds(&log).unwrap());
        log.set_len(5).unwrap();
        assert!(!prefix.holds(&log).unwrap());
    }

    #[test]
    fn an_empty_file_fits_everything_and_grows_up_to_the_limit() {
        let mut log = file(b"");
        let mut prefix = Prefix::take(&log).unwrap();
        assert_eq!(prefix, Prefix::default());
        for (more, len) in [(10, 10), (1000, 1010), (500, PREFIX_LIMIT), (500, PREFIX_LIMIT)] {
            log.write_all(&vec![b'x'; more]).unwrap();
            assert!(prefix.holds(&log).unwrap());
            prefix.grow(&log).unwrap();
            assert_eq!(prefix.len, len);
        }
        assert_eq!(prefix, Prefix::take(&log).unwrap());
    }

    #[test]
    fn growing_does_not_adopt_a_rewritten_beginning() {
        let log = file(b"old");
        let mut prefix = Prefix::take(&log).unwrap();
        log.write_at(b"another file", 0).unwrap();
        prefix.grow(&log).unwrap();
        assert_eq!(prefix.len, 3);
        assert!(!prefix.holds(&log).unwrap());
    }
}
