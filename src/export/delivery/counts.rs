//! What became of requests, counted; and whether the receiver is in trouble just now. Shared with whoever reports it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Since when, and why, a receiver takes nothing.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The first failure after the last success.
    pub since: Instant,
    /// What the last attempt gave.
    pub reason: String,
}

/// Counts of one receiver, since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that the receiver settled.
    pub requests: AtomicU64,
    /// Attempts that failed and were, or will be, made again.
    pub retries: AtomicU64,
    /// Requests that were split because the receiver takes none so large.
    pub splits: AtomicU64,
    /// Events that it took.
    pub delivered: AtomicU64,
    /// Events that it refused for good.
    pub rejected: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

impl Counts {
    /// What keeps the receiver from taking anything, if something does.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request was answered for good.
    pub fn settled(&self, delivered: u64, rejected: u64) {
        self.requests.fetch_add(1, Relaxed);
        self.delivered.fetch_add(delivered, Relaxed);
        self.rejected.fetch_add(rejected, Relaxed);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// An attempt failed.
    pub fn retried(&self, reason: &str) {
        self.retries.fetch_add(1, Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = trouble.as_ref().map_or_else(Instant::now, |trouble| trouble.since);
        *trouble = Some(Trouble { since, reason: reason.to_owned() });
    }

    /// A request was too large.
    pub fn split(&self) {
        self.splits.fetch_add(1, Relaxed);
    }
}
