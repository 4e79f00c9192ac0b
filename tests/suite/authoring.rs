//! What helps pattern authors: explanations that agree with the engine, scaffolds, measures and overlaps.

use std::io::Write;
use std::process::Stdio;

use faultscope::classify::whole::each_record;
use faultscope::frame::Format;

use crate::support::{BUILTIN, data, faultscope};

#[test]
fn explanations_agree_with_what_is_confirmed() {
    let engine = &BUILTIN.set.engine;
    let mut fired = 0;
    for located in &BUILTIN.set.patterns {
        let tests = &located.pattern.tests;
        for example in tests.fires.iter().chain(&tests.silent) {
            each_record(example.log.as_bytes(), Format::Auto, &BUILTIN.limits, |part| {
                part.subject(example.container.as_deref(), |subject| {
                    let finding = engine.confirm(subject);
                    let mut confirmed: Vec<usize> =
                        finding.into_iter().flat_map(|f| [vec![f.pattern], f.also].concat()).collect();
                    confirmed.sort_unstable();
                    // All that fire, and a few that don't.
                    let near = engine.nearest(subject, confirmed.len() + 4);
                    let alone = |pattern: usize| BUILTIN.set.patterns[pattern].pattern.matches.correlation().is_none();
                    let firing = near.iter().filter(|e| e.fires() && alone(e.pattern));
                    let mut firing: Vec<usize> = firing.map(|e| e.pattern).collect();
                    firing.sort_unstable();
                    assert_eq!(firing, confirmed, "{}: {}", located.pattern.id, example.log);
                    for explanation in &near {
                        assert_eq!(&engine.explain(explanation.pattern, subject), explanation);
                        let lacks = explanation.first_failed().is_some() || !explanation.in_scope;
                        assert_ne!(explanation.fires(), lacks);
                    }
                    fired += firing.len();
                });
            });
        }
    }
    assert!(fired >= BUILTIN.set.patterns.len());
}

