use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::event::{Attribute, Resource, Value};
use crate::export::fixture;
use crate::pattern::model::Pattern;

const WINDOW: Duration = Duration::from_secs(600);

/// `press.a` leads to `press.c` by way of `press.b`, and so does `press.x`; `press.l` and `press.m` lead to each other.
fn patterns() -> Vec<Arc<Pattern>> {
    let table: [(&str, &[&str]); 7] = [
        ("press.a", &["press.b"]),
        ("press.b", &["press.c"]),
        ("press.c", &[]),
        ("press.x", &["press.c"]),
        ("press.l", &["press.m"]),
        ("press.m", &["press.l"]),
        ("press.alone", &[]),
    ];
    let pattern = |id: &str, explains: &[&str]| {
        serde_json::from_value(json!({
            "id": id, "title": "t", "severity": "error", "category": "crash", "match": { "all": ["unheard"] },
            "cause": "c", "fix": ["f"], "references": [], "explains": explains, "tests": { "fires": [], "silent": [] }
        }))
    };
    table.into_iter().map(|(id, explains)| Arc::new(pattern(id, explains).unwrap())).collect()
}

fn causes() -> Causes {
    Causes::of(patterns().iter().map(AsRef::as_ref))
}

fn incidents(window: Duration, limit: usize) -> Incidents {
    Incidents::new(causes(), window, limit)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value.into()) }
}

/// A failure in a pod of namespace `orchard`; its uid says which and where.
fn event(pod: &str, id: &str, second: i64) -> Event {
    let pattern = patterns().into_iter().find(|pattern| pattern.id == id).unwrap();
    let resource = Resource { attributes: vec![text("k8s.namespace.name", "orchard"), text("k8s.pod.name", pod)] };
    let uid = format!("{pod} {id} {second}");
    Event { uid, pattern, time: Some(at(second)), resource: Arc::new(resource), ..fixture::plain() }
}

/// The same as told by a controller, of an object.
fn told(of: &str, id: &str, second: i64) -> Event {
    let record = json!({ "msg": "failed", "namespace": "orchard", "name": of }).to_string();
    let told = event("controller-6c9d7f5b8d-x2vkq", id, second);
    Event { record, uid: format!("{} of {of}", told.uid), ..told }
}

fn see(incidents: &mut Incidents, event: &Event) -> Incident {
    incidents.observe(event, at(0)).unwrap()
}

#[test]
fn a_cause_seen_first_is_the_root_of_what_follows_though_the_middle_goes_unseen() {
    let mut incidents = incidents(WINDOW, 10);
    let root = see(&mut incidents, &event("pear-6c9d7f5b8d-x2vkq", "press.a", 0));
    let effect = see(&mut incidents, &event("pear-6c9d7f5b8d-z4wcd", "press.c", 30));
    assert!(root.root_cause() && !effect.root_cause());
    assert_eq!((&effect.id, &*effect.workload), (&root.id, "orchard/pear"));
    assert_eq!(effect.chain[..], ["press.a", "press.c"]);
    let middle = see(&mut incidents, &event("pear-6c9d7f5b8d-x2vkq", "press.b", 31));
    assert_eq!(middle.chain[..], ["press.a", "press.b"]);
    let again = see(&mut incidents, &event("pear-6c9d7f5b8d-x2vkq", "press.c", 32));
    assert_eq!(again.chain[..], ["press.a", "press.b", "press.c"]);
    assert_eq!(incidents.counts(), Counts { opened: 1, ..Counts::default() });
}

#[test]
fn a_late_cause_says_which_root_it_replaces() {
    let mut incidents = incidents(WINDOW, 10);
    let symptom = event("pear-0", "press.c", 0);
    let first = see(&mut incidents, &symptom);
    let late = see(&mut incidents, &event("pear-0", "press.a", 60));
    assert!(first.root_cause() && late.root_cause());
    assert_eq!((late.id, late.corrects), (first.id, vec![symptom.uid]));
    let once_more = see(&mut incidents, &event("pear-0", "press.a", 61));
    assert!(once_more.corrects.is_empty(), "a correction is told once");
    assert_eq!(incidents.counts().corrected, 1);
}

