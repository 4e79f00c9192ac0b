//! Community rules over one source: its bytes as entries, and what the rules make of them.
//!
//! An entry is a line as the program printed it; in a log without framing whose lines carry a time, a line without one belongs to the entry
//! before it, joined to it without a separator. Only entries that hold an anchor of a rule are looked at, unless a rule has none. State is kept
//! for each source, so one container never completes another's sequence; a restart begins anew, and what had begun by then is not carried over.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::lines::{Lane, Lines, Raw};
use super::merged::Deferred;
use super::{Limits, Source};
use crate::correlate::steps::{self, At, Machine};
use crate::event::uid::Identity;
use crate::event::{self, Attribute, Event, Value};
use crate::frame::FrameKind;
use crate::pattern::cre::{Community, Rule};
use crate::pattern::model::{FieldValue, Origin};
use crate::record::layout::Layout;

/// How much of an entry an event shows.
const SHOWN: usize = 16 << 10;
/// The layout of a log is looked for in its first bytes, and so often.
const SAMPLE: usize = 16 << 10;
const TRIES: u8 = 8;

/// An entry that a rule's term matched.
#[derive(Debug)]
pub(super) struct Entry {
    position: u64,
    line: u64,
    last_line: u64,
    time: Option<Timestamp>,
    lane: Lane,
    /// As printed, its lines apart. Invalid UTF-8 is replaced.
    shown: String,
}

impl Entry {
    /// Bytes of its text.
    pub(super) fn size(&self) -> usize {
        self.shown.len()
    }

    /// 1-based number of its last line.
    pub(super) fn last_line(&self) -> u64 {
        self.last_line
    }
}

/// What the rules have seen of a source.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By lane: stdout and stderr share a file, and a cut line of one goes on behind lines of the other.
    pub lanes: [LaneSeen; Lane::COUNT],
    /// Entries that were let go since this was last asked.
    pub evicted: u64,
    /// If entries of several sources are to be merged: those that rules with a state have something to do with.
    pub deferred: Option<Vec<Deferred>>,
    layout: Option<Layout>,
    tries: u8,
    /// By rule.
    machines: HashMap<u32, Machine<Arc<Entry>>>,
}

/// How far a lane has been looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneSeen {
    /// Entries up to here.
    pub done_to: u64,
    /// An entry that may go on.
    pub waiting: Option<WaitingEntry>,
}

/// An entry that was open when it was last looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitingEntry {
    pub start: u64,
    /// The source went so far then. Until it goes further, every later line of the lane is part of the entry.
    pub seen: u64,
    pub since: Timestamp,
}

/// Where an entry stands in the window.
pub(super) struct Span<'w> {
    pub start: usize,
    pub end: usize,
    /// No line still to come belongs to it.
    pub closed: bool,
    /// It is one raw line: no text of it stands apart in raw bytes.
    pub plain: bool,
    /// What rules see.
    pub text: Cow<'w, [u8]>,
    time: Option<Timestamp>,
    pub lane: Lane,
    /// As printed, where rules see it otherwise.
    shown: Option<Vec<u8>>,
}

impl Seen {
    /// There may be other rules from now on: what has begun means nothing to these.
    pub(super) fn begin_anew(&mut self) {
        self.machines.clear();
    }

