//! Hints that something changed, from inotify on folders.
//!
//! Knows nothing of which files matter. A hint may be late, doubled or missing (inotify loses events when its queue is full), so
//! nothing depends on one: the periodic rescan is the truth. Where the node's inotify limits are used up, hints are missing
//! altogether and [`Watch::complete`] says so.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::hints::{HINT_LIMIT, Hints};

/// How long, at most, word of a file that came or went waits while word of writes gathers.
const GATHERING: Duration = Duration::from_millis(20);
/// Room for events: some hundred of names as short as those of logs.
const BUFFER: usize = 8 << 10;

/// Opens inotify; replaced in tests by one that fails as a full node does.
type Make = fn() -> io::Result<Inotify>;

/// The watched folders.
#[derive(Debug)]
pub struct Watch {
    make: Make,
    inotify: Option<Inotify>,
    watched: HashMap<PathBuf, WatchDescriptor>,
    folders: HashMap<WatchDescriptor, PathBuf>,
    /// Names of the files that were written to, by the folder they are in.
    written: HashMap<WatchDescriptor, HashSet<OsString>>,
    /// What else has come.
    hints: Hints,
    complete: bool,
}

impl Watch {
    /// A watch by inotify, on nothing yet.
    pub fn new() -> Watch {
        Watch::with(Inotify::init)
    }

    pub(super) fn with(make: Make) -> Watch {
        let (watched, folders, written) = (HashMap::new(), HashMap::new(), HashMap::new());
        Watch { make, inotify: None, watched, folders, written, hints: Hints::default(), complete: true }
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
        let mut added = false;
        if self.inotify.is_some() {
            for folder in folders.iter().filter(|folder| !self.watched.contains_key(*folder)).collect::<Vec<_>>() {
                added |= self.begin(folder).is_ok();
            }
        }
        added
    }

