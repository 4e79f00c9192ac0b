//! Statements of Kubernetes' events.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;

use super::{Level, Object, Statement};
use crate::pattern::model::Origin;

/// What an event says. None of one that says of no object.
pub fn of_event(event: &Event) -> Option<Statement> {
    let regarding = event.regarding.as_ref()?;
    let object = Object {
        kind: regarding.kind.clone()?,
        namespace: regarding.namespace.clone().filter(|namespace| !namespace.is_empty()),
        name: regarding.name.clone()?,
        uid: regarding.uid.clone().unwrap_or_default(),
    };
    let container = regarding.field_path.as_deref().and_then(container);
    let state = event.type_.clone().unwrap_or_else(|| "Normal".to_owned());
    let series = event.series.as_ref().map(|series| series.count).or(event.deprecated_count);
    Some(Statement {
        origin: Origin::Event,
        level: if state == "Warning" { Level::Warn } else { Level::Info },
        reason: event.reason.clone().unwrap_or_default(),
        message: event.note.clone().unwrap_or_default(),
        time: time(event),
        count: series.and_then(|count| u64::try_from(count).ok()).map_or(1, |count| count.max(1)),
        attributes: Vec::new(),
        resource: Arc::new(object.resource(container, None)),
        identity: Object::of("Event", &event.metadata).identity(),
        container: container.map(str::to_owned),
        init: false,
        object,
        state,
    })
}

/// When it was last seen. Which of the fields are filled in depends on who reports it.
fn time(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().map(|series| series.last_observed_time.0);
    let seconds = [&event.deprecated_last_timestamp, &event.deprecated_first_timestamp];
    let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let last = event.event_time.as_ref().map(|time| time.0);
    series.or(seconds[0].as_ref().map(|time| time.0)).or(last).or(seconds[1].as_ref().map(|time| time.0)).or(created)
}

/// The container that a field path speaks of: `spec.containers{predictor}`, `spec.initContainers{fetch}`.
fn container(path: &str) -> Option<&str> {
    let (list, name) = path.strip_prefix("spec.")?.strip_suffix('}')?.split_once('{')?;
    matches!(list, "containers" | "initContainers" | "ephemeralContainers").then_some(name)
}
