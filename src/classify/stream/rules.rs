//! A stream's side of the community rules: which lines are given to them, and when. What they see in them is the business of
//! [`crate::classify::entries`].

use std::sync::Arc;

use jiff::Timestamp;

use super::{Stream, newlines};
use crate::classify::entries::{self, Entry, LaneSeen, WaitingEntry};
use crate::classify::lines::{Lane, Raw};
use crate::classify::merged::Deferred;
use crate::event::Event;
use crate::frame::FrameKind;
use crate::redact;

/// A raw line of an entry.
struct Noticed<'w> {
    raw: Raw<'w>,
    /// The ways of terms whose anchors stand in it, if they have been looked for.
    ways: Option<Vec<u32>>,
}

impl Stream {
    /// Rules that take several entries are left to [`crate::classify::merged`].
    pub fn defer_rules(&mut self) {
        self.seen.deferred.get_or_insert_default();
    }

    /// Entries that were deferred since the last call.
    pub(in crate::classify) fn take_deferred(&mut self) -> Vec<Deferred> {
        self.seen.deferred.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Could a rule make something of a line by this way of a term, whose anchor stands in it? `None`: not if the line is framed, and neither it
    /// nor the line before it is a fragment. Says so of some where none could.
    pub(super) fn rules_want(&self, way: u32, line: &[u8]) -> Option<bool> {
        let Some(community) = &self.classifier.set.community else { return Some(false) };
        match self.seen.wants(community, community.terms.term_of(way)) {
            true if community.terms.may_stand(way, line) => Some(true),
            true => None,
            false => Some(false),
        }
    }

    /// A line holds an anchor, perhaps one of a rule: `ways` says of which.
    pub(super) fn rules_look(
        &mut self,
        window: &[u8],
        raw: Raw<'_>,
        ways: impl FnOnce() -> Vec<u32>,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let lane = raw.lane();
        self.rules_wait(window, lane, now, events);
        let LaneSeen { done_to, waiting } = self.seen.lanes[lane.index()];
        if waiting.is_none() && self.base + raw.start as u64 >= done_to {
            // The other lines of its entry, if there are any, are asked for themselves.
            let mut ways = ways();
            if let Some(community) = &self.classifier.set.community
                && !ways.iter().any(|way| self.seen.wants(community, community.terms.term_of(*way)))
            {
                ways.clear();
            }
            self.rules_retain(window, &raw, &mut ways);
            if raw.frame.partial || !ways.is_empty() || self.rules_ask_always() {
                self.rules_entry(window, Noticed { raw, ways: Some(ways) }, false, now, now, events);
            }
        }
    }

    /// Leaves those ways that the line has all for that must stand in one line. If it is the end of one in pieces, they may stand in another
    /// piece, and without framing several lines may make one.
    fn rules_retain(&self, window: &[u8], raw: &Raw<'_>, ways: &mut Vec<u32>) {
        let Some(community) = &self.classifier.set.community else { return };
        let (lines, floor) = (self.lines(window), raw.start.saturating_sub(self.classifier.limits.lookback_bytes));
        let text = lines.text(raw.start);
        let standing: Vec<u32> = ways.iter().copied().filter(|way| community.terms.may_stand(*way, text)).collect();
        let follows_a_piece =
            || lines.previous_in_lane(raw.lane(), raw.start, floor).is_some_and(|before| before.frame.partial);
        let is_part = || raw.frame.kind == FrameKind::Text || raw.frame.partial || follows_a_piece();
        if standing.len() < ways.len() && !is_part() {
            *ways = standing;
        }
    }

    /// Does a rule ask for every line?
    fn rules_ask_always(&self) -> bool {
        self.classifier.set.community.as_ref().is_some_and(|community| !community.terms.without_anchor().is_empty())
    }

    /// The entry that waits in a lane is whole if another one has begun since.
    fn rules_wait(&mut self, window: &[u8], lane: Lane, now: Timestamp, events: &mut Vec<Event>) {
        let waiting = self.seen.lanes[lane.index()].waiting;
        if let Some(waiting) = waiting.filter(|waiting| waiting.seen < self.base + window.len() as u64) {
            self.rules_settle(window, lane, waiting, false, now, events);
        }
    }

    /// Looks at an entry that waits once more. `last`: nothing more will come.
    fn rules_settle(
        &mut self,
        window: &[u8],
        lane: Lane,
        waiting: WaitingEntry,
        last: bool,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        self.seen.lanes[lane.index()].waiting = None;
        if let Some(raw) = self.lines(window).raw((waiting.start - self.base) as usize) {
            self.rules_entry(window, Noticed { raw, ways: None }, last, waiting.since, now, events);
        }
    }

    /// Closes entries that wait, if they have waited long enough, or if nothing more will come.
    pub(super) fn rules_close(&mut self, now: Timestamp, events: &mut Vec<Event>, due: impl Fn(Timestamp) -> bool) {
        let window = std::mem::take(&mut self.window);
        for lane in Lane::ALL {
            let waiting = self.seen.lanes[lane.index()].waiting;
            if let Some(waiting) = waiting.filter(|waiting| due(waiting.since)) {
                self.rules_settle(&window[..self.scanned], lane, waiting, true, now, events);
            }
        }
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
                let lines = self.lines(whole);
                let Some(raw) = lines.raw(at) else { break };
                let (start, end) = (raw.start, raw.end);
                let ways = || classifier.set.engine.clues(lines.text(start), 0).others;
                self.rules_look(whole, raw, ways, now, events);
                at = end;
            }
        }
        for lane in Lane::ALL {
            self.rules_wait(whole, lane, now, events);
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

    /// Looks at the entry that a raw line is part of.
    fn rules_entry(
        &mut self,
        window: &[u8],
        Noticed { raw, ways }: Noticed<'_>,
        last: bool,
        since: Timestamp,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let classifier = self.classifier.clone();
        let Some(community) = &classifier.set.community else { return };
        let lane = raw.lane().index();
        let floor = self.seen.lanes[lane].done_to.saturating_sub(self.base) as usize;
        let lines = self.lines(window);
        let Some(span) = self.seen.entry(lines, raw, floor, &classifier.limits, now) else { return };
        let position = self.base + span.start as u64;
        if !span.closed && !last {
            let seen = self.base + window.len() as u64;
            self.seen.lanes[lane].waiting = Some(WaitingEntry { start: position, seen, since });
            return;
        }
        self.seen.lanes[lane].done_to = self.base + span.end as u64;
        // What one raw line told is known; of an entry that is made of several its text is asked.
        let raw = if span.plain { lines.text(span.start) } else { &*span.text };
        let ways = ways.filter(|_| span.plain).unwrap_or_else(|| classifier.set.engine.clues(raw, 0).others);
        let matched = community.terms.matched_among(&ways, raw, &span.text);
        let mut touched = community.touched(&matched);
        touched.retain(|rule, _| community.rules[*rule as usize].is_for(self.source.container.as_deref()));
        if touched.is_empty() {
            return;
        }
        let line = self.line_number_in(window, span.start);
        let last_line = line + newlines(&window[span.start..span.end.saturating_sub(1).max(span.start)]);
        let found = self.seen.observe(community, &span, touched, (position, line, last_line), now);
        self.counts.entries_evicted += std::mem::take(&mut self.seen.evicted);
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
