//! Events for the tests of this room.

use std::sync::Arc;

use serde_json::json;

use crate::event::incident::Incident;
use crate::event::{Attribute, Event, Exception, Resource, Value};
use crate::pattern::model::{Origin, Pattern};

pub(crate) fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value.into()) }
}

pub(crate) fn int(name: &'static str, value: i64) -> Attribute {
    Attribute { name, value: Value::Int(value) }
}

pub(crate) fn pattern() -> Arc<Pattern> {
    let pattern = json!({
        "id": "python.s3.no-credentials",
        "title": "No credentials for the model's bucket",
        "severity": "error",
        "category": "access",
        "match": { "all": ["NoCredentialsError"] },
        "cause": "The storage initialiser runs under a service account that has no secret for the bucket.",
        "fix": ["Attach a secret to the service account.", "Check the secret's endpoint annotation."],
        "references": ["https://example.com/storage/credentials"],
        "tests": { "fires": [{ "log": "NoCredentialsError" }], "silent": [] }
    });
    Arc::new(serde_json::from_value(pattern).expect("the fixture is a pattern"))
}

/// Every optional part is there.
pub(crate) fn rich() -> Event {
    let trace = "Traceback (most recent call last):\n  File \"/srv/pull.py\", line 7, in <module>\n\
                 botocore.exceptions.NoCredentialsError: Unable to locate credentials";
    Event {
        uid: "5b0c7f3f8d2e4a619c0d1e2f3a4b5c6d".into(),
        time: Some("2024-05-06T07:08:09.000123Z".parse().expect("a time")),
        observed: "2024-05-06T07:08:10Z".parse().expect("a time"),
        pattern: pattern(),
        also: vec!["python.traceback".into()],
        line: 41,
        last_line: 43,
        body: "botocore.exceptions.NoCredentialsError: Unable to locate credentials".into(),
        record: trace.into(),
        attributes: vec![
            text("aws.s3.bucket", "models-müller"),
            int("http.response.status_code", 403),
            Attribute { name: "faultscope.detail", value: Value::Bool(true) },
        ],
        exception: Some(Exception {
            kind: Some("botocore.exceptions.NoCredentialsError".into()),
            message: Some("Unable to locate credentials".into()),
            stacktrace: Some(trace.into()),
        }),
        trace_id: Some(*b"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c"),
        span_id: Some(*b"\xb7\xad\x6b\x71\x69\x20\x33\x31"),
        told: None,
        stream: Some("stderr"),
        resource: Arc::new(Resource {
            attributes: vec![
                text("k8s.namespace.name", "vision"),
                text("k8s.pod.name", "iris-0"),
                text("k8s.container.name", "storage-initializer"),
                int("k8s.container.restart_count", 2),
            ],
        }),
        source: "/var/log/pods/vision_iris-0_9c1d/storage-initializer/2.log".into(),
        occurrences: 3,
        incident: Some(Incident {
            id: "7c1e9a5d3b2f48608d9eafb0c1d2e3f4".into(),
            workload: "vision/iris".into(),
            chain: ["python.s3.no-credentials".into()].into(),
            corrects: vec!["00000000000000000000000000000001".into()],
            merges: vec![],
        }),
        origin: Origin::Log,
    }
}

/// Every optional part is missing.
pub(crate) fn plain() -> Event {
    Event {
        uid: "00000000000000000000000000000001".into(),
        time: None,
        also: Vec::new(),
        line: 1,
        last_line: 1,
        record: "NoCredentialsError".into(),
        body: "NoCredentialsError".into(),
        attributes: Vec::new(),
        exception: None,
        trace_id: None,
        span_id: None,
        told: None,
        stream: None,
        resource: Arc::new(Resource::default()),
        source: "-".into(),
        occurrences: 1,
        incident: None,
        ..rich()
    }
}
