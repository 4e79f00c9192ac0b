//! Repeats folded: the first occurrence of a failure goes out at once, those that follow become one event a window, with a count.
//!
//! Pure: time is an argument, and what has to be held until a summary is delivered is the caller's (`H`). Bounded: so many failures are followed
//! at once; beyond it the one whose window ends first is summed up early.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::Xxh3;

use crate::event::{Event, Value};

/// Resource attributes that a restart changes: a container that crashes again and again is still one container.
const OF_ONE_RUN: [&str; 2] = ["k8s.container.restart_count", "container.id"];
/// Captures that differ from one occurrence to the next although the failure is the same.
const OF_ONE_OCCURRENCE: [&str; 5] =
    ["process.pid", "aws.request_id", "network.peer.port", "client.address", "faultscope.sequence.lines"];
/// So many different sets of captures of one failure in one place are told apart; beyond it they count together.
const VARIANTS: u32 = 16;
/// The most bytes of a record, and of a stack trace, that are kept of an occurrence that waits for its summary.
const KEPT_BYTES: usize = 16 << 10;

/// Several occurrences as one event: the last of them, with their number.
#[derive(Debug)]
pub struct Summary<H> {
    /// The last occurrence; `occurrences` counts all since the last event of this failure.
    pub event: Event,
    /// What was held for the occurrences that are in it.
    pub holds: Vec<H>,
}

/// Folds the repeats of each failure: of one pattern, in one container (whichever its restart), with the same captures.
///
/// `F` tells the files apart that occurrences come from.
#[derive(Debug)]
pub struct Repeats<F, H> {
    window: Duration,
    limit: usize,
    series: HashMap<u128, Series<F, H>>,
    /// When the window of each series ends.
    ends: BTreeSet<(Instant, u128)>,
    /// How many series there are of each failure in each place.
    variants: HashMap<u128, u32>,
    folded: u64,
    early: u64,
}

#[derive(Debug)]
struct Series<F, H> {
    /// The failure in its place, whatever the captures.
    failure: u128,
    end: Instant,
    /// Occurrences since the last event that went out, and the last of them.
    count: u64,
    last: Option<Event>,
    holds: Vec<(F, H)>,
}

impl<F: PartialEq, H> Repeats<F, H> {
    /// Folds within windows of this length (zero: not at all), for at most `limit` failures at once.
    pub fn new(window: Duration, limit: usize) -> Self {
        Repeats {
            window,
            limit: limit.max(1),
            series: HashMap::new(),
            ends: BTreeSet::new(),
            variants: HashMap::new(),
            folded: 0,
            early: 0,
        }
    }

    /// From here on with windows of this length. Those that are open end as they would have.
    pub fn set_window(&mut self, window: Duration) {
        self.window = window;
    }

    /// Takes an occurrence in. Gives it back if it is to go out now; otherwise it is in the next summary.
    ///
    /// `hold` is called for the first occurrence of each file that a summary has to stand for; what it gives is in the summary.
    /// The caller makes room first: see [`Repeats::overflow`].
    pub fn take(&mut self, event: Event, file: F, now: Instant, hold: impl FnOnce() -> H) -> Option<Event> {
        if self.window.is_zero() && self.series.is_empty() {
            return Some(event);
        }
        let failure = failure(&event);
        let key = self.key(failure, &event);
        self.take_as((failure, key), event, file, now, hold)
    }

    /// As [`Repeats::take`], of a failure, and a variant of it, that the caller tells apart.
    pub(super) fn take_as(
        &mut self,
        (failure, key): (u128, u128),
        event: Event,
        file: F,
        now: Instant,
        hold: impl FnOnce() -> H,
    ) -> Option<Event> {
        let Some(series) = self.series.get_mut(&key) else {
            if !self.window.is_zero() {
                self.open(key, failure, now);
            }
            return Some(event);
        };
        self.folded += event.occurrences;
        series.count += event.occurrences;
        if series.holds.iter().all(|(of, _)| *of != file) {
            series.holds.push((file, hold()));
        }
        series.last = Some(shortened(event));
        None
    }

    /// Summaries of the windows that have ended at `now`. A failure that had no repeats in its window is forgotten: its next occurrence
    /// goes out at once.
    pub fn due(&mut self, now: Instant) -> Vec<Summary<H>> {
        let mut summaries = Vec::new();
        while let Some(&(end, key)) = self.ends.first().filter(|(end, _)| *end <= now) {
            self.ends.remove(&(end, key));
            let Some(mut series) = self.series.remove(&key) else { continue };
            let summary = series.sum_up();
            if summary.is_none() || self.window.is_zero() {
                self.forget(series.failure);
            } else {
                series.end = now + self.window;
                self.ends.insert((series.end, key));
                self.series.insert(key, series);
            }
            summaries.extend(summary);
        }
        summaries
    }

