use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::export::fixture;

/// Answers as told, then takes everything; too large is what exceeds `limit` records. Keeps what it was sent.
struct Script {
    answers: VecDeque<Outcome>,
    limit: usize,
    /// The bodies of the records of each request, with what it was answered.
    seen: Vec<(Vec<String>, Outcome)>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Outcome>) -> Script {
        Script { answers: answers.into_iter().collect(), limit: usize::MAX, seen: Vec::new() }
    }
}

impl Exporter for Script {
    async fn export(&mut self, events: &[Event]) -> Outcome {
        let names: Vec<String> = events.iter().map(|event| event.body.clone()).collect();
        let outcome = if names.len() > self.limit {
            Outcome::TooLarge
        } else {
            self.answers.pop_front().unwrap_or(Outcome::Delivered)
        };
        self.seen.push((names, outcome.clone()));
        outcome
    }
}

fn events(count: usize) -> Vec<Event> {
    (0..count).map(|number| Event { body: number.to_string(), ..fixture::plain() }).collect()
}

/// Events in one request.
fn most() -> usize {
    Limits::default().events
}

fn retry(after: Option<Duration>) -> Outcome {
    Outcome::Retry { after, reason: "down".into() }
}

fn rejected(records: u64) -> Outcome {
    Outcome::Rejected { records, reason: "no".into() }
}

/// Waits of no length, so that a test takes none.
const AT_ONCE: Backoff = Backoff { initial: Duration::ZERO, max: Duration::ZERO, multiplier: 1.0, jitter: 0.0 };

fn run(script: Script, events: &[Event]) -> (Tally, Script) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (_go_on, mut stop) = watch::channel(false);
    let mut delivery = Delivery::new(script, AT_ONCE);
    let tally = runtime.block_on(delivery.deliver(events, &mut stop));
    (tally, delivery.exporter)
}

#[test]
fn what_becomes_of_three_events() {
    let tally = |delivered, rejected| Tally { delivered, rejected, undelivered: 0 };
    for (answers, expected, attempts) in [
        (vec![], tally(3, 0), 1),
        (vec![retry(None), retry(Some(Duration::ZERO)), retry(Some(Duration::from_nanos(1)))], tally(3, 0), 4),
        (vec![rejected(3)], tally(0, 3), 1),
        (vec![rejected(1)], tally(2, 1), 1),
        (vec![rejected(0)], tally(3, 0), 1),
        (vec![rejected(99)], tally(0, 3), 1),
        (vec![retry(None), rejected(2)], tally(1, 2), 2),
        (vec![Outcome::TooLarge], tally(3, 0), 3),
        (vec![Outcome::TooLarge, Outcome::TooLarge], tally(2, 1), 3),
    ] {
        let (result, script) = run(Script::new(answers.clone()), &events(3));
        assert_eq!((result, script.seen.len()), (expected, attempts), "{answers:?}");
    }
}

#[test]
fn nothing_to_deliver_is_no_request() {
    let (tally, script) = run(Script::new([]), &[]);
    assert_eq!(tally, Tally::default());
    assert!(script.seen.is_empty());
}

#[test]
fn more_than_a_batch_goes_in_order() {
    let (tally, script) = run(Script::new([]), &events(most() + 3));
    assert_eq!(tally.delivered, most() as u64 + 3);
    assert_eq!(script.seen.iter().map(|(names, _)| names.len()).collect::<Vec<_>>(), [most(), 3]);
}

#[tokio::test]
async fn the_stop_signal_ends_the_wait_and_tells_what_is_left() {
    let patient = Backoff { initial: Duration::from_secs(3600), max: Duration::from_secs(3600), ..AT_ONCE };
    let answers = [Outcome::Delivered, retry(None)];
    let mut delivery = Delivery::new(Script::new(answers), patient);
    let (stop, mut stopped) = watch::channel(false);
    let events = events(most() + 5);
    let deliver = delivery.deliver(&events, &mut stopped);
    let signal = async {
        tokio::task::yield_now().await;
        stop.send(true).unwrap();
    };
    let (tally, ()) = tokio::join!(deliver, signal);
    assert_eq!(tally, Tally { delivered: most() as u64, rejected: 0, undelivered: 5 });
}

#[tokio::test]
async fn stopped_beforehand_sends_nothing() {
    let mut delivery = Delivery::new(Script::new([]), AT_ONCE);
    let (_stop, mut stopped) = watch::channel(true);
    let tally = delivery.deliver(&events(2), &mut stopped).await;
    assert_eq!(tally, Tally { delivered: 0, rejected: 0, undelivered: 2 });
    assert!(delivery.exporter.seen.is_empty());
}

#[test]
fn chance_lies_between_0_and_1_and_varies() {
    let drawn: Vec<f64> = (0..64).map(|_| chance()).collect();
    assert!(drawn.iter().all(|chance| (0.0..1.0).contains(chance)));
    assert!(drawn.iter().any(|chance| *chance != drawn[0]));
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Delivered), (0u64..40).prop_map(rejected), Just(retry(None)), Just(Outcome::TooLarge),]
}

proptest! {
    #[test]
    fn every_event_is_accounted_for_once_and_in_order(
        count in 0usize..40,
        limit in 1usize..40,
        answers in proptest::collection::vec(any_outcome(), 0..30),
    ) {
        let (tally, script) = run(Script { limit, ..Script::new(answers) }, &events(count));
        prop_assert_eq!(tally.delivered + tally.rejected, count as u64);
        prop_assert_eq!(tally.undelivered, 0);
        // Settled requests hold every event once, in order; a lone event too large is settled too.
        let settled = script.seen.iter().filter(|(names, outcome)| match outcome {
            Outcome::Delivered | Outcome::Rejected { .. } => true,
            Outcome::TooLarge => names.len() == 1,
            Outcome::Retry { .. } => false,
        });
        let names: Vec<&String> = settled.flat_map(|(names, _)| names).collect();
        let (_, all) = run(Script::new([]), &events(count));
        let expected: Vec<&String> = all.seen.iter().flat_map(|(names, _)| names).collect();
        prop_assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_delivery_can_be_spawned() {
    let (_go_on, mut stop) = watch::channel(false);
    let task =
        tokio::spawn(async move { Delivery::new(Script::new([]), AT_ONCE).deliver(&events(2), &mut stop).await });
    assert_eq!(task.await.unwrap().delivered, 2);
}
