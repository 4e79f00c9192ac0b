//! `faultscope run`, the real binary with the built-in patterns, from the pod logs of an incident to a real OTLP receiver, over
//! each protocol. `tests/e2e/run.sh` starts the receiver, which plays some failures first for each transport by itself, and says
//! where it is in `FAULTSCOPE_E2E_RUN_RECEIVER`. Without it there is nothing to test against.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::otlp_receiver::{received, receiver};
use crate::site::{Site, wait};
use crate::support;

#[test]
fn an_incident_reaches_a_receiver_over_grpc() {
    // By the configuration.
    let Some([grpc, _, file]) = receiver("FAULTSCOPE_E2E_RUN_RECEIVER") else { return };
    let site = incident();
    site.configure(&format!("{METRICS}export: {{ otlp: {{ endpoint: '{grpc}', protocol: grpc }} }}"));
    let command = site.builtin_command("beginning");
    arrives(&site, command, &file, "grpc");
}

#[test]
fn an_incident_reaches_a_receiver_over_http_protobuf() {
    // By the environment.
    let Some([_, http, file]) = receiver("FAULTSCOPE_E2E_RUN_RECEIVER") else { return };
    let site = incident();
    site.configure(METRICS);
    let mut command = site.builtin_command("beginning");
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", http).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    arrives(&site, command, &file, "application/x-protobuf");
}

#[test]
fn an_incident_reaches_a_receiver_over_http_json() {
    // By flags.
    let Some([_, http, file]) = receiver("FAULTSCOPE_E2E_RUN_RECEIVER") else { return };
    let site = incident();
    site.configure(METRICS);
    let mut command = site.builtin_command("beginning");
    command.args(["--otlp-endpoint", &http, "--otlp-protocol", "http/json"]);
    arrives(&site, command, &file, "application/json");
}

/// The same over TLS, each side showing the other its certificate.
#[test]
fn an_incident_reaches_a_receiver_that_wants_certificates() {
    let Some([grpc, http, file]) = receiver("FAULTSCOPE_E2E_TLS_RECEIVER") else { return };
    let files = std::env::var("FAULTSCOPE_E2E_TLS_FILES").unwrap();
    for (address, protocol, transport) in [(grpc, "grpc", "grpc"), (http, "http/protobuf", "application/x-protobuf")] {
        let site = incident();
        let trust = format!(
            "certificate: {files}/ca.pem, client_certificate: {files}/client.pem, client_key: {files}/client-key.pem"
        );
        site.configure(&format!(
            "{METRICS}export: {{ otlp: {{ endpoint: '{address}', protocol: {protocol}, {trust} }} }}"
        ));
        let expected = scanned(&site);
        let agent = site.start_as(site.builtin_command("beginning"));
        let ours = |record: &Value| {
            expected.contains_key(record["record"]["attributes"]["log.record.uid"].as_str().unwrap_or_default())
        };
        wait("all records", || {
            let mut all = received(&file, transport);
            all.retain(ours);
            (all.len() >= expected.len()).then_some(())
        });
        own_metrics(&file, transport);
        agent.stop();
    }
}

/// Own metrics are sent, and often.
const METRICS: &str = "telemetry: { otlp_metrics: true, interval: 200ms }\n";

/// faultscope's own metrics come over the same transport.
fn own_metrics(file: &str, transport: &str) {
    let metrics = wait("metrics", || {
        let all = received(file, &format!("metrics {transport}"));
        all.into_iter().find(|line| line["metrics"]["faultscope.events"].as_f64().is_some_and(|events| events > 0.0))
    });
    assert_eq!(metrics["service"], "faultscope");
    assert!(metrics["metrics"]["faultscope.bytes.read"].as_f64().is_some(), "{metrics}");
}

/// A site with a copy of the sample incident's logs.
fn incident() -> Site {
    let site = Site::new();
    copy(&support::data("incidents/wrong-model-uri"), &site.path("pods"));
    site
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// What `scan` says of the same files, by uid.
fn scanned(site: &Site) -> BTreeMap<String, Value> {
    let output =
        support::faultscope().env_clear().args(["scan", "--output", "jsonl"]).arg(site.path("pods")).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| (event["uid"].as_str().unwrap().to_owned(), event)).collect()
}

/// Runs the agent until all that `scan` finds has arrived, and compares the two.
fn arrives(site: &Site, command: Command, file: &str, transport: &str) {
    let expected = scanned(site);
    assert!(expected.len() >= 4, "{expected:?}");
    let agent = site.start_as(command);
    let records = wait("all records", || Some(received(file, transport)).filter(|all| all.len() >= expected.len()));
    own_metrics(file, transport);
    agent.stop();
    assert_eq!(received(file, transport).len(), records.len(), "{transport}: nothing comes twice");
    let uids: BTreeSet<&str> = records.iter().map(uid).collect();
    assert_eq!(uids, expected.keys().map(String::as_str).collect(), "{transport}");
    for received in &records {
        assert_eq!(received["scope"], json!({ "name": "faultscope", "version": env!("CARGO_PKG_VERSION") }));
        let event = &expected[uid(received)];
        assert_eq!(received["resource"], event["resource"], "{transport}");
        let mut record = without_observed_time(&received["record"]);
        take_incident(&mut record);
        assert_eq!(record, record_of(event), "{transport}");
    }
    one_by_one(&records);
}

