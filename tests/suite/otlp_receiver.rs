//! The OTLP exporter against a real receiver. `tests/e2e/run.sh` starts two and says where they are in
//! `FAULTSCOPE_E2E_RECEIVER` and, for the one that insists on mutual TLS, `FAULTSCOPE_E2E_TLS_RECEIVER`, each of the form
//! `<grpc url>,<http url>,<output file>`. Without them there is nothing to test against.
//!
//! The plain receiver plays its failures first, for each transport by itself: twice unavailable, once exhausted, once too
//! large, once a partial success, once invalid. After that it takes everything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use faultscope::event::{Attribute, Event, Exception, Resource, Value};
use faultscope::export::delivery::{Backoff, Delivery, Tally};
use faultscope::export::otlp::{Client, Compression, Explicit, Headers, Identity, Protocol, Settings};
use faultscope::export::{Exporter, Outcome};
use faultscope::pattern::model::Origin;
use serde_json::json;
use tokio::sync::watch;

/// How the receiver names each protocol's records.
const TRANSPORTS: [(Protocol, &str); 3] = [
    (Protocol::Grpc, "grpc"),
    (Protocol::HttpProtobuf, "application/x-protobuf"),
    (Protocol::HttpJson, "application/json"),
];

/// An event that shows each kind of field, told apart by `number`.
fn event(number: u64) -> Event {
    let pattern = json!({
        "id": "test.export.sample",
        "title": "A sample",
        "severity": "fatal",
        "category": "crash",
        "match": { "all": ["sample"] },
        "cause": "Somebody tests the exporter.",
        "fix": ["Look away.", "Look back."],
        "references": ["https://example.com/sample"],
        "tests": { "fires": [], "silent": [] }
    });
    Event {
        incident: None,
        origin: Origin::Log,
        uid: format!("{number:032x}"),
        time: Some("2024-05-06T07:08:09.000000123Z".parse().unwrap()),
        observed: "2024-05-06T07:08:10Z".parse().unwrap(),
        pattern: Arc::new(serde_json::from_value(pattern).unwrap()),
        also: vec!["test.export.other".into()],
        line: number,
        last_line: number,
        body: format!("sample {number} größer 🦀"),
        record: format!("sample {number}\n  at line two"),
        attributes: vec![
            Attribute { name: "http.response.status_code", value: Value::Int(-503) },
            Attribute { name: "faultscope.detail", value: Value::Bool(true) },
        ],
        exception: Some(Exception { kind: Some("SampleError".into()), message: None, stacktrace: None }),
        trace_id: Some([0xa1; 16]),
        span_id: Some([0xb2; 8]),
        told: None,
        stream: Some("stderr"),
        resource: Arc::new(Resource {
            attributes: vec![Attribute { name: "k8s.pod.name", value: Value::Text(format!("pod-{}", number % 2)) }],
        }),
        source: "/var/log/pods/a_b_c/d/0.log".into(),
        occurrences: 1,
    }
}

fn settings(protocol: Protocol, compression: Compression, grpc: &str, http: &str) -> Settings {
    let endpoint = if protocol == Protocol::Grpc { grpc } else { http };
    let explicit = Explicit {
        endpoint: Some(endpoint.into()),
        protocol: Some(protocol),
        compression: Some(compression),
        headers: Some(Headers::parse("x-tenant=north%20wing").unwrap()),
        ..Explicit::default()
    };
    Settings::resolve(&explicit, &|_| None).unwrap()
}

/// What the receiver wrote of this transport, in order.
pub fn received(file: &str, transport: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(file).unwrap();
    // A line may just be being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let records = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter(|record| record["transport"] == transport).collect()
}

/// What the receiver should have written of the encoding; it can't see that of gRPC.
fn encoding(transport: &str, sent: &str) -> serde_json::Value {
    if transport == "grpc" { serde_json::Value::Null } else { sent.into() }
}

fn uids(records: &[serde_json::Value]) -> Vec<&str> {
    records.iter().map(|record| record["record"]["attributes"]["log.record.uid"].as_str().unwrap()).collect()
}

/// A receiver's two addresses and its file, if there is one; says so if there is none.
pub fn receiver(variable: &str) -> Option<[String; 3]> {
    let Ok(receiver) = std::env::var(variable) else {
        println!("skipped: {variable} is not set; run tests/e2e/run.sh");
        return None;
    };
    let parts: Vec<String> = receiver.splitn(3, ',').map(str::to_owned).collect();
    let parts = parts.try_into();
    Some(parts.unwrap_or_else(|_| panic!("{variable} is not <grpc url>,<http url>,<output file>")))
}

