//! Whose turn it is to be read, and which descriptors are kept for it.
//!
//! Knows nothing of where files come from.

use std::path::PathBuf;
use std::time::Instant;

use super::ledger::Mark;
use super::{FileId, RETRY_PERIOD, Ready, Tailer};

/// Lines before the place where reading begins are counted up to this many bytes.
const COUNT_LIMIT: u64 = 256 << 20;

impl Tailer {
    /// What can be read now, older files of a container before younger ones.
    pub(super) fn ready(&mut self) -> Vec<Ready> {
        let now = self.now;
        let ready = self.files.iter().filter(|(_, file)| file.is_ready(now));
        let mut ranked: Vec<_> = ready.map(|(&id, file)| (file.rank(), id, file.unread() > 0)).collect();
        ranked.sort();
        let mut answer = Vec::with_capacity(ranked.len());
        let mut occupied: Option<PathBuf> = None;
        for (rank, id, unread) in ranked {
            if occupied.as_ref() == Some(&rank.group) {
                continue;
            }
            if let Some(ready) = self.hand_out(id) {
                answer.push(ready);
                occupied = unread.then_some(rank.group).or(occupied);
            }
        }
        answer
    }

    fn hand_out(&mut self, id: FileId) -> Option<Ready> {
        if self.files.get(&id)?.start.line == 0 {
            // Counting opens it.
            self.make_room(id);
        }
        let file = self.files.get_mut(&id)?;
        let new = !file.announced;
        if new {
            if let Err(error) = file.count_lines(COUNT_LIMIT, self.now) {
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
    /// files stay open, as they can't be opened again; they go once they are drained.
    pub(super) fn close_beyond(&mut self, limit: usize) {
        let mut open = self.files.values().filter(|file| file.is_open()).count();
        while open > limit {
            let closable = self.files.values_mut().filter(|file| file.is_open() && !file.unlinked());
            let Some(file) = closable.min_by_key(|file| (file.departed(), file.unread() > 0, file.used)) else {
                return;
            };
            file.close();
            open -= 1;
        }
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
