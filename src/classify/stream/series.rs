//! A stream's side of patterns of several records: what is given to [`crate::classify::series`], and when.

use jiff::Timestamp;

use super::{LaneState, Stream, Waiting};
use crate::classify::assemble::Assembled;
use crate::classify::entries::nanoseconds;
use crate::classify::lines::Lane;
use crate::classify::series::Pending;
use crate::engine::{Finding, Part};
use crate::event::Event;
use crate::record::{Record, header};
use crate::redact;

/// So many lines are looked at for the time of the last one.
const LAST_LINES: usize = 16;

impl Stream {
    /// A record is a part of one pattern or several.
    pub(super) fn series_note(
        &mut self,
        window: &[u8],
        lane: Lane,
        assembled: &Assembled<'_>,
        record: &Record<'_>,
        parts: Vec<Part>,
        Waiting { hit: noticed, since: now, .. }: Waiting,
    ) {
        let Some(time) = assembled.lines[0].time.or_else(|| record.time()) else { return };
        for same in parts.chunk_by(|one, other| one.pattern == other.pattern) {
            let Some(first) = same.first() else { continue };
            let mut captures = first.captures.clone();
            for capture in same.iter().skip(1).flat_map(|part| &part.captures) {
                if captures.iter().all(|known| known.name != capture.name) {
                    captures.push(capture.clone());
                }
            }
            let (pattern, evidence) = (first.pattern, first.evidence.clone());
            let finding = Finding { pattern, also: Vec::new(), captures, evidence };
            let verdict = self.verdict(assembled, record, finding);
            let Some(event) = self.event(window, lane, assembled, record, verdict, now) else { continue };
            let position = self.base + assembled.start() as u64;
            let parts = same.iter().map(|part| part.part).collect();
            self.series.note(Pending { pattern, noticed, position, time: nanoseconds(time), parts, event });
        }
    }

    /// Follows what no open record can come before.
    pub(super) fn series_follow(&mut self, events: &mut Vec<Event>) {
        if self.series.is_idle() {
            return;
        }
        let waiting = self.lanes.iter().filter_map(|LaneState { waiting, .. }| waiting.map(|waiting| waiting.start));
        let settled = waiting.min().unwrap_or(u64::MAX).min(self.base + self.scanned as u64);
        let classifier = self.classifier.clone();
        let mut found = Vec::new();
        self.series.follow(settled, classifier.set.engine.patterns(), &mut found);
        self.series_tell(found, events);
    }

    /// Time has passed.
    pub(super) fn series_tick(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        if !self.series.waits() {
            return;
        }
        let end = self.time_at_end();
        let mut found = Vec::new();
        self.series.tick(end, now, &mut found);
        self.series_tell(found, events);
    }

    /// The source has ended.
    pub(super) fn series_finish(&mut self, events: &mut Vec<Event>) {
        let mut found = Vec::new();
        self.series.finish(&mut found);
        self.series_tell(found, events);
    }

    /// Takes over what has begun in an earlier file of the same source, which is read to its end. Without the same patterns
    /// it means nothing here.
    pub fn go_on_from(&mut self, earlier: &mut Stream, events: &mut Vec<Event>) {
        let begun = std::mem::take(&mut earlier.series);
        if std::sync::Arc::ptr_eq(&self.classifier, &earlier.classifier) {
            let mut found = Vec::new();
            self.series.go_on_from(begun, &mut found);
            self.series_tell(found, events);
        }
    }

    /// Has something begun that the next file of the source may end?
    pub fn has_begun(&self) -> bool {
        !self.series.is_idle()
    }

    /// Does something wait for the time to pass? Then [`Stream::tick`] has something to do now and then.
    pub fn waits_for_time(&self) -> bool {
        self.series.waits()
    }

    fn series_tell(&mut self, found: Vec<Event>, events: &mut Vec<Event>) {
        self.counts.parts_evicted += std::mem::take(&mut self.series.evicted);
        for mut event in found {
            if self.classifier.redact {
                self.counts.redacted += redact::event(&mut event);
            }
            events.push(event);
        }
    }

    /// The time of the last line that has one, among the last few.
    fn time_at_end(&self) -> Option<i64> {
        let lines = self.lines(&self.window[..self.scanned]);
        let mut end = self.scanned;
        for _ in 0..LAST_LINES {
            let raw = lines.raw_before(end)?;
            if let Some(time) = raw.frame.time.or_else(|| header::parse(&raw.frame.content).time) {
                return Some(nanoseconds(time));
            }
            end = raw.start;
        }
        None
    }
}
