//! What is on the disk held against what is followed: new files taken up, renamed and deleted ones noticed, finished ones let go.
//!
//! Knows nothing of how bytes are read or what becomes of them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::checkpoint::{self, ENTRY_LIMIT, Entry};
use super::discover::Sighting;
use super::file::{Followed, open_seen};
use super::identity::{Identity, Prefix};
use super::ledger::Mark;
use super::lines::last_line_boundary;
use super::names;
use super::{FileId, LOOK_PERIOD, ReadFrom, Tailer};

/// Walks asked for by hints are at least so far apart, and take at most a tenth of the time.
const SCAN_GAP: Duration = Duration::from_millis(100);
/// How far a start at the end looks back for the end of a line.
const LOOK_BACK: u64 = 16 << 20;

/// A file that isn't followed and of which we know how far it is done.
#[derive(Debug)]
pub(super) struct Known {
    pub entry: Entry,
    /// Size and inode change time at which it was found to be finished.
    pub finished: Option<(u64, (i64, i64))>,
    /// Seen since the last checkpoint.
    pub seen: bool,
}

impl Tailer {
    /// Takes in hints and does what is due at `now`.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.now = now;
        let hints = self.watch.take();
        self.scan_wanted |= hints.structure || hints.lost;
        if now >= self.next_scan || (self.scan_wanted && now >= self.earliest_scan) {
            self.scan();
        }
        let everything = hints.lost || (!self.watch.complete() && now >= self.next_look);
        if everything {
            self.next_look = now + LOOK_PERIOD;
            self.files.values_mut().filter(|file| !file.ended).for_each(Followed::look);
        } else {
            for path in &hints.written {
                if let Some(file) = self.by_path.get(path).and_then(|id| self.files.get_mut(id)) {
                    file.look();
                }
            }
            // No folder we watch need tell of these.
            self.files.values_mut().filter(|file| file.departed() && !file.ended).for_each(Followed::look);
        }
        self.retire();
    }

    fn scan(&mut self) {
        let began = Instant::now();
        self.scan_wanted = false;
        let mut lives: HashSet<PathBuf> = self.files.values().map(|file| file.live.clone()).collect();
        if !self.scanned {
            // Where the process stopped in the middle of a rotation only the checkpoint knows the live path.
            lives.extend(self.known.values().map(|known| PathBuf::from(&known.entry.path)));
        }
        let mut walk = self.globs.walk(&lives);
        self.watch.follow(&walk.folders);
        let live_now: HashMap<&Path, Identity> = walk
            .sightings
            .iter()
            .filter(|sighting| !sighting.rotated())
            .map(|sighting| (sighting.path.as_path(), sighting.identity))
            .collect();
        let mut met = HashSet::new();
        for sighting in &walk.sightings {
            let succeeded = live_now.get(sighting.live.as_path()).is_some_and(|other| *other != sighting.identity);
            match self.meet(sighting, succeeded) {
                Ok(Some(id)) => {
                    met.insert(id);
                }
                Ok(None) => {}
                // It went away, or another came, since it was seen. The next scan tells.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.scan_wanted = true,
                Err(error) => walk.refused.push((sighting.path.clone(), error.to_string())),
            }
        }
        for (id, file) in self.files.iter_mut().filter(|(id, file)| !met.contains(id) && !file.ended) {
            tracing::debug!(?id, path = %file.at.display(), "a log file is not where it was");
            let succeeded = live_now.get(file.live.as_path()).is_some_and(|other| *other != file.identity);
            file.lose_sight(succeeded, self.now);
        }
        let placed = self.files.iter().filter(|(_, file)| !file.ended);
        self.by_path = placed.map(|(&id, file)| (file.at.clone(), id)).collect();
        self.complain(walk.refused);
        self.scanned = true;
        let ended = Instant::now();
        self.next_scan = ended + self.rescan;
        self.earliest_scan = ended + SCAN_GAP.max((ended - began) * 9);
    }

    /// Recognises a file or takes it up. `None`: it isn't to be followed.
    fn meet(&mut self, sighting: &Sighting, succeeded: bool) -> io::Result<Option<FileId>> {
        if let Some(&id) = self.by_identity.get(&sighting.identity)
            && let Some(file) = self.files.get_mut(&id)
        {
            if file.ended {
                return Ok(Some(id));
            }
            if is_same(file, sighting)? {
                file.place(&sighting.path, sighting.size, succeeded, self.now);
                return Ok(Some(id));
            }
            // Its inode was given to another file while it was closed; the old one ends when it is found to be missing.
            self.by_identity.remove(&sighting.identity);
        }
        let Some((mut file, start)) = self.take_up(sighting)? else {
            return Ok(None);
        };
        file.place(&sighting.path, sighting.size, succeeded, self.now);
        self.last_id += 1;
        self.clock += 1;
        let id = FileId(self.last_id);
        file.used = self.clock;
        tracing::debug!(?id, path = %sighting.path.display(), offset = start.offset, "following a log file");
        self.known.remove(&sighting.identity);
        self.by_identity.insert(sighting.identity, id);
        self.files.insert(id, file);
        self.close_beyond(self.max_open_files);
        Ok(Some(id))
    }

    /// Opens a file that isn't followed, if there is or may come something to read in it.
    fn take_up(&mut self, sighting: &Sighting) -> io::Result<Option<(Followed, Mark)>> {
        let state = (sighting.size, sighting.changed);
        match self.known.get_mut(&sighting.identity) {
            Some(known) => {
                known.seen = true;
                if sighting.rotated() && known.finished == Some(state) {
                    return Ok(None);
                }
            }
            // Rotated away before we came; unless the kubelet did it, it may well be a copy of what is being read.
            None if !sighting.included && !names::rotated_by_kubelet(&sighting.path) => {
                return Ok(None);
            }
            None => {}
        }
        let file = open_seen(&sighting.path, sighting.identity)?;
        let start = match self.known.get_mut(&sighting.identity) {
            Some(known) if sighting.size >= known.entry.offset && known.entry.prefix().holds(&file)? => {
                if sighting.rotated() && sighting.size == known.entry.offset {
                    known.finished = Some(state);
                    return Ok(None);
                }
                known.entry.mark()
            }
            // The inode, or the content, is another by now.
            Some(_) => Mark::BEGINNING,
            None if self.scanned || !self.checkpoints.fresh() => Mark::BEGINNING,
            None if !sighting.included => {
                self.remember_as_finished(sighting, Prefix::take(&file)?);
                return Ok(None);
            }
            None if self.read_from == ReadFrom::Beginning => Mark::BEGINNING,
            // Its lines are counted when it first grows, so that a start doesn't read the whole disk.
            None => Mark { offset: last_line_boundary(&file, LOOK_BACK)?, line: 0 },
        };
        let prefix = Prefix::take(&file)?;
        Ok(Some((Followed::new(sighting, file, prefix, start), start)))
    }

    /// A rotated file from before our first start: it isn't read, and after a restart still not.
    fn remember_as_finished(&mut self, sighting: &Sighting, prefix: Prefix) {
        let mark = Mark { offset: sighting.size, line: 0 };
        let entry = Entry::new(&sighting.live, sighting.identity, prefix, mark, Timestamp::UNIX_EPOCH);
        let finished = Some((sighting.size, sighting.changed));
        self.known.insert(sighting.identity, Known { entry, finished, seen: true });
    }

    /// Lets go of ended files all of whose bytes are done. They stay known, so that what a late writer adds is read.
    pub(super) fn retire(&mut self) {
        let ledger = &self.ledger;
        let done = |(&id, file): (&FileId, &Followed)| {
            let mark = ledger.watermark(id).unwrap_or(file.start);
            (file.ended && mark.offset >= file.offset).then_some((id, mark))
        };
        let done: Vec<_> = self.files.iter().filter_map(done).collect();
        for (id, mark) in done {
            let Some(file) = self.files.remove(&id) else {
                continue;
            };
            self.ledger.close(id);
            if self.by_identity.get(&file.identity) == Some(&id) {
                self.by_identity.remove(&file.identity);
                let entry = Entry::new(&file.live, file.identity, file.prefix, mark, Timestamp::UNIX_EPOCH);
                self.known.insert(file.identity, Known { entry, finished: None, seen: true });
            }
        }
    }

    /// Forgets files that weren't seen for a week, and those seen longest ago if there are too many.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.known.retain(|_, known| checkpoint::is_recent(&known.entry, now));
        if let Some(excess) = self.known.len().checked_sub(ENTRY_LIMIT).filter(|excess| *excess > 0) {
            let mut by_age: Vec<_> = self.known.iter().map(|(id, known)| (known.entry.seen, *id)).collect();
            by_age.sort_unstable();
            for (_, identity) in &by_age[..excess] {
                self.known.remove(identity);
            }
        }
    }

    fn complain(&mut self, refused: Vec<(PathBuf, String)>) {
        for (path, why) in &refused {
            if !self.complained.contains(path) {
                tracing::warn!(path = %path.display(), why, "can't read a log file");
            }
        }
        self.complained = refused.into_iter().map(|(path, _)| path).collect();
    }
}

/// Whether a followed file is the one that was seen with its inode. While it is open no other file can have that; when it is closed
/// and the name has changed too, its first bytes decide.
fn is_same(file: &Followed, sighting: &Sighting) -> io::Result<bool> {
    if file.is_open() || file.at == sighting.path {
        return Ok(true);
    }
    Ok(file.prefix.len > 0 && file.prefix.holds(&open_seen(&sighting.path, sighting.identity)?)?)
}
