//! Whose turn it is to be read, and which descriptors are kept for it.
//!
//! Knows nothing of where files come from.

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use super::file::Followed;
use super::ledger::Mark;
use super::stats::LossReason;
use super::{FileId, RETRY_PERIOD, Ready, Tailer};

/// Lines before the place where reading begins are counted up to this many bytes.
const COUNT_LIMIT: u64 = 256 << 20;
/// Compressed files unpacked at a time.
const UNPACK_LIMIT: usize = 8;

impl Tailer {
    /// What can be read now, older files of a container before younger ones.
    pub(super) fn ready(&mut self) -> Vec<Ready> {
        let now = self.now;
        let ready = self.files.iter().filter(|(_, file)| file.is_ready(now));
        let mut ranked: Vec<_> = ready.map(|(&id, file)| (file.rank(), id, file.waits())).collect();
        ranked.sort();
        let mut answer = Vec::with_capacity(ranked.len());
        let mut occupied: Option<PathBuf> = None;
        let mut unpacking = 0;
        for (rank, id, waits) in ranked {
            if occupied.as_ref() == Some(&rank.group) {
                continue;
            }
            if self.may_unpack(id, &mut unpacking) {
                let Some(ready) = self.hand_out(id) else {
                    continue;
                };
                answer.push(ready);
            }
            occupied = waits.then_some(rank.group).or(occupied);
        }
        answer
    }

    /// Unpacking takes memory, so few files are unpacked at a time; each to its end, since none is left before that.
    fn may_unpack(&mut self, id: FileId, unpacking: &mut usize) -> bool {
        match self.files.get_mut(&id) {
            Some(file) if file.is_packed() => {
                *unpacking += 1;
                if *unpacking > UNPACK_LIMIT {
                    file.close();
                }
                *unpacking <= UNPACK_LIMIT
            }
            _ => true,
        }
    }

    fn hand_out(&mut self, id: FileId) -> Option<Ready> {
        let file = self.files.get_mut(&id)?;
        let new = !file.announced;
        if new {
            if let Err(error) = file.count_lines(COUNT_LIMIT) {
                file.retry_at = Some(self.now + RETRY_PERIOD);
                tracing::warn!(path = %file.shown.display(), %error, "can't read a log file");
                return None;
            }
            file.announced = true;
            self.ledger.open(id, file.start);
        }
        let Mark { offset, line } = file.start;
        Some(Ready { id, path: file.shown.clone(), identity: file.identity, offset, line, new })
    }

    /// Before `id` is opened: closes files for it while too many are open.
    pub(super) fn make_room(&mut self, id: FileId) {
        if self.files.get(&id).is_some_and(|file| !file.is_open()) {
            self.close_beyond(self.max_open_files - 1);
        }
    }

    /// Closes files until at most `limit` are open: idle ones first, those used longest ago first, rotated ones last. Deleted
    /// files can't be opened again; they go once they are drained, and before that only if there are too many of them alone.
    pub(super) fn close_beyond(&mut self, limit: usize) {
        let mut open = self.files.values().filter(|file| file.is_open()).count();
        while open > limit {
            let closable = self.files.values_mut().filter(|file| file.is_open() && file.unlinked().is_none());
            match closable.min_by_key(|file| (file.departed(), file.waits(), file.used)) {
                // Deleted since the last walk.
                Some(file) if file.is_deleted() => {
                    file.lose_sight(false, self.now);
                    continue;
                }
                Some(file) => file.close(),
                None => self.give_up_oldest(),
            }
            open -= 1;
        }
    }

    /// Gives deleted files up until the disk space that they hold is within the bound.
    pub(super) fn give_up_beyond(&mut self, bytes: u64) {
        let held = |file: &Followed| if file.unlinked().is_some() { file.size } else { 0 };
        while self.files.values().map(held).sum::<u64>() > bytes {
            self.give_up_oldest();
        }
    }

    /// Gives up the file that was deleted first.
    fn give_up_oldest(&mut self) {
        let deleted = self.files.values_mut().filter_map(|file| Some((file.unlinked()?, file)));
        if let Some((_, file)) = deleted.min_by_key(|(since, file)| (*since, file.used)) {
            file.give_up(LossReason::GivenUp);
        }
    }

    /// After a failure for lack of descriptors: makes do with fewer from now on. Whether it was such a failure.
    pub(super) fn spare_descriptors(&mut self, error: &io::Error) -> bool {
        if !matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
            return false;
        }
        let open = self.files.values().filter(|file| file.is_open()).count();
        let limit = (open - open / 4).saturating_sub(1).max(1);
        if limit < self.max_open_files {
            tracing::warn!(
                limit,
                "out of file descriptors, so fewer log files are held open; raise the limit (ulimit -n)"
            );
            self.max_open_files = limit;
        }
        self.close_beyond(limit);
        true
    }

    /// When something has to be done without any hint.
    pub(super) fn next_due(&self) -> Instant {
        let mut due = self.next_scan;
        if self.scan_wanted {
            due = due.min(self.earliest_scan);
        }
        if !self.watch.complete() {
            due = due.min(self.next_look);
        }
        self.files.values().filter_map(|file| file.due(self.now)).fold(due, Instant::min)
    }
}
