//! docker json-file: `{"log":"…\n","stream":"stdout","time":"…"}`, one object a line, keys in any order.
//!
//! An application may print JSON with a `log` key itself, so the runtime's own marks are asked for as well: a stream that
//! is one, or a time that is one.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Frame, FrameKind, Stream, time::rfc3339};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
}

/// A string inside an `Option`: serde borrows a bare `Cow`, but not one that is wrapped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The frame of a json-file line, or `None` if it isn't one.
pub(super) fn decode(line: &[u8]) -> Option<Frame<'_>> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).ok()?;
    let stream = envelope.stream.and_then(|text| Stream::from_name(text.0.as_bytes()));
    let time = envelope.time.and_then(|text| match rfc3339(text.0.as_bytes()) {
        Ok((b"", time)) => Some(time),
        _ => None,
    });
    if stream.is_none() && time.is_none() {
        return None;
    }
    let (content, partial) = without_newline(envelope.log);
    Some(Frame { time, stream, partial, content, kind: FrameKind::Docker })
}

/// Takes `\n` or `\r\n` off the end, and says whether there was none: then the line goes on in the next object.
fn without_newline(log: Cow<'_, str>) -> (Cow<'_, [u8]>, bool) {
    let Some(line) = log.strip_suffix('\n') else {
        return (bytes(log), true);
    };
    let length = line.strip_suffix('\r').unwrap_or(line).len();
    let content = match log {
        Cow::Borrowed(text) => Cow::Borrowed(&text.as_bytes()[..length]),
        Cow::Owned(mut text) => {
            text.truncate(length);
            Cow::Owned(text.into_bytes())
        }
    };
    (content, false)
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
