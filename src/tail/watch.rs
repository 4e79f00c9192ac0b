//! Hints that something changed, from inotify on folders.
//!
//! Knows nothing of which files matter. A hint may be late, doubled or missing (inotify loses events when its queue is full), so
//! nothing depends on one: the periodic rescan is the truth. Where the node's inotify limits are used up, hints are missing
//! altogether and [`Watch::complete`] says so.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Paths remembered between two looks. Beyond it the answer is to look at everything.
const HINT_LIMIT: usize = 8192;

/// What changed since the last look.
#[derive(Debug, Default)]
pub struct Hints {
    /// Files that were written to.
    pub written: HashSet<PathBuf>,
    /// What was created.
    pub created: HashSet<PathBuf>,
    /// Something was created, renamed or removed.
    pub structure: bool,
    /// Events were lost: anything may have changed.
    pub lost: bool,
    /// Removed paths, among them watched folders.
    removed: HashSet<PathBuf>,
}

impl Hints {
    fn is_empty(&self) -> bool {
        self.written.is_empty() && !self.structure && !self.lost
    }

    fn take_in(&mut self, event: notify::Result<notify::Event>) {
        let Ok(event) = event else {
            self.lost = true;
            return;
        };
        if event.need_rescan() {
            self.lost = true;
        }
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) => self.written.extend(event.paths),
            EventKind::Create(_) => {
                self.structure = true;
                self.created.extend(event.paths);
            }
            EventKind::Modify(ModifyKind::Name(_)) => self.structure = true,
            EventKind::Remove(_) => {
                self.structure = true;
                self.removed.extend(event.paths);
            }
            // Opening and reading is what we do ourselves, at every rescan.
            _ => {}
        }
        if self.written.len() + self.created.len() + self.removed.len() > HINT_LIMIT {
            self.written.clear();
            self.created.clear();
            self.removed.clear();
            self.lost = true;
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    hints: Mutex<Hints>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Hints> {
        // Hints are valid whatever a panicking thread left of them.
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a watcher that calls back; replaced in tests by one that fails as a full node does.
type Make = fn(Box<dyn Fn(notify::Result<notify::Event>) + Send>) -> notify::Result<RecommendedWatcher>;

/// The watched folders.
#[derive(Debug)]
pub struct Watch {
    make: Make,
    watcher: Option<RecommendedWatcher>,
    shared: Arc<Shared>,
    watched: BTreeSet<PathBuf>,
    complete: bool,
}

impl Watch {
    /// A watch by inotify, on nothing yet.
    pub fn by_inotify() -> Watch {
        Watch::with(notify::recommended_watcher)
    }

    pub(super) fn with(make: Make) -> Watch {
        Watch { make, watcher: None, shared: Arc::default(), watched: BTreeSet::new(), complete: true }
    }

    /// Whether every folder asked for is watched. If not, files have to be looked at in turn.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// Watches these folders and no others. Tried again at every call for those that couldn't be watched before. Whether any is watched
    /// that wasn't before.
    pub fn follow(&mut self, folders: &BTreeSet<PathBuf>) -> bool {
        let mut added = false;
        let problem = self.try_follow(folders, &mut added).err();
        match (&problem, self.complete) {
            (Some(error), true) => tracing::warn!(
                watched = self.watched.len(),
                wanted = folders.len(),
                %error,
                "can't watch all log folders for changes, so they are looked at every second instead; \
                 raise fs.inotify.max_user_watches and fs.inotify.max_user_instances on the node"
            ),
            (None, false) => tracing::info!("all log folders are watched for changes again"),
            _ => {}
        }
        self.complete = problem.is_none();
        added
    }

    /// Watches these folders too, until the next [`follow`](Watch::follow), which says what can't be watched. Whether any is watched that
    /// wasn't before.
    pub fn add(&mut self, folders: &BTreeSet<PathBuf>) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let mut added = false;
        for folder in folders.iter().filter(|folder| !self.watched.contains(*folder)).collect::<Vec<_>>() {
            if watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(folder.clone());
                added = true;
            }
        }
        added
    }

    fn try_follow(&mut self, folders: &BTreeSet<PathBuf>, added: &mut bool) -> notify::Result<()> {
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => {
                let shared = Arc::clone(&self.shared);
                none.insert((self.make)(Box::new(move |event| {
                    shared.lock().take_in(event);
                    shared.arrived.notify_one();
                }))?)
            }
        };
        for stale in self.watched.difference(folders) {
            // It fails for a folder that is gone, whose watch went with it.
            let _ = watcher.unwatch(stale);
        }
        self.watched.retain(|folder| folders.contains(folder));
        let mut outcome = Ok(());
        for folder in folders {
            if self.watched.contains(folder) {
                continue;
            }
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.clone());
                    *added = true;
                }
                Err(error) if is_gone(&error, folder) => {}
                // Every further one would fail in the same way.
                Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => return Err(error),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Waits until there is a hint, at most for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let hints = self.shared.lock();
        drop(self.shared.arrived.wait_timeout_while(hints, timeout, |hints| hints.is_empty()));
    }

    /// Takes the hints that have come.
    pub fn take(&mut self) -> Hints {
        let hints = std::mem::take(&mut *self.shared.lock());
        if hints.lost {
            // A folder may have been replaced unseen; watching one twice does no harm.
            self.watched.clear();
        }
        for folder in &hints.removed {
            self.watched.remove(folder);
        }
        hints
    }
}

