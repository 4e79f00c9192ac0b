//! A stream's side of the community rules: which lines are given to them, and when. What they see in them is the business of
//! [`crate::classify::entries`].

use std::sync::Arc;

use jiff::Timestamp;

use super::{Stream, newlines};
use crate::classify::entries::{self, Entry};
use crate::event::Event;
use crate::redact;

impl Stream {
    /// A line holds an anchor, perhaps one of a rule.
    pub(super) fn rules_look(&mut self, window: &[u8], at: usize, last: bool, now: Timestamp, events: &mut Vec<Event>) {
        if let Some((start, since)) = self.seen.waiting.take() {
            // The entry that waited is whole if another one has begun.
            self.rules_entry(window, (start - self.base) as usize, last, since, now, events);
        }
        if self.seen.waiting.is_none() && self.base + at as u64 >= self.seen.done_to {
            self.rules_entry(window, at, last, now, now, events);
        }
    }

    /// Closes an entry that waits, if it has waited long enough, or if nothing more will come.
    pub(super) fn rules_close(&mut self, now: Timestamp, events: &mut Vec<Event>, due: impl Fn(Timestamp) -> bool) {
        let Some((start, since)) = self.seen.waiting.filter(|(_, since)| due(*since)) else { return };
        self.seen.waiting = None;
        let window = std::mem::take(&mut self.window);
        let start = (start - self.base) as usize;
        self.rules_entry(&window[..self.scanned], start, true, since, now, events);
        self.window = window;
    }

    /// After a block: what waits may be whole now, and matches may have waited for the time to pass. Without an anchor for each rule,
    /// every line is looked at.
    pub(super) fn rules_pass(&mut self, from: usize, now: Timestamp, events: &mut Vec<Event>) {
        let classifier = self.classifier.clone();
        let Some(community) = &classifier.set.community else { return };
        let window = std::mem::take(&mut self.window);
        let whole = &window[..self.scanned];
        if !community.terms.without_anchor().is_empty() {
            let mut at = from;
            while at < whole.len() {
                self.rules_look(whole, at, false, now, events);
                at = self.lines(whole).raw(at).map_or(whole.len(), |raw| raw.end);
            }
        }
        if let Some((start, since)) = self.seen.waiting.take() {
            self.rules_entry(whole, (start - self.base) as usize, false, since, now, events);
        }
        if self.seen.waits()
            && let Some(time) = self.seen.time_at_end(self.lines(whole), now)
        {
            let mut found = Vec::new();
            self.seen.advance(entries::nanoseconds(time), &mut found);
            self.rules_tell(&found, now, events);
        }
        self.window = window;
    }

    /// The source has ended.
    pub(super) fn rules_finish(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.rules_close(now, events, |_| true);
        let mut found = Vec::new();
        self.seen.finish(&mut found);
        self.rules_tell(&found, now, events);
    }

    fn rules_entry(
        &mut self,
        window: &[u8],
        at: usize,
        last: bool,
        since: Timestamp,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let classifier = self.classifier.clone();
        let Some(community) = &classifier.set.community else { return };
        let floor = self.seen.done_to.saturating_sub(self.base) as usize;
        let lines = self.lines(window);
        let Some(span) = self.seen.entry(lines, at, floor, &classifier.limits, now) else { return };
        if !span.closed && !last {
            self.seen.waiting = Some((self.base + span.start as u64, since));
            return;
        }
        self.seen.done_to = self.base + span.end as u64;
        let line = self.line_number_in(window, span.start);
        let more = newlines(&window[span.start..span.end.saturating_sub(1).max(span.start)]);
        let position = self.base + span.start as u64;
        let found = self.seen.observe(community, &span, || (position, line, line + more), now);
        self.rules_tell(&found, now, events);
    }

    fn rules_tell(&mut self, found: &[(u32, Vec<Arc<Entry>>)], now: Timestamp, events: &mut Vec<Event>) {
        let classifier = self.classifier.clone();
        let Some(community) = &classifier.set.community else { return };
        for (rule, used) in found {
            // The rules may have been exchanged since.
            let Some(rule) = community.rules.get(*rule as usize) else { continue };
            if rule.pattern.severity < classifier.min_severity {
                continue;
            }
            let Some(mut event) = entries::event(rule, used, &self.source, now) else { continue };
            if classifier.redact {
                self.counts.redacted += redact::event(&mut event);
            }
            events.push(event);
        }
    }
}
