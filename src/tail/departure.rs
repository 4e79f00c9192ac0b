//! When a file that left its live path is complete.
//!
//! Knows nothing of files: what was seen, and when, are arguments.

use std::time::{Duration, Instant};

/// How long a renamed file is waited for while nothing has taken its place: the runtime goes on writing to it until it is told to reopen.
const RENAME_GRACE: Duration = Duration::from_secs(5);
/// How long after something has taken its place: the runtime opens the new file before it has emptied its buffers into the old.
const SUCCESSOR_GRACE: Duration = Duration::from_secs(1);

/// What became of a file that isn't at its live path any more.
#[derive(Clone, Copy, Debug)]
pub struct Departure {
    since: Instant,
    unlinked: bool,
    succeeded: Option<Instant>,
}

impl Departure {
    /// It was first found to be gone at `now`.
    pub fn at(now: Instant) -> Departure {
        Departure { since: now, unlinked: false, succeeded: None }
    }

    /// Takes in what is seen at `now`: that it is deleted, that another file is at its live path.
    pub fn see(&mut self, unlinked: bool, succeeded: bool, now: Instant) {
        self.unlinked = unlinked;
        if succeeded {
            self.succeeded.get_or_insert(now);
        }
    }

    /// When it was first found to be gone.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Whether it is deleted.
    pub fn unlinked(&self) -> bool {
        self.unlinked
    }

    /// Whether another file took its place.
    pub fn succeeded(&self) -> bool {
        self.succeeded.is_some()
    }

    /// When nothing more is to be expected of it, provided that a read then gives nothing.
    pub fn final_at(&self) -> Instant {
        match (self.unlinked, self.succeeded) {
            (true, _) => self.since,
            (false, Some(succeeded)) => succeeded + SUCCESSOR_GRACE,
            (false, None) => self.since + RENAME_GRACE,
        }
    }
}
