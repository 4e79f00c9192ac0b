//! Programs with a header of their own: Go's standard logger, PostgreSQL, nginx, Redis, MySQL, etcd, TensorFlow Serving,
//! librdkafka, Ray, .NET; and the shape that is anybody's, a level behind a time or alone.

use jiff::{Timestamp, tz::Offset};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::{char, digit1, one_of},
    combinator::{map, map_opt, opt, recognize, value, verify},
    multi::many1_count,
    sequence::{delimited, preceded, terminated},
};

use super::{
    Header, Kind,
    level::{self, Level},
    scan::{before_message, blanks, bracketed, coloured, gap, location, name, number, token_until, trim},
    time::{self, Stamp},
};
use crate::event;
use crate::frame::time::{clock, digits, instant};

/// How far into a line PostgreSQL's level may stand: its prefix is configurable.
const POSTGRES_PREFIX: usize = 256;

/// Lines that begin with a date-time; `behind` stands behind it.
pub(super) fn dated(stamp: Stamp, behind: &[u8]) -> Option<Header<'_>> {
    let by_program = match stamp.slashes {
        true => nginx(behind),
        false => mysql(behind).or_else(|| etcd(behind)).or_else(|| tensorflow(behind)),
    };
    let known = by_program.or_else(|| generic(behind)).or_else(|| go(stamp, behind));
    match known {
        Some(header) => Some(Header { time: Some(stamp.time), ..header }),
        None => postgres(stamp, behind),
    }
}

fn header<'a>(kind: Kind, level: Option<Level>, logger: Option<&'a [u8]>, message: &'a [u8]) -> Header<'a> {
    Header { level, logger: logger.map(event::text), ..Header::new(kind, message) }
}

/// `2031/03/09 04:05:06 file.go:12: message`
fn go(stamp: Stamp, behind: &[u8]) -> Option<Header<'_>> {
    let place =
        (verify(recognize((token_until(b':'), char(':'), digit1)), |place: &[u8]| !place.contains(&b' ')), tag(": "));
    let (message, _) = (gap, opt(place)).parse(behind).ok()?;
    stamp.slashes.then(|| header(Kind::GoStd, None, None, message))
}

/// `[error] 7#7: *19 message`
fn nginx(behind: &[u8]) -> Option<Header<'_>> {
    let severity = map_opt(bracketed, Level::parse);
    let process = (number, char('#'), number, char(':'));
    let (message, (_, level, _, _, _)) = (gap, severity, gap, process, blanks).parse(behind).ok()?;
    Some(header(Kind::Nginx, Some(level), None, message))
}

/// `0 [ERROR] InnoDB: message`, or MySQL 8's `0 [ERROR] [MY-012345] [InnoDB] message`
fn mysql(behind: &[u8]) -> Option<Header<'_>> {
    let severity = map_opt(bracketed, Level::parse);
    let tags = (terminated(bracketed, gap), terminated(bracketed, gap));
    let (message, (_, _, _, level, _, tags)) = (gap, number, gap, severity, gap, opt(tags)).parse(behind).ok()?;
    Some(header(Kind::Mysql, Some(level), tags.map(|(_, subsystem)| subsystem), message))
}

/// `W | etcdserver: message`
fn etcd(behind: &[u8]) -> Option<Header<'_>> {
    let package = terminated(name, tag(": "));
    let (message, (_, level, _, package)) = (gap, level::initial, tag(" | "), package).parse(behind).ok()?;
    Some(header(Kind::Etcd, Some(level), Some(package), message))
}

/// `: E tensorflow_serving/x.cc:362] message`
fn tensorflow(behind: &[u8]) -> Option<Header<'_>> {
    let (message, (_, level, _, _, _)) =
        (tag(": "), level::initial, char(' '), terminated(location, char(']')), blanks).parse(behind).ok()?;
    Some(header(Kind::Klog, Some(level), None, message))
}

/// `UTC [27] LOG:  message`; between the process and the level the server's configuration may put anything.
fn postgres(stamp: Stamp, behind: &[u8]) -> Option<Header<'_>> {
    let zone = take_while_m_n(2, 5, |byte: u8| byte.is_ascii_uppercase());
    let process = alt((delimited(char('['), number, char(']')), terminated(number, gap)));
    let (rest, (zone, _, _)) = (opt(preceded(char(' '), zone)), gap, process).parse(behind).ok()?;
    let window = &rest[..rest.len().min(POSTGRES_PREFIX)];
    let (level, end) =
        memchr::memchr_iter(b':', window).find_map(|colon| Some((postgres_word(&window[..colon])?, colon + 1)))?;
    let message = blanks(&rest[end..]).map_or(&rest[end..], |(message, _)| message);
    let time = zone.is_none().then_some(stamp.time);
    Some(Header { time, ..header(Kind::Postgres, level, None, message) })
}

/// The word at the end of a text, if it is one that PostgreSQL puts before a colon. Some of these have no level.
fn postgres_word(text: &[u8]) -> Option<Option<Level>> {
    let start =
        text.iter().rposition(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    match &text[start..] {
        b"PANIC" | b"FATAL" => Some(Some(Level::Fatal)),
        b"ERROR" => Some(Some(Level::Error)),
        b"WARNING" => Some(Some(Level::Warn)),
        b"LOG" | b"NOTICE" | b"INFO" => Some(Some(Level::Info)),
        b"DEBUG" | b"DEBUG1" | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Some(Some(Level::Debug)),
        b"DETAIL" | b"HINT" | b"STATEMENT" | b"CONTEXT" | b"QUERY" => Some(None),
        _ => None,
    }
}

/// `7392:C 23 Sep 10:08:15.028 # message`; since version 4 with the year.
pub(super) fn redis(content: &[u8]) -> Option<Header<'_>> {
    let process = (blanks, number, char(':'), one_of("MSCX"), char(' '));
    let sign = terminated(map_opt(one_of(".-*#"), redis_level), char(' '));
    let (message, (_, time, _, level)) = (process, redis_time, char(' '), sign).parse(content).ok()?;
    Some(Header { time, ..header(Kind::Redis, Some(level), None, message) })
}

