//! `faultscope run`, the real binary, on pod logs that grow, rotate and vanish, stopped and killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::site::{Log, Site, UID, failure, number, numbers, wait};

#[test]
fn what_is_appended_becomes_an_event_that_says_where_it_was() {
    let site = Site::new();
    let path = site.log("saw-0", 3);
    let mut log = Log::open(&path);
    log.write(&["the pump has started", "all is well", &failure(1)]);
    let agent = site.start();
    let first = site.wait_for(1).remove(0);
    assert_eq!(first["pattern"], "test.pump.failed");
    assert_eq!(first["severity"], "ERROR");
    assert_eq!(first["body"], "the pump has failed: 1");
    assert_eq!(first["line"], 3);
    assert_eq!(first["time"], "2026-01-05T00:00:03.5Z");
    assert_eq!(first["source"], path.to_str().unwrap());
    assert_eq!(
        first["resource"],
        json!({
            "k8s.namespace.name": "mill",
            "k8s.pod.name": "saw-0",
            "k8s.pod.uid": UID,
            "k8s.container.name": "pump",
            "k8s.container.restart_count": 3,
            "service.namespace": "mill",
            "service.instance.id": "mill.saw-0.pump",
        })
    );
    log.write(&["all is well", &failure(2)]);
    let second = site.wait_for(2).remove(1);
    assert_eq!((number(&second), &second["line"]), (2, &json!(5)));
    assert_ne!(first["uid"], second["uid"]);
    agent.stop();
}

#[test]
fn a_first_start_passes_over_what_is_old_unless_asked_otherwise() {
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    log.write(&[&failure(1), "all is well"]);
    let agent = site.start_as(site.command("end"));
    // Once it has a checkpoint it has seen the file.
    wait("the checkpoint", || {
        fs::read_to_string(site.path("state/checkpoints.json")).ok().filter(|text| text.contains("0.log"))
    });
    log.fail(2);
    let events = site.wait_for(1);
    assert_eq!((numbers(&events), &events[0]["line"]), (vec![2], &json!(3)));
    agent.stop();
}

#[test]
fn a_pod_that_appears_later_is_read_from_its_first_line() {
    let site = Site::new();
    Log::open(&site.log("saw-0", 0)).fail(1);
    let agent = site.start();
    site.wait_for(1);
    Log::open(&site.log("saw-1", 0)).fail(2);
    let events = site.wait_for(2);
    assert_eq!(events[1]["resource"]["k8s.pod.name"], "saw-1");
    assert_eq!((number(&events[1]), &events[1]["line"]), (2, &json!(1)));
    agent.stop();
}

#[test]
fn a_rotation_loses_nothing_on_either_side() {
    let site = Site::new();
    let path = site.log("saw-0", 0);
    let mut old = Log::open(&path);
    old.fail(1);
    let agent = site.start();
    site.wait_for(1);
    fs::rename(&path, path.with_file_name("0.log.20260105-000100")).unwrap();
    // The runtime goes on writing to what it has open.
    old.write(&["all is well", &failure(2)]);
    let mut new = Log::open(&path);
    new.fail(3);
    site.wait_for(3);
    new.fail(4);
    let events = site.wait_for(4);
    let places: BTreeMap<usize, &Value> = events.iter().map(|event| (number(event), &event["line"])).collect();
    assert_eq!(places, BTreeMap::from([(1, &json!(1)), (2, &json!(3)), (3, &json!(1)), (4, &json!(2))]));
    assert!(events.iter().all(|event| event["source"] == path.to_str().unwrap()), "{events:?}");
    assert!(events.iter().all(|event| event["resource"] == events[0]["resource"]), "{events:?}");
    agent.stop();
    assert_eq!(site.events().len(), 4);
}

/// Patterns of several records, and one of a single one.
const SEVERAL: &str = r#"
patterns:
  - { id: test.pump.failed, title: t, severity: error, category: crash, match: { regex: 'the pump has failed: (?<detail>\d+)' }, cause: c, fix: [f],
      references: [r], tests: { fires: [{ log: a }], silent: [{ log: b }] } }
  - { id: test.valve.stuck, title: t, severity: error, category: crash, cause: c, fix: [f], references: [r],
      match: { sequence: [{ all: [valve opened] }, { all: [valve is hot] }], within: 30s }, tests: { fires: [{ log: a }], silent: [{ log: b }] } }
  - { id: test.pump.abrupt, title: t, severity: error, category: crash, cause: c, fix: [f], references: [r],
      match: { all: [told to stop], within: 1s, unless: { all: [pump has stopped] } }, tests: { fires: [{ log: a }], silent: [{ log: b }] } }
"#;

