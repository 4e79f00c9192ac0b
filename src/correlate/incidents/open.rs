//! One incident while it is open: its failures, and what has been said of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use super::causes::{Causes, Few, Known, Patterns};
use super::workload::{self, Workload};
use crate::event::Event;

/// Failures of one incident that are told apart; beyond it events belong to the incident without changing it.
const MEMBERS: usize = 64;

/// What grouping needs to know of an event.
#[derive(Debug)]
pub(super) struct Sighting<'a> {
    pub pattern: &'a str,
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
    /// The last event that went out as a root cause, while that holds.
    told: Option<String>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub id: Arc<str>,
    /// That of the workload it was begun for.
    pub name: Arc<str>,
    pub first: Timestamp,
    pub heard: Timestamp,
    /// How many were begun before it.
    pub age: u64,
    members: Vec<Member>,
    /// Patterns, chains and corrections are of the members as they are now. Most sightings are of a member, and change none.
    settled: bool,
    /// The members' patterns, while that holds.
    seen: Patterns,
    /// From the root cause to a pattern, which is the last, of those that were asked for while that holds.
    chains: Vec<(Known, Arc<[String]>)>,
    /// Those of the members: under these it is looked for.
    workloads: BTreeSet<Workload>,
}

/// What came of taking in a sighting.
pub(super) struct Joined {
    /// The patterns that lead to it, from the root cause to its own.
    pub chain: Arc<[String]>,
    /// The uids of events that it shows to be no root causes.
    pub corrects: Vec<String>,
    /// The incident is under more workloads than before.
    pub grown: bool,
}

impl<'a> Sighting<'a> {
    pub fn of(event: &'a Event, now: Timestamp) -> Self {
        let own = workload::own(event);
        let named = workload::named(event, &own);
        Sighting { pattern: &event.pattern.id, own, named, time: event.time.unwrap_or(now) }
    }

    /// A failure of a workload that is known otherwise.
    pub fn within(event: &'a Event, workload: &Workload, now: Timestamp) -> Self {
        let time = event.time.unwrap_or(now);
        Sighting { pattern: &event.pattern.id, own: workload.clone(), named: None, time }
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
    fn shares_workload(&self, other: &Sighting<'_>) -> bool {
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

    fn is_of(&self, sighting: &Sighting<'_>, known: Known) -> bool {
        self.known == known && (known.is_some() || self.pattern == sighting.pattern)
    }

    fn is(&self, sighting: &Sighting<'_>, known: Known) -> bool {
        self.is_of(sighting, known) && self.own == sighting.own && self.named == sighting.named
    }
}

impl Open {
    pub fn new(sighting: &Sighting<'_>, uid: &str, now: Timestamp, age: u64) -> Open {
        let name = sighting.subject().to_string();
        let mut hasher = Xxh3::new();
        for part in [name.as_bytes(), uid.as_bytes()] {
            // The length keeps neighbouring parts apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Open {
            id: format!("{:032x}", hasher.digest128()).into(),
            name: name.into(),
            first: sighting.time,
            heard: now,
            age,
            members: Vec::new(),
            settled: false,
            seen: Patterns::default(),
            chains: Vec::new(),
            workloads: BTreeSet::new(),
        }
    }

    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    /// Whether the sighting has to do with one of the failures. `known` is its pattern, `related` that and those that have to do with it.
    pub fn takes(&self, sighting: &Sighting<'_>, known: Known, related: &Few, window: SignedDuration) -> bool {
        if known.is_some() && self.settled && !self.seen.meets(related) {
            return false;
        }
        self.members.iter().any(|member| {
            (member.is_of(sighting, known) || related.has(member.known))
                && member.near(sighting.time, window)
                && member.shares_workload(sighting)
        })
    }

    /// Takes the sighting in, of a pattern that is `known`.
    pub fn join(&mut self, sighting: &Sighting<'_>, known: Known, uid: &str, causes: &Causes) -> Joined {
        let workloads = self.workloads.len();
        let own = self.remember(sighting, known);
        let grown = self.workloads.len() > workloads;
        let mut corrects = self.settle(causes);
        let chain = self.chain(sighting.pattern, known, causes);
        match own {
            Some(place) if chain.len() == 1 => self.members[place].told = Some(uid.to_owned()),
            Some(_) => {}
            None => {
                let explained = self.members.iter_mut().filter(|member| causes.is_cause(known, member.known));
                corrects.extend(explained.filter_map(|member| member.told.take()));
            }
        }
        Joined { chain, corrects, grown }
    }

    /// From the root cause to the pattern.
    fn chain(&mut self, pattern: &str, known: Known, causes: &Causes) -> Arc<[String]> {
        let leads_there = |(last, chain): &&(Known, Arc<[String]>)| {
            *last == known && (known.is_some() || chain.last().is_some_and(|last| last == pattern))
        };
        if let Some((_, chain)) = self.chains.iter().find(leads_there) {
            return chain.clone();
        }
        let chain: Arc<[String]> = causes.chain(pattern, &self.seen).into();
        self.chains.push((known, chain.clone()));
        chain
    }

    /// Where the sighting's failure stands among the members, if there was room for it.
    fn remember(&mut self, sighting: &Sighting<'_>, known: Known) -> Option<usize> {
        let time = sighting.time;
        self.first = self.first.min(time);
        if let Some(place) = self.members.iter().position(|member| member.is(sighting, known)) {
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
        let (pattern, own, named) = ((*pattern).to_owned(), own.clone(), named.clone());
        self.members.push(Member { pattern, own, named, known, first: time, last: time, told: None });
        self.settled = false;
        Some(self.members.len() - 1)
    }

    /// Goes over the members if they are others than before. Gives the uids of events that turn out to be no root causes.
    fn settle(&mut self, causes: &Causes) -> Vec<String> {
        if std::mem::replace(&mut self.settled, true) {
            return Vec::new();
        }
        self.seen = causes.set(self.members.iter().map(|member| member.known));
        self.chains.clear();
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
        self.workloads.extend(other.workloads);
        self.settled = false;
        if self.members.len() > MEMBERS {
            self.members.truncate(MEMBERS);
            let places = self.members.iter().flat_map(|member| [Some(&member.own), member.named.as_ref()]);
            self.workloads = places.flatten().cloned().collect();
        }
    }
}
