//! Records of one failure followed through a source: steps in order, each so many records, within a time, unless something denies it.
//!
//! One [`Follower`] follows one pattern over the records of one source, given in the order in which they stand there:
//!
//! - Steps are in order by log time, and by place where times are equal; so a record that stands a little late is where its time says.
//! - A record serves one match, once. Of several possible matches it is the one that begins first, and then each step as early as can be.
//! - The first record and the last are no further apart than the time; that far is within it.
//! - What denies a match stands from its first record on within the time, both ends included. So such a match waits until the time is over.
//! - Records are told apart by key. What denies a match and has no value for some part of the key denies it whatever the value is.
//!
//! State is bounded: so many keys, and so many records for each step of a key; the oldest go and are counted. Time is an argument; knows
//! nothing of how records are recognised.

use std::collections::{BTreeMap, VecDeque};

use crate::pattern::correlation::Correlation;

/// Records kept for each step of a key, at least; twice what the step counts if that is more.
const KEPT: usize = 32;
/// Keys followed at once.
const KEYS: usize = 64;
/// Denials remembered, for first steps that stand behind them and are older.
const DENIALS: usize = 64;

/// What records are told apart by: the values of `by`, in its order.
pub type Key = Vec<Option<String>>;

/// Follows one pattern over one source.
#[derive(Debug)]
pub struct Follower<E> {
    counts: Vec<usize>,
    /// Nanoseconds.
    within: i64,
    has_denial: bool,
    keys: BTreeMap<Key, VecDeque<Kept<E>>>,
    denials: VecDeque<(i64, Key)>,
    /// Records that were let go for want of room.
    pub evicted: u64,
}

/// A record that may serve a match.
#[derive(Debug)]
struct Kept<E> {
    time: i64,
    /// A bit for each step that it meets.
    steps: u64,
    /// No match that begins with it is denied yet.
    may_begin: bool,
    record: E,
}

impl<E> Kept<E> {
    fn meets(&self, step: usize) -> bool {
        self.steps & (1 << step) != 0
    }

    fn begins(&self) -> bool {
        self.may_begin && self.meets(0)
    }
}

impl<E: Clone> Follower<E> {
    /// One that has seen nothing.
    pub fn new(correlation: &Correlation) -> Self {
        Follower {
            counts: correlation.counts.clone(),
            within: i64::try_from(correlation.within.duration().as_nanos()).unwrap_or(i64::MAX),
            has_denial: correlation.has_denial(),
            keys: BTreeMap::new(),
            denials: VecDeque::new(),
            evicted: 0,
        }
    }

    /// Takes in a record, with the parts that it meets: steps by their place, then what denies. Adds the matches that are decided by it.
    /// Time is in nanoseconds.
    pub fn observe(&mut self, time: i64, parts: &[usize], key: &Key, record: E, matches: &mut Vec<Vec<E>>) {
        self.advance(time, matches);
        if parts.iter().any(|part| *part >= self.counts.len()) {
            self.deny(time, key);
        }
        let steps = parts.iter().filter(|part| **part < self.counts.len()).fold(0, |steps, step| steps | 1 << step);
        // Without a value for each part of the key nothing says whose step it is.
        if steps == 0 || key.iter().any(Option::is_none) {
            return;
        }
        let denied = self.denials.iter().any(|(at, of)| self.denies(*at, of, time, key));
        self.put(key, Kept { time, steps, may_begin: !denied, record });
        if !self.has_denial {
            self.complete(key, matches);
        }
    }

    /// The log has come to this time: what waited for it is decided, and what is too old is let go.
    pub fn advance(&mut self, time: i64, matches: &mut Vec<Vec<E>>) {
        let oldest = time.saturating_sub(self.within);
        let Follower { counts, within, has_denial, keys, denials, .. } = self;
        for kept in keys.values_mut() {
            while let Some(first) = kept.front().filter(|first| first.time < oldest) {
                let chain = if *has_denial && first.begins() { chain(kept, 0, counts, *within) } else { None };
                match chain {
                    Some(chain) => matches.push(taken(kept, &chain)),
                    None => drop(kept.pop_front()),
                }
            }
        }
        keys.retain(|_, kept| !kept.is_empty());
        denials.retain(|(at, _)| *at >= oldest);
    }

    /// No more records will come: what waits is decided.
    pub fn finish(&mut self, matches: &mut Vec<Vec<E>>) {
        // Whatever the time, all that has begun is over.
        self.advance(i64::MAX, matches);
        self.keys.clear();
        self.denials.clear();
    }

    /// Goes on where another follower of the same pattern stopped: the source goes on in another file.
    pub fn go_on_from(&mut self, earlier: Follower<E>, matches: &mut Vec<Vec<E>>) {
        self.evicted += earlier.evicted;
        let later = std::mem::replace(&mut self.keys, earlier.keys);
        self.denials.extend(earlier.denials);
        for (key, kept) in later {
            for mut kept in kept {
                kept.may_begin &= !self.denials.iter().any(|(at, of)| self.denies(*at, of, kept.time, &key));
                self.put(&key, kept);
            }
        }
        let denials: Vec<(i64, Key)> = self.denials.iter().cloned().collect();
        denials.iter().for_each(|(time, key)| self.mark_denied(*time, key));
        if !self.has_denial {
            let keys: Vec<Key> = self.keys.keys().cloned().collect();
            keys.iter().for_each(|key| self.complete(key, matches));
        }
    }

    /// Does something wait for the time to pass?
    pub fn waits(&self) -> bool {
        self.waiting().next().is_some()
    }