/// Takes out what the record says of its incident. It knows what was out before it, and `run` needn't read files in `scan`'s order; but it
/// always has one, whose chain ends in what it is itself.
fn take_incident(record: &mut Value) {
    let attributes = record["attributes"].as_object_mut().unwrap();
    let id = attributes["faultscope.incident.id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let chain = attributes["faultscope.incident.chain"].as_array().unwrap();
    assert_eq!(chain.last(), Some(&attributes["faultscope.pattern.id"]));
    assert_eq!(attributes["faultscope.incident.root_cause"], Value::Bool(chain.len() == 1));
    attributes.retain(|name, _| !name.starts_with("faultscope.incident."));
}

fn uid(received: &Value) -> &str {
    received["record"]["attributes"]["log.record.uid"].as_str().unwrap()
}

/// The record without the one thing that differs from run to run.
fn without_observed_time(record: &Value) -> Value {
    let mut record = record.clone();
    let observed = record.as_object_mut().unwrap().remove("observed_time_unix_nano").unwrap();
    assert!(observed.as_str().unwrap().parse::<u64>().unwrap() > 0);
    record
}

/// The record that an event of `scan` should arrive as.
fn record_of(event: &Value) -> Value {
    let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
    let mut attributes: Map<String, Value> = event["attributes"].as_object().unwrap().clone();
    let renamed = [
        ("pattern", "faultscope.pattern.id"),
        ("title", "faultscope.pattern.title"),
        ("category", "faultscope.pattern.category"),
        ("cause", "faultscope.pattern.cause"),
        ("fix", "faultscope.pattern.fix"),
        ("references", "faultscope.pattern.references"),
        ("also", "faultscope.pattern.also"),
        ("occurrences", "faultscope.occurrences"),
        ("uid", "log.record.uid"),
        ("record", "log.record.original"),
        ("source", "log.file.path"),
    ];
    for (key, name) in renamed {
        if event[key] != json!([]) {
            attributes.insert(name.into(), event[key].clone());
        }
    }
    attributes.insert("log.iostream".into(), "stderr".into());
    json!({
        "time_unix_nano": time.as_nanosecond().to_string(),
        "severity_number": event["severity_number"],
        "severity_text": event["severity"],
        "body": event["body"],
        "trace_id": "",
        "span_id": "",
        "event_name": "faultscope.failure",
        "attributes": attributes,
    })
}

/// What the incident is about, spelt out: the comparison with `scan` alone would not see what both get wrong.
fn one_by_one(records: &[Value]) {
    let of = |pattern: &str| -> Vec<&Value> {
        records.iter().filter(|received| received["record"]["attributes"]["faultscope.pattern.id"] == pattern).collect()
    };
    let mut crashes = of("kserve.storage.model-not-found");
    crashes.sort_by_key(|received| received["record"]["time_unix_nano"].to_string());
    let restarts: Vec<_> =
        crashes.iter().map(|received| &received["resource"]["k8s.container.restart_count"]).collect();
    assert_eq!(restarts, [&json!(0), &json!(1), &json!(2), &json!(3)]);
    let (resource, record) = (&crashes[0]["resource"], &crashes[0]["record"]);
    assert_eq!(resource["k8s.namespace.name"], "ml");
    assert_eq!(resource["k8s.pod.name"], "iris-predictor-00001-deployment-6c9d7f5b8d-x2vkq");
    assert_eq!(resource["k8s.pod.uid"], "3f0c2a9e-6a55-4f0e-9d0b-1f5f5f1f7a21");
    assert_eq!(resource["k8s.container.name"], "storage-initializer");
    assert_eq!(record["time_unix_nano"], "1772442844318000000");
    assert_eq!((&record["severity_number"], &record["severity_text"]), (&json!(17), &json!("ERROR")));
    assert_eq!(record["body"], "RuntimeError: Failed to fetch model. No model found in gs://acme-models/iris/v3.");
    let attributes = &record["attributes"];
    assert_eq!(attributes["faultscope.model.uri"], "gs://acme-models/iris/v3");
    assert_eq!(attributes["exception.type"], "RuntimeError");
    assert_eq!(attributes["exception.message"], "Failed to fetch model. No model found in gs://acme-models/iris/v3.");
    let trace = attributes["exception.stacktrace"].as_str().unwrap();
    assert!(trace.starts_with("Traceback (most recent call last):\n") && trace.lines().count() == 8, "{trace}");
    let path = attributes["log.file.path"].as_str().unwrap();
    assert!(path.ends_with("/storage-initializer/0.log"), "{path}");
    let probe = of("knative.ingress.probe-service-unavailable")[0];
    assert_eq!(probe["resource"]["k8s.namespace.name"], "knative-serving");
    assert_eq!(probe["record"]["attributes"]["http.response.status_code"], 503);
}
