//! What changed since the last look, as far as anybody was told. Knows neither who tells nor who asks.

use std::collections::HashSet;
use std::path::PathBuf;

/// Paths remembered between two looks. Beyond it the answer is to look at everything.
pub(super) const HINT_LIMIT: usize = 8192;

/// What changed since the last look.
#[derive(Debug, Default)]
pub struct Hints {
    /// Files that were written to, each once.
    pub written: Vec<PathBuf>,
    /// What was created.
    pub created: HashSet<PathBuf>,
    /// Something was created, renamed or removed.
    pub structure: bool,
    /// Events were lost: anything may have changed.
    pub lost: bool,
}

impl Hints {
    /// Whether there is word of more than writes.
    pub(super) fn is_urgent(&self) -> bool {
        self.structure || self.lost
    }

    pub(super) fn made(&mut self, path: PathBuf) {
        self.structure = true;
        self.created.insert(path);
        if self.created.len() > HINT_LIMIT {
            self.created.clear();
            self.lost = true;
        }
    }
}
