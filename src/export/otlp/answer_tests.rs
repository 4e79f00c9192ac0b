use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;
use proptest::prelude::*;

use super::*;
use crate::export::otlp::status::details_with_delay;

const RECORDS: u64 = 7;

fn retry(after: Option<Duration>, reason: &str) -> Outcome {
    Outcome::Retry { after, reason: reason.into() }
}

fn rejected(records: u64, reason: &str) -> Outcome {
    Outcome::Rejected { records, reason: reason.into() }
}

#[test]
fn grpc_codes() {
    for code in 1..=16 {
        let code = Code::from_i32(code);
        let again = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let reason = format!("gRPC {code:?}: no");
        let expected = if again { retry(None, &reason) } else { rejected(RECORDS, &reason) };
        assert_eq!(of_grpc(Err(Status::new(code, "no")), RECORDS), expected);
    }
}

#[test]
fn retry_info_is_honoured() {
    let hour = MAX_SERVER_WAIT;
    for (code, seconds, after) in [
        (Code::ResourceExhausted, 5, Some(Duration::from_secs(5))),
        (Code::ResourceExhausted, -5, None),
        (Code::Unavailable, 30, Some(Duration::from_secs(30))),
        (Code::Unavailable, i64::MAX, Some(hour)),
    ] {
        let status = Status::with_details(code, "busy", details_with_delay(seconds, 0).into());
        assert_eq!(of_grpc(Err(status), RECORDS), retry(after, &format!("gRPC {code:?}: busy")), "{seconds}");
    }
    let status = Status::with_details(Code::Internal, "bug", details_with_delay(5, 0).into());
    assert_eq!(of_grpc(Err(status), RECORDS), rejected(RECORDS, "gRPC Internal: bug"));
}

#[test]
fn a_grpc_request_too_large_is_to_be_split() {
    for (code, message) in [
        (Code::ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)"),
        (Code::ResourceExhausted, "SERVER: Received message larger than max (5000000 vs. 4194304)"),
        (Code::ResourceExhausted, "gRPC message exceeds maximum size 4194304: 5000000"),
        (Code::ResourceExhausted, "Received message exceeds the maximum configured message size."),
        (Code::OutOfRange, "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"),
        (Code::Unknown, "grpc-status header missing, mapped from HTTP status code 413"),
    ] {
        assert_eq!(of_grpc(Err(Status::new(code, message)), RECORDS), Outcome::TooLarge, "{message}");
    }
}

#[test]
fn a_broken_connection_is_tried_again() {
    let broken = std::io::Error::other("reset by peer");
    let reason = "gRPC Unknown: reset by peer";
    assert_eq!(of_grpc(Err(Status::from_error(Box::new(broken))), RECORDS), retry(None, reason));
    let cut = "protocol error: missing grpc-status trailer, stream was terminated without a final status";
    assert_eq!(of_grpc(Err(Status::unknown(cut)), RECORDS), retry(None, &format!("gRPC Unknown: {cut}")));
}

#[test]
fn partial_success_is_never_tried_again() {
    let answer = |count, message: &str| ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess { rejected_log_records: count, error_message: message.into() }),
    };
    for (count, message, expected) in [
        (0, "", Outcome::Delivered),
        (0, "use gzip", rejected(0, "partial success: use gzip")),
        (2, "too old", rejected(2, "partial success: too old")),
        (2, "", rejected(2, "partial success")),
        (99, "", rejected(RECORDS, "partial success")),
        (-1, "", Outcome::Delivered),
    ] {
        assert_eq!(of_grpc(Ok(answer(count, message)), RECORDS), expected, "{count} {message}");
        let answer = HttpAnswer { status: 200, body: answer(count, message).encode_to_vec(), ..HttpAnswer::default() };
        assert_eq!(of_http(&answer, RECORDS, Timestamp::UNIX_EPOCH), expected, "{count} {message}");
    }
    assert_eq!(of_grpc(Ok(ExportLogsServiceResponse::default()), RECORDS), Outcome::Delivered);
}

