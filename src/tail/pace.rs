//! How often word of writes is listened to.
//!
//! A write now and then is read at once. Where many come, each costs more to wake up for than to read, so they are left to gather, and
//! each look finds what several writes, to several files, have left. Knows nothing of files; times are arguments.

use std::time::{Duration, Instant};

/// The time between two looks while writes come without end.
const PERIOD: Duration = Duration::from_millis(40);
/// So many looks may come at once after a time without any.
const BURST: u32 = 16;

/// Allows looks, one for each period.
#[derive(Debug)]
pub struct Pace {
    /// Up to here the looks so far have used the time up, at one for each period.
    used_to: Instant,
}

impl Pace {
    /// A pace that has allowed nothing yet.
    pub fn new(now: Instant) -> Pace {
        Pace { used_to: now }
    }

    /// How long, from `now` on, until a look is allowed.
    pub fn rest(&self, now: Instant) -> Duration {
        self.used_to.saturating_duration_since(now).saturating_sub(PERIOD * (BURST - 1))
    }

    /// Notes a look.
    pub fn looked(&mut self, now: Instant) {
        self.used_to = self.used_to.max(now) + PERIOD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_at_once_then_one_look_for_each_period_and_a_burst_again_after_quiet() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..2 {
            for _ in 0..BURST {
                assert_eq!(pace.rest(now), Duration::ZERO);
                pace.looked(now);
            }
            for _ in 0..100 {
                assert_eq!(pace.rest(now), PERIOD);
                now += PERIOD;
                assert_eq!(pace.rest(now), Duration::ZERO);
                pace.looked(now);
            }
            now += PERIOD * BURST;
        }
    }
}
