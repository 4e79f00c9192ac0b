//! What is on the disk held against what is followed: new files taken up, renamed and deleted ones noticed, finished ones let go.
//!
//! Knows nothing of how bytes are read or what becomes of them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::checkpoint::{self, ENTRY_LIMIT};
use super::entry::Entry;
use super::file::Followed;
use super::identity::Identity;
use super::stats::{Loss, LossReason};
use super::take_up::Known;
use super::{FileId, LOOK_PERIOD, Tailer};

/// Walks asked for by hints are at least so far apart, and take at most a tenth of the time.
const SCAN_GAP: Duration = Duration::from_millis(20);
/// Walks are no further apart while inotify can't tell of all folders.
const POLLED_RESCAN: Duration = Duration::from_secs(10);
/// Created paths that are looked at one by one between two walks.
const CREATED_LIMIT: usize = 256;
/// How often what was created is looked at while new folders are found in it.
const CREATED_LOOKS: usize = 4;
impl Tailer {
    /// Takes in hints and does what is due at `now`.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.now = now;
        let hints = self.watch.take();
        self.scan_wanted |= hints.structure || hints.lost;
        // Before anything is opened, which may close what seems to be idle.
        for path in &hints.written {
            if let Some(file) = self.by_path.get(path).and_then(|id| self.files.get_mut(id)) {
                file.look();
            }
        }
        hints.created.iter().take(CREATED_LIMIT).for_each(|created| self.take_up_created(created));
        if now >= self.next_scan || (self.scan_wanted && now >= self.earliest_scan) {
            self.scan();
        }
        if hints.lost || (!self.watch.complete() && now >= self.next_look) {
            self.next_look = now + LOOK_PERIOD;
            self.files.values_mut().filter(|file| !file.ended).for_each(Followed::look);
        } else {
            // No folder we watch need tell of these.
            self.files.values_mut().filter(|file| file.departed() && !file.ended).for_each(Followed::look);
        }
        self.retire();
    }

    /// Opens at once what was just created: by the next walk it may be gone. Everything else is for that walk, also what is created
    /// beside followed files: it may have taken the place of one, and then the order matters.
    fn take_up_created(&mut self, created: &Path) {
        if !self.scanned {
            return;
        }
        // Again, since what came into a folder before it was watched gave no hint.
        for _ in 0..CREATED_LOOKS {
            let walk = self.globs.walk_below(created, &mut self.listings, self.config.max_folders);
            let more = self.watch.add(&walk.folders);
            for sighting in &walk.sightings {
                let followed = self.by_holder.contains_key(&sighting.identity);
                if followed || self.files.values().any(|file| file.live.parent() == sighting.live.parent()) {
                    continue;
                }
                if self.meet(sighting, false).is_ok()
                    && let Some(&id) = self.by_holder.get(&sighting.identity)
                {
                    self.by_path.insert(sighting.path.clone(), id);
                }
            }
            if !more {
                break;
            }
        }
    }

    fn scan(&mut self) {
        let began = Instant::now();
        self.scan_wanted = false;
        let mut lives: HashSet<PathBuf> = self.files.values().map(|file| file.live.clone()).collect();
        if !self.scanned {
            // Where the process stopped in the middle of a rotation only the checkpoint knows the live path.
            lives.extend(self.known.values().map(|known| PathBuf::from(&known.entry.path)));
        }
        let mut walk = self.globs.walk(&lives, &mut self.listings, self.config.max_folders);
        self.listings.end_walk();
        // What came into a folder before it was watched gave no hint.
        self.scan_wanted = self.watch.follow(&walk.folders);
        let live_now: HashMap<&Path, Identity> = walk
            .sightings
            .iter()
            .filter(|sighting| !sighting.rotated())
            .map(|sighting| (sighting.path.as_path(), sighting.identity))
            .collect();
        let holders: HashSet<Identity> = walk.sightings.iter().map(|sighting| sighting.identity).collect();
        // What is deleted is known before others are opened, which may close some.
        for (id, file) in self.files.iter_mut().filter(|(_, file)| !holders.contains(&file.holder) && !file.ended) {
            tracing::debug!(?id, path = %file.at.display(), "a log file is not where it was");
            let succeeded = live_now.get(file.live.as_path()).is_some_and(|other| *other != file.identity);
            file.lose_sight(succeeded, self.now);
        }
        for sighting in &walk.sightings {
            let succeeded = live_now.get(sighting.live.as_path()).is_some_and(|other| *other != sighting.identity);
            match self.meet(sighting, succeeded) {
                Ok(()) => {}
                // It went away, or another came, since it was seen. The next scan tells.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.scan_wanted = true,
                Err(error) => {
                    self.scan_wanted |= self.spare_descriptors(&error);
                    walk.refused.push((sighting.path.clone(), error.to_string()));
                }
            }
        }
        self.give_up_beyond(self.config.max_deleted_bytes);
        self.count_displaced();
        if !self.scanned && !self.checkpoints.fresh() {
            self.count_missing(&live_now);
        }
        let placed = self.files.iter().filter(|(_, file)| !file.ended);
        self.by_path = placed.map(|(&id, file)| (file.at.clone(), id)).collect();
        self.complain(walk.refused);
        self.scanned = true;
        let ended = Instant::now();
        let period = if self.watch.complete() { self.rescan } else { self.rescan.min(POLLED_RESCAN) };
        self.next_scan = ended + period;
        self.earliest_scan = ended + SCAN_GAP.max((ended - began) * 9);
    }

    /// What is remembered of files whose inode, or content, turned out to be another's: what wasn't read of them is gone.
    fn count_displaced(&mut self) {
        for (entry, by) in std::mem::take(&mut self.displaced) {
            let reason = if *entry.path == *by.to_string_lossy() { LossReason::Truncated } else { LossReason::Deleted };
            if !entry.done && entry.unread() > 0 {
                self.lose(&entry.path, reason, Loss::of_file(entry.unread()));
            }
        }
    }

    /// At the first walk: files that went away while nobody looked. How much was written to them after the last checkpoint isn't known.
    fn count_missing(&mut self, live_now: &HashMap<&Path, Identity>) {
        let mut missing = Vec::new();
        for known in self.known.values_mut().filter(|known| !known.seen && !known.entry.done) {
            let entry = &mut known.entry;
            let replaced = live_now.contains_key(Path::new(&entry.path));
            if entry.unread() > 0 || (replaced && entry.was_followed()) {
                let reason = if replaced { LossReason::RotatedAway } else { LossReason::Deleted };
                missing.push((entry.path.clone(), reason, entry.unread()));
            }
            entry.done = true;
        }
        self.unsaved = true;
        for (path, reason, bytes) in missing {
            self.lose(&path, reason, Loss::of_file(bytes));
        }
    }

    /// Counts what was lost of one file, and says so.
    pub(super) fn lose(&mut self, path: &str, reason: LossReason, loss: Loss) {
        let Loss { bytes, lines, .. } = loss;
        tracing::warn!(path, reason = reason.name(), bytes, lines, "a log file was gone before it was read to its end");
        self.lost.add(reason, loss);
    }

    /// Lets go of ended files all of whose bytes are done. They stay known, so that what a late writer adds is read.
    pub(super) fn retire(&mut self) {
        let ledger = &self.ledger;
        let done = |(&id, file): (&FileId, &Followed)| {
            let mark = ledger.watermark(id).unwrap_or(file.start);
            (mark.offset >= file.offset).then_some((id, mark))
        };
        let ended = self.files.iter().filter(|(_, file)| file.ended);
        let done: Vec<_> = ended.filter_map(done).collect();
        for (id, mark) in done {
            let Some(file) = self.files.remove(&id) else {
                continue;
            };
            self.unsaved = true;
            self.ledger.close(id);
            if self.by_holder.get(&file.holder) == Some(&id) {
                self.by_holder.remove(&file.holder);
                let mut entry = Entry::new(&file.live, file.identity, file.prefix, mark).held_by(file.holder);
                entry.done = true;
                self.known.insert(file.holder, Known { entry, finished: None, seen: true });
            }
        }
    }

    /// Forgets files that weren't seen for a week, and those seen longest ago if there are too many.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.known.retain(|_, known| checkpoint::is_recent(&known.entry, now));
        let limit = self.config.max_entries.min(ENTRY_LIMIT);
        if let Some(excess) = self.known.len().checked_sub(limit).filter(|excess| *excess > 0) {
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
