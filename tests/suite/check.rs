//! `faultscope check`, the real binary: everything that is wrong with configuration and patterns, in one go.

use std::fs;
use std::process::Output;

use tempfile::TempDir;

use crate::support::faultscope;

/// Runs it in `folder`, so that messages name files as they are given here.
fn check(folder: &TempDir) -> (Option<i32>, String, String) {
    let mut command = faultscope();
    command.env_clear().current_dir(folder.path()).args(["check", "--config", "config.yaml"]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const GOOD_PACK: &str = "
patterns:
  - id: test.pump.failed
    title: The pump has failed
    severity: error
    category: hardware
    match: { all: ['the pump has failed'] }
    cause: Something is stuck in it.
    fix: [Take it out.]
    references: [https://example.com/pump]
    tests: { fires: [{ log: 'the pump has failed' }], silent: [{ log: 'the pump has started' }] }
";

#[test]
fn what_is_right_is_summed_up() {
    let config = "
builtin_patterns: false
patterns: [pack.yaml]
sources: { files: { include: ['/var/log/pods/mill_*/*/*.log'] } }
export: { otlp: { endpoint: 'http://${COLLECTOR:-collector.example}:4317', protocol: grpc }, jsonl: { path: events.jsonl } }
";
    let folder = folder(&[("config.yaml", config), ("pack.yaml", GOOD_PACK)]);
    let (status, stdout, stderr) = check(&folder);
    assert_eq!(status, Some(0), "{stderr}");
    insta::assert_snapshot!(stdout, @r"
    configuration and patterns are right
      patterns  1 (3 anchors)
      files     /var/log/pods/mill_*/*/*.log
      export    OTLP to http://collector.example:4317, JSON lines to events.jsonl
    ");
    assert_eq!(stderr, "");
    assert!(!folder.path().join("events.jsonl").exists(), "checking must leave no trace");
}

#[test]
fn the_defaults_are_right() {
    let folder = folder(&[("config.yaml", "")]);
    let (status, stdout, stderr) = check(&folder);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
}

#[test]
fn every_mistake_of_configuration_and_patterns_is_told_at_once() {
    let config = "
state_dirr: /var/lib/faultscope
sources:
  files: { read_from: start }
patterns: [pack.yaml, nowhere]
export:
  otlp: { endpoint: 'http://${NOWHERE}:4317', protocol: grcp }
";
    let pack = "
patterns:
  - id: test.pump.failed
    title: The pump has failed
    severity: grave
    category: hardware
    match: { al: ['the pump has failed'] }
    cause: Something is stuck in it.
    fix: [Take it out.]
    references: [https://example.com/pump]
    tests: { fires: [{ log: 'the pump has failed' }], silent: [{ log: 'the pump has started' }] }
";
    let folder = folder(&[("config.yaml", config), ("pack.yaml", pack)]);
    let (status, stdout, stderr) = check(&folder);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(stderr, @r"
    config.yaml:7:21: the environment has no variable `NOWHERE` (set it, or give a default: ${NOWHERE:-…})
    config.yaml:2:1: unknown key `state_dirr` (did you mean `state_dir`?)
    config.yaml:4:23: unknown value `start` (one of: beginning, end, since)
    config.yaml:7:57: unknown value `grcp` (did you mean `grpc`?)
    nowhere: can't be read: No such file or directory (os error 2)
    pack.yaml:5:15: unknown value `grave` (one of: info, warn, error, fatal)
    pack.yaml:7:14: unknown key `al` (did you mean `all`?)
    7 to mend
    ");
}

#[test]
fn what_only_shows_in_use_is_told_beside_the_rest() {
    let config = "
builtin_patterns: false
patterns: [pack.yaml]
sources: { files: { include: ['/var/log/***/x.log'] } }
export: { otlp: { endpoint: 'collector:4317', headers: { 'x tenant': a } } }
nonsense: true
";
    let pack =
        GOOD_PACK.replace("all: ['the pump has failed']", "regex: '(the pump has failed: [0-9a-z]{1,100}){1,1000}'");
    let folder = folder(&[("config.yaml", config), ("pack.yaml", &pack)]);
    let (status, stdout, stderr) = check(&folder);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(stderr, @r#"
    config.yaml:6:1: unknown key `nonsense` (one of: state_dir, sources, kubernetes, patterns, builtin_patterns, event_sources, redact, repeats, unclassified, incidents, rate_limit, export, admin, telemetry, limits)
    config.yaml: export.otlp.headers: "x tenant" is no header name
    config.yaml: the glob /var/log/***/x.log can't be used: wildcards are either regular `*` or recursive `**`
    pack.yaml:3:1: test.pump.failed: the expression `(the pump has failed: [0-9a-z]{1,100}){1,1000}` can't be read: compiled, it is larger than 1048576 bytes: ask for fewer repetitions
    4 to mend
    "#);
}

#[test]
fn a_configuration_that_is_not_there_is_said() {
    let (status, _, stderr) = check(&folder(&[]));
    assert_eq!(status, Some(2));
    assert_eq!(stderr, "config.yaml: can't be read: No such file or directory (os error 2)\n1 to mend\n");
}

#[test]
fn a_run_refuses_what_check_refuses() {
    let folder = folder(&[("config.yaml", "nonsense: true\n")]);
    let output =
        faultscope().env_clear().current_dir(folder.path()).args(["run", "--config", "config.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("faultscope: a problem to mend\n  config.yaml:1:1: unknown key `nonsense`"), "{stderr}");
}

#[test]
fn the_configuration_that_ships_is_right() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/faultscope.yaml")).unwrap();
    let (status, stdout, stderr) = check(&folder(&[("config.yaml", &text)]));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("OTLP to http://localhost:4317"), "{stdout}");
}

/// The configuration that README.md shows.
#[test]
fn the_configuration_in_the_readme_is_right() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let text = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // What it names isn't on this machine.
    let text = text.replace("[/etc/faultscope/patterns]", "[]").replace("${TOKEN}", "secret");
    let (status, _, stderr) = check(&folder(&[("config.yaml", &text)]));
    assert_eq!(status, Some(0), "{stderr}");
}
