//! How often word of writes is listened to.
//!
//! A write now and then is read at once. Where many come, each costs more to wake up for than to read, so they are left to gather, and
//! each look finds what several writes, to several files, have left. Knows nothing of files but how many were written to; times are arguments.

use std::time::{Duration, Instant};

/// The time between two looks while writes come without end, for each file that a look finds written to.
const PER_FILE: Duration = Duration::from_millis(10);
/// It is never shorter.
const SHORTEST: Duration = Duration::from_millis(40);
/// Nor longer: nobody waits long for word of a failure.
const LONGEST: Duration = Duration::from_millis(200);
/// So much may be used in advance after a time without any look.
const CREDIT: Duration = Duration::from_millis(600);

/// Allows looks, one for each period.
#[derive(Debug)]
pub struct Pace {
    /// Up to here the looks so far have used the time up.
    used_to: Instant,
}

impl Pace {
    /// A pace that has allowed nothing yet.
    pub fn new(now: Instant) -> Pace {
        Pace { used_to: now }
    }

    /// How long, from `now` on, until a look is allowed.
    pub fn rest(&self, now: Instant) -> Duration {
        self.used_to.saturating_duration_since(now).saturating_sub(CREDIT)
    }

    /// Notes a look that found so many files written to.
    pub fn looked(&mut self, now: Instant, files: usize) {
        let period = PER_FILE.saturating_mul(u32::try_from(files).unwrap_or(u32::MAX));
        self.used_to = self.used_to.max(now) + period.clamp(SHORTEST, LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_at_once_then_one_look_for_each_period_and_a_burst_again_after_quiet() {
        let cases = [(0, SHORTEST), (1, SHORTEST), (7, PER_FILE * 7), (20, LONGEST), (usize::MAX, LONGEST)];
        for (files, period) in cases {
            let mut now = Instant::now();
            let mut pace = Pace::new(now);
            for _ in 0..2 {
                let mut burst = 0;
                while pace.rest(now).is_zero() {
                    pace.looked(now, files);
                    burst += 1;
                }
                assert_eq!(burst, CREDIT.as_millis() / period.as_millis() + 1, "{files}");
                now += pace.rest(now);
                for _ in 0..100 {
                    assert!(pace.rest(now).is_zero());
                    pace.looked(now, files);
                    assert_eq!(pace.rest(now), period);
                    now += period;
                }
                now += CREDIT + period;
            }
        }
    }
}
