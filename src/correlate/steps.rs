//! Sets and sequences of log entries within a window, and what must not stand beside them.
//!
//! One [`Machine`] follows one rule over the entries of one source, in log time. The semantics are those of the community rules:
//!
//! - An entry serves one match for each term; what a match used is gone, what is left goes on.
//! - An entry older than the latest one is passed over where state is kept. Equal times are in order.
//! - With negations a match waits until no entry can come that denies it: until one with a later time has come, or the end.
//! - A denied match gives up the entry that the denial is anchored at, and the rest is tried again.
//!
//! State is bounded: so many entries for each term, the oldest going first. Time is an argument; knows nothing of how terms are matched.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::pattern::cre::{Logic, Negation};

/// Entries that are kept for each term, at least; twice what a term counts if that is more.
const KEPT: usize = 256;

/// An entry that a term matched, and its time in nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<E> {
    /// When.
    pub time: i64,
    /// What.
    pub entry: E,
}

/// Follows one rule over one source.
#[derive(Debug)]
pub struct Machine<E> {
    logic: Arc<Logic>,
    clock: i64,
    /// By step: entries that may still serve.
    queues: Vec<VecDeque<At<E>>>,
    /// Of a sequence: steps that have all they need; the one after them is open.
    reached: usize,
    /// By negation: when it was seen.
    denials: Vec<VecDeque<i64>>,
    /// How long the first entry may have to be kept for a match, and how much earlier a denial may stand.
    keep: i64,
    look_back: i64,
    /// Entries that were let go for want of room.
    pub evicted: u64,
}

/// Where an entry of a match stands: its step, its place in that step's queue, its time.
#[derive(Clone, Copy, Debug)]
struct Spot {
    step: usize,
    place: usize,
    time: i64,
}

/// What becomes of a whole set of entries.
enum Verdict {
    Match,
    /// Nothing can be said before a later time.
    Wait,
    /// Without this entry it may be tried again.
    Drop(Spot),
}

impl<E: Clone> Machine<E> {
    /// One that has seen nothing.
    pub fn new(logic: Arc<Logic>) -> Self {
        let window = logic.window.map_or(i64::MAX, |window| i64::try_from(window.as_nanos()).unwrap_or(i64::MAX));
        let reach =
            |negation: &Negation| window.saturating_add(nanos(negation.window)).saturating_add(nanos(negation.slide));
        let keep = logic.negations.iter().map(reach).fold(window, i64::max);
        let look_back = look_back(&logic);
        Machine {
            queues: logic.steps.iter().map(|_| VecDeque::new()).collect(),
            denials: logic.negations.iter().map(|_| VecDeque::new()).collect(),
            logic,
            clock: i64::MIN,
            reached: 0,
            keep,
            look_back,
            evicted: 0,
        }
    }

    /// Takes in an entry, with what it matches: by step, then by negation. Adds the matches that it completes.
    pub fn observe(&mut self, time: i64, matched: &[bool], entry: &E, matches: &mut Vec<Vec<At<E>>>) {
        if time < self.clock {
            return;
        }
        self.clock = time;
        self.expire();
        let (steps, negations) = matched.split_at(self.queues.len());
        self.note_denials(time, steps, negations);
        let open = self.reached;
        let ordered = self.logic.ordered;
        for (step, _) in steps.iter().enumerate().filter(|(step, hit)| **hit && (!ordered || *step <= open)) {
            self.put(step, At { time, entry: entry.clone() });
        }
        if self.logic.ordered && self.has_enough(open) {
            self.reached = open + 1;
        }
        self.evaluate(matches);
    }

    /// Could it do anything with an entry that matches no more than one of the steps, or then of the negations? One that it could do nothing
    /// with needn't be shown to it.
    pub fn wants(&self, place: usize) -> bool {
        let goes_on = if place < self.queues.len() { place <= self.reached } else { !self.is_idle() };
        goes_on || may_begin(&self.logic, place)
    }

    /// The time is known to have come to this, though no entry of interest has.
    pub fn advance(&mut self, time: i64, matches: &mut Vec<Vec<At<E>>>) {
        if time > self.clock {
            self.clock = time;
            self.evaluate(matches);
        }
    }

    /// No more entries will come: what waits is decided.
    pub fn finish(&mut self, matches: &mut Vec<Vec<At<E>>>) {
        self.advance(i64::MAX, matches);
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.denials.iter_mut().for_each(VecDeque::clear);
        self.reached = 0;
        self.clock = i64::MIN;
    }

    /// Does a match wait for time to pass?
    pub fn waits(&self) -> bool {
        self.is_full()
    }

