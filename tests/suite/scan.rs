//! `faultscope scan`, the real binary: what it reads, what it prints, how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{data, faultscope};

const INCIDENT: &str = "tests/data/incidents/wrong-model-uri";
const PROBE: &str = "RuntimeError: Failed to fetch model. The path or model gs://acme-models/iris does not exist.\n";

fn scan(args: &[&str]) -> Command {
    let mut command = faultscope();
    command.arg("scan").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn piped(args: &[&str], input: &[u8]) -> Output {
    let mut child = scan(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_sample_incident_is_diagnosed() {
    let output = scan(&[INCIDENT]).output().unwrap();
    assert!(output.status.success());
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn an_event_as_json_has_the_documented_shape() {
    let events = objects(&scan(&[INCIDENT, "--output", "jsonl"]).output().unwrap());
    let event = events.iter().find(|event| event["pattern"] == "kserve.storage.model-not-found").unwrap();
    let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    let mut documented = [
        "uid",
        "time",
        "severity",
        "severity_number",
        "pattern",
        "title",
        "category",
        "cause",
        "fix",
        "references",
        "also",
        "line",
        "last_line",
        "body",
        "record",
        "attributes",
        "resource",
        "source",
        "occurrences",
        "incident",
    ];
    documented.sort_unstable();
    assert_eq!(keys, documented);
    assert_eq!(event["severity_number"], 17);
    assert_eq!((&event["line"], &event["last_line"]), (&3.into(), &10.into()));
    assert_eq!(event["attributes"]["faultscope.model.uri"], "gs://acme-models/iris/v3");
    assert_eq!(event["attributes"]["exception.type"], "RuntimeError");
    assert_eq!(event["resource"]["k8s.namespace.name"], "ml");
    assert_eq!(event["resource"]["k8s.container.restart_count"], 0);
    assert_eq!(event["time"], "2026-03-02T09:14:04.318Z");
}

#[test]
fn reading_twice_gives_the_same_uids_and_no_two_alike() {
    let uids = || -> Vec<String> {
        let events = objects(&scan(&[INCIDENT, "--output", "jsonl"]).output().unwrap());
        events.iter().map(|event| event["uid"].as_str().unwrap().to_owned()).collect()
    };
    let first = uids();
    assert_eq!(first, uids());
    let mut unique = first.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), first.len());
}

#[test]
fn otlp_json_is_what_the_file_exporter_writes() {
    for object in objects(&scan(&[INCIDENT, "--output", "otlp-json"]).output().unwrap()) {
        let logs: opentelemetry_proto::tonic::logs::v1::LogsData = serde_json::from_value(object).unwrap();
        let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
        assert_eq!(record.event_name, "faultscope.failure");
    }
}

/// Compressed files and bundles give the same events as the plain folder.
#[test]
fn bundles_are_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "ml_iris_11111111-2222-3333-4444-555555555555/storage-initializer/1.log";
    let line = format!("2026-03-02T09:14:04Z stderr F {PROBE}");
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let tar = {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(line.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, pod, line.as_bytes()).unwrap();
        builder.into_inner().unwrap()
    };
    let zstd = ruzstd::encoding::compress_to_vec(line.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let files: [(&str, Vec<u8>, bool); 5] = [
        ("a.log.gz", gzip(line.as_bytes()), false),
        ("b.log.zst", zstd, false),
        ("c.tar", tar.clone(), true),
        ("d.tar.gz", gzip(&tar), true),
        ("e.log", line.as_bytes().to_vec(), false),
    ];
    for (name, bytes, has_path) in files {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let events = objects(&scan(&[path.to_str().unwrap(), "--output", "jsonl"]).output().unwrap());
        assert_eq!(events.len(), 1, "{name}");
        assert_eq!(events[0]["pattern"], "kserve.storage.model-not-found", "{name}");
        let restarts = events[0]["resource"].get("k8s.container.restart_count");
        assert_eq!(restarts.is_some(), has_path, "{name}");
    }
}

#[test]
fn a_damaged_file_is_reported_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = [&[0x1f, 0x8b, 8, 0][..], &[7; 64]].concat();
    fs::write(folder.path().join("a.gz"), damaged).unwrap();
    fs::write(folder.path().join("b.log"), PROBE).unwrap();
    let output = scan(&[folder.path().to_str().unwrap(), "--output", "jsonl"]).output().unwrap();
    assert!(text(&output.stderr).contains("a.gz"), "{}", text(&output.stderr));
    assert_eq!(objects(&output).len(), 1);
}

#[test]
fn an_event_appears_as_its_line_arrives() {
    let mut child = scan(&["-", "--output", "jsonl"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)))
    });
    stdin.write_all(PROBE.as_bytes()).unwrap();
    stdin.flush().unwrap();
    // Standard input stays open; a reader that waited for its end would time out here.
    let line = lines.recv_timeout(Duration::from_secs(20)).expect("no event while standard input is open");
    assert!(line.contains("kserve.storage.model-not-found"));
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_event_of_one_pipe_among_several_appears_as_its_lines_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let pipes = ["one", "two"].map(|name| folder.path().join(name));
    assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let mut child = scan(&["--threads", "2", "--output", "text"]).args(&pipes).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)))
    });
    let mut writers = pipes.map(|pipe| fs::OpenOptions::new().write(true).open(pipe).unwrap());
    // Whether it is an archive is told by the first 512 bytes.
    writers[0].write_all(format!("{PROBE}{}", "all is well\n".repeat(100)).as_bytes()).unwrap();
    // Both pipes stay open.
    let mut told = false;
    while !told {
        let line = lines.recv_timeout(Duration::from_secs(20)).expect("no event while the pipes are open");
        told = line.contains("kserve.storage.model-not-found");
    }
    drop(writers);
    assert!(child.wait().unwrap().success());
}