fn is_gone(error: &notify::Error, folder: &Path) -> bool {
    matches!(error.kind, ErrorKind::PathNotFound) || !folder.is_dir()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn hints_until(watch: &mut Watch, enough: impl Fn(&Hints) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            watch.wait(Duration::from_secs(1));
            if enough(&watch.take()) {
                return;
            }
        }
        panic!("no such hint");
    }

    #[test]
    fn writing_and_creating_give_hints() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mut watch = Watch::by_inotify();
        watch.follow(&BTreeSet::from([root.clone()]));
        assert!(watch.complete());
        let log = root.join("0.log");
        std::fs::write(&log, "").unwrap();
        hints_until(&mut watch, |hints| hints.structure);
        std::fs::write(&log, "words\n").unwrap();
        hints_until(&mut watch, |hints| hints.written.contains(&log));
    }

    #[test]
    fn a_folder_that_was_replaced_is_watched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().canonicalize().unwrap().join("pod");
        let wanted = BTreeSet::from([inner.parent().unwrap().to_path_buf(), inner.clone()]);
        let mut watch = Watch::by_inotify();
        for round in 0..3 {
            std::fs::create_dir(&inner).unwrap();
            watch.follow(&wanted);
            let log = inner.join(format!("{round}.log"));
            std::fs::write(&log, "words\n").unwrap();
            hints_until(&mut watch, |hints| hints.written.contains(&log));
            std::fs::remove_dir_all(&inner).unwrap();
            hints_until(&mut watch, |hints| hints.removed.contains(&inner));
        }
    }

    #[test]
    fn exhausted_limits_are_reported_and_tried_again() {
        let mut watch = Watch::with(|_| Err(notify::Error::new(ErrorKind::MaxFilesWatch)));
        let folder = tempfile::tempdir().unwrap();
        let wanted = BTreeSet::from([folder.path().to_path_buf()]);
        watch.follow(&wanted);
        assert!(!watch.complete());
        watch.make = Watch::by_inotify().make;
        watch.follow(&wanted);
        assert!(watch.complete());
    }

    #[test]
    fn too_many_hints_become_one() {
        let mut hints = Hints::default();
        for number in 0..=HINT_LIMIT {
            let kind = EventKind::Modify(ModifyKind::Data(notify::event::DataChange::Any));
            hints.take_in(Ok(notify::Event::new(kind).add_path(PathBuf::from(format!("/{number}")))));
        }
        assert!(hints.lost);
        assert!(hints.written.is_empty());
    }
}