    /// Nothing is kept.
    pub fn is_idle(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty) && self.denials.iter().all(VecDeque::is_empty)
    }

    fn put(&mut self, step: usize, at: At<E>) {
        let queue = &mut self.queues[step];
        queue.push_back(at);
        if queue.len() > KEPT.max(2 * self.logic.steps[step].count) {
            queue.pop_front();
            self.evicted += 1;
        }
    }

    /// A denial counts once there is something to deny, or if it can deny what comes after it.
    fn note_denials(&mut self, time: i64, steps: &[bool], negations: &[bool]) {
        let begun = match self.logic.ordered {
            true => !self.queues[0].is_empty() || steps[0],
            false => self.queues.iter().any(|queue| !queue.is_empty()) || steps.contains(&true),
        };
        if !begun && self.look_back == 0 {
            return;
        }
        for (denials, _) in self.denials.iter_mut().zip(negations).filter(|(_, hit)| **hit) {
            if denials.back() != Some(&time) {
                denials.push_back(time);
            }
            if denials.len() > KEPT {
                denials.pop_front();
                self.evicted += 1;
            }
        }
    }

    fn has_enough(&self, step: usize) -> bool {
        self.queues.get(step).is_some_and(|queue| queue.len() >= self.logic.steps[step].count)
    }

    fn is_full(&self) -> bool {
        match self.logic.ordered {
            true => self.reached == self.queues.len(),
            false => (0..self.queues.len()).all(|step| self.has_enough(step)),
        }
    }

    /// Lets go of what is too old to be part of a match. A whole one that waits is left to be judged.
    fn expire(&mut self) {
        if self.is_full() {
            return;
        }
        let deadline = self.clock.saturating_sub(self.keep);
        let queues = if self.logic.ordered { &mut self.queues[..1] } else { &mut self.queues[..] };
        for queue in queues {
            while queue.front().is_some_and(|at| at.time < deadline) {
                queue.pop_front();
            }
        }
        let deadline = deadline.saturating_sub(self.look_back);
        for denials in &mut self.denials {
            while denials.front().is_some_and(|time| *time < deadline) {
                denials.pop_front();
            }
        }
        self.settle();
    }

    /// After entries went: of a sequence, later steps keep only what comes after its first step, as far as steps have enough.
    fn settle(&mut self) {
        if !self.logic.ordered {
            return;
        }
        let mut reached = 0;
        let mut after = i64::MIN;
        for step in 0..self.queues.len() {
            let short = reached < step;
            let queue = &mut self.queues[step];
            if short {
                queue.clear();
                continue;
            }
            while step > 0 && queue.front().is_some_and(|at| at.time < after) {
                queue.pop_front();
            }
            let count = self.logic.steps[step].count;
            if queue.len() >= count {
                reached += 1;
            }
            if step == 0 {
                after = queue.get(count - 1).map_or(i64::MAX, |at| at.time);
            }
        }
        self.reached = reached;
    }

    fn evaluate(&mut self, matches: &mut Vec<Vec<At<E>>>) {
        while self.is_full() {
            match self.judge() {
                Verdict::Wait => return,
                Verdict::Drop(spot) => {
                    self.queues[spot.step].remove(spot.place);
                }
                Verdict::Match => {
                    let mut used: Vec<At<E>> = Vec::new();
                    for (queue, step) in self.queues.iter_mut().zip(&self.logic.steps) {
                        used.extend(queue.drain(..step.count));
                    }
                    used.sort_by_key(|at| at.time);
                    matches.push(used);
                }
            }
            self.settle();
        }
    }

    /// Judges the oldest entries of each step that make a match.
    fn judge(&self) -> Verdict {
        let mut spots: Vec<Spot> = Vec::new();
        for (step, (queue, wanted)) in self.queues.iter().zip(&self.logic.steps).enumerate() {
            spots.extend(queue.iter().take(wanted.count).enumerate().map(|(place, at)| Spot {
                step,
                place,
                time: at.time,
            }));
        }
        if !self.logic.ordered {
            spots.sort_by_key(|spot| spot.time);
        }
        let (Some(first), Some(last)) = (spots.first().copied(), spots.last().copied()) else { return Verdict::Wait };
        let span = last.time.saturating_sub(first.time);
        let window =
            self.logic.window.map_or(i128::MAX, |window| i128::try_from(window.as_nanos()).unwrap_or(i128::MAX));
        if i128::from(span) > window {
            return Verdict::Drop(first);
        }
        for (negation, denials) in self.logic.negations.iter().zip(&self.denials) {
            let anchor = spots.get(negation.anchor).copied().unwrap_or(first);
            let (start, end) = interval(negation, anchor.time, span);
            if denials.iter().any(|time| (start..=end).contains(time)) {
                return Verdict::Drop(anchor);
            }
            if end >= self.clock {
                return Verdict::Wait;
            }
        }
        Verdict::Match
    }
}

/// What [`Machine::wants`] says before anything was seen.
pub fn may_begin(logic: &Logic, place: usize) -> bool {
    match place.checked_sub(logic.steps.len()) {
        None => !logic.ordered || place == 0,
        Some(_) => look_back(logic) > 0,
    }
}

/// How much earlier than the first entry a denial may stand.
fn look_back(logic: &Logic) -> i64 {
    logic.negations.iter().map(|negation| -nanos(negation.slide)).fold(0, i64::max)
}

fn nanos(duration: jiff::SignedDuration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(if duration.is_negative() { i64::MIN + 1 } else { i64::MAX })
}

/// When an entry denies a match, both ends included. Without a length it is an instant.
fn interval(negation: &Negation, anchor: i64, span: i64) -> (i64, i64) {
    let start = anchor.saturating_add(nanos(negation.slide));
    let length = nanos(negation.window).saturating_add(if negation.absolute { 0 } else { span });
    (start, start.saturating_add(length.max(0)))
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
