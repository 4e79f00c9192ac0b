use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::{Attribute, Exception};

/// A text, and what is left of it. Every secret here is made up.
const SECRET: &[(&str, &str)] = &[
    ("Authorization: Bearer 9f8a7b6c5d4e3f2a1b0c", "Authorization: Bearer [REDACTED]"),
    (r#"headers: {"authorization": "Basic dXNlcjpodW50ZXIy"}"#, r#"headers: {"authorization": "Basic [REDACTED]"}"#),
    ("x-api-key: 4f7a9c1e2b3d", "x-api-key: [REDACTED]"),
    ("key AKIAZ7QXKDLWPTRMVB2C was refused", "key [REDACTED] was refused"),
    ("AWS_SECRET_ACCESS_KEY=kD83hsLq0/ZmXw7+aPqRt5uVbN2cYe1oGfJi4KlT", "AWS_SECRET_ACCESS_KEY=[REDACTED]"),
    (
        "GET https://b.s3.amazonaws.com/m?X-Amz-Credential=ASIAX/20260301/eu&X-Amz-Signature=ab12cd34&x=1 403",
        "GET https://b.s3.amazonaws.com/m?X-Amz-Credential=[REDACTED]&X-Amz-Signature=[REDACTED]&x=1 403",
    ),
    ("key=AIzaSyB4k9QwErTyUiOpAsDfGhJkLzXcVbNm012 invalid", "key=[REDACTED] invalid"),
    ("token ya29.a0AfH6SMBx7_kQ-9LmNoPqRsTuV expired", "token [REDACTED] expired"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----[REDACTED]-----END RSA PRIVATE KEY-----",
    ),
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=q1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxCvBnM==;EndpointSuffix=x",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=[REDACTED];EndpointSuffix=x",
    ),
    (
        "https://acme.blob.core.windows.net/m?sv=2024&sig=Zk3%2Fq9aB7cD1eF5gH8iJ2kL4mN6 404",
        "https://acme.blob.core.windows.net/m?sv=2024&sig=[REDACTED] 404",
    ),
    ("secret aB18Q~cDeFgHiJkLmNoPqRsTuVwXyZ0123456789 was refused", "secret [REDACTED] was refused"),
    ("using hf_QwErTyUiOpAsDfGhJkLzXcVbNm12345678", "using [REDACTED]"),
    ("bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0xMjM0.s5gQ_9-x in request", "bad token [REDACTED] in request"),
    ("cloning with ghp_0123456789abcdefABCDEF0123456789abcd", "cloning with [REDACTED]"),
    (
        "connecting to postgres://mlflow:s3cr3t@db.ml.svc:5432/runs",
        "connecting to postgres://mlflow:[REDACTED]@db.ml.svc:5432/runs",
    ),
    ("redis://:p@ss@cache:6379/0 refused", "redis://:[REDACTED]@cache:6379/0 refused"),
    ("dsn mlflow:hunter2@tcp(mysql:3306)/runs", "dsn mlflow:[REDACTED]@tcp(mysql:3306)/runs"),
    ("jdbc:mysql://db/x?user=a&password=hunter2&ssl=true", "jdbc:mysql://db/x?user=a&password=[REDACTED]&ssl=true"),
    ("host=db user=ml password=hunter2 dbname=runs", "host=db user=ml password=[REDACTED] dbname=runs"),
    (r#"{"user":"ml","password":"it is long"}"#, r#"{"user":"ml","password":"[REDACTED]"}"#),
    (r#"{\"db_password\":\"hunter2\"}"#, r#"{\"db_password\":\"[REDACTED]\"}"#),
    ("{'client_secret': 'hunter2'}", "{'client_secret': '[REDACTED]'}"),
    ("MINIO_SECRET_KEY=minio123", "MINIO_SECRET_KEY=[REDACTED]"),
    ("  password: hunter2hunter2", "  password: [REDACTED]"),
    ("mlflow server --db-password hunter2 --port 5000", "mlflow server --db-password [REDACTED] --port 5000"),
    ("CREATE USER a IDENTIFIED BY 'hunter2'", "CREATE USER a IDENTIFIED BY '[REDACTED]'"),
    (r#"{"auths":{"ghcr.io":{"auth":"dXNlcjpodW50ZXIy"}}}"#, r#"{"auths":{"ghcr.io":{"auth":"[REDACTED]"}}}"#),
    ("OPENAI_API_KEY=sk-proj-Ab12Cd34Ef56Gh78Ij90", "OPENAI_API_KEY=[REDACTED]"),
    ("workspace token dapi0123456789abcdef0123456789abcdef", "workspace token [REDACTED]"),
];

/// Long, random or about secrets, and none.
const NO_SECRET: &[&str] = &[
    "docker.io/acme/iris@sha256:9b2a6f1c0d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f90",
    "pod 3d0e7c52-4a2b-4f6e-9b1d-7c55aa10e9f4 is not ready",
    "loading model hf_internal_testing/tiny-random-gpt2",
    "loading meta-llama/Llama-3.1-70B-Instruct-AWQ-INT4 revision 7b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c",
    r#"www-authenticate: Bearer realm="https://auth.example.com/token",service="registry""#,
    "bearer token authentication is not configured",
    r#"secret "storage-config" not found"#,
    "MountVolume.SetUp failed for volume \"tls\" : secret \"iris-tls\" not found",
    "password authentication failed for user \"mlflow\"",
    "invalid password: authentication failed",
    "Error: password is required",
    "password=None token=null api_key=<nil> secret_key=***** client_secret=${SECRET}",
    "set HF_TOKEN to read gated models",
    "primary key: sales_2026_07",
    "http://prometheus:9090/api/v1/query?query=up@1609746000",
    "oci://registry.acme.io:5000/models/iris@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "git@github.com:acme/models.git",
    "asia-northeast1-docker.pkg.dev/acme/models/iris",
    "https://kserve.github.io/website/docs/model-serving?key=1",
    "x-request-id: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "task-scheduler-assigned-12345678901234567890",
    "keyFile: /etc/tls/private.key, passwordFile: /etc/pw",
    "unknown field \"spec.secretKeyRef.name\"",
    "AKIA is how a key begins",
    "sk-learn-iris-model-predictor-default-00001",
    "xoxo-lovely-model",
];

#[test]
fn secrets_are_masked() {
    for (before, after) in SECRET {
        assert_eq!(text(before), *after);
    }
}

#[test]
fn look_alikes_stay() {
    for kept in NO_SECRET {
        assert_eq!(text(kept), *kept);
    }
}

#[test]
fn what_is_masked_stays_as_it_is() {
    for (before, _) in SECRET {
        let once = text(before).into_owned();
        assert_eq!(text(&once), once);
    }
}

fn sample(record: &str) -> Event {
    let mut event = crate::export::fixture::plain();
    (event.body, event.record) = (record.lines().last().unwrap_or_default().into(), record.into());
    event
}

#[test]
fn a_secret_known_from_the_record_is_masked_in_every_part() {
    let mut event = sample("connecting with password=hunter2hunter2\nValueError: hunter2hunter2 was refused");
    event.told = Some("it said hunter2hunter2".into());
    event.attributes = vec![Attribute { name: "faultscope.detail", value: Value::Text("hunter2hunter2".into()) }];
    event.exception = Some(Exception { message: Some("hunter2hunter2 was refused".into()), ..Exception::default() });
    let uid = event.uid.clone();
    assert_eq!(super::event(&mut event), 6);
    assert_eq!(event.record, "connecting with password=[REDACTED]\nValueError: [REDACTED] was refused");
    assert_eq!(event.body, "ValueError: [REDACTED] was refused");
    assert_eq!(event.told.as_deref(), Some("it said [REDACTED]"));
    assert_eq!(event.attributes[0].value, Value::Text(MASK.into()));
    assert_eq!(event.exception.unwrap().message.as_deref(), Some("[REDACTED] was refused"));
    assert_eq!(event.uid, uid);
}

#[test]
fn an_event_without_secrets_is_left_alone() {
    let mut event = sample("all is well");
    let before = format!("{event:?}");
    assert_eq!(super::event(&mut event), 0);
    assert_eq!(format!("{event:?}"), before);
    assert!(Arc::strong_count(&event.pattern) >= 1);
}

proptest! {
    /// Whatever stands around it.
    #[test]
    fn a_password_in_an_address_never_gets_out(
        before in "[ -~é]{0,20}", user in "[a-z]{0,8}", password in "[A-Za-z0-9!$%^*+-]{6,20}q7", after in "[ -~]{0,20}",
    ) {
        let line = format!("{before} amqp://{user}:{password}@broker:5672/v {after}");
        let allowed = password.starts_with(['$', '%', '*']);
        prop_assert!(allowed || !text(&line).contains(&password), "{}", text(&line));
    }

    #[test]
    fn any_text_is_taken_and_twice_is_as_once(line in "\\PC{0,200}") {
        let once = text(&line).into_owned();
        prop_assert_eq!(text(&once).into_owned(), once);
    }
}
