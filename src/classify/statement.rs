//! What isn't a log: one statement of Kubernetes' API, whole as it comes. It has no framing, no header and no neighbours.

use std::sync::Arc;

use jiff::Timestamp;

use super::Classifier;
use crate::engine::Subject;
use crate::event::uid::Identity;
use crate::event::{Attribute, Event, Resource, Value};
use crate::pattern::model::Origin;
use crate::redact;

/// One statement.
pub struct Said<'a> {
    /// The text that patterns see.
    pub text: &'a str,
    /// An event, a status or a condition.
    pub origin: Origin,
    /// The reason that it gives; empty if it gives none.
    pub reason: &'a str,
    /// The container that it is about, if it is about one.
    pub container: Option<&'a str>,
    /// A field of it, by its name in patterns.
    pub field: &'a dyn Fn(&str) -> Option<String>,
    /// Where it was read: `status of pod/iris-0`.
    pub place: &'a str,
    /// What stays the same when it is read again (see [`Identity`]).
    pub identity: &'a str,
    /// When it came to be so.
    pub time: Option<Timestamp>,
    /// What it says beside its text.
    pub attributes: &'a [Attribute],
    /// What an event of it is about.
    pub resource: &'a Arc<Resource>,
    /// How often it was said.
    pub count: u64,
}

/// What became of a statement.
#[derive(Debug, Default)]
pub struct Judged {
    /// The event of the pattern that speaks, if any knows the statement.
    pub event: Option<Event>,
    /// One event for each failure that the speaking pattern's explains, where the statement tells of these, too: a condition quotes what
    /// led to it.
    pub effects: Vec<Event>,
    /// Places in these where a secret was masked.
    pub redacted: u64,
}

/// Says what a statement is, at `now`.
pub fn judge(classifier: &Classifier, said: &Said<'_>, now: Timestamp) -> Judged {
    let subject = Subject {
        text: said.text.as_bytes(),
        origin: said.origin,
        reason: Some(said.reason).filter(|reason| !reason.is_empty()),
        container: said.container,
        field: said.field,
    };
    let mut judged = Judged::default();
    let Some(finding) = classifier.set.engine.confirm(&subject) else { return judged };
    let patterns = &classifier.set.patterns;
    let speaker = &patterns[finding.pattern].pattern;
    let also = |own: usize| -> Vec<Arc<str>> {
        let all = std::iter::once(finding.pattern).chain(finding.also.iter().copied());
        all.filter(|&other| other != own).map(|other| classifier.set.engine.patterns()[other].id.clone()).collect()
    };
    let mut make = |index: usize, captures: &[Attribute]| {
        let mut event = event(said, classifier, index, captures, now);
        event.also = also(index);
        judged.redacted += if classifier.redact { redact::event(&mut event) } else { 0 };
        Some(event).filter(|event| event.pattern.severity >= classifier.min_severity)
    };
    let speaking = make(finding.pattern, &finding.captures);
    let explained = finding.also.iter().filter(|&&other| speaker.explains.contains(&patterns[other].pattern.id));
    let effects = explained.filter_map(|&other| make(other, &[])).collect();
    (judged.event, judged.effects) = (speaking, effects);
    judged
}

fn event(said: &Said<'_>, classifier: &Classifier, index: usize, captures: &[Attribute], now: Timestamp) -> Event {
    let pattern = classifier.set.patterns[index].pattern.clone();
    let identity = Identity {
        source: said.identity,
        position: said.time.map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0)),
        line: said.text.as_bytes(),
        pattern: &pattern.id,
    };
    Event {
        uid: identity.uid(),
        time: said.time,
        observed: now,
        also: Vec::new(),
        origin: said.origin,
        line: 1,
        last_line: 1,
        body: said.text.lines().next().unwrap_or_default().to_owned(),
        told: Some(said.text.to_owned()),
        incident: None,
        record: said.text.to_owned(),
        attributes: attributes(said, captures),
        exception: None,
        trace_id: None,
        span_id: None,
        stream: None,
        resource: said.resource.clone(),
        source: said.place.into(),
        occurrences: said.count,
        pattern,
    }
}

/// Captures, what the statement says beside its text, and what kind of statement it is; each name once.
fn attributes(said: &Said<'_>, captures: &[Attribute]) -> Vec<Attribute> {
    let text = |name, value: &str| Attribute { name, value: Value::Text(value.to_owned()) };
    let mut all = captures.to_vec();
    let own = [text("faultscope.source", said.origin.text()), text("faultscope.reason", said.reason)];
    for attribute in own.iter().chain(said.attributes) {
        if all.iter().all(|known| known.name != attribute.name) {
            all.push(attribute.clone());
        }
    }
    all.retain(|attribute| attribute.value != Value::Text(String::new()));
    all
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