#[test]
fn exit_status_says_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let bad_pack = folder.path().join("bad.yaml");
    fs::write(&bad_pack, "patterns:\n  - id: a\n    titel: b\n").unwrap();
    let table: &[(&[&str], &[u8], i32, &str)] = &[
        (&["-"], b"all is well\n", 0, ""),
        (&["-", "--exit-code"], b"all is well\n", 0, ""),
        (&["-"], PROBE.as_bytes(), 0, ""),
        (&["-", "--exit-code"], PROBE.as_bytes(), 1, ""),
        (&["-", "--exit-code", "--min-severity", "fatal"], PROBE.as_bytes(), 0, ""),
        (&["-", "--exit-code", "--container", "postgres"], PROBE.as_bytes(), 0, ""),
        (&["no/such/file"], b"", 2, "no/such/file"),
        (
            &["-", "--patterns", bad_pack.to_str().unwrap()],
            b"",
            2,
            "bad.yaml:3:5: unknown key `titel` (did you mean `title`?)",
        ),
        (&["-", "--no-builtin-patterns", "--exit-code"], PROBE.as_bytes(), 0, ""),
        (&["--no-such-flag"], b"", 2, "--no-such-flag"),
    ];
    for (args, input, status, message) in table {
        let output = piped(args, input);
        assert_eq!(output.status.code(), Some(*status), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(message), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn text_for_a_pipe_has_no_colours_and_no_control_characters() {
    let hostile = format!("\x1b[2J\x07{PROBE}");
    let output = piped(&["-"], hostile.as_bytes());
    assert!(output.stdout.iter().all(|&byte| byte == b'\n' || byte >= b' '), "{}", text(&output.stdout));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = scan(&["-", "--output", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It may hang up before it has read everything.
    let _ = stdin.write_all(PROBE.repeat(2000).as_bytes());
    drop(stdin);
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{complaint}");
    assert_eq!(complaint, "");
}

/// Logs of so many long failures each, and one that can't be unpacked.
fn long_logs(folder: &Path, failures: &[usize]) {
    let line = |number: usize| format!("{} ({number}) {}\n", PROBE.trim_end(), "pear ".repeat(800));
    for (log, &count) in failures.iter().enumerate() {
        let lines: String = (0..count).map(line).collect();
        fs::write(folder.join(format!("{log}.txt")), lines).unwrap();
    }
    fs::write(folder.join("3-broken.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
}

#[test]
fn files_read_at_once_are_told_as_if_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    // Of the third log more than may wait is found while the first is still read.
    long_logs(folder.path(), &[400, 1, 2000, 0, 30, 7]);
    let paths = [folder.path().to_str().unwrap(), "no-such-log", INCIDENT];
    for format in ["jsonl", "text"] {
        let with = |threads: &str| {
            scan(&["--output", format, "--no-unclassified", "--threads", threads]).args(paths).output().unwrap()
        };
        let (one, four) = (with("1"), with("4"));
        assert!(one.stdout.len() > 1000 && text(&one.stderr).contains("3-broken.gz"));
        assert_eq!(text(&one.stderr), text(&four.stderr));
        assert_eq!(one.status.code(), four.status.code());
        assert!(one.stdout == four.stdout, "as {format}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_reading_of_all_files() {
    let folder = tempfile::tempdir().unwrap();
    long_logs(folder.path(), &[2000, 2000, 2000]);
    let mut child = scan(&[folder.path().to_str().unwrap(), "--output", "jsonl", "--threads", "3"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with('{'));
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_incident_that_ships_is_laid_out_as_on_a_node() {
    let pods = fs::read_dir(data("incidents/wrong-model-uri")).unwrap();
    for pod in pods {
        for container in fs::read_dir(pod.unwrap().path()).unwrap() {
            for log in fs::read_dir(container.unwrap().path()).unwrap() {
                let path = log.unwrap().path();
                assert!(
                    faultscope::frame::path::parse(Path::new(&path).to_str().unwrap()).is_some(),
                    "{}",
                    path.display()
                );
            }
        }
    }
}
