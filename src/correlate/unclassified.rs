//! Failures that no pattern knows, by their template: told once each, then counted.
//!
//! [`Reports`] is for an agent, which tells of a template when it comes up and then at most once a period; [`Census`] for whoever reads a log
//! to its end and then wants to know what there was. Both are bounded by the number of templates. Time is an argument.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::repeats::{Repeats, Summary, shortened};
use super::templates::{Joined, Templates, masked};
use crate::event::{Attribute, Event, Exception, Value};
use crate::pattern::unclassified::{ID, TEMPLATE};

/// Is this event of a failure that no pattern knows?
pub fn is(event: &Event) -> bool {
    event.pattern.id == ID
}

/// What a template is made of: the event's own, or for want of that its exception's type and message, or the line by which it is known.
fn message(event: &Event) -> Cow<'_, str> {
    let text = event.attributes.iter().find(|attribute| attribute.name == TEMPLATE).map(|attribute| &attribute.value);
    if let Some(Value::Text(text)) = text {
        return text.into();
    }
    let Some(Exception { kind: Some(kind), message, .. }) = &event.exception else { return masked(&event.body).into() };
    let said = message.as_deref().and_then(|message| message.lines().next()).filter(|line| !line.is_empty());
    masked(&said.map_or_else(|| kind.clone(), |said| format!("{kind}: {said}"))).into()
}

fn set_template(event: &mut Event, template: String) {
    if let Some(attribute) = event.attributes.iter_mut().find(|attribute| attribute.name == TEMPLATE) {
        attribute.value = Value::Text(template);
    } else {
        event.attributes.push(Attribute { name: TEMPLATE, value: Value::Text(template) });
    }
}

/// Puts an event to its template, and says so in it.
fn join(templates: &mut Templates, event: &mut Event) -> Joined {
    let joined = templates.join(&message(event));
    if let Some(text) = templates.text(joined.id) {
        set_template(event, text);
    }
    joined
}

/// Tells of each template once, then at most once a period: with the last record of it, and their number.
///
/// What is held for a record until it is told is as with [`Repeats`], and so is the rest.
#[derive(Debug)]
pub struct Reports<F, H> {
    templates: Templates,
    repeats: Repeats<F, H>,
    evicted: u64,
}

impl<F: PartialEq, H> Reports<F, H> {
    /// Nothing yet; never of more than `limit` templates.
    pub fn new(period: Duration, limit: usize) -> Self {
        Reports { templates: Templates::new(limit), repeats: Repeats::new(period, limit), evicted: 0 }
    }

    /// From here on with this period. Those that have begun end as they would have.
    pub fn set_period(&mut self, period: Duration) {
        self.repeats.set_window(period);
    }

    /// Takes a record's event in. Gives it back if it is to go out now; otherwise it is in the next summary. See [`Repeats::take`].
    pub fn take(&mut self, mut event: Event, file: F, now: Instant, hold: impl FnOnce() -> H) -> Option<Event> {
        let joined = join(&mut self.templates, &mut event);
        self.evicted += u64::from(joined.evicted.is_some());
        let key = u128::from(joined.id);
        self.repeats.take_as((key, key), event, file, now, hold)
    }

    /// Summaries that are due.
    pub fn due(&mut self, now: Instant) -> Vec<Summary<H>> {
        self.repeats.due(now)
    }

    /// Summaries that can't wait, because of too many templates.
    pub fn overflow(&mut self) -> Vec<Summary<H>> {
        self.repeats.overflow()
    }

    /// Summaries of everything: nothing more comes.
    pub fn close(&mut self) -> Vec<Summary<H>> {
        self.repeats.close()
    }

    /// When the next summary is due.
    pub fn next_end(&self) -> Option<Instant> {
        self.repeats.next_end()
    }

    /// Templates that are known.
    pub fn templates(&self) -> usize {
        self.templates.len()
    }

    /// Templates that were forgotten to make room since this was last asked.
    pub fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }
}

/// All records of one template.
#[derive(Clone, Debug)]
pub struct Found {
    /// What they have in common.
    pub template: String,
    /// How many they are.
    pub count: u64,
    /// The first of them.
    pub event: Event,
    number: u64,
}

impl Found {
    /// All of them as one event: the first, with their number.
    pub fn into_event(self) -> Event {
        let mut event = Event { occurrences: self.count, ..self.event };
        set_template(&mut event, self.template);
        event
    }
}

/// Counts records by template.
#[derive(Debug)]
pub struct Census {
    templates: Templates,
    found: HashMap<u64, Found>,
    records: u64,
    kinds: u64,
}

impl Census {
    /// Nothing yet; never of more than `limit` templates.
    pub fn new(limit: usize) -> Census {
        Census { templates: Templates::new(limit), found: HashMap::new(), records: 0, kinds: 0 }
    }

    /// Takes a record's event in. Gives what was counted of the template that had to make room for it, if one had to.
    pub fn observe(&mut self, mut event: Event) -> Option<Found> {
        let Joined { id, new, evicted } = join(&mut self.templates, &mut event);
        (self.records, self.kinds) = (self.records + event.occurrences, self.kinds + u64::from(new));
        let template = message(&event).into_owned();
        match self.found.get_mut(&id) {
            Some(found) => (found.count, found.template) = (found.count + event.occurrences, template),
            None => {
                let found = Found { template, count: event.occurrences, event: shortened(event), number: id };
                self.found.insert(id, found);
            }
        }
        self.found.remove(&evicted?)
    }

    /// How many records there were, and of how many templates, forgotten ones included.
    pub fn counts(&self) -> (u64, u64) {
        (self.records, self.kinds)
    }

    /// What was found: the most frequent first, of equals the one that came first.
    pub fn found(&self) -> Vec<&Found> {
        let mut all: Vec<&Found> = self.found.values().collect();
        all.sort_by_key(|found| (Reverse(found.count), found.number));
        all
    }
}

#[cfg(test)]
#[path = "unclassified_tests.rs"]
mod tests;
