//! Events cut into requests that receivers take. Must not know how these are sent.

use std::ops::Range;

use crate::event::Event;
use crate::export::otlp;

/// What bounds one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most events in it.
    pub events: usize,
    /// The most bytes of it, encoded and before compression.
    pub bytes: usize,
}

impl Default for Limits {
    /// 512 events, and what most receivers are set to take, less some room for framing.
    fn default() -> Self {
        Limits { events: 512, bytes: 4 * 1024 * 1024 - 64 * 1024 }
    }
}

/// More than the bytes of the envelope around one record: the scope, two schema addresses, tags and lengths.
const ENVELOPE_BYTES: usize = 256;

/// Consecutive ranges that together are all of `events`. Each keeps within the limits, but for a single event that
/// exceeds them by itself.
pub fn split(events: &[Event], limits: Limits) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, event) in events.iter().enumerate() {
        let cost = cost(event);
        let full = index - start == limits.events || bytes + cost > limits.bytes;
        if full && index > start {
            batches.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += cost;
    }
    if start < events.len() {
        batches.push(start..events.len());
    }
    batches
}

/// An upper bound of what the event adds to a request: as if no other event shared its resource.
fn cost(event: &Event) -> usize {
    otlp::record_len(event) + otlp::resource_len(&event.resource) + ENVELOPE_BYTES
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::event::Resource;
    use crate::export::fixture;

    const LIMITS: Limits = Limits { events: 512, bytes: 4 * 1024 * 1024 - 64 * 1024 };

    /// An event with a body of so many bytes, of one of a few resources.
    fn event(body: usize, resource: usize) -> Event {
        let name = "x".repeat(resource * 40);
        let resource = Resource { attributes: vec![fixture::text("k8s.pod.name", &name)] };
        Event { body: "b".repeat(body), resource: Arc::new(resource), ..fixture::plain() }
    }

    #[test]
    fn no_events_no_batches() {
        assert!(split(&[], LIMITS).is_empty());
    }

    #[test]
    fn the_count_is_limited() {
        let events = vec![fixture::plain(); 2 * LIMITS.events + 1];
        assert_eq!(split(&events, LIMITS), [0..512, 512..1024, 1024..1025]);
    }

    #[test]
    fn an_event_over_the_limit_goes_alone() {
        let events = [event(1, 0), event(LIMITS.bytes, 0), event(1, 0), event(1, 0)];
        assert_eq!(split(&events, LIMITS), [0..1, 1..2, 2..4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_event_is_in_one_batch_and_no_batch_is_over_the_limits(
            sizes in proptest::collection::vec((prop_oneof![0usize..2000, 0usize..3_000_000], 0usize..4), 0..24),
            repeat in 1usize..40,
        ) {
            let shapes: Vec<Event> = sizes.iter().map(|&(body, resource)| event(body, resource)).collect();
            let small: Vec<Event> = shapes.iter().filter(|event| event.body.len() < 2000).cloned().collect();
            let mut events = shapes;
            for _ in 0..repeat {
                events.extend(small.iter().cloned());
            }
            let batches = split(&events, LIMITS);
            let mut next = 0;
            for batch in batches {
                prop_assert_eq!(batch.start, next);
                prop_assert!(!batch.is_empty());
                next = batch.end;
                let bytes = otlp::request(&events[batch.clone()]).encoded_len();
                prop_assert!(batch.len() == 1 || (batch.len() <= LIMITS.events && bytes <= LIMITS.bytes));
            }
            prop_assert_eq!(next, events.len());
        }
    }
}
