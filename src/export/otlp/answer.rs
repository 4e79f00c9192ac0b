//! What a receiver's answer means, by the rules of the OTLP specification. Pure; must not know of connections.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use tonic::{Code, Status};

use super::status::{RpcStatus, retry_info};
use crate::export::{MAX_SERVER_WAIT, Outcome};

/// The most characters of a receiver's words that are passed on.
const MAX_REASON_CHARS: usize = 300;

/// What servers of the common gRPC libraries say of a request beyond their limit: Go, C++ and Python; Rust; Java; .NET.
const TOO_LARGE: [&str; 4] = ["larger than max", "too large", "exceeds maximum size", "exceeds the maximum"];

/// What tonic itself says when no answer came, though the code it gives (`Unknown`) would be a final one.
const NO_ANSWER: &str = "protocol error: missing grpc-status";

/// The parts of an HTTP response that count.
#[derive(Clone, Debug, Default)]
pub(super) struct HttpAnswer {
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
}

/// The outcome of a gRPC call that carried `records` records.
pub(super) fn of_grpc(answer: Result<ExportLogsServiceResponse, Status>, records: u64) -> Outcome {
    let status = match answer {
        Ok(response) => return of_response(response, records),
        Err(status) => status,
    };
    let reason = sentence(&format!("gRPC {:?}", status.code()), status.message());
    // A source means that the status was made on this side, out of a broken connection.
    if status.source().is_some() || is_no_answer(&status) {
        return Outcome::Retry { after: None, reason };
    }
    if is_too_large(&status) {
        return Outcome::TooLarge;
    }
    let wish = retry_info(status.details());
    let retryable = match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        // Without the wish there is no saying that it will ever have room again.
        Code::ResourceExhausted => wish.is_some(),
        _ => false,
    };
    if retryable {
        Outcome::Retry { after: wish.flatten().map(sensible), reason }
    } else {
        Outcome::Rejected { records, reason }
    }
}

fn is_no_answer(status: &Status) -> bool {
    status.code() == Code::Unknown && status.message().starts_with(NO_ANSWER)
}

fn is_too_large(status: &Status) -> bool {
    let message = status.message();
    match status.code() {
        Code::ResourceExhausted | Code::OutOfRange => {
            let message = message.to_ascii_lowercase();
            TOO_LARGE.iter().any(|part| message.contains(part))
        }
        // A proxy's answer in plain HTTP, as tonic tells it.
        Code::Unknown => message.ends_with("HTTP status code 413"),
        _ => false,
    }
}

/// The outcome of an HTTP exchange that carried `records` records. `now` is what a date in `Retry-After` counts from.
pub(super) fn of_http(answer: &HttpAnswer, records: u64, now: Timestamp) -> Outcome {
    match answer.status {
        200..=299 => of_response(decode_response(answer), records),
        413 => Outcome::TooLarge,
        429 | 502 | 503 | 504 => Outcome::Retry {
            after: answer.retry_after.as_deref().and_then(|text| retry_after(text, now)).map(sensible),
            reason: http_reason(answer),
        },
        _ => Outcome::Rejected { records, reason: http_reason(answer) },
    }
}

/// An accepted request: all of it, or all but some.
fn of_response(response: ExportLogsServiceResponse, records: u64) -> Outcome {
    let partial = response.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_log_records).unwrap_or(0).min(records);
    if rejected == 0 && partial.error_message.is_empty() {
        return Outcome::Delivered;
    }
    Outcome::Rejected { records: rejected, reason: sentence("partial success", &partial.error_message) }
}

/// The response in the encoding that the receiver says it has. One that can't be read counts as plain success: the
/// status line has said that the records were taken.
fn decode_response(answer: &HttpAnswer) -> ExportLogsServiceResponse {
    if !is_json(answer) {
        return ExportLogsServiceResponse::decode(answer.body.as_slice()).unwrap_or_default();
    }
    // By hand, since receivers write the count as a string, as JSON protobuf has it, or as a number.
    let mut response = ExportLogsServiceResponse::default();
    if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&answer.body) {
        let partial = response.partial_success.get_or_insert_default();
        let count = body.pointer("/partialSuccess/rejectedLogRecords");
        partial.rejected_log_records =
            count.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok())).unwrap_or(0);
        let message = body.pointer("/partialSuccess/errorMessage").and_then(serde_json::Value::as_str);
        partial.error_message = message.unwrap_or_default().into();
    }
    response
}

fn http_reason(answer: &HttpAnswer) -> String {
    let message = if answer.content_type.starts_with("application/x-protobuf") {
        RpcStatus::decode(answer.body.as_slice()).map(|status| status.message).unwrap_or_default()
    } else if is_json(answer) {
        let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        body.as_ref().and_then(|body| body.get("message")?.as_str()).unwrap_or_default().into()
    } else if answer.content_type.starts_with("text/plain") {
        String::from_utf8_lossy(&answer.body).into_owned()
    } else {
        String::new()
    };
    sentence(&format!("HTTP {}", answer.status), &message)
}

fn is_json(answer: &HttpAnswer) -> bool {
    answer.content_type.starts_with("application/json")
}

/// `Retry-After`: seconds, or a date in any of HTTP's three forms. A date gone by is no wait.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds still mean a long wait.
        return Some(text.parse().map_or(MAX_SERVER_WAIT, Duration::from_secs));
    }
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = forms.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    let until = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn sensible(wait: Duration) -> Duration {
    wait.min(MAX_SERVER_WAIT)
}

/// `what: words`, the words on one line, bounded and fit to print.
pub(super) fn sentence(what: &str, words: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let words: String = words.trim().chars().take(MAX_REASON_CHARS).map(printable).collect();
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
