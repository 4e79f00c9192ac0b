//! Events on their way out of the reader: cut to size, repeats folded, noisy containers held back; what the delivering side can't take waits.
//!
//! Bounded because the reader stops reading while something waits here: what waits is what one block gave, and summaries.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry::KeyValue;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::metrics::Metrics;
use super::{Reading, Unit};
use crate::correlate::Place;
use crate::correlate::incidents::causes::Causes;
use crate::correlate::incidents::{Counts, Incidents};
use crate::correlate::rate::Limiter;
use crate::correlate::repeats::{Repeats, Summary};
use crate::correlate::unclassified::{self, Reports};
use crate::event::Event;
use crate::kube::metadata::Pods;
use crate::tail::{FileId, Ledger, Mark, UnitId};

pub(super) struct Outbox {
    waiting: VecDeque<Unit>,
    units: Option<Sender<Unit>>,
    repeats: Repeats<FileId, UnitId>,
    unclassified: Reports<FileId, UnitId>,
    limiter: Limiter,
    incidents: Incidents,
    /// What is known of pods, if the cluster is asked.
    pods: Option<Arc<Pods>>,
    /// What of the incidents is in the metrics already.
    counted: Counts,
    attribute_bytes: usize,
    metrics: Arc<Metrics>,
}

impl Outbox {
    pub fn new(reading: &Reading, units: Sender<Unit>, metrics: Arc<Metrics>, pods: Option<Arc<Pods>>) -> Outbox {
        Outbox {
            waiting: VecDeque::new(),
            units: Some(units),
            repeats: Repeats::new(reading.repeats, reading.repeats_limit),
            unclassified: Reports::new(reading.unclassified, reading.templates_limit),
            limiter: Limiter::new(reading.rate),
            incidents: Incidents::new(causes(reading), reading.incidents, reading.incidents_limit),
            pods,
            counted: Counts::default(),
            attribute_bytes: reading.attribute_bytes,
            metrics,
        }
    }

    /// From here on with these settings.
    pub fn set(&mut self, reading: &Reading) {
        self.repeats.set_window(reading.repeats);
        self.unclassified.set_period(reading.unclassified);
        self.limiter.set_rate(reading.rate);
        self.incidents.set(causes(reading), reading.incidents);
        self.attribute_bytes = reading.attribute_bytes;
    }

    /// Nobody takes anything any more.
    pub fn is_closed(&self) -> bool {
        self.units.as_ref().is_none_or(Sender::is_closed)
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Failures whose repeats are being folded.
    pub fn followed(&self) -> usize {
        self.repeats.followed()
    }

    /// Templates of failures that no pattern knows.
    pub fn templates(&self) -> usize {
        self.unclassified.templates()
    }

    /// Incidents that are open.
    pub fn open_incidents(&self) -> usize {
        self.incidents.open()
    }

    /// When the next summary is due.
    pub fn next_summary(&self) -> Option<Instant> {
        self.repeats.next_end().into_iter().chain(self.unclassified.next_end()).min()
    }

    /// Takes in what a piece of a file gave. Until it is delivered, alone or in a summary, the checkpoint stays at `start` or before it.
    pub fn put(&mut self, ledger: &mut Ledger, file: FileId, start: Mark, events: Vec<Event>, now: Instant) {
        let mut out = Vec::with_capacity(events.len());
        for mut event in events {
            let cut = event.cut(self.attribute_bytes);
            self.count_limit("attribute_bytes", cut);
            let pattern = KeyValue::new("pattern", event.pattern.id.clone());
            self.metrics.occurrences.add(event.occurrences, &[pattern]);
            let hold = || ledger.sent(file, start);
            let taken = match unclassified::is(&event) {
                true => self.unclassified.take(event, file, now, hold),
                false => self.repeats.take(event, file, now, hold),
            };
            match taken {
                None => self.metrics.folded.add(1, &[]),
                Some(event) if self.limiter.admit(&Place::of(&event.resource), now) => out.push(event),
                Some(_) => self.metrics.dropped.add(1, &[KeyValue::new("reason", "rate_limit")]),
            }
        }
        if !out.is_empty() {
            self.queue(vec![ledger.sent(file, start)], out);
        }
        let early = self.repeats.overflow();
        self.count_limit("repeats", early.len() as u64);
        self.summaries(early);
        let early = self.unclassified.overflow();
        self.summaries(early);
        let evicted = self.unclassified.take_evicted();
        self.count_limit("templates", evicted);
        self.flush();
    }

    /// Queues the summaries that are due.
    pub fn tick(&mut self, now: Instant) {
        let due = self.repeats.due(now);
        self.summaries(due);
        let due = self.unclassified.due(now);
        self.summaries(due);
        self.flush();
    }

    /// Gives the delivering side what it can take. `true`: everything.
    pub fn flush(&mut self) -> bool {
        let Some(units) = &self.units else { return false };
        while let Some(unit) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(unit) | TrySendError::Closed(unit)) = units.try_send(unit) {
                self.waiting.push_front(unit);
                return false;
            }
        }
        true
    }

    /// Hands over everything, summaries of what is open included, and hangs up. Waits until it is taken, or nobody takes it.
    pub fn close(&mut self) {
        let last = self.repeats.close();
        self.summaries(last);
        let last = self.unclassified.close();
        self.summaries(last);
        let Some(units) = self.units.take() else { return };
        for unit in self.waiting.drain(..) {
            // What isn't taken isn't acknowledged either, and is read again.
            if units.blocking_send(unit).is_err() {
                break;
            }
        }
    }

    fn summaries(&mut self, summaries: Vec<Summary<UnitId>>) {
        for Summary { event, holds } in summaries {
            self.queue(holds, vec![event]);
        }
    }

    /// What goes out is told of its incident here: only what receivers get to see can be corrected. Before that, of its pod: whose it is decides
    /// which incident it belongs to. What no pattern knows explains nothing.
    fn queue(&mut self, ids: Vec<UnitId>, mut events: Vec<Event>) {
        for event in &mut events {
            self.describe(event);
            if !unclassified::is(event) {
                event.incident = self.incidents.observe(event, event.observed);
            }
            let severity = KeyValue::new("severity", event.pattern.severity.text());
            self.metrics.events.add(1, &[KeyValue::new("pattern", event.pattern.id.clone()), severity]);
        }
        self.waiting.push_back(Unit { ids, events });
        self.count_incidents();
    }

    /// Tells an event what the cluster knows of its pod by now.
    fn describe(&self, event: &mut Event) {
        let Some(pods) = self.pods.as_ref().filter(|_| event.resource.text("k8s.pod.name").is_some()) else { return };
        match pods.describe(&event.resource) {
            Some(resource) => event.resource = Arc::new(resource),
            None => self.metrics.undescribed.add(1, &[]),
        }
    }

    fn count_incidents(&mut self) {
        let (now, before) = (self.incidents.counts(), self.counted);
        self.counted = now;
        self.metrics.incidents_opened.add(now.opened - before.opened, &[]);
        self.metrics.incidents_corrected.add(now.corrected - before.corrected, &[]);
        self.count_limit("incidents", now.evicted - before.evicted);
    }

    fn count_limit(&self, limit: &'static str, times: u64) {
        if times > 0 {
            self.metrics.limits.add(times, &[KeyValue::new("limit", limit)]);
        }
    }
}

fn causes(reading: &Reading) -> Causes {
    Causes::of(reading.classifier.set.patterns.iter().map(|located| &*located.pattern))
}
