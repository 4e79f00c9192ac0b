//! How long to wait between attempts, and how often to complain meanwhile. Pure: chance and time are arguments.

use std::time::{Duration, Instant};

/// Exponential backoff with jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The wait after the first failure, before jitter.
    pub initial: Duration,
    /// The longest wait, jitter included.
    pub max: Duration,
    /// By how much each wait is longer than the one before. Below 1 counts as 1.
    pub multiplier: f64,
    /// By which part a wait may be shorter or longer, from 0 to 1.
    pub jitter: f64,
}

impl Default for Backoff {
    /// From one second to thirty, each half as long again as the last, give or take half.
    fn default() -> Self {
        Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), multiplier: 1.5, jitter: 0.5 }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (counted from 1). `chance` lies between 0 and 1 and chooses the
    /// place within the jitter.
    pub fn wait(&self, failures: u32, chance: f64) -> Duration {
        let max = self.max.as_secs_f64();
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let base = (self.initial.as_secs_f64() * self.multiplier.max(1.0).powi(exponent)).min(max);
        let spread = self.jitter.clamp(0.0, 1.0) * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
        // A figure that makes no sense as a duration (from a nonsensical setting) is the longest wait.
        Duration::try_from_secs_f64(base * (1.0 + spread)).unwrap_or(self.max).min(self.max)
    }
}

/// Lets one complaint through per interval and counts the others.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    last: Option<Instant>,
    held_back: u64,
}

impl Throttle {
    pub fn new(interval: Duration) -> Throttle {
        Throttle { interval, last: None, held_back: 0 }
    }

    /// Whether to speak now, and if so how many were held back since the last time.
    pub fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < self.interval) {
            self.held_back += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_to_the_maximum() {
        let backoff = Backoff::default();
        for (failures, chance, milliseconds) in [
            (1, 0.5, 1000),
            (2, 0.5, 1500),
            (3, 0.5, 2250),
            (1, 0.0, 500),
            (1, 1.0, 1500),
            (9, 0.5, 25_628),
            (10, 0.5, 30_000),
            (10, 0.0, 15_000),
            (u32::MAX, 1.0, 30_000),
        ] {
            let wait = backoff.wait(failures, chance);
            assert_eq!(wait.as_millis(), milliseconds, "{failures} {chance}");
        }
    }

    #[test]
    fn one_complaint_an_interval() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Duration::from_secs(10));
        let admitted = [0, 1, 9, 10, 11, 40].map(|seconds| throttle.admit(start + Duration::from_secs(seconds)));
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    proptest! {
        #[test]
        fn no_setting_breaks_it(
            initial in any::<u32>(),
            max in any::<u32>(),
            multiplier in any::<f64>(),
            jitter in any::<f64>(),
            failures in any::<u32>(),
            chance in any::<f64>(),
        ) {
            let max = Duration::from_millis(max.into());
            let backoff = Backoff { initial: Duration::from_millis(initial.into()), max, multiplier, jitter };
            prop_assert!(backoff.wait(failures, chance) <= max);
        }

        #[test]
        fn waits_never_shrink_as_failures_add_up(failures in 1u32..100, chance in 0.0f64..1.0) {
            let backoff = Backoff::default();
            prop_assert!(backoff.wait(failures, chance) <= backoff.wait(failures + 1, chance));
        }
    }
}
