//! What no pattern knows, the real binary: told at a scan's end, reported by the agent, and drafted as patterns.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::site::{Log, Site, failure, wait};
use crate::support::faultscope;

const LOG: &str = "tests/data/unclassified/press.log";

/// Runs the binary: exit status, standard output, standard error.
fn run(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = faultscope();
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments doesn't read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn scan(args: &[&str]) -> (Option<i32>, String, String) {
    run(&[&["scan", LOG], args].concat(), "")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn template(event: &Value) -> Option<&str> {
    event["attributes"]["faultscope.template"].as_str()
}

#[test]
fn a_scan_ends_with_what_is_not_recognised() {
    let (status, out, _) = scan(&[]);
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(out);
}

#[test]
fn events_of_it_are_made_where_somebody_asks() {
    let unclassified = |event: &&Value| event["pattern"] == "faultscope.unclassified";
    let (_, without, _) = scan(&["--output", "jsonl"]);
    let (_, with, _) = scan(&["--output", "jsonl", "--unclassified"]);
    let (without, with) = (lines(&without), lines(&with));
    assert_eq!((without.len(), without.iter().filter(unclassified).count()), (2, 0));
    assert_eq!(with[0]["pattern"], without[0]["pattern"]);
    let found: Vec<_> = with.iter().filter(unclassified).collect();
    let told: Vec<_> =
        found.iter().map(|event| (template(event).unwrap(), &event["occurrences"], &event["line"])).collect();
    assert_eq!(told[0], ("hydraulic squeezer <*> jammed after <*> mangoes", &json!(3), &json!(3)));
    assert_eq!(told[1], ("cannot weigh crate: scale <*> answers out of range", &json!(2), &json!(6)));
    assert_eq!(found.len(), 6, "{told:?}");
    let first = found[0];
    assert_eq!(
        (&first["severity"], &first["incident"], &first["category"]),
        (&json!("ERROR"), &Value::Null, &json!("unknown"))
    );
    assert!(first["body"].as_str().unwrap().ends_with("sq-7 jammed after 41 mangoes"));
    // Only what is known counts as found.
    assert_eq!(run(&["scan", "--exit-code", "--unclassified"], "ERROR: lid 4 is open\n").0, Some(0));
    let (_, text, _) = scan(&["--no-unclassified"]);
    assert!(!text.contains("Not recognised") && text.contains("2 known failures"), "{text}");
}

#[test]
fn drafts_load_fire_and_say_what_is_to_be_filled_in() {
    let (status, pack, said) = run(&["patterns", "suggest", LOG, "--generic", "--container", "press"], "");
    assert_eq!((status, said.as_str()), (Some(0), ""));
    insta::assert_snapshot!(pack);
    assert!(!pack.contains("mangomango17"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("press.yaml");
    fs::write(&path, &pack).unwrap();
    let path = path.to_str().unwrap();
    let (status, out, said) = run(&["patterns", "test", path], "");
    assert_eq!((status, out.as_str()), (Some(0), "16 passed, 0 failed\n"), "{said}");
    let (status, out, _) = run(&["patterns", "lint", path], "");
    let blank = |key: &str| out.matches(&format!("`{key}` is to be filled in")).count();
    assert_eq!((status, blank("cause"), blank("fix"), blank("references")), (Some(1), 8, 8, 8), "{out}");
    // With the drafts, everything is known.
    let (_, out, _) = scan(&["--patterns", path]);
    assert!(out.contains("8 known failures") && !out.contains("Not recognised"), "{out}");
    let (_, out, said) = run(&["patterns", "suggest", LOG, "--patterns", path], "");
    assert_eq!((out.as_str(), said.contains("every error in these logs is known")), ("", true), "{said}");
}

#[test]
fn drafts_are_chosen() {
    let (_, pack, said) = run(&["patterns", "suggest", LOG, "--template", "2"], "");
    assert!(pack.matches("- id: ").count() == 1 && pack.contains("cannot-weigh-crate"), "{pack}{said}");
    let (_, pack, said) =
        run(&["patterns", "suggest", "--top", "1"], "ERROR: lid 4 is open\nERROR: no crates\nERROR: no crates\n");
    assert!(pack.contains("no crates") && !pack.contains("lid"), "{pack}");
    assert_eq!(said, "faultscope: these are the 1 most frequent of 2 templates (--top)\n");
    let (status, _, said) = run(&["patterns", "suggest", LOG, "--template", "99"], "");
    assert!(status == Some(2) && said.contains("there is no template 99: the logs have 6"), "{said}");
    let (_, pack, said) = run(&["patterns", "suggest"], "ERROR: 7\n");
    assert!(pack.is_empty() && said.contains("it has no words to be known by"), "{said}");
    let (status, _, said) = run(&["patterns", "suggest", "no/such/folder"], "");
    assert!(status == Some(2) && said.contains("no/such/folder"), "{said}");
}

fn lid(number: usize) -> String {
    format!("ERROR: lid {number} of the press is open")
}

fn configured(unclassified: &str) -> Site {
    let site = Site::new();
    let events = site.path("events.jsonl");
    site.configure(&format!("unclassified: {unclassified}\nexport: {{ jsonl: {{ path: {} }} }}\n", events.display()));
    site
}

/// Pattern, template and occurrences.
fn told(events: &[Value]) -> Vec<(&str, Option<&str>, u64)> {
    fn one(event: &Value) -> (&str, Option<&str>, u64) {
        (event["pattern"].as_str().unwrap(), template(event), event["occurrences"].as_u64().unwrap())
    }
    events.iter().map(one).collect()
}

const LID: Option<&str> = Some("lid <*> of the press is open");

#[test]
fn the_agent_tells_of_each_template_once_and_counts() {
    let site = configured("{ enabled: true, interval: 1h }");
    let mut log = Log::open(&site.log("saw-0", 0));
    log.write(&["all is well", &lid(1), &lid(2), &failure(1)]);
    // Each file ends with what is told at once: when that is there, so is what stands before it.
    Log::open(&site.log("saw-1", 0)).write(&[&lid(3), "all is well", &failure(1)]);
    let agent = site.start();
    site.wait_for(3);
    log.write(&[&lid(4), "ERROR: out of crates", &failure(2)]);
    site.wait_for(5);
    // A stop ends the period early, and nothing that was counted is read again.
    agent.stop();
    let events = site.events();
    let mut all = told(&events);
    all.sort_unstable();
    let unknown = |template, count| ("faultscope.unclassified", template, count);
    let known = ("test.pump.failed", None, 1);
    assert_eq!(all, [unknown(LID, 1), unknown(LID, 3), unknown(Some("out of crates"), 1), known, known, known]);
    let agent = site.start();
    log.write(&[&failure(3)]);
    site.wait_for(7);
    agent.stop();
    assert_eq!(site.events().len(), 7);
}

#[test]
fn a_kill_loses_nothing_of_what_was_only_counted() {
    let site = configured("{ enabled: true, interval: 1h }");
    let mut log = Log::open(&site.log("saw-0", 0));
    (1..=20).for_each(|number| log.write(&[&lid(number)]));
    log.fail(1);
    let agent = site.start();
    site.wait_for(2);
    let checkpoint = |path: &Path| fs::read_to_string(path).ok().filter(|text| text.contains("0.log"));
    wait("the checkpoint", || checkpoint(&site.path("state/checkpoints.json")));
    agent.kill();
    let agent = site.start();
    log.fail(2);
    let is_second = |event: &Value| event["attributes"]["faultscope.detail"] == "2";
    wait("the last failure", || site.events().iter().any(is_second).then_some(()));
    agent.stop();
    let events = site.events();
    let counted =
        told(&events).iter().filter(|(_, template, _)| *template == LID).map(|(.., count)| count).sum::<u64>();
    assert!(counted >= 20, "{events:?}");
}

#[test]
fn the_agent_says_nothing_of_it_unless_asked() {
    let site = Site::new();
    Log::open(&site.log("saw-0", 0)).write(&[&lid(1), &failure(1)]);
    let agent = site.start();
    site.wait_for(1);
    agent.stop();
    assert_eq!(told(&site.events()), [("test.pump.failed", None, 1)]);
}