#[tokio::test]
async fn everything_reaches_a_real_receiver() {
    let Some([grpc, http, file]) = receiver("FAULTSCOPE_E2E_RECEIVER") else {
        return;
    };
    for (protocol, transport) in TRANSPORTS {
        troubled(settings(protocol, Compression::Gzip, &grpc, &http), &file, transport).await;
        plain(settings(protocol, Compression::None, &grpc, &http), &file, transport).await;
    }
}

#[tokio::test]
async fn tls_trusts_the_given_authority_and_shows_the_given_certificate() {
    let Some([grpc, http, _]) = receiver("FAULTSCOPE_E2E_TLS_RECEIVER") else {
        return;
    };
    let files = PathBuf::from(std::env::var("FAULTSCOPE_E2E_TLS_FILES").unwrap());
    let identity = Identity { certificate: files.join("client.pem"), key: files.join("client-key.pem") };
    for (protocol, transport) in TRANSPORTS {
        for (authority, identity, admitted) in
            [("ca.pem", Some(&identity), true), ("other-ca.pem", Some(&identity), false), ("ca.pem", None, false)]
        {
            let settings = Settings {
                certificate: Some(files.join(authority)),
                identity: identity.cloned(),
                ..settings(protocol, Compression::None, &grpc, &http)
            };
            let outcome = Client::connect(settings).unwrap().export(&[event(1)]).await;
            let expected = match &outcome {
                Outcome::Delivered => admitted,
                Outcome::Retry { .. } => !admitted,
                _ => false,
            };
            assert!(expected, "{transport}, {authority}, {identity:?}: {outcome:?}");
        }
    }
}

/// A delivery through every failure that the receiver plays.
async fn troubled(settings: Settings, file: &str, transport: &str) {
    let quick = Backoff { initial: Duration::from_millis(5), max: Duration::from_millis(20), ..Backoff::default() };
    let mut delivery = Delivery::new(Client::connect(settings).unwrap(), quick);
    let (_go_on, mut stop) = watch::channel(false);
    let events: Vec<Event> = (1..=6).map(event).collect();
    let tally = delivery.deliver(&events, &mut stop).await;
    // Too large splits it: the first half comes back as a partial success without its first record, the second half
    // as invalid.
    assert_eq!(tally, Tally { delivered: 2, rejected: 4, undelivered: 0 }, "{transport}");
    let records = received(file, transport);
    assert_eq!(records.len(), 2, "{transport}");
    // The first half is 1, 2, 3; grouped by pod it goes out as 1, 3, 2, and 1 is left out.
    assert_eq!(uids(&records), [event(3).uid, event(2).uid], "{transport}");
    assert!(records.iter().all(|record| record["encoding"] == encoding(transport, "gzip")), "{transport}");
}

/// One request, looked at field by field.
async fn plain(settings: Settings, file: &str, transport: &str) {
    let mut client = Client::connect(settings).unwrap();
    assert_eq!(client.export(&[event(9)]).await, Outcome::Delivered, "{transport}");
    let received = received(file, transport).pop().unwrap();
    assert_eq!(received["encoding"], encoding(transport, "identity"), "{transport}");
    assert_eq!(received["headers"]["x-tenant"], "north wing", "{transport}");
    let agent = received["headers"]["user-agent"].as_str().unwrap();
    assert!(agent.starts_with(concat!("faultscope/", env!("CARGO_PKG_VERSION"))), "{transport}: {agent}");
    assert_eq!(received["scope"], json!({ "name": "faultscope", "version": env!("CARGO_PKG_VERSION") }));
    assert_eq!(received["resource"], json!({ "k8s.pod.name": "pod-1" }));
    assert_eq!(
        received["record"],
        json!({
            "time_unix_nano": "1714979289000000123",
            "observed_time_unix_nano": "1714979290000000000",
            "severity_number": 21,
            "severity_text": "FATAL",
            "body": "sample 9 größer 🦀",
            "trace_id": "a1".repeat(16),
            "span_id": "b2".repeat(8),
            "event_name": "faultscope.failure",
            "attributes": {
                "faultscope.pattern.id": "test.export.sample",
                "faultscope.pattern.title": "A sample",
                "faultscope.pattern.category": "crash",
                "faultscope.pattern.cause": "Somebody tests the exporter.",
                "faultscope.pattern.fix": ["Look away.", "Look back."],
                "faultscope.pattern.references": ["https://example.com/sample"],
                "faultscope.pattern.also": ["test.export.other"],
                "faultscope.occurrences": 1,
                "log.record.uid": event(9).uid,
                "log.record.original": "sample 9\n  at line two",
                "log.file.path": "/var/log/pods/a_b_c/d/0.log",
                "log.iostream": "stderr",
                "http.response.status_code": -503,
                "faultscope.detail": true,
                "exception.type": "SampleError",
            },
        }),
        "{transport}"
    );
}