#[test]
fn what_joins_two_incidents_says_so() {
    let mut incidents = incidents(WINDOW, 10);
    let events = [("press.a", 0), ("press.x", 5), ("press.c", 10)].map(|(id, second)| event("pear-0", id, second));
    let seen: Vec<Incident> = events.iter().map(|event| see(&mut incidents, event)).collect();
    assert_ne!(seen[0].id, seen[1].id);
    assert_eq!((&seen[2].id, &seen[2].merges), (&seen[0].id, &vec![seen[1].id.to_string()]));
    assert_eq!(incidents.open(), 1);
}

#[test]
fn what_has_nothing_to_do_with_each_other_stays_apart() {
    let table = [
        ("another workload", event("pear-0", "press.a", 0), event("plum-0", "press.c", 0)),
        ("no relation", event("pear-0", "press.a", 0), event("pear-0", "press.alone", 0)),
        ("two causes of one effect that is not seen", event("pear-0", "press.a", 0), event("pear-0", "press.x", 0)),
        ("too long before", event("pear-0", "press.a", 0), event("pear-0", "press.c", 601)),
        ("too long after", event("pear-0", "press.a", 601), event("pear-0", "press.c", 0)),
        ("a controller on two workloads", told("pear", "press.b", 0), told("plum", "press.b", 0)),
    ];
    for (why, one, other) in table {
        let mut incidents = incidents(WINDOW, 10);
        assert_ne!(see(&mut incidents, &one).id, see(&mut incidents, &other).id, "{why}");
    }
}

#[test]
fn what_a_controller_says_belongs_to_whom_it_speaks_of() {
    for order in [[0, 1], [1, 0]] {
        let events = [told("pear", "press.c", 0), event("pear-6c9d7f5b8d-x2vkq", "press.a", 1)];
        let mut incidents = incidents(WINDOW, 10);
        let seen = order.map(|place| see(&mut incidents, &events[place]));
        assert_eq!(seen[0].id, seen[1].id);
        assert_eq!(seen.map(|incident| incident.workload.to_string()), ["orchard/pear", "orchard/pear"]);
    }
}

#[test]
fn patterns_that_lead_to_each_other_are_one_incident_and_neither_is_the_others_cause() {
    let mut incidents = incidents(WINDOW, 10);
    let seen = ["press.l", "press.m"].map(|id| see(&mut incidents, &event("pear-0", id, 0)));
    assert_eq!(seen[0].id, seen[1].id);
    assert!(seen.iter().all(|incident| incident.root_cause() && incident.corrects.is_empty()));
}

#[test]
fn reading_again_gives_the_same_ids() {
    let events = [event("pear-0", "press.c", 0), event("plum-0", "press.c", 1), event("pear-0", "press.a", 2)];
    let ids = || -> Vec<Incident> {
        let mut incidents = incidents(WINDOW, 10);
        events.iter().map(|event| see(&mut incidents, event)).collect()
    };
    assert_eq!(ids(), ids());
}

#[test]
fn no_window_no_incidents() {
    let mut incidents = incidents(Duration::ZERO, 10);
    assert_eq!(incidents.observe(&event("pear-0", "press.a", 0), at(0)), None);
    assert_eq!(incidents.open(), 0);
}

#[test]
fn too_many_incidents_end_the_one_that_was_quiet_longest() {
    let mut incidents = incidents(WINDOW, 2);
    let seen: Vec<Incident> = [("pear-0", 0), ("plum-0", 1), ("pear-0", 2), ("fig-0", 3), ("pear-0", 4), ("plum-0", 5)]
        .into_iter()
        .map(|(pod, second)| incidents.observe(&event(pod, "press.a", second), at(second)).unwrap())
        .collect();
    assert_eq!(seen[0].id, seen[4].id);
    assert_ne!(seen[1].id, seen[5].id, "the plum's was forgotten");
    assert_eq!((incidents.open(), incidents.counts().evicted), (2, 2));
    assert_eq!(incidents.of_workload.len(), 2);
}