#[test]
fn http_statuses() {
    for status in 100..=599 {
        let outcome = of_http(&HttpAnswer { status, ..HttpAnswer::default() }, RECORDS, Timestamp::UNIX_EPOCH);
        let reason = format!("HTTP {status}");
        let expected = match status {
            200..=299 => Outcome::Delivered,
            413 => Outcome::TooLarge,
            429 | 502 | 503 | 504 => retry(None, &reason),
            _ => rejected(RECORDS, &reason),
        };
        assert_eq!(outcome, expected, "{status}");
    }
}

#[test]
fn http_json_answers() {
    let outcome = |status, body: &str| {
        let answer = HttpAnswer {
            status,
            content_type: "application/json; charset=utf-8".into(),
            body: body.into(),
            ..HttpAnswer::default()
        };
        of_http(&answer, RECORDS, Timestamp::UNIX_EPOCH)
    };
    for (body, expected) in [
        ("{}", Outcome::Delivered),
        (r#"{"partialSuccess":{}}"#, Outcome::Delivered),
        (r#"{"partialSuccess":null}"#, Outcome::Delivered),
        (r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"old"}}"#, rejected(3, "partial success: old")),
        (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, rejected(3, "partial success")),
        (r#"{"partialSuccess":{"errorMessage":"slow down"}}"#, rejected(0, "partial success: slow down")),
        ("not json", Outcome::Delivered),
    ] {
        assert_eq!(outcome(200, body), expected, "{body}");
    }
    assert_eq!(outcome(400, r#"{"code":3,"message":"bad id"}"#), rejected(RECORDS, "HTTP 400: bad id"));
    assert_eq!(outcome(400, "[]"), rejected(RECORDS, "HTTP 400"));
}

#[test]
fn http_errors_pass_the_receivers_words_on() {
    let status = RpcStatus { code: 3, message: "unknown\u{1b}[2Jtenant".into(), details: Vec::new() };
    for (content_type, body, expected) in [
        ("application/x-protobuf", status.encode_to_vec(), "HTTP 403: unknown [2Jtenant"),
        ("text/plain", b"go away\n".to_vec(), "HTTP 403: go away"),
        ("text/html", b"<h1>go away</h1>".to_vec(), "HTTP 403"),
    ] {
        let answer = HttpAnswer { status: 403, content_type: content_type.into(), retry_after: None, body };
        assert_eq!(of_http(&answer, RECORDS, Timestamp::UNIX_EPOCH), rejected(RECORDS, expected));
    }
}

#[test]
fn retry_after_in_all_its_forms() {
    let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
    for (text, expected) in [
        ("120", Some(Duration::from_secs(120))),
        (" 0 ", Some(Duration::ZERO)),
        ("99999999999999999999999", Some(MAX_SERVER_WAIT)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::from_secs(30))),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(Duration::from_secs(30))),
        ("Sun Nov  6 08:49:37 1994", Some(Duration::from_secs(30))),
        ("Sun, 06 Nov 1994 08:40:00 GMT", Some(Duration::ZERO)),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(retry_after(text, now), expected, "{text:?}");
    }
    let answer = HttpAnswer { status: 503, retry_after: Some("86400".into()), ..HttpAnswer::default() };
    assert_eq!(of_http(&answer, RECORDS, now), retry(Some(MAX_SERVER_WAIT), "HTTP 503"));
}

proptest! {
    #[test]
    fn any_http_answer_has_an_outcome(
        status in any::<u16>(),
        content_type in prop_oneof!["application/json", "application/x-protobuf", "text/plain", ".*"],
        wait in proptest::option::of(any::<String>()),
        body in any::<Vec<u8>>(),
    ) {
        let answer = HttpAnswer { status, content_type, retry_after: wait, body };
        match of_http(&answer, RECORDS, Timestamp::UNIX_EPOCH) {
            Outcome::Rejected { records, .. } => prop_assert!(records <= RECORDS),
            Outcome::Retry { after, .. } => prop_assert!(after.is_none_or(|after| after <= MAX_SERVER_WAIT)),
            Outcome::Delivered | Outcome::TooLarge => {}
        }
    }

    #[test]
    fn reasons_are_one_bounded_line(words in any::<String>()) {
        let sentence = sentence("x", &words);
        prop_assert!(!sentence.chars().any(char::is_control));
        prop_assert!(sentence.chars().count() <= MAX_REASON_CHARS + 3);
    }
}
