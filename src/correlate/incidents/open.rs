//! One incident while it is open: its failures, and what has been said of them.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use super::causes::Causes;
use super::workload::{self, Workload};
use crate::event::Event;

/// Failures of one incident that are told apart; beyond it events belong to the incident without changing it.
const MEMBERS: usize = 64;

/// What grouping needs to know of an event.
#[derive(Debug)]
pub(super) struct Sighting {
    pub pattern: String,
    pub own: Workload,
    pub named: Option<Workload>,
    pub time: Timestamp,
}

/// A failure in one place, from its first to its last sighting.
#[derive(Debug)]
struct Member {
    pattern: String,
    own: Workload,
    named: Option<Workload>,
    first: Timestamp,
    last: Timestamp,
    /// The last event that went out as a root cause, while that holds.
    told: Option<String>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub id: String,
    pub workload: Workload,
    pub first: Timestamp,
    pub heard: Timestamp,
    members: Vec<Member>,
    /// Those of the members: under these it is looked for.
    workloads: BTreeSet<Workload>,
}

impl Sighting {
    pub fn of(event: &Event, now: Timestamp) -> Sighting {
        let own = workload::own(event);
        let named = workload::named(event, &own);
        Sighting { pattern: event.pattern.id.clone(), own, named, time: event.time.unwrap_or(now) }
    }

    /// A failure of a workload that is known otherwise.
    pub fn within(event: &Event, workload: &Workload, now: Timestamp) -> Sighting {
        let (pattern, own) = (event.pattern.id.clone(), workload.clone());
        Sighting { pattern, own, named: None, time: event.time.unwrap_or(now) }
    }

    /// Under which an incident may be found that it belongs to.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        [Some(&self.own), self.named.as_ref()].into_iter().flatten()
    }

    /// The workload that failed.
    fn subject(&self) -> &Workload {
        self.named.as_ref().unwrap_or(&self.own)
    }
}

impl Member {
    /// One speaks of the other's workload, or both are of one; but what a controller says of two workloads keeps these apart.
    fn shares_workload(&self, other: &Sighting) -> bool {
        match (&self.named, &other.named) {
            (Some(one), Some(two)) => one == two,
            (Some(named), None) => *named == other.own || self.own == other.own,
            (None, Some(named)) => *named == self.own || self.own == other.own,
            (None, None) => self.own == other.own,
        }
    }

    fn near(&self, time: Timestamp, window: SignedDuration) -> bool {
        self.first.duration_since(time) <= window && time.duration_since(self.last) <= window
    }

    fn is(&self, sighting: &Sighting) -> bool {
        self.pattern == sighting.pattern && self.own == sighting.own && self.named == sighting.named
    }
}

impl Open {
    pub fn new(sighting: &Sighting, uid: &str) -> Open {
        let workload = sighting.subject().clone();
        let mut hasher = Xxh3::new();
        for part in [workload.to_string().as_bytes(), uid.as_bytes()] {
            // The length keeps neighbouring parts apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Open {
            id: format!("{:032x}", hasher.digest128()),
            workload,
            first: sighting.time,
            heard: sighting.time,
            members: Vec::new(),
            workloads: BTreeSet::new(),
        }
    }

    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    pub fn is_under(&self, workload: &Workload) -> bool {
        self.workloads.contains(workload)
    }

    /// Whether the sighting has to do with one of the failures.
    pub fn takes(&self, sighting: &Sighting, causes: &Causes, window: SignedDuration) -> bool {
        self.members.iter().any(|member| {
            member.near(sighting.time, window)
                && member.shares_workload(sighting)
                && causes.related(&member.pattern, &sighting.pattern)
        })
    }

    /// Takes the sighting in. Gives the chain that leads to it, and the uids of events that it shows to be no root causes.
    pub fn join(&mut self, sighting: &Sighting, uid: &str, causes: &Causes) -> (Vec<String>, Vec<String>) {
        let pattern = sighting.pattern.as_str();
        let own = self.remember(sighting);
        let seen: HashSet<&str> = self.members.iter().map(|m| m.pattern.as_str()).chain([pattern]).collect();
        let chain = causes.chain(pattern, &seen);
        let explained: Vec<bool> =
            self.members.iter().map(|m| seen.iter().any(|cause| causes.explains(cause, &m.pattern))).collect();
        let wrong = self.members.iter_mut().zip(explained).filter(|(_, explained)| *explained);
        let corrects = wrong.filter_map(|(member, _)| member.told.take()).collect();
        if let Some(member) = own.and_then(|place| self.members.get_mut(place)).filter(|_| chain.len() == 1) {
            member.told = Some(uid.to_owned());
        }
        (chain, corrects)
    }

    /// Where the sighting's failure stands among the members, if there was room for it.
    fn remember(&mut self, sighting: &Sighting) -> Option<usize> {
        let time = sighting.time;
        self.first = self.first.min(time);
        if let Some(place) = self.members.iter().position(|member| member.is(sighting)) {
            let member = &mut self.members[place];
            member.first = member.first.min(time);
            member.last = member.last.max(time);
            return Some(place);
        }
        if self.members.len() >= MEMBERS {
            return None;
        }
        self.workloads.extend(sighting.workloads().cloned());
        let Sighting { pattern, own, named, .. } = sighting;
        let (pattern, own, named) = (pattern.clone(), own.clone(), named.clone());
        self.members.push(Member { pattern, own, named, first: time, last: time, told: None });
        Some(self.members.len() - 1)
    }

    /// Takes in all of another.
    pub fn absorb(&mut self, other: Open) {
        self.first = self.first.min(other.first);
        self.members.extend(other.members);
        self.members.truncate(MEMBERS);
        let places = self.members.iter().flat_map(|member| [Some(&member.own), member.named.as_ref()]);
        self.workloads = places.flatten().cloned().collect();
    }
}
