//! What is in folders, read again only when it may have changed.
//!
//! Knows nothing of which names matter. A folder's own times change whenever something in it is created, renamed or removed, so a look at
//! them does for most of a node's folders; reading them all at every walk would cost more than everything else does on a quiet node,
//! not least because inotify tells us of each folder that we open.

use std::collections::HashMap;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

/// A folder that changed less than so many seconds ago may change again without its times showing it: they have grains.
const SETTLED_SECONDS: i64 = 2;

/// Names in a folder, with what they name. Names that aren't UTF-8 are left out: Kubernetes and Docker make none.
pub type Listing = Arc<Vec<(String, FileType)>>;

/// What identifies a state of a folder: who it is, and when it changed (content and inode, seconds and nanoseconds).
type Stamp = [i64; 6];

#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    listing: Listing,
    /// The walk that asked for it last.
    walk: u64,
}

/// Listings of the folders that walks come by.
#[derive(Debug, Default)]
pub struct Listings {
    kept: HashMap<PathBuf, Kept>,
    walk: u64,
}

impl Listings {
    /// What is in a folder, at most `limit` names.
    ///
    /// # Errors
    /// Those of listing it.
    pub fn list(&mut self, folder: &Path, limit: usize) -> io::Result<Listing> {
        let stamp = stamp(&fs::metadata(folder)?);
        if let Some(kept) = self.kept.get_mut(folder)
            && kept.stamp == stamp
        {
            kept.walk = self.walk;
            return Ok(Arc::clone(&kept.listing));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)?.flatten().take(limit) {
            if let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) {
                entries.push((name, kind));
            }
        }
        let listing = Arc::new(entries);
        // The stamp is from before the listing was read, so what came in between shows next time. One that was cut off isn't kept.
        if listing.len() < limit && is_settled(stamp, Timestamp::now()) {
            let kept = Kept { stamp, listing: Arc::clone(&listing), walk: self.walk };
            self.kept.insert(folder.to_path_buf(), kept);
        } else {
            self.kept.remove(folder);
        }
        Ok(listing)
    }

    /// A whole walk is done: forgets the folders that it didn't come by.
    pub fn end_walk(&mut self) {
        let walk = self.walk;
        self.kept.retain(|_, kept| kept.walk == walk);
        self.walk += 1;
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    [
        metadata.dev().cast_signed(),
        metadata.ino().cast_signed(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

fn is_settled(stamp: Stamp, now: Timestamp) -> bool {
    let [_, _, modified, _, changed, _] = stamp;
    modified.max(changed).saturating_add(SETTLED_SECONDS) < now.as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        let mut names: Vec<&str> = listing.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_folder_is_read_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one"), "").unwrap();
        let mut listings = Listings::default();
        for name in ["two", "three"] {
            fs::write(folder.path().join(name), "").unwrap();
            let listing = listings.list(folder.path(), 10).unwrap();
            assert!(names(&listing).contains(&name));
        }
        assert!(listings.kept.is_empty(), "it changed just now");
        assert_eq!(listings.list(folder.path(), 2).unwrap().len(), 2);
    }

    #[test]
    fn a_settled_folder_is_kept_until_a_walk_passes_it_by() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut listings = Listings::default();
        let stamp = stamp(&fs::metadata(folder).unwrap());
        let listing = Arc::new(Vec::new());
        listings.kept.insert(folder.to_path_buf(), Kept { stamp, listing: Arc::clone(&listing), walk: 0 });
        assert!(Arc::ptr_eq(&listings.list(folder, 10).unwrap(), &listing));
        listings.end_walk();
        assert_eq!(listings.kept.len(), 1);
        listings.end_walk();
        assert!(listings.kept.is_empty());
    }

    #[test]
    fn times_settle_after_their_grain() {
        let now = Timestamp::from_second(100).unwrap();
        for (modified, changed, settled) in [(97, 97, true), (98, 97, false), (97, 98, false), (200, 97, false)] {
            assert_eq!(is_settled([1, 2, modified, 999, changed, 999], now), settled);
        }
    }
}