    /// Sums up, early, what is beyond the limit: those whose windows end first.
    pub fn overflow(&mut self) -> Vec<Summary<H>> {
        let excess = self.series.len().saturating_sub(self.limit);
        let early: Vec<Summary<H>> = (0..excess).filter_map(|_| self.close_first()).flatten().collect();
        self.early += excess as u64;
        early
    }

    /// Sums up everything: nothing more comes.
    pub fn close(&mut self) -> Vec<Summary<H>> {
        std::iter::from_fn(|| self.close_first()).flatten().collect()
    }

    /// When the next window ends.
    pub fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// Failures that are followed now.
    pub fn followed(&self) -> usize {
        self.series.len()
    }

    /// Occurrences that went into summaries, and failures that were summed up early because there were too many.
    pub fn counts(&self) -> (u64, u64) {
        (self.folded, self.early)
    }

    /// The series of an occurrence: by its captures, or beyond [`VARIANTS`] different ones by the failure alone.
    fn key(&self, failure: u128, event: &Event) -> u128 {
        let exact = variant(failure, event);
        let many = self.variants.get(&failure).is_some_and(|variants| *variants >= VARIANTS);
        if many && !self.series.contains_key(&exact) { failure } else { exact }
    }

    fn open(&mut self, key: u128, failure: u128, now: Instant) {
        let end = now + self.window;
        self.series.insert(key, Series { failure, end, count: 0, last: None, holds: Vec::new() });
        self.ends.insert((end, key));
        *self.variants.entry(failure).or_default() += 1;
    }

    fn close_first(&mut self) -> Option<Option<Summary<H>>> {
        let (_, key) = self.ends.pop_first()?;
        let mut series = self.series.remove(&key)?;
        self.forget(series.failure);
        Some(series.sum_up())
    }

    fn forget(&mut self, failure: u128) {
        if let Some(variants) = self.variants.get_mut(&failure) {
            *variants -= 1;
            if *variants == 0 {
                self.variants.remove(&failure);
            }
        }
    }
}

impl<F, H> Series<F, H> {
    /// What has come since the last event; none if nothing has.
    fn sum_up(&mut self) -> Option<Summary<H>> {
        let mut event = self.last.take()?;
        event.occurrences = std::mem::take(&mut self.count);
        let holds = std::mem::take(&mut self.holds).into_iter().map(|(_, hold)| hold).collect();
        Some(Summary { event, holds })
    }
}

/// Pattern and place. Without a pod the place is the file.
fn failure(event: &Event) -> u128 {
    let mut hasher = Xxh3::new();
    feed(&mut hasher, event.pattern.id.as_bytes());
    for attribute in event.resource.attributes.iter().filter(|a| !OF_ONE_RUN.contains(&a.name)) {
        feed_attribute(&mut hasher, attribute.name, &attribute.value);
    }
    if event.resource.text("k8s.pod.name").is_none() {
        feed(&mut hasher, event.source.as_bytes());
    }
    hasher.digest128()
}

/// The failure with its captures.
fn variant(failure: u128, event: &Event) -> u128 {
    let mut hasher = Xxh3::new();
    feed(&mut hasher, &failure.to_le_bytes());
    for attribute in event.attributes.iter().filter(|a| !OF_ONE_OCCURRENCE.contains(&a.name)) {
        feed_attribute(&mut hasher, attribute.name, &attribute.value);
    }
    hasher.digest128()
}

fn feed_attribute(hasher: &mut Xxh3, name: &str, value: &Value) {
    feed(hasher, name.as_bytes());
    match value {
        Value::Text(text) => feed(hasher, text.as_bytes()),
        Value::Int(number) => feed(hasher, &number.to_le_bytes()),
        Value::Bool(flag) => feed(hasher, &[u8::from(*flag)]),
    }
}

/// The length keeps neighbouring parts apart.
fn feed(hasher: &mut Xxh3, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

/// What waits for its summary must not be large.
pub(super) fn shortened(mut event: Event) -> Event {
    cut(&mut event.record);
    cut(&mut event.body);
    event.exception.iter_mut().filter_map(|exception| exception.stacktrace.as_mut()).for_each(cut);
    event
}

fn cut(text: &mut String) {
    if text.len() > KEPT_BYTES {
        text.truncate(text.floor_char_boundary(KEPT_BYTES));
        text.shrink_to_fit();
    }
}

#[cfg(test)]
#[path = "repeats_tests.rs"]
mod tests;
