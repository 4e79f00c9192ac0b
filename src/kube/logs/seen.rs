//! Which lines were read already, when a log is read on after a break: the API begins at a whole second. Pure.
//!
//! Lines are told apart by time and content, and counted, since two may be the same. Bounded: lines of the latest second, and so many of them.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// So many lines of a second are told apart; of those before them time alone decides.
const LIMIT: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Seen {
    latest: Option<Timestamp>,
    recent: VecDeque<(Timestamp, u64)>,
    /// Up to this time, lines are no longer told apart.
    passed: Option<Timestamp>,
    /// After a break: lines that are to come once more.
    again: HashMap<(Timestamp, u64), u32>,
}

/// The whole second before a time.
fn floor(time: Timestamp) -> Timestamp {
    time.as_nanosecond()
        .div_euclid(1_000_000_000)
        .try_into()
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .unwrap_or(time)
}

impl Seen {
    /// From when on the log has to be asked for. Lines from then on may have been seen; `accept` knows which.
    pub fn resume(&mut self) -> Option<Timestamp> {
        self.again.clear();
        for line in &self.recent {
            *self.again.entry(*line).or_default() += 1;
        }
        self.latest.map(floor)
    }

    /// Is the line new? Times may go back a little, where two streams are written by turns.
    pub fn accept(&mut self, time: Timestamp, line: &[u8]) -> bool {
        let line = (time, xxh3_64(line));
        if let Some(count) = self.again.get_mut(&line).filter(|count| **count > 0) {
            *count -= 1;
            return false;
        }
        if !self.again.is_empty() && self.passed.is_some_and(|passed| time <= passed) {
            return false;
        }
        let latest = self.latest.map_or(time, |latest| latest.max(time));
        self.latest = Some(latest);
        self.recent.push_back(line);
        let second = floor(latest);
        while self.recent.front().is_some_and(|(time, _)| *time < second) {
            self.recent.pop_front();
        }
        while self.recent.len() > LIMIT {
            let gone = self.recent.pop_front().map(|(time, _)| time);
            self.passed = self.passed.max(gone);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_that_is_read_again_gives_only_what_is_new() {
        let at = |text: &str| format!("2026-02-03T04:05:{text}Z").parse::<Timestamp>().unwrap();
        let mut seen = Seen::default();
        assert_eq!(seen.resume(), None);
        assert!(seen.accept(at("06.1"), b"a"));
        assert!(seen.accept(at("07.2"), b"b"));
        assert!(seen.accept(at("07.2"), b"b"), "the same again is another line");
        assert!(seen.accept(at("07.1"), b"c"), "the other stream is a little late");
        assert_eq!(seen.resume(), Some(at("07")));
        let again = [
            ("07.1", "c", false),
            ("07.2", "b", false),
            ("07.2", "b", false),
            ("07.2", "b", true),
            ("07.15", "d", true),
        ];
        for (time, line, new) in again {
            assert_eq!(seen.accept(at(time), line.as_bytes()), new, "{time} {line}");
        }
    }
}
