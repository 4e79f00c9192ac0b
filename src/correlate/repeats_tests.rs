use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::{Attribute, Resource};
use crate::export::fixture;

const WINDOW: Duration = Duration::from_secs(60);

fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value.into()) }
}

/// A failure of a pod's container, in the container's so-manieth run, with a capture.
fn event(pod: &str, restart: i64, capture: &str) -> Event {
    let restart = Attribute { name: "k8s.container.restart_count", value: Value::Int(restart) };
    let resource = Resource { attributes: vec![text("k8s.pod.name", pod), restart] };
    Event {
        resource: Arc::new(resource),
        attributes: vec![text("faultscope.detail", capture), text("process.pid", capture)],
        ..fixture::plain()
    }
}

struct Folding {
    start: Instant,
    repeats: Repeats<u64, u64>,
    holds: u64,
}

impl Folding {
    fn new(window: Duration, limit: usize) -> Folding {
        Folding { start: Instant::now(), repeats: Repeats::new(window, limit), holds: 0 }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    /// Whether the occurrence goes out.
    fn take(&mut self, event: Event, file: u64, second: u64) -> bool {
        let now = self.at(second);
        let next = &mut self.holds;
        self.repeats
            .take(event, file, now, || {
                *next += 1;
                *next
            })
            .is_some()
    }

    /// Counts and holds of the summaries due.
    fn due(&mut self, second: u64) -> Vec<(u64, Vec<u64>)> {
        let now = self.at(second);
        self.repeats.due(now).into_iter().map(|summary| (summary.event.occurrences, summary.holds)).collect()
    }
}

#[test]
fn the_first_goes_out_and_the_rest_is_counted_once_a_window() {
    let mut folding = Folding::new(WINDOW, 10);
    assert!(folding.take(event("saw-0", 0, "a"), 1, 0));
    for second in 1..=40 {
        assert!(!folding.take(event("saw-0", 0, "a"), 1, second));
    }
    assert_eq!(folding.due(59), []);
    assert_eq!(folding.due(60), [(40, vec![1])]);
    assert!(!folding.take(event("saw-0", 0, "a"), 1, 61));
    assert_eq!(folding.due(120), [(1, vec![2])]);
    assert_eq!(folding.due(180), [], "a window without repeats ends in silence");
    assert!(folding.take(event("saw-0", 0, "a"), 1, 181), "and what comes then is new");
}

#[test]
fn restarts_and_process_ids_are_no_difference_but_pods_and_captures_are() {
    let mut folding = Folding::new(WINDOW, 10);
    assert!(folding.take(event("saw-0", 0, "a"), 1, 0));
    assert!(!folding.take(event("saw-0", 1, "a"), 2, 1));
    assert!(!folding.take(event("saw-0", 2, "a"), 3, 2));
    assert!(!folding.take(event("saw-0", 2, "a"), 3, 3));
    assert!(folding.take(event("saw-1", 0, "a"), 4, 4));
    assert!(folding.take(event("saw-0", 3, "b"), 5, 5));
    let mut other_process = event("saw-0", 2, "a");
    other_process.attributes[1] = text("process.pid", "4711");
    assert!(!folding.take(other_process, 3, 6));
    assert_eq!(folding.due(60), [(4, vec![1, 2])], "one hold for each file");
}

#[test]
fn a_capture_that_always_differs_is_folded_all_the_same() {
    let mut folding = Folding::new(WINDOW, 1000);
    let out = (0..10_000).filter(|number| folding.take(event("saw-0", 0, &number.to_string()), 1, 0)).count();
    assert_eq!(out, VARIANTS as usize + 1);
    assert_eq!(folding.repeats.followed(), out);
    let counted: u64 = folding.due(60).iter().map(|(count, _)| count).sum();
    assert_eq!(counted + out as u64, 10_000);
}

#[test]
fn a_window_of_nothing_folds_nothing() {
    let mut folding = Folding::new(Duration::ZERO, 10);
    assert!((0..50).all(|_| folding.take(event("saw-0", 0, "a"), 1, 0)));
    assert_eq!((folding.repeats.followed(), folding.holds), (0, 0));
}

#[test]
fn folding_switched_off_ends_with_what_is_open() {
    let mut folding = Folding::new(WINDOW, 10);
    assert!(folding.take(event("saw-0", 0, "a"), 1, 0));
    folding.repeats.set_window(Duration::ZERO);
    assert!(!folding.take(event("saw-0", 0, "a"), 1, 1));
    assert!(folding.take(event("saw-1", 0, "a"), 1, 1));
    assert_eq!(folding.due(60), [(1, vec![1])]);
    assert!(folding.take(event("saw-0", 0, "a"), 1, 61));
    assert_eq!(folding.repeats.followed(), 0);
}

#[test]
fn too_many_failures_are_summed_up_early() {
    let mut folding = Folding::new(WINDOW, 2);
    for (second, pod) in ["saw-0", "saw-1", "saw-2"].into_iter().enumerate() {
        assert!(folding.take(event(pod, 0, "a"), 1, second as u64));
        assert!(!folding.take(event(pod, 0, "a"), 1, second as u64));
    }
    let early: Vec<_> = folding.repeats.overflow().into_iter().map(|summary| summary.holds).collect();
    assert_eq!(early, [[1]]);
    assert_eq!(folding.repeats.followed(), 2);
    assert_eq!(folding.repeats.close().len(), 2);
    assert_eq!((folding.repeats.followed(), folding.repeats.variants.len()), (0, 0));
}

#[test]
fn what_waits_is_not_large() {
    let mut folding = Folding::new(WINDOW, 2);
    let mut large = event("saw-0", 0, "a");
    large.record = "é".repeat(100_000);
    assert!(folding.take(large.clone(), 1, 0));
    assert!(!folding.take(large, 1, 0));
    assert_eq!(folding.repeats.close()[0].event.record.len(), KEPT_BYTES);
}

proptest! {
    /// Against counting: every occurrence is in exactly one event, and every hold in exactly one summary.
    #[test]
    fn nothing_is_lost_or_counted_twice(steps in prop::collection::vec((0u8..4, 0u8..40, 0u64..3, 0u64..50), 1..200)) {
        let mut folding = Folding::new(WINDOW, 5);
        let (mut second, mut out) = (0, BTreeMap::<String, u64>::new());
        let mut taken = BTreeMap::<String, u64>::new();
        let mut released = Vec::new();
        let mut settle = |summaries: Vec<Summary<u64>>, out: &mut BTreeMap<String, u64>| {
            for summary in summaries {
                let pod = summary.event.resource.text("k8s.pod.name").unwrap().to_owned();
                *out.entry(pod).or_default() += summary.event.occurrences;
                released.extend(summary.holds);
            }
        };
        for (pod, capture, file, pause) in steps {
            second += pause;
            let now = folding.at(second);
            settle(folding.repeats.due(now), &mut out);
            let pod = pod.to_string();
            *taken.entry(pod.clone()).or_default() += 1;
            if folding.take(event(&pod, 0, &capture.to_string()), file, second) {
                *out.entry(pod).or_default() += 1;
            }
            settle(folding.repeats.overflow(), &mut out);
            prop_assert!(folding.repeats.followed() <= 5);
        }
        settle(folding.repeats.close(), &mut out);
        prop_assert_eq!(out, taken);
        released.sort_unstable();
        prop_assert_eq!(released, (1..=folding.holds).collect::<Vec<_>>());
        prop_assert!(folding.repeats.ends.is_empty() && folding.repeats.variants.is_empty());
    }
}
