//! The descriptor of a followed file: of the plain file, or of the compressed one that its content lies in.
//!
//! Knows nothing of positions or of what is expected of the file.

use std::fs::{File, Metadata, OpenOptions, symlink_metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::gzip::Inflater;
use super::identity::Identity;

/// How a compressed file is to be unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// How much it unpacks to, by its own word.
    pub unpacked: Option<u64>,
    /// How much may be unpacked.
    pub limit: u64,
}

/// A descriptor, or the lack of one.
#[derive(Debug)]
pub enum Handle {
    /// Read as it is.
    Plain {
        /// `None`: closed.
        file: Option<File>,
        /// The plain file is gone, and so to be unpacked once it is closed.
        next: Option<Packing>,
    },
    /// Unpacked.
    Packed {
        /// `None`: closed.
        inflater: Option<Box<Inflater>>,
        /// How.
        packing: Packing,
    },
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

impl Handle {
    /// An opened plain file.
    pub fn plain(file: File) -> Handle {
        Handle::Plain { file: Some(file), next: None }
    }

    /// A compressed file, not opened yet.
    pub fn packed(packing: Packing) -> Handle {
        Handle::Packed { inflater: None, packing }
    }

    /// Whether a descriptor is held.
    pub fn is_open(&self) -> bool {
        match self {
            Handle::Plain { file, .. } => file.is_some(),
            Handle::Packed { inflater, .. } => inflater.is_some(),
        }
    }

    /// Whether it is unpacked for reading.
    pub fn is_packed(&self) -> bool {
        matches!(self, Handle::Packed { .. })
    }

    /// How much it unpacks to, by its own word, if it is to be unpacked.
    pub fn unpacked(&self) -> Option<u64> {
        match self {
            Handle::Plain { .. } => None,
            Handle::Packed { packing, .. } => packing.unpacked,
        }
    }

    /// Opens it if it is closed.
    ///
    /// # Errors
    /// Those of [`open_seen`].
    pub fn open(&mut self, path: &Path, identity: Identity) -> io::Result<()> {
        match self {
            Handle::Plain { file: file @ None, .. } => *file = Some(open_seen(path, identity)?),
            Handle::Packed { inflater: inflater @ None, packing } => {
                *inflater = Some(Box::new(Inflater::new(open_seen(path, identity)?, packing.limit)?));
            }
            Handle::Plain { .. } | Handle::Packed { .. } => {}
        }
        Ok(())
    }

    /// Gives the descriptor back.
    pub fn close(&mut self) {
        match self {
            Handle::Plain { next: Some(packing), .. } => *self = Handle::packed(*packing),
            Handle::Plain { file, .. } => *file = None,
            Handle::Packed { inflater, .. } => *inflater = None,
        }
    }

    /// From the next opening on it is to be unpacked. Whether that is so already, because it isn't open.
    pub fn pack(&mut self, unpacked: Option<u64>, limit: u64) -> bool {
        let packing = Packing { unpacked, limit };
        match self {
            Handle::Plain { file: Some(_), next } => {
                *next = Some(packing);
                false
            }
            other => {
                *other = Handle::packed(packing);
                true
            }
        }
    }

    /// Whether it is open and nothing else leads to its content any more.
    pub fn unlinked(&self) -> bool {
        let file = match self {
            Handle::Plain { next: Some(_), .. } => None,
            Handle::Plain { file, next: None } => file.as_ref(),
            Handle::Packed { inflater, .. } => inflater.as_ref().map(|inflater| inflater.file()),
        };
        file.is_some_and(|file| file.metadata().map_or(true, |metadata| metadata.nlink() == 0))
    }

    /// The metadata of a plain file; of a closed one if `identity` is still at `path`.
    pub fn metadata(&self, path: &Path, identity: Identity) -> Option<Metadata> {
        match self {
            Handle::Plain { file: Some(file), .. } => file.metadata().ok(),
            Handle::Plain { file: None, .. } => {
                symlink_metadata(path).ok().filter(|metadata| Identity::of(metadata) == identity)
            }
            Handle::Packed { .. } => None,
        }
    }
}
