//! What collectors and supervisors put before a line's own header: a second time, a container's name, a process.
//!
//! Knows only the prefixes; what stands behind one is for the families to say.

use jiff::Timestamp;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n, take_while1},
    character::complete::{char, digit1},
    combinator::{map, opt, value, verify},
    sequence::{delimited, preceded},
};

use super::{
    scan::{blanks, bracketed, colour, coloured, gap, token, token_until},
    time,
};
use crate::frame::time::clock;

/// Takes one prefix off: what stands behind it, and the time that it gave.
pub(super) fn strip(content: &[u8]) -> Option<(&[u8], Option<Timestamp>)> {
    let named = alt((compose, kubectl, stern, process, rank, journald, frame, colours));
    let (rest, time) = alt((map(named, |()| None), map(second_time, Some))).parse(content).ok()?;
    (!rest.is_empty()).then_some((rest, time))
}

/// Takes up to two plain words off, as stern writes pod and container. Any prose begins with words, so this is a guess that
/// only a certain header behind it confirms.
pub(super) fn strip_word(content: &[u8]) -> Option<&[u8]> {
    let name = take_while1(|byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/'));
    let (rest, _) = (name, gap).parse(content).ok()?;
    (!rest.is_empty()).then_some(rest)
}

/// `2031-03-09T04:05:06Z …`, or the same with a bar or a tab behind it.
fn second_time(input: &[u8]) -> IResult<&[u8], Timestamp> {
    map((time::stamp, gap, opt((char('|'), gap))), |(stamp, _, _)| stamp.time).parse(input)
}

/// `name-1  | …`
fn compose(input: &[u8]) -> IResult<&[u8], ()> {
    value((), (coloured(word), blanks, char('|'), coloured(blanks))).parse(input)
}

/// `[pod/name/container] …`
fn kubectl(input: &[u8]) -> IResult<&[u8], ()> {
    let inside = verify(bracketed, |inside: &[u8]| matches!(word(inside), Ok((b"", _))));
    value((), (inside, gap)).parse(input)
}

/// `namespace/pod[container]: …`
fn stern(input: &[u8]) -> IResult<&[u8], ()> {
    value((), (word, bracketed, tag(": "))).parse(input)
}

/// vLLM's `(EngineCore pid=17) …`
fn process(input: &[u8]) -> IResult<&[u8], ()> {
    let inside = verify(token_until(b')'), |inside: &[u8]| memchr::memmem::find(inside, b"pid=").is_some());
    value((), (coloured(delimited(char('('), inside, char(')'))), gap)).parse(input)
}

/// PyTorch's `[rank3]:…`
fn rank(input: &[u8]) -> IResult<&[u8], ()> {
    value((), (tag("[rank"), digit1, tag("]:"), blanks)).parse(input)
}

/// `Mar  9 04:05:06 host unit[17]: …`
fn journald(input: &[u8]) -> IResult<&[u8], ()> {
    let day = preceded(blanks, take_while_m_n(1, 2, |byte: u8| byte.is_ascii_digit()));
    let unit = (token_until(b'['), char('['), digit1, tag("]: "));
    value((), (time::month, day, char(' '), clock, char(' '), token, char(' '), unit)).parse(input)
}

/// The left side of a terminal program's frame.
fn frame(input: &[u8]) -> IResult<&[u8], ()> {
    value((), (tag("│"), blanks)).parse(input)
}

fn colours(input: &[u8]) -> IResult<&[u8], ()> {
    value((), verify(colour, |codes: &[u8]| !codes.is_empty())).parse(input)
}

fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)).parse(input)
}
