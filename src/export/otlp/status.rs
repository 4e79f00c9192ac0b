//! `google.rpc.Status` and what it may carry, as far as OTLP uses it. Must not know what follows from it.

use std::time::Duration;

use prost::Message;

/// `google.rpc.Status`: the body of an HTTP error, and `grpc-status-details-bin` of a gRPC one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// The receiver's wish to be asked again, if the details of a gRPC status hold one. The inner value is how long it
/// wants to be left alone, where it says so and the figure makes sense.
pub(super) fn retry_info(details: &[u8]) -> Option<Option<Duration>> {
    let status = RpcStatus::decode(details).ok()?;
    let info = status.details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let info = RetryInfo::decode(info.value.as_slice()).ok()?;
    Some(info.retry_delay.and_then(|delay| {
        let seconds = u64::try_from(delay.seconds).ok()?;
        let nanos = u32::try_from(delay.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
        Some(Duration::new(seconds, nanos))
    }))
}

#[cfg(test)]
pub(super) fn details_with_delay(seconds: i64, nanos: i32) -> Vec<u8> {
    let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos }) };
    let any = Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value: info.encode_to_vec() };
    RpcStatus { code: 8, message: String::new(), details: vec![any] }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delays() {
        for (seconds, nanos, expected) in [
            (3, 500_000_000, Some(Duration::from_millis(3500))),
            (0, 0, Some(Duration::ZERO)),
            (-1, 0, None),
            (1, -1, None),
            (1, 1_000_000_000, None),
        ] {
            assert_eq!(retry_info(&details_with_delay(seconds, nanos)), Some(expected), "{seconds} {nanos}");
        }
    }

    #[test]
    fn details_without_a_wish() {
        assert_eq!(retry_info(&[]), None);
        let other = Any { type_url: "type.googleapis.com/google.rpc.QuotaFailure".into(), value: Vec::new() };
        let status = RpcStatus { code: 8, message: "full".into(), details: vec![other] };
        assert_eq!(retry_info(&status.encode_to_vec()), None);
    }

    proptest! {
        #[test]
        fn any_details_are_read_or_passed_over(details in any::<Vec<u8>>()) {
            let _ = retry_info(&details);
        }
    }
}
