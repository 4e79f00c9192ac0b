//! Incidents: failures of one workload that explain each other, whichever container, restart or controller told of them.
//!
//! Two failures belong together if they are of one workload, within a window of time, and of the same pattern or of patterns of which one leads
//! to the other; and so does what belongs together by way of a third. Events are out before all is known: one that changes what
//! was said before says so itself (`corrects`, `merges`), so that no message of its own can be lost.
//!
//! Pure: time is an argument. Bounded: so many incidents at once, the one that has been quiet longest forgotten first, and so many failures in each.

pub mod causes;
mod open;
pub mod workload;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use slab::Slab;

use self::causes::{Causes, Known};
use self::open::{Joined, Open, Sighting};
use self::workload::Workload;
use crate::event::Event;
use crate::event::incident::Incident;

/// What became of incidents since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Begun.
    pub opened: u64,
    /// Root causes that turned out to be none.
    pub corrected: u64,
    /// Forgotten before their time because there were too many.
    pub evicted: u64,
}

/// Groups events into incidents.
#[derive(Debug)]
pub struct Incidents {
    causes: Causes,
    window: SignedDuration,
    limit: usize,
    open: Slab<Open>,
    of_workload: HashMap<Workload, BTreeSet<usize>>,
    /// When each was last heard of; of those at one time the oldest comes first.
    heard: BTreeSet<(Timestamp, u64, usize)>,
    counts: Counts,
}

impl Incidents {
    /// Groups what lies within `window` of log time (zero: nothing; [`Duration::MAX`]: everything), in at most `limit` incidents at once.
    pub fn new(causes: Causes, window: Duration, limit: usize) -> Self {
        Incidents {
            causes,
            window: signed(window),
            limit: limit.max(1),
            open: Slab::new(),
            of_workload: HashMap::new(),
            heard: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// From here on with these patterns and this window.
    pub fn set(&mut self, causes: Causes, window: Duration) {
        self.causes = causes;
        self.window = signed(window);
        self.open.iter_mut().for_each(|(_, incident)| incident.set(&self.causes));
    }

    /// Takes in an event that goes out at `now`; gives its incident, none if incidents are off.
    pub fn observe(&mut self, event: &Event, now: Timestamp) -> Option<Incident> {
        self.take(&Sighting::of(event, now), &event.uid, now)
    }

    /// As [`Incidents::observe`], for who knows whose failure the event is.
    pub fn observe_of(&mut self, event: &Event, workload: &Workload, now: Timestamp) -> Option<Incident> {
        self.take(&Sighting::within(event, workload, now), &event.uid, now)
    }

    fn take(&mut self, sighting: &Sighting<'_>, uid: &str, now: Timestamp) -> Option<Incident> {
        if self.window.is_zero() {
            return None;
        }
        self.expire(now);
        let known = self.causes.known(sighting.pattern);
        let mut related = self.related(sighting, known).into_iter();
        let number = related.next().unwrap_or_else(|| self.begin(sighting, uid, now));
        let merges = related.filter_map(|other| self.merge(other, number)).collect();
        let incident = self.open.get_mut(number)?;
        // What is read at once is heard at one time.
        if incident.heard != now {
            self.heard.remove(&(incident.heard, incident.age, number));
            incident.heard = now;
            self.heard.insert((now, incident.age, number));
        }
        let Joined { chain, corrects, grown } = incident.join(sighting, known, uid, &self.causes);
        for workload in sighting.workloads().filter(|_| grown) {
            self.of_workload.entry(workload.clone()).or_default().insert(number);
        }
        self.counts.corrected += corrects.len() as u64;
        Some(Incident { id: incident.id.clone(), workload: incident.name.clone(), chain, corrects, merges })
    }

    /// Incidents that are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// What became of incidents.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The open incidents that the sighting belongs to, the oldest first.
    fn related(&self, sighting: &Sighting<'_>, known: Known) -> Vec<usize> {
        let kin = self.causes.related(known);
        let numbers = sighting.workloads().filter_map(|one| self.of_workload.get(one)).flatten();
        let mut related: Vec<(Timestamp, &str, usize)> = numbers
            .filter_map(|number| self.open.get(*number).map(|incident| (*number, incident)))
            .filter(|(_, incident)| incident.takes(sighting, known, kin, self.window))
            .map(|(number, incident)| (incident.first, &*incident.id, number))
            .collect();
        related.sort_unstable();
        // One of both workloads.
        related.dedup();
        related.into_iter().map(|(.., number)| number).collect()
    }

    fn begin(&mut self, sighting: &Sighting<'_>, uid: &str, now: Timestamp) -> usize {
        while self.open.len() >= self.limit {
            let Some((.., oldest)) = self.heard.first().copied() else { break };
            self.forget(oldest);
            self.counts.evicted += 1;
        }
        let age = self.counts.opened;
        self.counts.opened += 1;
        let number = self.open.insert(Open::new(sighting, uid, now, age));
        self.heard.insert((now, age, number));
        number
    }

    /// Gives what is in one to another; the id of the one that is no more.
    fn merge(&mut self, from: usize, into: usize) -> Option<String> {
        let other = self.forget(from)?;
        for workload in other.workloads() {
            self.of_workload.entry(workload.clone()).or_default().insert(into);
        }
        let id = other.id.to_string();
        self.open.get_mut(into)?.absorb(other);
        Some(id)
    }

    fn expire(&mut self, now: Timestamp) {
        let kept = self.window.saturating_add(self.window);
        while let Some((heard, _, number)) = self.heard.first().copied() {
            if now.duration_since(heard) <= kept {
                return;
            }
            self.forget(number);
        }
    }

    fn forget(&mut self, number: usize) -> Option<Open> {
        let incident = self.open.try_remove(number)?;
        self.heard.remove(&(incident.heard, incident.age, number));
        for workload in incident.workloads() {
            if let Some(numbers) = self.of_workload.get_mut(workload) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.of_workload.remove(workload);
                }
            }
        }
        Some(incident)
    }
}

fn signed(window: Duration) -> SignedDuration {
    SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