fn patterns(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["pattern"].as_str()).collect()
}

#[test]
fn what_has_begun_goes_on_through_a_rotation() {
    let site = Site::new();
    fs::write(site.path("pack.yaml"), SEVERAL).unwrap();
    let path = site.log("saw-0", 0);
    let mut old = Log::open(&path);
    old.write(&[&failure(1), "valve opened"]);
    let agent = site.start();
    site.wait_for(1);
    fs::rename(&path, path.with_file_name("0.log.20260105-000100")).unwrap();
    let mut new = Log::open(&path);
    new.write(&["all is well", "the valve is fine", &failure(2)]);
    site.wait_for(2);
    // Whichever file is done with first, the one that is read to its end or the new one up to here.
    new.write(&["the valve is hot", &failure(3)]);
    let events = site.wait_for(4);
    let stuck = events.iter().find(|event| event["pattern"] == "test.valve.stuck").unwrap();
    assert_eq!(
        (&stuck["line"], &stuck["attributes"]["faultscope.sequence.lines"]),
        (&json!(4), &json!("valve opened"))
    );
    agent.stop();
}

#[test]
fn the_absence_of_something_is_noticed_in_a_log_that_is_quiet_and_after_a_restart() {
    let site = Site::new();
    fs::write(site.path("pack.yaml"), SEVERAL).unwrap();
    let mut log = Log::open(&site.log("saw-0", 0));
    log.write(&[&failure(1), "told to stop", "the pump has stopped", &failure(2), "told to stop"]);
    let agent = site.start();
    let events = site.wait_for(3);
    assert_eq!(patterns(&events), ["test.pump.failed", "test.pump.failed", "test.pump.abrupt"]);
    assert_eq!(events[2]["line"], 5);
    // What still waits at a stop is read again.
    log.write(&["told to stop", &failure(3)]);
    site.wait_for(4);
    agent.stop();
    let agent = site.start();
    log.fail(4);
    let events = wait("what is left", || Some(site.events()).filter(|events| events.len() >= 6));
    let abrupt = events.iter().filter(|event| event["pattern"] == "test.pump.abrupt");
    assert_eq!(abrupt.map(|event| &event["line"]).collect::<Vec<_>>(), [&json!(5), &json!(6)]);
    agent.stop();
}

#[test]
fn every_run_of_a_container_is_read_as_its_own() {
    let site = Site::new();
    Log::open(&site.log("saw-0", 0)).fail(1);
    let agent = site.start();
    site.wait_for(1);
    Log::open(&site.log("saw-0", 1)).fail(2);
    let events = site.wait_for(2);
    let restarts: Vec<_> = events.iter().map(|event| &event["resource"]["k8s.container.restart_count"]).collect();
    assert_eq!((numbers(&events), restarts), (vec![1, 2], vec![&json!(0), &json!(1)]));
    agent.stop();
}

#[test]
fn a_traceback_that_comes_in_two_writes_is_one_record() {
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    // Once the failure in front is known, the first half was read too.
    log.write(&[&failure(1), "Traceback (most recent call last):", "  File \"/srv/pump.py\", line 12, in <module>"]);
    site.wait_for(1);
    log.write(&["    turn()", "PumpError: something is stuck"]);
    let crash = site.wait_for(2).remove(1);
    assert_eq!(crash["pattern"], "test.pump.crashed");
    assert_eq!((&crash["line"], &crash["last_line"]), (&json!(2), &json!(5)));
    assert_eq!(crash["body"], "PumpError: something is stuck");
    assert_eq!(crash["attributes"]["exception.type"], "PumpError");
    assert_eq!(crash["attributes"]["exception.message"], "something is stuck");
    assert_eq!(
        crash["record"],
        "Traceback (most recent call last):\n  File \"/srv/pump.py\", line 12, in <module>\n    turn()\nPumpError: something is stuck"
    );
    agent.stop();
    assert_eq!(site.events().len(), 2);
}

#[test]
fn a_restart_goes_on_where_it_stopped() {
    let site = Site::new();
    let path = site.log("saw-0", 0);
    let mut log = Log::open(&path);
    log.write(&["the pump has started", &failure(1)]);
    let agent = site.start();
    site.wait_for(1);
    log.fail(2);
    site.wait_for(2);
    agent.stop();
    // While nobody looks, it grows, is rotated away, and begins again.
    log.write(&["all is well", &failure(3)]);
    fs::rename(&path, path.with_file_name("0.log.20260105-000100")).unwrap();
    let mut new = Log::open(&path);
    new.fail(4);
    Log::open(&site.log("saw-1", 0)).fail(5);
    let agent = site.start();
    site.wait_for(5);
    new.fail(6);
    site.wait_for(6);
    agent.stop();
    let events = site.events();
    let places: BTreeMap<usize, &Value> = events.iter().map(|event| (number(event), &event["line"])).collect();
    let expected = [(1, json!(2)), (2, json!(3)), (3, json!(5)), (4, json!(1)), (5, json!(1)), (6, json!(2))];
    assert_eq!(places, expected.iter().map(|(number, line)| (*number, line)).collect());
    assert_eq!(events.len(), 6, "{:?}", numbers(&events));
}

