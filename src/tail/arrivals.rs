//! When the unread bytes of a file came, so that lag can be told in seconds.
//!
//! Knows nothing of files; positions and times are arguments.

use std::collections::VecDeque;
use std::time::Instant;

/// Marks per file. More would tell times more exactly.
const MARK_LIMIT: usize = 16;

/// Ends of stretches of unread bytes, with the time at which each stretch was noticed. Ascending in both.
#[derive(Debug, Default)]
pub struct Arrivals(VecDeque<(u64, Instant)>);

impl Arrivals {
    /// The bytes before `end` that weren't noticed before are there since `when`.
    pub fn came(&mut self, end: u64, when: Instant) {
        if self.0.back().is_some_and(|(last, _)| *last >= end) {
            return;
        }
        if self.0.len() == MARK_LIMIT {
            self.halve();
        }
        self.0.push_back((end, when));
    }

    /// The bytes before `offset` aren't unread any more.
    pub fn read_to(&mut self, offset: u64) {
        while self.0.front().is_some_and(|(end, _)| *end <= offset) {
            self.0.pop_front();
        }
    }

    /// Forgets everything: the positions mean other bytes now.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Since when the oldest unread byte is there.
    pub fn oldest(&self) -> Option<Instant> {
        self.0.front().map(|(_, when)| *when)
    }

    /// Joins neighbours. The joined stretch counts as old as its older half.
    fn halve(&mut self) {
        let marks: Vec<_> = self.0.drain(..).collect();
        self.0.extend(marks.chunks(2).map(|pair| (pair[pair.len() - 1].0, pair[0].1)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_unread_byte_tells_the_age() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.oldest(), None);
        arrivals.came(10, at(1));
        arrivals.came(10, at(2));
        arrivals.came(30, at(3));
        assert_eq!(arrivals.oldest(), Some(at(1)));
        arrivals.read_to(9);
        assert_eq!(arrivals.oldest(), Some(at(1)));
        arrivals.read_to(10);
        assert_eq!(arrivals.oldest(), Some(at(3)));
        arrivals.read_to(30);
        assert_eq!(arrivals.oldest(), None);
    }

    #[test]
    fn however_often_a_file_grows_few_marks_are_kept_and_none_tells_too_young_an_age() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        for byte in 1..=10_000 {
            arrivals.came(byte, start + Duration::from_secs(byte));
        }
        assert!(arrivals.0.len() <= MARK_LIMIT);
        for byte in 1..=10_000 {
            assert!(arrivals.oldest().unwrap() <= start + Duration::from_secs(byte));
            arrivals.read_to(byte);
        }
        assert_eq!(arrivals.oldest(), None);
    }
}
