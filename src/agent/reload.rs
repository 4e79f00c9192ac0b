//! When configuration and patterns are read again: on SIGHUP, and when one of their files has changed.
//!
//! Files are looked at rather than watched: a ConfigMap is swapped by renaming a symbolic link in another folder, which a watch of the file misses. What
//! was read is only used if all of it is right.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Live;

/// How often the files are looked at. A change counts once it has been the same for two looks: an editor may still be writing.
pub(super) const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// Files looked at, at most.
const FILES: usize = 10_000;

/// Where configuration and patterns come from.
pub trait Origin: Send + Sync {
    /// Files and folders that they are read from.
    fn paths(&self) -> Vec<PathBuf>;

    /// Reads everything again.
    ///
    /// # Errors
    /// Everything that is wrong with it, a line each.
    fn read(&self) -> Result<Live, Vec<String>>;
}

/// What a set of files looks like from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look(BTreeSet<(PathBuf, PathBuf, u64, u64, i64, i64)>);

impl Look {
    /// Looks at these files, and at everything in these folders.
    pub fn at(paths: &[PathBuf]) -> Look {
        let mut look = Look::default();
        for path in paths {
            look.take(path, 0);
        }
        look
    }

    fn take(&mut self, path: &Path, depth: usize) {
        // What can't be looked at isn't there; when it comes back, that is a change.
        let Ok(metadata) = fs::metadata(path) else { return };
        if self.0.len() >= FILES || depth > 8 {
            return;
        }
        if metadata.is_dir() {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.for_each(|entry| self.take(&entry.path(), depth + 1));
        } else {
            let real = fs::canonicalize(path).unwrap_or_default();
            let state = (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec());
            self.0.insert((path.to_owned(), real, state.0, state.1, state.2, state.3));
        }
    }
}

/// Tells when files have changed and come to rest.
#[derive(Debug, Default)]
pub(super) struct Changes {
    used: Look,
    seen: Look,
}

impl Changes {
    /// What is in use looks like this.
    pub fn since(look: Look) -> Changes {
        Changes { used: look.clone(), seen: look }
    }

    /// Takes a look in. Whether it is another than that in use, and the same as the time before.
    pub fn settled(&mut self, look: Look) -> bool {
        let rests = self.seen == look;
        let changed = self.used != look;
        if rests && changed {
            self.used = look;
            return true;
        }
        self.seen = look;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_configmaps_swap_is_one_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["..v1", "..v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("pack.yaml"), "patterns: []").unwrap();
        }
        symlink("..v1", at("..data")).unwrap();
        symlink("..data/pack.yaml", at("pack.yaml")).unwrap();
        let paths = [at("pack.yaml")];
        let mut changes = Changes::since(Look::at(&paths));
        assert!(!changes.settled(Look::at(&paths)));
        symlink("..v2", at("..tmp")).unwrap();
        fs::rename(at("..tmp"), at("..data")).unwrap();
        let looks: Vec<bool> = (0..3).map(|_| changes.settled(Look::at(&paths))).collect();
        assert_eq!(looks, [false, true, false]);
    }

    #[test]
    fn a_file_that_is_still_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned()];
        let mut changes = Changes::since(Look::at(&paths));
        let mut looks = Vec::new();
        for text in ["a", "ab", "abc", "abc", "abc"] {
            fs::write(folder.path().join("pack.yaml"), text).unwrap();
            // As if nothing but the size told.
            let time = std::time::UNIX_EPOCH;
            fs::File::open(folder.path().join("pack.yaml")).unwrap().set_modified(time).unwrap();
            looks.push(changes.settled(Look::at(&paths)));
        }
        assert_eq!(looks, [false, false, false, true, false]);
        fs::remove_file(folder.path().join("pack.yaml")).unwrap();
        assert_eq!([(); 2].map(|()| changes.settled(Look::at(&paths))), [false, true]);
    }
}
