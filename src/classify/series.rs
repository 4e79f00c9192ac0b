//! Patterns of several records over one source: the records that are parts of them, and what they make together.
//!
//! Records are followed in the order of the lines by which they were noticed, which doesn't depend on how the bytes arrive: a part waits
//! until no record still to come can be before it. A record without a time takes no part, since nothing says when it was. What is kept is
//! bounded for each source and in all, in bytes; what goes for want of room is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use jiff::Timestamp;

use crate::correlate::follow::{Follower, Key};
use crate::engine::Compiled;
use crate::event::{Attribute, Event, Value};

/// Text of a record that is kept, for each part of its event.
const KEPT_TEXT: usize = 16 << 10;
/// Bytes kept for one source, and for all together.
const PER_SOURCE: usize = 512 << 10;
const IN_ALL: usize = 16 << 20;
/// What a kept record takes beside its texts, roughly.
const OVERHEAD: usize = 512;
/// Other records' lines that an event shows, and how much of each.
const SHOWN_LINES: usize = 16;
const SHOWN_LINE: usize = 512;
/// So much of a source may have to be read again after a restart, because something that has begun waits for the absence of something.
const HELD: u64 = 16 << 20;
/// A pause counts as quiet only as far as it was watched.
const WATCHED: Duration = Duration::from_secs(1);

/// Bytes kept for all sources of the process.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// The attribute with the lines of the other records.
const LINES: &str = "faultscope.sequence.lines";

/// A record that is a part of something, as the event that it would be.
#[derive(Debug)]
pub(super) struct Draft {
    event: Event,
    bytes: usize,
    of_source: Arc<AtomicUsize>,
}

impl Draft {
    fn new(mut event: Event, of_source: &Arc<AtomicUsize>) -> Draft {
        event.cut(KEPT_TEXT);
        let texts = event.attributes.iter().map(|attribute| match &attribute.value {
            Value::Text(text) => text.len(),
            Value::Int(_) | Value::Bool(_) => 0,
        });
        let exception = event.exception.iter().flat_map(|e| [&e.kind, &e.message, &e.stacktrace]);
        let exception: usize = exception.flatten().map(String::len).sum();
        let told = event.told.as_ref().map_or(0, String::len);
        let bytes = OVERHEAD + event.body.len() + event.record.len() + told + texts.sum::<usize>() + exception;
        KEPT.fetch_add(bytes, Relaxed);
        of_source.fetch_add(bytes, Relaxed);
        Draft { event, bytes, of_source: of_source.clone() }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        KEPT.fetch_sub(self.bytes, Relaxed);
        self.of_source.fetch_sub(self.bytes, Relaxed);
    }
}

/// A part that is followed.
#[derive(Clone, Debug)]
struct Part {
    draft: Arc<Draft>,
    /// Where its record begins; nothing if that was in an earlier file of the source.
    position: Option<u64>,
}

/// A part that waits until it is its turn.
#[derive(Debug)]
pub(super) struct Pending {
    /// Index of the pattern.
    pub pattern: usize,
    /// Offset of the line by which its record was noticed.
    pub noticed: u64,
    /// Offset of its record.
    pub position: u64,
    /// When it was, in nanoseconds.
    pub time: i64,
    /// Which parts its record is.
    pub parts: Vec<usize>,
    /// The event that it would be.
    pub event: Event,
}

/// What a source has of several records.
#[derive(Debug, Default)]
pub(super) struct Series {
    pending: Vec<Pending>,
    /// By pattern.
    followers: BTreeMap<usize, Follower<Part>>,
    bytes: Arc<AtomicUsize>,
    /// Parts that were let go since this was last asked.
    pub evicted: u64,
    quiet: Quiet,
}

/// How long a source has been quiet.
#[derive(Debug, Default)]
struct Quiet {
    since_last: Duration,
    looked: Option<Timestamp>,
}

impl Series {
    /// There may be other patterns from now on: what has begun means nothing to these.
    pub(super) fn begin_anew(&mut self) {
        self.pending.clear();
        self.followers.clear();
    }

