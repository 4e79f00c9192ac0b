//! CRI: `<RFC 3339 with nanoseconds> <stream> <tags> <content>`.
//!
//! The time has as many fraction digits as it needs and the node's zone. Of the tags, separated by `:`, the first says
//! whether the line is full (`F`) or partial (`P`); the others are for later versions of the format.

use std::borrow::Cow;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_till},
    character::complete::char,
    combinator::{eof, map_opt, rest, value},
    sequence::{preceded, terminated},
};

use super::{Frame, FrameKind, Stream, time::rfc3339, without_return};

/// The frame of a CRI line, or `None` if it isn't one.
pub(super) fn decode(line: &[u8]) -> Option<Frame<'_>> {
    let (rest, time) = rfc3339(line).ok()?;
    let (stream, partial, content) = plain(rest).or_else(|| Some(parts.parse(rest).ok()?.1))?;
    // The `\r` at the end of a fragment is the middle of the line.
    let content = if partial { content } else { without_return(content) };
    Some(Frame {
        time: Some(time),
        stream: Some(stream),
        partial,
        content: Cow::Borrowed(content),
        kind: FrameKind::Cri,
    })
}

/// What stands behind the time, as runtimes write it: several times quicker than putting parsers together.
fn plain(input: &[u8]) -> Option<(Stream, bool, &[u8])> {
    let (stream, rest) = input.strip_prefix(b" ")?.split_at_checked("stdout".len())?;
    match rest {
        [b' ', tag @ (b'P' | b'F'), b' ', content @ ..] => Some((Stream::from_name(stream)?, *tag == b'P', content)),
        _ => None,
    }
}

/// The same in any form.
fn parts(input: &[u8]) -> IResult<&[u8], (Stream, bool, &[u8])> {
    preceded(char(' '), (terminated(stream, char(' ')), terminated(partial, other_tags), content)).parse(input)
}

/// The stream of a line whose time is of the same minute as that of `known`, a line of this format, and in UTC. Tells nothing of other lines.
pub(super) fn stream_beside(known: &[u8], line: &[u8]) -> Option<Stream> {
    let (minute, rest) = line.split_at_checked("2024-05-17T08:03:".len())?;
    let [b'0'..=b'5', b'0'..=b'9', rest @ ..] = rest else { return None };
    let rest = match rest {
        [b'.', rest @ ..] => {
            let width = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.get(width..).filter(|_| (1..=9).contains(&width))?
        }
        _ => rest,
    };
    let (stream, ..) = plain(rest.strip_prefix(b"Z")?)?;
    known.starts_with(minute).then_some(stream)
}

fn stream(input: &[u8]) -> IResult<&[u8], Stream> {
    map_opt(alt((tag("stdout"), tag("stderr"))), Stream::from_name).parse(input)
}

fn partial(input: &[u8]) -> IResult<&[u8], bool> {
    alt((value(true, char('P')), value(false, char('F')))).parse(input)
}

fn other_tags(input: &[u8]) -> IResult<&[u8], ()> {
    let tags = preceded(char(':'), take_till(|byte| byte == b' '));
    value((), nom::combinator::opt(tags)).parse(input)
}

/// Everything behind one blank; without the blank there is no content.
fn content(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((preceded(char(' '), rest), eof)).parse(input)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_plain_form_is_read_as_the_parsers_read_it(
            stream in prop::sample::select(vec!["stdout", "stderr", "stdin ", "std"]),
            tag in prop::sample::select(vec!["F", "P", "F:later", "X", ""]),
            gaps in ("[ ]{0,2}", "[ ]{0,2}", "[ ]{0,2}"),
            content in "[ a]{0,3}",
        ) {
            let behind = format!("{}{stream}{}{tag}{}{content}", gaps.0, gaps.1, gaps.2);
            let all = parts.parse(behind.as_bytes()).ok().map(|(_, all)| all);
            let told = plain(behind.as_bytes());
            prop_assert!(told.is_none() || told == all, "{}: {:?}, {:?}", behind, told, all);
            let is_known = ["stdout", "stderr"].contains(&stream) && ["F", "P"].contains(&tag);
            let usual = is_known && gaps.0 == " " && gaps.1 == " " && (gaps.2 + &content).starts_with(' ');
            prop_assert_eq!(told.is_some(), usual, "{}", behind);
        }
    }
}