    /// What waits, in whichever lane.
    pub(super) fn waiting(&self) -> impl Iterator<Item = WaitingEntry> + '_ {
        self.lanes.iter().filter_map(|lane| lane.waiting)
    }

    /// The entry that a raw line is part of, looking no further back than `floor`.
    pub(super) fn entry<'w>(
        &mut self,
        lines: Lines<'w>,
        raw: Raw<'w>,
        floor: usize,
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Span<'w>> {
        if raw.frame.kind != FrameKind::Text {
            let lane = raw.lane();
            let line = lines.next(lane, lines.logical_start(lane, raw.start, floor), usize::MAX)?;
            let plain = (line.start, line.end) == (raw.start, raw.end);
            let (start, end, closed) = (line.start, line.end, line.complete);
            return Some(Span { start, end, closed, plain, text: line.content, time: line.time, lane, shown: None });
        }
        self.find_layout(lines, now);
        Some(joined(lines, raw, floor, self.layout, limits, now))
    }

    fn find_layout(&mut self, lines: Lines<'_>, now: Timestamp) {
        if self.layout.is_none() && self.tries < TRIES {
            self.tries += 1;
            let sample = &lines.bytes[..lines.bytes.len().min(SAMPLE)];
            self.layout = Layout::of(sample.split(|byte| *byte == b'\n'), now);
        }
    }

    /// The time of the last line that has one, among the last few.
    pub(super) fn time_at_end(&self, lines: Lines<'_>, now: Timestamp) -> Option<Timestamp> {
        let mut end = lines.bytes.len();
        for _ in 0..16 {
            let raw = lines.raw_before(end)?;
            let time = raw.frame.time.or_else(|| self.layout?.time(&raw.frame.content, now));
            if time.is_some() {
                return time;
            }
            end = raw.start;
        }
        None
    }

    /// Does a match wait for the time to pass?
    pub(super) fn waits(&self) -> bool {
        self.machines.values().any(Machine::waits)
    }

    /// Could a rule do anything now with an entry that a term matches?
    pub(super) fn wants(&self, community: &Community, term: u32) -> bool {
        // What waits may be the beginning of something, and of merged sources others know that.
        if self.deferred.is_some() || self.waiting().next().is_some() {
            return true;
        }
        community.having(term).any(|(rule, mut places)| {
            let logic = &community.rules[rule as usize].logic;
            let wants = |place| match self.machines.get(&rule) {
                Some(machine) => machine.wants(place),
                None => steps::may_begin(logic, place),
            };
            logic.is_stateless() || places.any(wants)
        })
    }

    /// Gives an entry to the rules that it touches ([`Community::touched`]); what they find are the entries of each match. `place`: its
    /// position, first and last line.
    pub(super) fn observe(
        &mut self,
        community: &Community,
        span: &Span<'_>,
        touched: BTreeMap<u32, Vec<bool>>,
        (position, line, last_line): (u64, u64, u64),
        now: Timestamp,
    ) -> Vec<(u32, Vec<Arc<Entry>>)> {
        let mut found = Vec::new();
        let shown = span.shown.as_deref().unwrap_or(&span.text);
        let shown = event::text(&shown[..shown.len().min(SHOWN)]).into_owned();
        let entry = Arc::new(Entry { position, line, last_line, time: span.time, lane: span.lane, shown });
        // Without a time of its own, it happened when it was read.
        let time = nanoseconds(span.time.unwrap_or(now));
        let mut deferred = Vec::new();
        for (rule, matched) in touched {
            let logic = &community.rules[rule as usize].logic;
            if logic.is_stateless() {
                found.push((rule, vec![entry.clone()]));
                continue;
            }
            if self.deferred.is_some() {
                deferred.push((rule, matched));
                continue;
            }
            let machine = self.machines.entry(rule).or_insert_with(|| Machine::new(logic.clone()));
            let mut matches = Vec::new();
            machine.observe(time, &matched, &entry, &mut matches);
            self.evicted += std::mem::take(&mut machine.evicted);
            found.extend(matches.into_iter().map(|used| (rule, entries(used))));
        }
        if let Some(all) = self.deferred.as_mut().filter(|_| !deferred.is_empty()) {
            all.push(Deferred { time, matched: deferred, entry });
        }
        self.advance(time, &mut found);
        found
    }

    /// The log has come to this time.
    pub(super) fn advance(&mut self, time: i64, found: &mut Vec<(u32, Vec<Arc<Entry>>)>) {
        for (rule, machine) in self.machines.iter_mut().filter(|(_, machine)| machine.waits()) {
            let mut matches = Vec::new();
            machine.advance(time, &mut matches);
            found.extend(matches.into_iter().map(|used| (*rule, entries(used))));
        }
        in_order(found);
    }

    /// The source has ended.
    pub(super) fn finish(&mut self, found: &mut Vec<(u32, Vec<Arc<Entry>>)>) {
        for (rule, mut machine) in self.machines.drain() {
            let mut matches = Vec::new();
            machine.finish(&mut matches);
            found.extend(matches.into_iter().map(|used| (rule, entries(used))));
        }
        in_order(found);
    }
}

