//! What a scan found, by incident: how often, where, and what explains what.
//!
//! Bounded: beyond so many incidents and places, events are counted without telling these apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Place;
use super::incidents::causes::Causes;
use crate::event::Event;
use crate::pattern::model::Pattern;

/// Incidents, and places of failures, beyond this are not told apart any more.
const MAX_GROUPS: usize = 10_000;

/// All events of one pattern in a group.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The pattern.
    pub pattern: Arc<Pattern>,
    /// How often it was seen.
    pub occurrences: u64,
    /// In how many places.
    pub places: u64,
    /// Time of the first event that has one.
    pub first: Option<Timestamp>,
    /// Time of the last event that has one.
    pub last: Option<Timestamp>,
}

/// Incidents in which the same failures were seen.
#[derive(Clone, Debug)]
pub struct Group {
    /// Whose they were, in order, each once; empty if nobody looked for incidents.
    pub workloads: Vec<String>,
    /// How many they are.
    pub incidents: u64,
    /// What was seen, root causes first: a failure comes after those that explain it; then the graver, then the more frequent.
    pub failures: Vec<Failure>,
}

/// Counts events by incident, pattern and place.
#[derive(Default)]
pub struct Tally {
    causes: Causes,
    places: HashSet<(Arc<str>, Place)>,
    /// By id; what belongs to none, or is too much, under the empty one.
    incidents: HashMap<String, Counted>,
}

#[derive(Default)]
struct Counted {
    workload: String,
    failures: BTreeMap<String, Failure>,
}

impl Tally {
    /// A tally that knows what explains what.
    pub fn new(causes: Causes) -> Self {
        Tally { causes, ..Tally::default() }
    }

    /// Takes an event in; true if its pattern is new in its place.
    pub fn observe(&mut self, event: &Event) -> bool {
        let key = (Arc::from(event.pattern.id.as_str()), Place::of(&event.resource));
        let known = self.places.contains(&key) || self.places.len() >= MAX_GROUPS;
        let failure = self.incident(event).failures.entry(event.pattern.id.clone());
        let failure = failure.or_insert_with(|| Failure {
            pattern: event.pattern.clone(),
            occurrences: 0,
            places: 0,
            first: None,
            last: None,
        });
        failure.add(event.occurrences, u64::from(!known), event.time, event.time);
        if !known {
            self.places.insert(key);
        }
        !known
    }

    /// What was counted of the event's incident, with those that the event shows to be part of it.
    fn incident(&mut self, event: &Event) -> &mut Counted {
        let Some(incident) = &event.incident else { return self.incidents.entry(String::new()).or_default() };
        let merged: Vec<Counted> = incident.merges.iter().filter_map(|id| self.incidents.remove(id)).collect();
        let room = self.incidents.len() < MAX_GROUPS || self.incidents.contains_key(&*incident.id);
        let id = if room { incident.id.to_string() } else { String::new() };
        let counted = self.incidents.entry(id).or_default();
        if room {
            counted.workload = incident.workload.to_string();
        }
        for failure in merged.into_iter().flat_map(|other| other.failures.into_values()) {
            counted.add(&failure);
        }
        counted
    }

    /// Everything that was seen, the gravest first. Incidents with the same failures are one group.
    pub fn groups(&self) -> Vec<Group> {
        let mut alike: BTreeMap<Vec<&str>, (Counted, Vec<String>, u64)> = BTreeMap::new();
        for counted in self.incidents.values() {
            let (sum, workloads, incidents) =
                alike.entry(counted.failures.keys().map(String::as_str).collect()).or_default();
            counted.failures.values().for_each(|failure| sum.add(failure));
            workloads.extend(Some(counted.workload.clone()).filter(|name| !name.is_empty()));
            *incidents += 1;
        }
        let mut groups: Vec<Group> =
            alike.into_values().map(|(sum, workloads, incidents)| self.group(sum, workloads, incidents)).collect();
        groups.sort_by_cached_key(|group| {
            let grave = group.failures.iter().map(|f| (Reverse(f.pattern.generic), f.pattern.severity)).max();
            let occurrences: u64 = group.failures.iter().map(|failure| failure.occurrences).sum();
            let first = group.failures.first().map(|failure| failure.pattern.id.clone());
            (Reverse((grave, occurrences)), first)
        });
        groups
    }

    fn group(&self, sum: Counted, mut workloads: Vec<String>, incidents: u64) -> Group {
        workloads.sort_unstable();
        workloads.dedup();
        let all: Vec<Failure> = sum.failures.into_values().collect();
        let mut failures = all.clone();
        failures.sort_by_cached_key(|f| {
            // Whoever explains another has fewer that explain it.
            let causes = all.iter().filter(|cause| self.causes.explains(&cause.pattern.id, &f.pattern.id)).count();
            (causes, f.pattern.generic, Reverse((f.pattern.severity, f.occurrences)), f.pattern.id.clone())
        });
        Group { workloads, incidents, failures }
    }

    /// The failures of a group that explain this one, without those that do so by way of another.
    pub fn causes<'a>(&self, failure: &Failure, group: &'a Group) -> Vec<&'a Failure> {
        let explains = |cause: &Failure, effect: &Failure| self.causes.explains(&cause.pattern.id, &effect.pattern.id);
        let causes: Vec<&Failure> = group.failures.iter().filter(|other| explains(other, failure)).collect();
        causes.iter().copied().filter(|cause| !causes.iter().any(|nearer| explains(cause, nearer))).collect()
    }
}

impl Counted {
    fn add(&mut self, failure: &Failure) {
        match self.failures.get_mut(&failure.pattern.id) {
            Some(known) => known.add(failure.occurrences, failure.places, failure.first, failure.last),
            None => {
                self.failures.insert(failure.pattern.id.clone(), failure.clone());
            }
        }
    }
}

impl Failure {
    fn add(&mut self, occurrences: u64, places: u64, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.occurrences += occurrences;
        self.places += places;
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = self.last.max(last);
    }
}
