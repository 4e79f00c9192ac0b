//! How many events a container may give: a bucket of tokens each, so that one noisy container can't drown the others.
//!
//! Pure: time is an argument. Bounded: containers that have been quiet long enough for a full bucket are forgotten.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Place;

/// Containers told apart at most; beyond it those with full buckets are forgotten, and if there are none, new ones go unlimited.
const CONTAINERS: usize = 10_000;

/// So many events in such a time, for each container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; 0: as many as come.
    pub events: u32,
    /// In what time.
    pub period: Duration,
}

/// Lets events through at a rate.
#[derive(Debug)]
pub struct Limiter {
    rate: Rate,
    buckets: HashMap<Place, Bucket>,
    suppressed: u64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Limiter {
    /// Limits each container to this rate.
    pub fn new(rate: Rate) -> Self {
        Limiter { rate, buckets: HashMap::new(), suppressed: 0 }
    }

    /// From here on with this rate.
    pub fn set_rate(&mut self, rate: Rate) {
        if self.rate != rate {
            self.rate = rate;
            self.buckets.clear();
        }
    }

    /// Whether an event of this place may go out at `now`.
    pub fn admit(&mut self, place: &Place, now: Instant) -> bool {
        if self.rate.events == 0 || self.rate.period.is_zero() {
            return true;
        }
        let most = f64::from(self.rate.events);
        let a_second = most / self.rate.period.as_secs_f64();
        if !self.buckets.contains_key(place) {
            if self.buckets.len() >= CONTAINERS {
                self.buckets.retain(|_, bucket| bucket.level(a_second, most, now) < most);
            }
            if self.buckets.len() >= CONTAINERS {
                return true;
            }
        }
        let bucket = self.buckets.entry(place.clone()).or_insert(Bucket { tokens: most, filled: now });
        bucket.tokens = bucket.level(a_second, most, now);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            self.suppressed += 1;
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }

    /// Events that were held back for good.
    pub fn suppressed(&self) -> u64 {
        self.suppressed
    }
}

impl Bucket {
    fn level(&self, a_second: f64, most: f64, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * a_second;
        (self.tokens + gained).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(container: &str) -> Place {
        Place { container: Some(container.into()), ..Place::default() }
    }

    #[test]
    fn a_burst_then_the_rate_each_container_by_itself() {
        let start = Instant::now();
        let mut limiter = Limiter::new(Rate { events: 3, period: Duration::from_secs(30) });
        let mut admit = |name: &str, second| limiter.admit(&place(name), start + Duration::from_secs(second));
        let table = [
            ("a", 0, true),
            ("a", 0, true),
            ("a", 1, true),
            ("a", 2, false),
            ("b", 2, true),
            ("a", 11, true),
            ("a", 12, false),
            ("a", 500, true),
        ];
        for (name, second, want) in table {
            assert_eq!(admit(name, second), want, "{name} at {second} s");
        }
        assert_eq!(limiter.suppressed(), 2);
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let mut limiter = Limiter::new(Rate { events: 0, period: Duration::from_secs(1) });
        assert!((0..1000).all(|_| limiter.admit(&place("a"), Instant::now())));
    }

    #[test]
    fn containers_are_bounded_and_quiet_ones_forgotten() {
        let start = Instant::now();
        let mut limiter = Limiter::new(Rate { events: 1, period: Duration::from_secs(1) });
        for number in 0..CONTAINERS + 5 {
            assert!(limiter.admit(&place(&number.to_string()), start));
        }
        assert_eq!(limiter.buckets.len(), CONTAINERS);
        assert!(limiter.admit(&place("late"), start + Duration::from_secs(2)));
        assert_eq!(limiter.buckets.len(), 1);
    }
}