#[test]
fn quiet_incidents_are_forgotten() {
    let mut incidents = incidents(WINDOW, 10);
    assert!(incidents.observe(&event("pear-0", "press.a", 0), at(0)).is_some());
    assert!(incidents.observe(&event("plum-0", "press.a", 1201), at(1201)).is_some());
    assert_eq!((incidents.open(), incidents.of_workload.len(), incidents.heard.len()), (1, 1, 1));
    assert_eq!(incidents.counts().evicted, 0, "it was its time");
}

#[test]
fn one_incident_is_bounded_too() {
    let mut incidents = incidents(WINDOW, 10);
    see(&mut incidents, &event("pear-0", "press.a", 0));
    for number in 0..500 {
        let named = text("faultscope.k8s.object.name", &format!("apple{number}"));
        let event = Event { attributes: vec![named], ..event("pear-0", "press.b", 1) };
        assert_eq!(see(&mut incidents, &event).chain[..], ["press.a", "press.b"]);
    }
    assert_eq!(incidents.open(), 1);
    assert!(incidents.of_workload.len() <= 65, "{}", incidents.of_workload.len());
}

/// What a receiver knows in the end: which events belong together, and which of them are root causes, by pattern and place.
fn outcome(events: &[Event]) -> BTreeSet<(BTreeSet<String>, BTreeSet<String>)> {
    let mut incidents = incidents(WINDOW, 1000);
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut roots: BTreeMap<String, String> = BTreeMap::new();
    for event in events {
        let incident = see(&mut incidents, event);
        for merged in &incident.merges {
            let members = groups.remove(merged).unwrap();
            groups.entry(incident.id.to_string()).or_default().extend(members);
        }
        incident.corrects.iter().for_each(|uid| assert!(roots.remove(uid).is_some(), "{uid} was no root"));
        if incident.root_cause() {
            roots.insert(event.uid.clone(), event.uid.clone());
        }
        groups.entry(incident.id.to_string()).or_default().insert(event.uid.clone());
    }
    let of = |members: BTreeSet<String>| {
        let causes = members.iter().filter(|uid| roots.contains_key(*uid)).cloned().collect();
        (members, causes)
    };
    groups.into_values().map(of).collect()
}

proptest! {
    /// Each failure once in each place, all within the window: whichever comes first, the end is the same.
    #[test]
    fn the_order_of_arrival_makes_no_difference_in_the_end(
        picked in prop::sample::subsequence((0..35).collect::<Vec<usize>>(), 1..20), seed in prop::collection::vec(any::<u32>(), 20)
    ) {
        let ids: Vec<String> = patterns().iter().map(|pattern| pattern.id.clone()).collect();
        let one = |number: &usize| {
            let (id, second) = (&ids[number % 7], i64::try_from(*number).unwrap() * 10);
            match number / 7 {
                0 => event("pear-6c9d7f5b8d-x2vkq", id, second),
                1 => event("plum-0", id, second),
                2 => told("pear", id, second),
                3 => told("plum", id, second),
                _ => event("controller-6c9d7f5b8d-x2vkq", id, second),
            }
        };
        let events: Vec<Event> = picked.iter().map(one).collect();
        let mut shuffled: Vec<(u32, Event)> = seed.iter().copied().zip(events.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Event> = shuffled.into_iter().map(|(_, event)| event).collect();
        prop_assert_eq!(outcome(&events), outcome(&shuffled));
    }
}

#[test]
fn of_those_heard_of_at_one_time_the_oldest_is_forgotten() {
    let mut incidents = incidents(WINDOW, 2);
    let pods = ["pear-6c9d7f5b8d-x2vkq", "plum-6c9d7f5b8d-x2vkq", "fig-6c9d7f5b8d-x2vkq", "nut-6c9d7f5b8d-x2vkq"];
    let [.., fig, nut] = pods.map(|pod| see(&mut incidents, &event(pod, "press.alone", 0)).id);
    assert_eq!(incidents.counts().evicted, 2);
    assert_eq!(see(&mut incidents, &event(pods[2], "press.alone", 1)).id, fig);
    assert_eq!(see(&mut incidents, &event(pods[3], "press.alone", 1)).id, nut);
}