#[test]
fn a_stop_amid_the_work_neither_loses_nor_repeats() {
    const COUNT: usize = 4000;
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    (1..=COUNT).for_each(|number| log.fail(number));
    let agent = site.start();
    site.wait_for(1);
    agent.stop();
    let agent = site.start();
    site.wait_for(COUNT);
    agent.stop();
    let events = site.events();
    assert_eq!(numbers(&events), Vec::from_iter(1..=COUNT));
    assert!(events.iter().all(|event| event["line"] == number(event)));
}

#[test]
fn a_kill_may_repeat_an_event_under_its_uid_and_loses_none() {
    const ROUNDS: usize = 5;
    const PER_ROUND: usize = 40;
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    for round in 0..ROUNDS {
        let agent = site.start();
        let known = site.events().len();
        for place in 1..=PER_ROUND {
            log.write(&["all is well", &failure(round * PER_ROUND + place)]);
        }
        // Each round dies a little further on: amid the first events, or when a checkpoint may be under way.
        site.wait_for(known + 1 + round * 8);
        agent.kill();
    }
    let agent = site.start();
    // Nothing may be left to do, and an agent that is still starting can't be asked to stop: its first own event says that it runs.
    log.write(&["all is well", &failure(ROUNDS * PER_ROUND + 1)]);
    let seen = || site.events().iter().map(number).collect::<BTreeSet<_>>();
    wait("every event", || (seen().len() == ROUNDS * PER_ROUND + 1).then_some(()));
    agent.stop();
    let mut uids = BTreeMap::new();
    for event in site.events() {
        let uid = uids.entry(number(&event)).or_insert_with(|| event["uid"].clone());
        assert_eq!(*uid, event["uid"]);
        assert_eq!(event["line"], 2 * number(&event));
    }
    let different: BTreeSet<_> = uids.values().map(Value::to_string).collect();
    assert_eq!(different.len(), ROUNDS * PER_ROUND + 1);
}