    fn try_follow(&mut self, folders: &BTreeSet<PathBuf>, added: &mut bool) -> io::Result<()> {
        if self.inotify.is_none() {
            self.inotify = Some((self.make)()?);
        }
        self.end_all_but(folders);
        let mut outcome = Ok(());
        for folder in folders {
            if self.watched.contains_key(folder) {
                continue;
            }
            match self.begin(folder) {
                Ok(()) => *added = true,
                Err(_) if !folder.is_dir() => {}
                // Every further one would fail in the same way.
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(error),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn begin(&mut self, folder: &Path) -> io::Result<()> {
        let Some(inotify) = &self.inotify else { return Ok(()) };
        let mask = WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::MODIFY
            | WatchMask::MOVED_FROM
            | WatchMask::MOVED_TO
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR;
        let descriptor = inotify.watches().add(folder, mask)?;
        self.watched.insert(folder.to_path_buf(), descriptor.clone());
        self.folders.insert(descriptor, folder.to_path_buf());
        Ok(())
    }

    /// Ends the watches of all folders but these, and those of folders that were replaced unseen.
    fn end_all_but(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(inotify) = &self.inotify else { return };
        self.watched.retain(|folder, _| folders.contains(folder));
        let watched = &self.watched;
        self.folders.retain(|descriptor, folder| {
            let needed = watched.get(folder) == Some(descriptor);
            if !needed {
                // It fails for a folder that is gone, whose watch went with it.
                let _ = inotify.watches().remove(descriptor.clone());
            }
            needed
        });
    }

    /// Waits until there is a hint, at most for `timeout`; for the time of `rest` only until there is one of more than writes. What is
    /// written meanwhile is word for one look then, and most of it one event: the kernel joins those that are alike.
    /// Whether there is any hint.
    pub fn wait(&mut self, timeout: Duration, rest: Duration) -> bool {
        let began = Instant::now();
        loop {
            self.gather();
            let waited = began.elapsed();
            let rested = waited >= rest;
            let any = self.written() > 0 || self.hints.is_urgent();
            if waited >= timeout || self.hints.is_urgent() || (rested && any) {
                return any;
            }
            if rested {
                self.block(timeout - waited);
            } else {
                std::thread::sleep(GATHERING.min(rest - waited));
            }
        }
    }

    /// Until there are events, or the time is over.
    fn block(&self, time: Duration) {
        let Some(inotify) = &self.inotify else { return std::thread::sleep(time) };
        // A time that is too long for it is as good as none.
        let time = Timespec::try_from(time).ok();
        // What goes wrong is told where events are read.
        let _ = poll(&mut [PollFd::new(inotify, PollFlags::IN)], time.as_ref());
    }

    /// How many files there is word of that they were written to.
    pub fn written(&self) -> usize {
        self.written.values().map(HashSet::len).sum()
    }

    /// Takes the hints that have come.
    pub fn take(&mut self) -> Hints {
        self.gather();
        let mut hints = std::mem::take(&mut self.hints);
        for (descriptor, names) in std::mem::take(&mut self.written) {
            // A folder that isn't watched any more is gone or elsewhere: that is for the walk.
            let Some(folder) = self.folders.get(&descriptor) else { continue };
            hints.written.extend(names.into_iter().map(|name| folder.join(name)));
        }
        if hints.lost {
            // A folder may have been replaced unseen; watching one twice does no harm.
            self.watched.clear();
        }
        hints
    }

    /// Makes hints of the events that have come.
    fn gather(&mut self) {
        let mut buffer = [0; BUFFER];
        loop {
            let Some(inotify) = &mut self.inotify else { return };
            match inotify.read_events(&mut buffer) {
                Ok(events) => {
                    events.for_each(|event| self.take_in(&event));
                    self.bound();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.hints.lost |= error.kind() != io::ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    fn take_in(&mut self, event: &Event<&OsStr>) {
        let hints = &mut self.hints;
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            hints.lost = true;
            return;
        }
        // Of a watch that we have ended.
        let Some(folder) = self.folders.get(&event.wd) else { return };
        if event.mask.intersects(EventMask::IGNORED | EventMask::MOVE_SELF) {
            hints.structure = true;
            self.end(&event.wd);
        } else if event.mask.contains(EventMask::MODIFY) {
            event.name.into_iter().for_each(|name| self.wrote(&event.wd, name));
        } else if event.mask.contains(EventMask::CREATE) {
            event.name.into_iter().for_each(|name| hints.made(folder.join(name)));
        } else {
            hints.structure = true;
        }
    }

    /// Notes a file that was written to: once, however often.
    fn wrote(&mut self, descriptor: &WatchDescriptor, name: &OsStr) {
        let names = self.written.entry(descriptor.clone()).or_default();
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    /// Forgets which files were written to, if they are too many: then any may have been.
    fn bound(&mut self) {
        if self.written() > HINT_LIMIT {
            self.written.clear();
            self.hints.lost = true;
        }
    }

    /// A folder isn't there any more, or is somewhere else.
    fn end(&mut self, descriptor: &WatchDescriptor) {
        let Some(folder) = self.folders.remove(descriptor) else { return };
        if self.watched.get(&folder) == Some(descriptor) {
            self.watched.remove(&folder);
        }
        if let Some(inotify) = &self.inotify {
            // It fails where the kernel has ended it.
            let _ = inotify.watches().remove(descriptor.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints_until(watch: &mut Watch, enough: impl Fn(&Watch, &Hints) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            watch.wait(Duration::from_secs(1), Duration::ZERO);
            let hints = watch.take();
            if enough(watch, &hints) {
                return;
            }
        }
        panic!("no such hint");
    }

    #[test]
    fn writing_and_creating_give_hints() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mut watch = Watch::new();
        watch.follow(&BTreeSet::from([root.clone()]));
        assert!(watch.complete());
        let log = root.join("0.log");
        std::fs::write(&log, "").unwrap();
        hints_until(&mut watch, |_, hints| hints.structure);
        std::fs::write(&log, "words\n").unwrap();
        hints_until(&mut watch, |_, hints| hints.written.contains(&log));
    }

    #[test]
    fn a_folder_that_was_replaced_is_watched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().canonicalize().unwrap();
        let (inner, elsewhere) = (outer.join("pod"), tempfile::tempdir().unwrap());
        let wanted = BTreeSet::from([outer, inner.clone()]);
        let mut watch = Watch::new();
        for round in 0..4 {
            std::fs::create_dir(&inner).unwrap();
            watch.follow(&wanted);
            let log = inner.join(format!("{round}.log"));
            std::fs::write(&log, "words\n").unwrap();
            hints_until(&mut watch, |_, hints| hints.written.contains(&log));
            if round % 2 == 0 {
                std::fs::remove_dir_all(&inner).unwrap();
            } else {
                std::fs::rename(&inner, elsewhere.path().join(round.to_string())).unwrap();
            }
            hints_until(&mut watch, |watch, _| !watch.watched.contains_key(&inner));
        }
    }

    #[test]
    fn writes_gather_and_what_is_created_does_not_wait() {
        const LONG: Duration = Duration::from_secs(3600);
        let folder = tempfile::tempdir().unwrap();
        let (log, other) = (folder.path().join("0.log"), folder.path().join("1.log"));
        std::fs::write(&log, "").unwrap();
        let mut watch = Watch::new();
        watch.follow(&BTreeSet::from([folder.path().to_path_buf()]));
        std::fs::write(&log, "words\n").unwrap();
        assert!(watch.wait(Duration::from_millis(1), LONG));
        assert_eq!(watch.take().written, [log.as_path()]);
        assert!(!watch.wait(Duration::ZERO, LONG));
        std::fs::write(&log, "words\n").unwrap();
        std::fs::write(&other, "").unwrap();
        assert!(watch.wait(LONG, LONG));
        assert_eq!(watch.take().created, HashSet::from([other]));
    }

    #[test]
    fn exhausted_limits_are_reported_and_tried_again() {
        let mut watch = Watch::with(|| Err(io::Error::from_raw_os_error(libc::EMFILE)));
        let folder = tempfile::tempdir().unwrap();
        let wanted = BTreeSet::from([folder.path().to_path_buf()]);
        watch.follow(&wanted);
        assert!(!watch.complete());
        watch.make = Watch::new().make;
        watch.follow(&wanted);
        assert!(watch.complete());
    }

    #[test]
    fn too_many_hints_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new();
        watch.follow(&BTreeSet::from([folder.path().to_path_buf()]));
        let descriptor = watch.folders.keys().next().unwrap().clone();
        for number in 0..=HINT_LIMIT {
            assert!(!watch.hints.lost, "{number}");
            watch.wrote(&descriptor, OsStr::new("0"));
            watch.wrote(&descriptor, OsStr::new(&number.to_string()));
            watch.bound();
        }
        let hints = watch.take();
        assert!(hints.lost && hints.written.is_empty());
        assert_eq!(watch.written(), 0);
        let mut hints = Hints::default();
        for number in 0..=HINT_LIMIT {
            hints.made(PathBuf::from(format!("/{number}")));
        }
        assert!(hints.lost && hints.created.is_empty());
    }
}
