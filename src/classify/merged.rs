//! Community rules over several sources at once, as their own engine sees one stream: entries merged by time, one state for each rule.
//!
//! Entries that rules of one entry match are no business of this room: these speak where the entry is read. The others are kept until all is
//! read, bounded in bytes; what goes beyond that is left out and counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::entries::{self, Entry};
use super::{Classifier, Source, Stream};
use crate::correlate::steps::{At, Machine};
use crate::event::Event;
use crate::redact;

/// Bytes of entries that are kept.
const KEPT: usize = 64 << 20;
/// What an entry takes beside its text, roughly.
const OVERHEAD: usize = 256;

/// An entry, and what rules with a state see in it.
#[derive(Debug)]
pub(super) struct Deferred {
    /// In nanoseconds.
    pub time: i64,
    /// By rule: by step and then by negation, whether it matches.
    pub matched: Vec<(u32, Vec<bool>)>,
    pub entry: Arc<Entry>,
}

/// The entries of a match, each with the index of its source.
type Used = Vec<At<(usize, Arc<Entry>)>>;

/// Entries of all sources.
#[derive(Debug, Default)]
pub struct Merged {
    sources: Vec<Source>,
    /// Each with the index of its source.
    entries: Vec<(usize, Deferred)>,
    bytes: usize,
    /// Entries for which there was no room.
    pub left_out: u64,
}

impl Merged {
    /// Takes what a stream has seen since it was last asked. Streams come one after the other.
    pub fn take(&mut self, stream: &mut Stream) {
        let deferred = stream.take_deferred();
        if deferred.is_empty() {
            return;
        }
        if self.sources.last().is_none_or(|last| last.name != stream.source().name) {
            self.sources.push(stream.source().clone());
        }
        for entry in deferred {
            self.bytes += OVERHEAD + entry.entry.size();
            match self.bytes <= KEPT {
                true => self.entries.push((self.sources.len() - 1, entry)),
                false => self.left_out += 1,
            }
        }
    }

    /// All is read: what the rules make of it, in the order of time.
    pub fn finish(mut self, classifier: &Classifier, now: Timestamp) -> Vec<Event> {
        let Some(community) = &classifier.set.community else { return Vec::new() };
        // Stable: equal times stay in the order of the sources, and there in the order of their lines.
        self.entries.sort_by_key(|(_, deferred)| deferred.time);
        let mut machines: BTreeMap<u32, Machine<(usize, Arc<Entry>)>> = BTreeMap::new();
        let mut found = Vec::new();
        for (source, Deferred { time, matched, entry }) in self.entries {
            for (rule, matched) in matched {
                let new = || Machine::new(community.rules[rule as usize].logic.clone());
                let mut matches = Vec::new();
                let entry = (source, entry.clone());
                machines.entry(rule).or_insert_with(new).observe(time, &matched, &entry, &mut matches);
                found.extend(matches.into_iter().map(|used| (rule, used)));
            }
            for (rule, machine) in machines.iter_mut().filter(|(_, machine)| machine.waits()) {
                let mut matches = Vec::new();
                machine.advance(time, &mut matches);
                found.extend(matches.into_iter().map(|used| (*rule, used)));
            }
        }
        for (rule, mut machine) in machines {
            let mut matches = Vec::new();
            machine.finish(&mut matches);
            found.extend(matches.into_iter().map(|used| (rule, used)));
        }
        let event = |(rule, used): &(u32, Used)| {
            let rule = &community.rules[*rule as usize];
            let source = used.first()?.entry.0;
            let entries: Vec<Arc<Entry>> = used.iter().map(|at| at.entry.1.clone()).collect();
            let mut event = entries::event(rule, &entries, self.sources.get(source)?, now)?;
            // Lines of other sources have numbers of their own.
            let own = used.iter().filter(|at| at.entry.0 == source).map(|at| at.entry.1.last_line());
            event.last_line = own.max().unwrap_or(event.line);
            if classifier.redact {
                redact::event(&mut event);
            }
            (rule.pattern.severity >= classifier.min_severity).then_some(event)
        };
        found.iter().filter_map(event).collect()
    }
}
