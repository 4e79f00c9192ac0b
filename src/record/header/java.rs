//! The JVM's loggers: Spring Boot, logback, log4j in the patterns of Kafka, TorchServe and Seldon.

use jiff::Timestamp;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::tag,
    character::complete::{char, one_of},
    combinator::{map, map_opt, opt, rest, verify},
    multi::many1_count,
    sequence::{delimited, preceded, terminated},
};

use super::{
    Header, Kind,
    level::{self, Level},
    scan::{blanks, bracketed, gap, number, token, trim, trim_end},
    time,
};
use crate::event;
use crate::frame::time::clock;

/// Level, logger and message.
type Said<'a> = (Level, &'a [u8], &'a [u8]);

/// Lines that begin with a date-time; `behind` stands behind it.
pub(super) fn dated(time: Option<Timestamp>, behind: &[u8]) -> Option<Header<'_>> {
    let (_, (level, logger, message)) =
        preceded(gap, alt((spring, level_in_brackets, thread_first, level_first))).parse(behind).ok()?;
    Some(header(level, time, logger, message))
}

/// `04:05:06.123 INFO [thread] : Logger : message`: no date, so no time.
pub(super) fn clocked(content: &[u8]) -> Option<Header<'_>> {
    let (behind, _) = clock(content).ok()?;
    dated(None, behind)
}

/// `[time] LEVEL message (logger)`, as Kafka's brokers write it.
pub(super) fn kafka(content: &[u8]) -> Option<Header<'_>> {
    let (message, (stamp, _, level, _)) =
        (delimited(char('['), time::stamp, char(']')), gap, level::upper_word, gap).parse(content).ok()?;
    let line = trim_end(message).strip_suffix(b")")?;
    let open = memchr::memrchr(b'(', line)?;
    let logger = &line[open + 1..];
    let is_class =
        !logger.is_empty() && logger.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._$-".contains(byte));
    is_class.then(|| header(level, Some(stamp.time), logger, trim_end(&line[..open])))
}

fn header<'a>(level: Level, time: Option<Timestamp>, logger: &'a [u8], message: &'a [u8]) -> Header<'a> {
    let logger = Some(trim(logger)).filter(|logger| !logger.is_empty()).map(event::text);
    Header { level: Some(level), time, logger, ..Header::new(Kind::Java, message) }
}

/// `LEVEL 1 --- [thread] logger : message`; Spring Boot 3 may put the application's name in a bracket before.
fn spring(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let brackets = many1_count(terminated(bracketed, gap));
    let logger = (token, blanks, char(':'), blanks);
    map(
        (level::upper_word, gap, number, gap, tag("---"), gap, brackets, logger, rest),
        |(level, _, _, _, _, _, _, (logger, ..), message)| (level, logger, message),
    )
    .parse(input)
}

/// `[INFO ] thread logger - message`
fn level_in_brackets(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let severity = map_opt(bracketed, |inside| Level::parse(trim(inside)));
    map((severity, gap, token, gap, logger, rest), |(level, _, _, _, logger, message)| (level, logger, message))
        .parse(input)
}

/// `[thread] LEVEL logger - message`
fn thread_first(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    map((bracketed, gap, level::upper_word, gap, logger, rest), |(_, _, level, _, logger, message)| {
        (level, logger, message)
    })
    .parse(input)
}

/// `LEVEL [thread] logger - message`, `LEVEL [thread] : Logger : message`, `LEVEL logger:line - message`
fn level_first(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let thread = terminated(bracketed, gap);
    map(
        (level::upper_word, gap, opt(thread), opt((char(':'), gap)), logger, rest),
        |(level, _, _, _, logger, message)| (level, logger, message),
    )
    .parse(input)
}

/// A class and a dash or a colon, each between blanks.
fn logger(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let class = verify(token, |word: &[u8]| word[0].is_ascii_alphabetic());
    terminated(class, (gap, one_of("-:"), gap)).parse(input)
}