/// Runs the binary with a text on standard input: exit status, standard output, standard error.
fn run(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child =
        faultscope().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments doesn't read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const LOG: &str = "2031-05-17T09:14:00Z stdout F {\"level\":\"info\",\"ts\":\"2031-05-17T09:14:00Z\",\"msg\":\"squeezing\"}
2031-05-17T09:14:01Z stdout F {\"level\":\"error\",\"ts\":\"2031-05-17T09:14:01Z\",\"msg\":\"hydraulic squeezer \\\"sq-7\\\" jammed after 41 mangoes\"}
";

#[test]
fn a_scaffold_loads_and_fires_once_its_blanks_are_filled() {
    let (status, scaffold, said) = run(&["patterns", "new", "press.squeezer.jammed", "--container", "press"], LOG);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    assert!(
        scaffold.contains("all: ['hydraulic squeezer', 'jammed after', 'mangoes']")
            && scaffold.contains("severity: error"),
        "{scaffold}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("press.yaml");
    let pack = path.to_str().unwrap();
    std::fs::write(&path, &scaffold).unwrap();
    let (status, _, said) = run(&["patterns", "lint", pack], "");
    assert!(status == Some(2) && said.contains("unknown value ``"), "{said}");

    let filled =
        scaffold.replace("title: ''", "title: The squeezer is jammed").replace("category: ''", "category: hardware");
    let filled = filled.replace("cause: ''", "cause: Too many pears.").replace("log: ''", "log: squeezed");
    std::fs::write(&path, filled.replace("- ''", "- https://example.com/press")).unwrap();
    for verb in ["lint", "test"] {
        let (status, out, said) = run(&["patterns", verb, pack], "");
        assert_eq!(status, Some(0), "{verb}: {out}{said}");
    }
    let (_, _, said) =
        run(&["patterns", "new", "press.squeezer.stuck", "--patterns", pack, "--container", "press"], LOG);
    assert_eq!(said, "faultscope: line 2 is known already, as press.squeezer.jammed\n");
}

#[test]
fn a_scaffold_is_refused_for_a_bad_id_and_an_empty_log() {
    for (id, log, want) in [
        ("Press", LOG, "is no pattern id"),
        (&*BUILTIN.set.patterns[0].pattern.id, LOG, "is taken already"),
        ("a.b.c", "\n \n", "there is no log"),
        ("a.b.c", &"pears\n".repeat(20_000), "is longer than"),
    ] {
        let (status, _, said) = run(&["patterns", "new", id], log);
        assert!(status == Some(2) && said.contains(want), "{id}: {said}");
    }
}

#[test]
fn explain_tells_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("press.yaml");
    let pattern = |name: &str, more: &str| {
        format!(
            "  - {{ id: press.squeezer.{name}, title: t, severity: error, category: hardware, match: {{ all: ['hydraulic squeezer', \
             jammed], {more} }}, cause: c, fix: [f], references: [r], tests: {{ fires: [{{ log: x }}], silent: [{{ log: x }}] }} }}\n"
        )
    };
    let pack =
        ["patterns:\n".to_owned(), pattern("jammed", "none: [thawed]"), pattern("burnt", "fields: { level: fatal }")];
    std::fs::write(&path, pack.concat()).unwrap();
    let patterns = ["--no-builtin-patterns", "--patterns", path.to_str().unwrap()];
    let args = ["patterns", "explain", "--log", "-", "--container", "press"];
    let (status, out, _) = run(&[&args[..], &patterns].concat(), LOG);
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(out);
    let (status, out, _) = run(&[&args[..], &patterns, &["press.squeezer.burnt"]].concat(), LOG);
    assert!(status == Some(0) && out.contains("line 1:") && !out.contains("press.squeezer.jammed"), "{out}");
    let (status, _, said) = run(&[&args[..], &patterns, &["press.squeezer.burn"]].concat(), LOG);
    assert!(status == Some(2) && said.contains("did you mean `press.squeezer.burnt`?"), "{said}");
}

/// A pattern of several records, and logs for it.
const SEVERAL: &str = r#"patterns:
  - id: press.squeezer.overfed
    title: The squeezer is fed on although it is full
    severity: warn
    category: capacity
    match:
      sequence:
        - regex: 'squeezer (?<device>\S+) is full'
        - { regex: 'fed squeezer (?<device>\S+) by hand', count: 2 }
      within: 1m
      by: [device]
      unless: { regex: 'emptied squeezer (?<device>\S+)' }
    cause: Nobody looks.
    fix: [Look.]
    references: [https://example.com/press]
    tests:
      fires:
        - log: |
            2031-05-17T09:14:00Z squeezer sq-7 is full
            2031-05-17T09:14:01Z squeezer sq-8 is full
            2031-05-17T09:14:02Z fed squeezer sq-7 by hand
            2031-05-17T09:14:59Z fed squeezer sq-7 by hand
          attributes: { faultscope.device: sq-7 }
      silent:
        - log: |
            2031-05-17T09:14:00Z squeezer sq-7 is full
            2031-05-17T09:14:02Z fed squeezer sq-7 by hand
            2031-05-17T09:15:03Z fed squeezer sq-7 by hand
        - log: |
            2031-05-17T09:14:00Z squeezer sq-7 is full
            2031-05-17T09:14:02Z fed squeezer sq-7 by hand
            2031-05-17T09:14:03Z fed squeezer sq-8 by hand
        - log: |
            2031-05-17T09:14:00Z squeezer sq-7 is full
            2031-05-17T09:14:02Z fed squeezer sq-7 by hand
            2031-05-17T09:14:02Z fed squeezer sq-7 by hand
            2031-05-17T09:14:42Z emptied squeezer sq-7
"#;

#[test]
fn a_pattern_of_several_records_is_linted_tested_explained_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("press.yaml");
    std::fs::write(&path, SEVERAL).unwrap();
    let pack = path.to_str().unwrap();
    let (status, out, said) = run(&["patterns", "lint", pack], "");
    assert_eq!(status, Some(0), "{out}{said}");
    let (status, out, _) = run(&["patterns", "test", pack], "");
    assert_eq!((status, out.as_str()), (Some(0), "4 passed, 0 failed\n"));
    let set = ["--no-builtin-patterns", "--patterns", pack];
    let (_, out, _) = run(&[&["patterns", "show", "press.squeezer.overfed"][..], &set].concat(), "");
    let when =
        "when      2 steps in order (1, 2 records) within 1m, for each device, unless something else is seen within 1m";
    assert!(out.contains(when), "{out}");

    let log = "2031-05-17T09:14:00Z squeezer sq-7 is full\n2031-05-17T09:14:05Z fed squeezer sq-7 by hand\n\
               2031-05-17T09:14:06Z fed squeezer sq-7 by hand\n2031-05-17T09:14:07Z fed squeezer sq-7 by machine\n";
    let (_, out, _) = run(&[&["patterns", "explain", "--log", "-"][..], &set].concat(), log);
    insta::assert_snapshot!(out);
    let (_, out, _) = run(&[&["scan", "--output", "jsonl"][..], &set].concat(), log);
    let event: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&event["pattern"], &event["line"]), (&"press.squeezer.overfed".into(), &3.into()));
    let lines = "2031-05-17T09:14:00Z squeezer sq-7 is full\n2031-05-17T09:14:05Z fed squeezer sq-7 by hand";
    assert_eq!(event["attributes"]["faultscope.sequence.lines"], lines);

    let (_, schema, _) = run(&["patterns", "schema"], "");
    assert!(["\"sequence\"", "\"within\"", "\"unless\"", "\"count\"", "\"by\""].iter().all(|key| schema.contains(key)));
}

#[test]
fn lint_measures_anchors_on_healthy_logs() {
    let folder = data("healthy");
    let (_, out, _) = run(&["patterns", "lint", "--healthy", folder.to_str().unwrap()], "");
    let share = out.lines().find(|line| line.contains("% of the healthy lines")).unwrap();
    let share: f64 = share.split_whitespace().next().unwrap().parse().unwrap();
    assert!(share > 0.0 && share < 100.0, "{out}");
    let counts: Vec<usize> = out.lines().filter_map(|l| l.split_once("  `")?.0.trim().parse().ok()).collect();
    assert!(!counts.is_empty() && counts.is_sorted_by(|a, b| a >= b), "{out}");
}

#[test]
fn eval_says_what_a_miss_lacked() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("corpus.jsonl");
    let pattern = &BUILTIN.set.get("knative.ingress.probe-forbidden").expect("the pattern of CONTRIBUTING.md").pattern;
    let case = serde_json::json!({ "id": "c-1", "system": "knative", "log": "Probing of nothing much", "failure": pattern.id });
    std::fs::write(&corpus, case.to_string()).unwrap();
    let (status, out, _) = run(&["eval", corpus.to_str().unwrap()], "");
    let hint = format!("      {}: ", pattern.id);
    assert!(
        status == Some(0) && out.lines().any(|line| line.starts_with(&hint) && line.contains("regex does not match")),
        "{out}"
    );
}
