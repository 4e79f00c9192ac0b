//! klog and glog: `Lmmdd hh:mm:ss.uuuuuu thread file:line] message`, and PyTorch's `[Lmmdd … file:line] message`.
//!
//! The header has no year but in newer glog, so there mostly is no time. The message may be structured: `"msg" key="value"`.

use jiff::{Timestamp, tz::Offset};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::char,
    combinator::{map, opt, value},
    sequence::{delimited, preceded, terminated},
};

use super::{
    Header, Kind,
    fields::Fields,
    json::{bytes, quoted, text},
    level::{self, Level},
    logfmt,
    scan::{blanks, gap, location, name, number, trim, trim_end},
};
use crate::event;
use crate::frame::time::{clock, instant};

/// The header of a klog, glog or Triton line.
pub(super) fn header(content: &[u8]) -> Option<Header<'_>> {
    let thread = terminated(number, gap);
    let (rest, ((level, time), _, _, _)) =
        (level_and_time, gap, opt(thread), terminated(location, char(']'))).parse(content).ok()?;
    let message = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(message_of(Header { level: Some(level), time, ..Header::new(Kind::Klog, message) }, message))
}

/// The header of PyTorch's C++ lines; it stands in brackets.
pub(super) fn torch(content: &[u8]) -> Option<Header<'_>> {
    let inside = (level_and_time, gap, opt(terminated(number, gap)), location);
    let (message, ((level, time), _, _, _)) =
        terminated(delimited(char('['), inside, char(']')), blanks).parse(content).ok()?;
    Some(Header { level: Some(level), time, ..Header::new(Kind::Torch, message) })
}

/// `E0926 10:00:00.123456`; PyTorch writes no zero before the month, newer glog writes the year.
fn level_and_time(input: &[u8]) -> IResult<&[u8], (Level, Option<Timestamp>)> {
    let date = take_while_m_n(3, 8, |byte: u8| byte.is_ascii_digit());
    map((level::initial, date, gap, clock), |(level, date, _, clock)| {
        (level, full_date(date).and_then(|date| instant(date, clock, Offset::UTC)))
    })
    .parse(input)
}

fn full_date(digits: &[u8]) -> Option<(i16, i8, i8)> {
    if digits.len() != 8 {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some((digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?))
}

fn message_of<'a>(header: Header<'a>, rest: &'a [u8]) -> Header<'a> {
    structured(&header, rest).or_else(|| forerunner(&header, rest)).unwrap_or(header)
}

/// `"message" key="value" …`; Triton quotes the message and has no pairs.
fn structured<'a>(header: &Header<'a>, rest: &'a [u8]) -> Option<Header<'a>> {
    let (tail, message) = quoted(rest).ok()?;
    let pairs = trim(tail);
    if !pairs.is_empty() && !logfmt::begins(pairs) {
        return None;
    }
    let mut fields = Fields::default();
    logfmt::pairs(pairs, &mut fields);
    Some(Header {
        message: bytes(text(message)),
        logger: fields.text_of(&["logger"]),
        fields,
        structured: true,
        ..header.clone()
    })
}

/// `logger "msg"="…" "error"="…"`, as logr's first adapter wrote it.
fn forerunner<'a>(header: &Header<'a>, rest: &'a [u8]) -> Option<Header<'a>> {
    let named = alt((map(terminated(name, gap), Some), value(None, blanks)));
    let (pairs, logger) = terminated(named, nom::combinator::peek(preceded(quoted, tag("=")))).parse(rest).ok()?;
    let mut fields = Fields::default();
    logfmt::pairs(trim_end(pairs), &mut fields);
    let message = fields.text_of(&["msg"])?;
    Some(Header {
        message: bytes(message),
        logger: logger.map(event::text),
        fields,
        structured: true,
        ..header.clone()
    })
}