    /// The records with which a match may begin that waits, or will have to.
    pub fn waiting(&self) -> impl Iterator<Item = &E> {
        let all = self.keys.values().flatten().filter(|_| self.has_denial);
        all.filter(|kept| kept.begins()).map(|kept| &kept.record)
    }

    /// Every record that is kept.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.keys.values_mut().flatten().map(|kept| &mut kept.record)
    }

    /// Nothing is kept.
    pub fn is_idle(&self) -> bool {
        self.keys.is_empty() && self.denials.is_empty()
    }

    /// The time of the oldest record that is kept.
    pub fn oldest(&self) -> Option<i64> {
        self.keys.values().filter_map(|kept| kept.front()).map(|kept| kept.time).min()
    }

    /// Lets the oldest record go.
    pub fn evict(&mut self) {
        let oldest = self.keys.iter().filter_map(|(key, kept)| Some((kept.front()?.time, key))).min();
        if let Some((_, key)) = oldest {
            let key = key.clone();
            self.take_out(&key, 0);
        }
    }

    /// Would something seen at `at` deny a match that begins at `begin`?
    fn denies(&self, at: i64, of: &Key, begin: i64, key: &Key) -> bool {
        let same = of.iter().zip(key).all(|(of, own)| of.is_none() || of == own);
        same && (begin..=begin.saturating_add(self.within)).contains(&at)
    }

    fn deny(&mut self, time: i64, key: &Key) {
        self.mark_denied(time, key);
        self.denials.push_back((time, key.clone()));
        if self.denials.len() > DENIALS {
            self.denials.pop_front();
        }
    }

    fn mark_denied(&mut self, time: i64, key: &Key) {
        let mut keys = std::mem::take(&mut self.keys);
        for (own, kept) in &mut keys {
            for kept in kept.iter_mut().filter(|kept| self.denies(time, key, kept.time, own)) {
                kept.may_begin = false;
            }
        }
        self.keys = keys;
    }

    /// Keeps a record where its time says, behind those of the same time.
    fn put(&mut self, key: &Key, new: Kept<E>) {
        if !self.keys.contains_key(key) {
            self.make_room_for_a_key();
        }
        let steps = new.steps;
        let kept = self.keys.entry(key.clone()).or_default();
        kept.insert(kept.partition_point(|other| other.time <= new.time), new);
        for step in (0..self.counts.len()).filter(|step| steps & (1 << step) != 0) {
            let Some(kept) = self.keys.get(key) else { return };
            let mut of_step = kept.iter().enumerate().filter(|(_, kept)| kept.meets(step)).map(|(place, _)| place);
            let oldest = of_step.next();
            if of_step.count() + 1 > KEPT.max(2 * self.counts[step])
                && let Some(oldest) = oldest
            {
                self.take_out(key, oldest);
            }
        }
    }

    /// The key whose last record is oldest gives way.
    fn make_room_for_a_key(&mut self) {
        while self.keys.len() >= KEYS {
            let last = |(key, kept): (&Key, &VecDeque<Kept<E>>)| (kept.back().map(|kept| kept.time), key.clone());
            let Some((_, key)) = self.keys.iter().map(last).min() else { return };
            let gone = self.keys.remove(&key).map_or(0, |kept| kept.len());
            self.evicted += gone as u64;
        }
    }

    /// Lets a record go for want of room. It counts if a match might have begun with it or before it.
    fn take_out(&mut self, key: &Key, place: usize) {
        let Some(kept) = self.keys.get_mut(key) else { return };
        self.evicted += u64::from(kept.iter().take(place + 1).any(Kept::begins));
        kept.remove(place);
        if kept.is_empty() {
            self.keys.remove(key);
        }
    }

    /// Adds the matches that are whole.
    fn complete(&mut self, key: &Key, matches: &mut Vec<Vec<E>>) {
        let Follower { counts, within, keys, .. } = self;
        let Some(kept) = keys.get_mut(key) else { return };
        let find = |kept: &VecDeque<Kept<E>>| {
            (0..kept.len()).filter(|&place| kept[place].begins()).find_map(|place| chain(kept, place, counts, *within))
        };
        while let Some(chain) = find(kept) {
            matches.push(taken(kept, &chain));
        }
        if kept.is_empty() {
            keys.remove(key);
        }
    }
}

/// The places of a match that begins at a place: for each step the earliest records that are left.
fn chain<E>(kept: &VecDeque<Kept<E>>, begin: usize, counts: &[usize], within: i64) -> Option<Vec<usize>> {
    let wanted: usize = counts.iter().sum();
    if kept.len() - begin < wanted {
        return None;
    }
    let end = kept[begin].time.saturating_add(within);
    let mut chain = Vec::with_capacity(wanted);
    let mut steps = counts.iter().enumerate();
    let (mut step, mut missing) = steps.next()?;
    let mut left = *missing;
    for (place, candidate) in kept.iter().enumerate().skip(begin) {
        if candidate.time > end {
            return None;
        }
        if !candidate.meets(step) {
            continue;
        }
        chain.push(place);
        left -= 1;
        if left == 0 {
            let Some(next) = steps.next() else { return Some(chain) };
            (step, missing) = next;
            left = *missing;
        }
    }
    None
}

/// Takes the records at these places out.
fn taken<E: Clone>(kept: &mut VecDeque<Kept<E>>, chain: &[usize]) -> Vec<E> {
    let used = chain.iter().map(|&place| kept[place].record.clone()).collect();
    let mut place = 0;
    kept.retain(|_| {
        place += 1;
        chain.binary_search(&(place - 1)).is_err()
    });
    used
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