    /// Nothing has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.followers.is_empty()
    }

    /// Does something wait for the time to pass?
    pub(super) fn waits(&self) -> bool {
        self.followers.values().any(Follower::waits)
    }

    /// A record is a part of something.
    pub(super) fn note(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    /// Where the record is that a restart has to begin with, and its line: the first of those with which something began that waits for
    /// the absence of something. Not if that is too far back from `end`.
    pub(super) fn held(&self, end: u64, patterns: &[Compiled]) -> Option<(u64, u64)> {
        let waiting = self.followers.values().flat_map(Follower::waiting);
        let waiting = waiting.filter_map(|part| Some((part.position?, part.draft.event.line)));
        let denied = |pattern: usize| {
            let matches = patterns.get(pattern).map(|compiled| &compiled.pattern.matches);
            matches.and_then(|matches| matches.correlation()).is_some_and(|correlation| correlation.has_denial())
        };
        let pending = self.pending.iter().filter(|pending| denied(pending.pattern));
        let pending = pending.map(|pending| (pending.position, pending.event.line));
        waiting.chain(pending).filter(|(position, _)| end.saturating_sub(*position) <= HELD).min()
    }

    /// Follows the parts that were noticed before `settled`: no record that comes before them is open any more. Adds what they make.
    pub(super) fn follow(&mut self, settled: u64, patterns: &[Compiled], events: &mut Vec<Event>) {
        self.pending.sort_by_key(|pending| (pending.noticed, pending.pattern));
        let ready = self.pending.partition_point(|pending| pending.noticed < settled);
        let ready: Vec<Pending> = self.pending.drain(..ready).collect();
        for pending in ready {
            self.advance(pending.time, events);
            let Some(compiled) = patterns.get(pending.pattern) else { continue };
            let Some(correlation) = compiled.pattern.matches.correlation() else { continue };
            let key = key(&compiled.by, &pending.event);
            let draft = Arc::new(Draft::new(pending.event, &self.bytes));
            if !self.make_room(draft.bytes) {
                self.evicted += 1;
                continue;
            }
            let part = Part { draft, position: Some(pending.position) };
            let follower = self.followers.entry(pending.pattern).or_insert_with(|| Follower::new(correlation));
            let mut matches = Vec::new();
            follower.observe(pending.time, &pending.parts, &key, part, &mut matches);
            events.extend(matches.iter().filter_map(|used| event(used)));
        }
        self.tidy();
    }

    /// The log has come to this time.
    fn advance(&mut self, time: i64, events: &mut Vec<Event>) {
        for follower in self.followers.values_mut() {
            let mut matches = Vec::new();
            follower.advance(time, &mut matches);
            events.extend(matches.iter().filter_map(|used| event(used)));
        }
    }

    /// Something was read.
    pub(super) fn moved(&mut self) {
        self.quiet.since_last = Duration::ZERO;
    }

    /// Time has passed: the log's, if it goes on, or else as long as it was seen to be quiet. `end` is the time of the log's last line.
    pub(super) fn tick(&mut self, end: Option<i64>, now: Timestamp, events: &mut Vec<Event>) {
        let looked = self.quiet.looked.replace(now).unwrap_or(now);
        let passed = Duration::try_from(now.duration_since(looked)).unwrap_or_default();
        self.quiet.since_last += passed.min(WATCHED);
        if let Some(end) = end {
            let quiet = i64::try_from(self.quiet.since_last.as_nanos()).unwrap_or(i64::MAX);
            self.advance(end.saturating_add(quiet), events);
            self.tidy();
        }
    }

    /// No more records will come.
    pub(super) fn finish(&mut self, events: &mut Vec<Event>) {
        for follower in self.followers.values_mut() {
            let mut matches = Vec::new();
            follower.finish(&mut matches);
            events.extend(matches.iter().filter_map(|used| event(used)));
        }
        self.tidy();
    }

    /// Goes on where an earlier file of the source stopped.
    pub(super) fn go_on_from(&mut self, mut earlier: Series, events: &mut Vec<Event>) {
        self.evicted += std::mem::take(&mut earlier.evicted);
        for (pattern, mut begun) in std::mem::take(&mut earlier.followers) {
            begun.records_mut().for_each(|part| part.position = None);
            let mut matches = Vec::new();
            match self.followers.get_mut(&pattern) {
                Some(follower) => follower.go_on_from(begun, &mut matches),
                None => drop(self.followers.insert(pattern, begun)),
            }
            events.extend(matches.iter().filter_map(|used| event(used)));
        }
        self.tidy();
    }

    /// Lets the oldest parts of this source go until there is room, for one that is counted already. `false`: others have taken all there is.
    fn make_room(&mut self, new: usize) -> bool {
        while self.bytes.load(Relaxed) > PER_SOURCE || KEPT.load(Relaxed) > IN_ALL {
            let oldest = self.followers.iter().filter_map(|(&pattern, follower)| Some((follower.oldest()?, pattern)));
            match oldest.min().and_then(|(_, pattern)| self.followers.get_mut(&pattern)) {
                Some(follower) => follower.evict(),
                None => return self.bytes.load(Relaxed) <= new && KEPT.load(Relaxed) <= IN_ALL,
            }
        }
        true
    }

    fn tidy(&mut self) {
        self.evicted += self.followers.values_mut().map(|follower| std::mem::take(&mut follower.evicted)).sum::<u64>();
        self.followers.retain(|_, follower| !follower.is_idle());
    }
}

/// What the record has for each attribute that must be equal.
fn key(by: &[&'static str], event: &Event) -> Key {
    let value = |name: &&'static str| {
        let attribute = event.attributes.iter().find(|attribute| attribute.name == *name)?;
        Some(match &attribute.value {
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
        })
    };
    by.iter().map(value).collect()
}

/// What several records make together: the last one's event, with what the others caught, and their lines.
fn event(used: &[Part]) -> Option<Event> {
    let (last, others) = used.split_last()?;
    let mut event = last.draft.event.clone();
    for attribute in others.iter().rev().flat_map(|part| &part.draft.event.attributes) {
        if event.attributes.iter().all(|known| known.name != attribute.name) {
            event.attributes.push(attribute.clone());
        }
    }
    if !others.is_empty() {
        event.attributes.push(Attribute { name: LINES, value: Value::Text(lines(others)) });
    }
    Some(event)
}

fn lines(parts: &[Part]) -> String {
    let shown = parts.iter().take(SHOWN_LINES).map(|part| {
        let line = &part.draft.event.body;
        &line[..line.floor_char_boundary(SHOWN_LINE)]
    });
    let mut lines: Vec<String> = shown.map(str::to_owned).collect();
    if parts.len() > SHOWN_LINES {
        lines.push(format!("(and {} more)", parts.len() - SHOWN_LINES));
    }
    lines.join("\n")
}
