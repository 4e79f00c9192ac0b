//! One incident while it is open: its failures, and what has been said of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use super::causes::{Causes, Known, Patterns};
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
    known: Known,
    first: Timestamp,
    last: Timestamp,
    /// From the root cause to this failure, while that holds.
    chain: Vec<String>,
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
    /// Chains and corrections are of the members as they are now. Most sightings are of a member, and change neither.
    settled: bool,
    /// Their patterns, while that holds.
    seen: Patterns,
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
            settled: false,
            seen: Patterns::default(),
            workloads: BTreeSet::new(),
        }
    }

    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    pub fn is_under(&self, workload: &Workload) -> bool {
        self.workloads.contains(workload)
    }

    /// Whether the sighting has to do with one of the failures. `known` is its pattern, `related` those that have to do with that.
    pub fn takes(&self, sighting: &Sighting, known: Known, related: &Patterns, window: SignedDuration) -> bool {
        let same = |member: &Member| match known {
            Some(_) => member.known == known,
            None => member.pattern == sighting.pattern,
        };
        self.members.iter().any(|member| {
            (same(member) || related.has(member.known))
                && member.near(sighting.time, window)
                && member.shares_workload(sighting)
        })
    }

    /// Takes the sighting in. Gives the chain that leads to it, and the uids of events that it shows to be no root causes.
    pub fn join(&mut self, sighting: &Sighting, uid: &str, causes: &Causes) -> (Vec<String>, Vec<String>) {
        let own = self.remember(sighting, causes);
        let mut corrects = self.settle(causes);
        let chain = || causes.chain(&sighting.pattern, &self.seen);
        let Some(place) = own else {
            let chain = chain();
            let known = causes.known(&sighting.pattern);
            let explained = self.members.iter_mut().filter(|member| causes.is_cause(known, member.known));
            corrects.extend(explained.filter_map(|member| member.told.take()));
            return (chain, corrects);
        };
        if self.members[place].chain.is_empty() {
            self.members[place].chain = chain();
        }
        let member = &mut self.members[place];
        if member.chain.len() == 1 {
            member.told = Some(uid.to_owned());
        }
        (member.chain.clone(), corrects)
    }

    /// Where the sighting's failure stands among the members, if there was room for it.
    fn remember(&mut self, sighting: &Sighting, causes: &Causes) -> Option<usize> {
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
        let known = causes.known(pattern);
        let (pattern, own, named) = (pattern.clone(), own.clone(), named.clone());
        let chain = Vec::new();
        self.members.push(Member { pattern, own, named, known, first: time, last: time, chain, told: None });
        self.settled = false;
        Some(self.members.len() - 1)
    }

    /// Goes over the members if they are others than before. Gives the uids of events that turn out to be no root causes.
    fn settle(&mut self, causes: &Causes) -> Vec<String> {
        if std::mem::replace(&mut self.settled, true) {
            return Vec::new();
        }
        self.seen = causes.set(self.members.iter().map(|member| member.known));
        self.members.iter_mut().for_each(|member| member.chain.clear());
        let seen = &self.seen;
        let explained = self.members.iter_mut().filter(|member| causes.explained(member.known, seen));
        explained.filter_map(|member| member.told.take()).collect()
    }

    /// From here on by other causes.
    pub fn set(&mut self, causes: &Causes) {
        for member in &mut self.members {
            member.known = causes.known(&member.pattern);
        }
        self.settled = false;
    }

    /// Takes in all of another.
    pub fn absorb(&mut self, other: Open) {
        self.first = self.first.min(other.first);
        self.members.extend(other.members);
        self.members.truncate(MEMBERS);
        self.settled = false;
        let places = self.members.iter().flat_map(|member| [Some(&member.own), member.named.as_ref()]);
        self.workloads = places.flatten().cloned().collect();
    }
}
