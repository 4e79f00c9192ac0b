//! Events delivered at least once: cut into requests, tried again while that is allowed, split where too large.
//!
//! Must not know the protocol, nor where the events came from.

mod backoff;
mod batch;
mod counts;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use backoff::Backoff;
use backoff::Throttle;
pub use batch::Limits;
pub use counts::{Counts, Trouble};

use super::{Exporter, Outcome};
use crate::event::Event;

/// How often, at most, a warning about failing deliveries is logged.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// What became of the events of one call. The three add up to their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that the receiver took.
    pub delivered: u64,
    /// Events that the receiver refused for good, or that no request is large enough for.
    pub rejected: u64,
    /// Events that are still to be sent, because delivery was stopped: always the last ones.
    pub undelivered: u64,
}

/// Delivers events to one receiver.
#[derive(Debug)]
pub struct Delivery<E> {
    exporter: E,
    backoff: Backoff,
    limits: Limits,
    counts: Arc<Counts>,
    warnings: Throttle,
    chance: fn() -> f64,
}

impl<E: Exporter> Delivery<E> {
    /// Delivers by this exporter, with these waits between attempts, in requests within the default limits.
    pub fn new(exporter: E, backoff: Backoff) -> Delivery<E> {
        let (limits, counts) = (Limits::default(), Arc::new(Counts::default()));
        Delivery { exporter, backoff, limits, counts, warnings: Throttle::new(WARNING_INTERVAL), chance }
    }

    /// The same within these limits, with what becomes of requests added to `counts`.
    #[must_use]
    pub fn with(self, limits: Limits, counts: Arc<Counts>) -> Delivery<E> {
        Delivery { limits, counts, ..self }
    }

    /// Sends the events in order, one request at a time, and tries each as often as it takes.
    ///
    /// Ends when all are delivered or rejected, or when `stop` becomes `true` or its sender is gone. An attempt under
    /// way is then given up, so its events may arrive although they count as undelivered.
    pub async fn deliver(&mut self, events: &[Event], stop: &mut watch::Receiver<bool>) -> Tally {
        let mut tally = Tally::default();
        let mut pending = batch::split(events, self.limits);
        pending.reverse();
        while let Some(range) = pending.pop() {
            let outcome = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => None,
                outcome = self.settle(&events[range.clone()]) => Some(outcome),
            };
            let records = range.len() as u64;
            match outcome {
                None => {
                    tally.undelivered = (events.len() - range.start) as u64;
                    return tally;
                }
                Some(Settled::Taken { rejected }) => {
                    tally.rejected += rejected;
                    tally.delivered += records - rejected;
                    self.counts.settled(records - rejected, rejected);
                }
                Some(Settled::TooLarge) if records == 1 => {
                    tally.rejected += 1;
                    self.counts.settled(0, 1);
                    self.warn("an event is larger than the receiver takes; it is dropped", "too large", 1);
                }
                Some(Settled::TooLarge) => {
                    self.counts.split();
                    pending.extend(halves(range).into_iter().rev());
                }
            }
        }
        tally
    }

    /// Tries one request until the receiver has settled it.
    async fn settle(&mut self, events: &[Event]) -> Settled {
        let records = events.len() as u64;
        let mut failures = 0u32;
        loop {
            match self.exporter.export(events).await {
                Outcome::Delivered => return Settled::Taken { rejected: 0 },
                Outcome::TooLarge => return Settled::TooLarge,
                Outcome::Rejected { records: 0, reason } => {
                    self.warn("the receiver took the events with a warning", &reason, 0);
                    return Settled::Taken { rejected: 0 };
                }
                Outcome::Rejected { records: rejected, reason } => {
                    let rejected = rejected.min(records);
                    self.warn("the receiver refused events; they are dropped", &reason, rejected);
                    return Settled::Taken { rejected };
                }
                Outcome::Retry { after, reason } => {
                    failures = failures.saturating_add(1);
                    self.counts.retried(&reason);
                    self.warn("events could not be delivered; they are tried again", &reason, records);
                    // A wait of zero is no wish, and would have us hammer a receiver that is in trouble.
                    let asked = after.filter(|wait| !wait.is_zero());
                    let wait = asked.unwrap_or_else(|| self.backoff.wait(failures, (self.chance)()));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    fn warn(&mut self, what: &str, reason: &str, events: u64) {
        if let Some(held_back) = self.warnings.admit(Instant::now()) {
            tracing::warn!(reason, events, similar_warnings_held_back = held_back, "{what}");
        }
    }
}

/// What the receiver made of one request in the end.
enum Settled {
    /// It took it, but for so many.
    Taken { rejected: u64 },
    /// It takes none of this size.
    TooLarge,
}

fn halves(range: Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start + range.len() / 2;
    [range.start..middle, middle..range.end]
}

/// A number from 0 up to, not including, 1. The standard library's hasher is keyed at random, which is chance enough
/// to keep agents out of step.
fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / 2f64.powi(32)
}

#[cfg(test)]
mod tests;