#[test]
fn a_line_that_a_kill_cut_off_spoils_no_other() {
    let site = Site::new();
    fs::write(site.path("events.jsonl"), "{\"uid\":\"3bc30a63").unwrap();
    let mut log = Log::open(&site.log("saw-0", 0));
    for number in 1..=2 {
        log.fail(number);
        let agent = site.start();
        site.wait_for(number);
        agent.stop();
    }
    assert_eq!(numbers(&site.events()), [1, 2]);
    let text = fs::read_to_string(site.path("events.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn after_a_truncation_the_old_position_counts_for_nothing() {
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    log.write(&["all is well"; 30]);
    log.fail(1);
    let agent = site.start();
    site.wait_for(1);
    log.truncate();
    log.fail(2);
    site.wait_for(2);
    agent.stop();
    // Beyond where the old content ended.
    (3..=60).for_each(|number| log.fail(number));
    let agent = site.start();
    site.wait_for(60);
    agent.stop();
    assert_eq!(numbers(&site.events()), Vec::from_iter(1..=60));
}

#[test]
fn what_no_receiver_took_is_read_again() {
    let refusing = {
        // A port that was free a moment ago: nobody listens there.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for protocol in ["grpc", "http/protobuf"] {
        let site = Site::new();
        let mut log = Log::open(&site.log("saw-0", 0));
        log.write(&["the pump has started", &failure(1)]);
        let mut command = site.command("beginning");
        command.args(["--otlp-endpoint", &format!("http://{refusing}"), "--otlp-protocol", protocol]);
        let both = fs::read_to_string(site.path("config.yaml")).unwrap();
        site.configure("{}");
        let mut agent = site.start_as(command);
        wait("a failed delivery", || agent.stderr().contains("could not be delivered").then_some(()));
        log.fail(2);
        agent.signal("TERM");
        wait("the drain", || agent.stderr().contains("stopping").then_some(()));
        // Who asks twice is in a hurry: the grace needn't pass.
        agent.signal("TERM");
        let status = agent.end();
        assert!(status.success(), "{status}: {}", agent.stderr());
        assert!(agent.stderr().contains("the next start goes on from there"), "{}", agent.stderr());
        site.configure(&both);
        let agent = site.start();
        let events = site.wait_for(2);
        agent.stop();
        let lines: Vec<_> = events.iter().map(|event| &event["line"]).collect();
        assert_eq!((numbers(&events), lines), (vec![1, 2], vec![&json!(2), &json!(3)]), "{protocol}");
    }
}

#[test]
fn a_full_disk_is_waited_out_and_loses_nothing() {
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    log.fail(1);
    let good = fs::read_to_string(site.path("config.yaml")).unwrap();
    site.configure("export: { jsonl: { path: /dev/full } }\n");
    let agent = site.start();
    wait("the trouble", || agent.stderr().contains("No space left on device").then_some(()));
    // The configuration is read again while everything runs, and what the old output could not take goes to the new one.
    site.configure(&good);
    assert_eq!(numbers(&site.wait_for(1)), [1]);
    agent.stop();
}

#[test]
fn an_output_that_stalls_does_not_hold_up_a_stop() {
    // Far more than a pipe holds.
    const COUNT: usize = 1000;
    let site = Site::new();
    let mut log = Log::open(&site.log("saw-0", 0));
    (1..=COUNT).for_each(|number| log.fail(number));
    let good = fs::read_to_string(site.path("config.yaml")).unwrap();
    site.configure("export: { jsonl: { path: '-' } }");
    let mut command = site.command("beginning");
    command.stdout(Stdio::piped());
    let mut agent = site.spawn(command);
    let mut pipe = agent.stdout();
    let mut text = vec![0];
    pipe.read_exact(&mut text).unwrap();
    agent.signal("TERM");
    wait("the drain", || agent.stderr().contains("stopping").then_some(()));
    agent.signal("TERM");
    let status = agent.end();
    assert!(status.success(), "{status}: {}", agent.stderr());
    pipe.read_to_end(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut seen = BTreeSet::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        seen.insert(number(&serde_json::from_str(line).unwrap()));
    }
    assert!(seen.len() < COUNT, "the pipe took everything");
    site.configure(&good);
    let agent = site.start();
    let all = wait("what nobody took", || {
        let all: BTreeSet<_> = seen.iter().copied().chain(numbers(&site.events())).collect();
        (all.len() == COUNT).then_some(all)
    });
    assert_eq!(all, (1..=COUNT).collect());
    agent.stop();
}

#[test]
fn without_an_exporter_a_person_reads_along() {
    let site = Site::new();
    site.configure("{}");
    let mut log = Log::open(&site.log("saw-0", 0));
    log.fail(7);
    let agent = site.start();
    let text = wait("text on standard output", || {
        let text = fs::read_to_string(site.path("stdout.txt")).unwrap();
        text.contains("example.com/pump").then_some(text)
    });
    for expected in ["ERROR The pump has failed", "mill", "saw-0", "the pump has failed: 7", "Take it out."] {
        assert!(text.contains(expected), "{expected} not in:\n{text}");
    }
    agent.stop();
}

#[test]
fn a_state_folder_that_cannot_be_written_is_said_at_once() {
    let site = Site::new();
    fs::write(site.path("state"), "a file where a folder should be").unwrap();
    let output = site.command("beginning").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(site.path("state").to_str().unwrap()) && text.contains("--state-dir"), "{text}");
}

#[test]
fn a_cause_that_comes_late_corrects_what_is_out_already() {
    let site = Site::new();
    Log::open(&site.log("saw-0", 0)).write(&["PumpError: stuck"]);
    let agent = site.start();
    let symptom = site.wait_for(1).remove(0);
    Log::open(&site.log("saw-0", 1)).fail(1);
    let events = site.wait_for(2);
    assert_eq!(symptom["incident"]["chain"], json!(["test.pump.crashed"]));
    let late = &events[1]["incident"];
    assert_eq!((&late["id"], &late["root_cause"]), (&symptom["incident"]["id"], &json!(true)));
    assert_eq!((&late["workload"], &late["corrects"]), (&json!("mill/saw"), &json!([symptom["uid"]])));
    Log::open(&site.log("lathe-0", 0)).fail(2);
    assert_ne!(site.wait_for(3)[2]["incident"]["id"], late["id"], "another workload's");
    agent.stop();
}

#[test]
fn incidents_can_be_switched_off() {
    let site = Site::new();
    let path = site.path("events.jsonl");
    site.configure(&format!("incidents: {{ window: 0s }}\nexport: {{ jsonl: {{ path: {} }} }}\n", path.display()));
    Log::open(&site.log("saw-0", 0)).fail(1);
    let agent = site.start();
    assert_eq!(site.wait_for(1)[0]["incident"], Value::Null);
    agent.stop();
}
