//! What events have to do with each other: repeats of one failure, and which failure explains which.
//!
//! Holds counts, bounded: the tally of a scan here, the folding of repeats in [`repeats`], the rate of each container in [`rate`]. Knows
//! nothing of IO or clocks; the time of an event is in the event, and any other an argument.

pub mod rate;
pub mod repeats;
pub mod steps;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::{Event, Resource};
use crate::pattern::model::Pattern;

/// Groups beyond this are not told apart any more: their events are counted by pattern only.
const MAX_GROUPS: usize = 10_000;

/// Where a failure happens, as far as its repeats are concerned: the container, whichever its restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Pod name.
    pub pod: Option<String>,
    /// Container name.
    pub container: Option<String>,
}

impl Place {
    /// The place of a resource.
    pub fn of(resource: &Resource) -> Self {
        let text = |name| resource.text(name).map(str::to_owned);
        Place {
            namespace: text("k8s.namespace.name"),
            pod: text("k8s.pod.name"),
            container: text("k8s.container.name"),
        }
    }
}

/// All events of one pattern.
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

/// Counts events by pattern and place.
#[derive(Default)]
pub struct Tally {
    groups: HashSet<(Arc<str>, Place)>,
    failures: HashMap<String, Failure>,
}

impl Tally {
    /// Takes an event in; true if its pattern is new in its place.
    pub fn observe(&mut self, event: &Event) -> bool {
        let id: Arc<str> = event.pattern.id.as_str().into();
        let key = (id, Place::of(&event.resource));
        let known = self.groups.contains(&key) || self.groups.len() >= MAX_GROUPS;
        let failure = self.failures.entry(event.pattern.id.clone()).or_insert_with(|| Failure {
            pattern: event.pattern.clone(),
            occurrences: 0,
            places: 0,
            first: None,
            last: None,
        });
        failure.occurrences += event.occurrences;
        failure.places += u64::from(!known);
        failure.first = [failure.first, event.time].into_iter().flatten().min();
        failure.last = failure.last.max(event.time);
        if !known {
            self.groups.insert(key);
        }
        !known
    }

    /// Every failure that was seen, root causes first: one that another seen failure explains comes after it; then the
    /// graver, then the more frequent.
    pub fn failures(&self) -> Vec<&Failure> {
        let mut failures: Vec<&Failure> = self.failures.values().collect();
        failures.sort_by(|a, b| {
            let rank = |f: &Failure| {
                (self.depth(f), f.pattern.generic, std::cmp::Reverse((f.pattern.severity, f.occurrences)))
            };
            rank(a).cmp(&rank(b)).then_with(|| a.pattern.id.cmp(&b.pattern.id))
        });
        failures
    }

    /// The seen failures that explain this one.
    pub fn causes(&self, failure: &Failure) -> Vec<&Failure> {
        let id = &failure.pattern.id;
        let mut causes: Vec<&Failure> = self
            .failures
            .values()
            .filter(|other| other.pattern.explains.contains(id) && other.pattern.id != *id)
            .collect();
        causes.sort_by(|a, b| a.pattern.id.cmp(&b.pattern.id));
        causes
    }

    /// How many failures stand between this one and a root cause. Loops, which packs could declare, end at a bound.
    fn depth(&self, failure: &Failure) -> usize {
        let mut depth = 0;
        let mut level = self.causes(failure);
        while !level.is_empty() && depth < 8 {
            depth += 1;
            level = level.into_iter().flat_map(|cause| self.causes(cause)).collect();
            level.dedup_by(|a, b| a.pattern.id == b.pattern.id);
            level.truncate(64);
        }
        depth
    }
}
