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
    as_written(line).or_else(|| parsed(line))
}

/// Is it plain that the line is no fragment? Says no of some that are none.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let Some(log) = line.strip_prefix(br#"{"log":""#) else { return false };
    let is_escaped = |at: usize| log[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let end = memchr::memchr_iter(b'"', log).find(|&at| !is_escaped(at));
    end.is_some_and(|end| log[..end].ends_with(b"n") && is_escaped(end - 1))
}

/// The frame of a line as the runtime lays it out, whose content has nothing that JSON escapes: most have, and are lent rather than copied.
fn as_written(line: &[u8]) -> Option<Frame<'_>> {
    let log = line.strip_prefix(br#"{"log":""#)?;
    let (content, rest) = log.split_at(memchr::memchr(b'\\', log)?);
    let plain = content.iter().all(|byte| *byte >= b' ' && *byte != b'"') && std::str::from_utf8(content).is_ok();
    let rest = rest.strip_prefix(br#"\n","stream":"std"#).filter(|_| plain)?;
    let (stream, rest) = match rest.strip_prefix(b"out") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"err")?),
    };
    let Ok((br#""}"#, time)) = rfc3339(rest.strip_prefix(br#"","time":""#)?) else { return None };
    let content = Cow::Borrowed(content);
    Some(Frame { time: Some(time), stream: Some(stream), partial: false, content, kind: FrameKind::Docker })
}

/// The frame of any other line, by the rules of JSON.
fn parsed(line: &[u8]) -> Option<Frame<'_>> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is taken apart in place is what the rules of JSON make of it.
        #[test]
        fn the_short_way_agrees(
            log in "([a-c ü\"]|\\\\[n\"u\\\\r]|\\\\n|\u{1}){0,8}",
            end in "(\\\\n|\\\\r\\\\n|)",
            stream in "(stdout|stderr|std|stdin)",
            time in "2031-05-17T09:14:0[25](\\.7)?(Z|\\+02:00|)",
            behind in "(\\}|\\} |\\}\\}|)",
        ) {
            let line = format!(r#"{{"log":"{log}{end}","stream":"{stream}","time":"{time}"{behind}"#);
            if let Some(short) = as_written(line.as_bytes()) {
                prop_assert_eq!(Some(short), parsed(line.as_bytes()), "{}", line);
            }
            if is_whole(line.as_bytes()) {
                prop_assert!(decode(line.as_bytes()).is_none_or(|frame| !frame.partial), "{}", line);
            }
        }
    }

    #[test]
    fn what_is_plainly_whole() {
        let table = [
            (r#"{"log":"all is well\n","stream":"stdout"}"#, true),
            (r#"{"log":"{\"level\":\"info\"}\n","stream":"stdout"}"#, true),
            (r#"{"log":"a path: c:\\\n","stream":"stdout"}"#, true),
            (r#"{"log":"a path: c:\\n","stream":"stdout"}"#, false),
            (r#"{"log":"n","stream":"stdout"}"#, false),
            (r#"{"log":"it goes on","stream":"stdout","attrs":{"a":"b\n"}}"#, false),
            (r#"{"log":"it goes on"#, false),
            (r#"{"log":""#, false),
            ("{}", false),
        ];
        for (line, want) in table {
            assert_eq!(is_whole(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn the_short_way_is_taken() {
        let line = br#"{"log":"all is well\n","stream":"stderr","time":"2031-05-17T09:14:02.700412035Z"}"#;
        let frame = as_written(line).expect("as the runtime writes it");
        assert_eq!((&*frame.content, Some(frame.clone())), (&b"all is well"[..], parsed(line)));
        assert!(matches!(frame.content, Cow::Borrowed(_)));
    }
}