fn redis_level(sign: char) -> Option<Level> {
    match sign {
        '.' | '-' => Some(Level::Debug),
        '*' => Some(Level::Info),
        '#' => Some(Level::Warn),
        _ => None,
    }
}

fn redis_time(input: &[u8]) -> IResult<&[u8], Option<Timestamp>> {
    let year = terminated(digits(4), char(' '));
    map((digits(2), char(' '), time::month, char(' '), opt(year), clock), |(day, _, month, _, year, clock)| {
        let date = (i16::try_from(year?).ok()?, month, i8::try_from(day).ok()?);
        instant(date, clock, Offset::UTC)
    })
    .parse(input)
}

/// `%3|1657012046.379|FAIL|client#consumer-1| [thrd:x]: message`; the digit is syslog's.
pub(super) fn librdkafka(content: &[u8]) -> Option<Header<'_>> {
    let severity = map_opt(preceded(char('%'), one_of("01234567")), syslog_level);
    let field = || terminated(token_until(b'|'), char('|'));
    let (message, (level, _, when, facility, _, _)) =
        (severity, char('|'), field(), field(), field(), blanks).parse(content).ok()?;
    let time = std::str::from_utf8(when).ok().and_then(time::of_text);
    Some(Header { time, ..header(Kind::Librdkafka, Some(level), Some(facility), message) })
}

fn syslog_level(digit: char) -> Option<Level> {
    match digit {
        '0'..='2' => Some(Level::Fatal),
        '3' => Some(Level::Error),
        '4' => Some(Level::Warn),
        '5' | '6' => Some(Level::Info),
        '7' => Some(Level::Debug),
        _ => None,
    }
}

/// Ray's daemons: `[2031-03-09 04:05:06,685 W 921 921] (raylet) file.cc:55: message`.
pub(super) fn ray(content: &[u8]) -> Option<Header<'_>> {
    let inside = (time::stamp, char(' '), level::initial, many1_count((char(' '), digit1)));
    let process = delimited(char('('), token_until(b')'), tag(") "));
    let place = terminated(
        verify(recognize((token_until(b':'), char(':'), digit1)), |place: &[u8]| !place.contains(&b' ')),
        tag(": "),
    );
    let (message, ((stamp, _, level, _), _, process, _)) =
        (delimited(char('['), inside, char(']')), gap, opt(process), opt(place)).parse(content).ok()?;
    let header = header(Kind::Ray, Some(level), process, message);
    Some(Header { time: Some(stamp.time), ..header })
}

/// .NET's `fail: Category[0]`; its message stands on the next line.
pub(super) fn dotnet(content: &[u8]) -> Option<Header<'_>> {
    let levels = ["trce", "dbug", "info", "warn", "fail", "crit"];
    let severity = verify(take_while_m_n(4, 4, |byte: u8| byte.is_ascii_lowercase()), |word: &[u8]| {
        levels.iter().any(|level| level.as_bytes() == word)
    });
    let category = (name, delimited(char('['), digit1, char(']')));
    let (message, (level, _, (category, _))) = (severity, tag(": "), category).parse(content).ok()?;
    let message = message.strip_prefix(b"\n").unwrap_or(message);
    Some(header(Kind::Dotnet, Level::parse(level), Some(category), trim(message)))
}

/// Behind a time: a level, in brackets or not, perhaps with a name before it.
fn generic(behind: &[u8]) -> Option<Header<'_>> {
    let in_brackets = map_opt(bracketed, |inside| Level::parse(trim(inside)).filter(|_| inside.len() > 1));
    let level = alt((in_brackets, terminated(coloured(level::upper_word), word_end)));
    let named = map((name, gap, level_only), |(name, _, level)| (Some(name), level));
    let alone = map(level, |level| (None, level));
    let (message, (logger, level)) = delimited(blanks, alt((alone, named)), before_message).parse(behind).ok()?;
    Some(header(Kind::Generic, Some(level), logger, message))
}

/// Without a time: one of the seven names in capitals, and then a colon, a bracket or a blank.
pub(super) fn levelled(content: &[u8]) -> Option<Header<'_>> {
    let (message, level) = terminated(level_only, before_message).parse(content).ok()?;
    Some(header(Kind::Generic, Some(level), None, message))
}

fn level_only(input: &[u8]) -> IResult<&[u8], Level> {
    let usual = |word: &[u8]| {
        matches!(word, b"TRACE" | b"DEBUG" | b"INFO" | b"WARN" | b"WARNING" | b"ERROR" | b"FATAL" | b"CRITICAL")
    };
    let word =
        map_opt(nom::bytes::complete::take_while1(|byte: u8| byte.is_ascii_uppercase()), move |word: &[u8]| {
            if usual(word) { Level::parse(word) } else { None }
        });
    let inside = map_opt(bracketed, move |inside| if usual(trim(inside)) { Level::parse(trim(inside)) } else { None });
    alt((inside, terminated(coloured(word), word_end))).parse(input)
}

fn word_end(input: &[u8]) -> IResult<&[u8], ()> {
    let end = alt((value((), one_of(": \t|-")), value((), nom::combinator::eof), value((), tag("\n"))));
    nom::combinator::peek(end).parse(input)
}