/// The table of machines has no order of its own.
fn in_order(found: &mut [(u32, Vec<Arc<Entry>>)]) {
    found.sort_by_key(|(rule, used)| (*rule, used.first().map_or(0, |entry| entry.position)));
}

pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

fn entries(used: Vec<At<Arc<Entry>>>) -> Vec<Arc<Entry>> {
    used.into_iter().map(|at| at.entry).collect()
}

/// The entry around a line of a log without framing.
fn joined<'w>(
    lines: Lines<'w>,
    raw: Raw<'w>,
    floor: usize,
    layout: Option<Layout>,
    limits: &Limits,
    now: Timestamp,
) -> Span<'w> {
    let time = |raw: &Raw<'_>| layout.and_then(|layout| layout.time(&raw.frame.content, now));
    let alone = |raw: Raw<'w>| {
        let text = raw.frame.content;
        let (start, end, lane) = (raw.start, raw.end, Lane::Only);
        Span { start, end, closed: true, plain: true, shown: None, text, time: None, lane }
    };
    let Some(layout) = layout else { return alone(raw) };
    let floor = floor.max(raw.start.saturating_sub(limits.lookback_bytes));
    let begins = |mut at: usize| {
        for _ in 0..limits.record_lines {
            let line = lines.raw(at)?;
            if time(&line).is_some() {
                return Some(line);
            }
            let before = lines.raw_before(line.start)?;
            if before.start < floor || before.frame.kind != FrameKind::Text {
                return None;
            }
            at = before.start;
        }
        None
    };
    // Before the first line with a time, a line stands for itself.
    let Some(first) = begins(raw.start) else { return alone(raw) };
    let (start, mut end, mut closed) = (first.start, first.end, false);
    let mut text = layout.text(&first.frame.content).to_vec();
    let mut shown = first.frame.content.to_vec();
    for _ in 0..limits.record_lines {
        let next = lines.raw(end);
        closed = next.is_some();
        let Some(next) = next.filter(|next| time(next).is_none() && next.end - start <= limits.record_bytes) else {
            break;
        };
        text.extend_from_slice(&next.frame.content);
        shown.push(b'\n');
        shown.extend_from_slice(&next.frame.content);
        end = next.end;
    }
    let (plain, time, text) = (false, time(&first), Cow::Owned(text));
    Span { start, end, closed, plain, text, time, lane: Lane::Only, shown: Some(shown) }
}

/// What is said of a match.
pub(super) fn event(rule: &Rule, used: &[Arc<Entry>], source: &Source, now: Timestamp) -> Option<Event> {
    let first = used.first()?;
    let identity = Identity {
        source: &source.identity,
        position: first.position,
        line: first.shown.as_bytes(),
        pattern: &rule.pattern.id,
    };
    let mut record = String::new();
    let mut shown_to: Option<&Arc<Entry>> = None;
    for entry in used.iter().filter(|entry| shown_to.replace(entry).is_none_or(|last| !Arc::ptr_eq(last, entry))) {
        if !record.is_empty() {
            record.push('\n');
        }
        record.push_str(&entry.shown);
    }
    record.truncate(record.floor_char_boundary(4 * SHOWN));
    let value = |value: &FieldValue| match value {
        FieldValue::Bool(flag) => Value::Bool(*flag),
        FieldValue::Int(number) => Value::Int(*number),
        FieldValue::Text(text) => Value::Text(text.clone()),
    };
    Some(Event {
        uid: identity.uid(),
        time: first.time,
        observed: now,
        also: Vec::new(),
        line: first.line,
        last_line: used.iter().map(|entry| entry.last_line).max().unwrap_or(first.last_line),
        body: first.shown.lines().next().unwrap_or_default().to_owned(),
        told: None,
        incident: None,
        origin: Origin::Log,
        record,
        attributes: rule.attributes.iter().map(|(name, given)| Attribute { name, value: value(given) }).collect(),
        exception: None,
        trace_id: None,
        span_id: None,
        stream: first.lane.name(),
        resource: source.resource.clone(),
        source: source.name.clone(),
        occurrences: 1,
        pattern: rule.pattern.clone(),
    })
}
