//! Python's logging, in the shapes that its servers give it: KServe of all versions, uvicorn, gunicorn, MLServer, Seldon's
//! wrapper, MLflow, tornado and Jupyter, loguru, and the standard library's own.

use jiff::{Timestamp, tz::Offset};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::tag,
    character::complete::{char, digit1, space1},
    combinator::{map, map_opt, opt, recognize, verify},
    sequence::{delimited, preceded, terminated},
};

use super::{
    Header, Kind, access,
    level::{self, Level},
    scan::{blanks, bracketed, coloured, gap, is_location, name, number, token, token_until, trim},
    time::{self, Stamp},
};
use crate::event;
use crate::frame::time::{clock, digits, instant};

/// A level, a logger's name if there is one, and the message.
type Said<'a> = (Option<Level>, &'a [u8], &'a [u8]);

/// Lines that begin with a date-time; `rest` stands behind it.
pub(super) fn dated(stamp: Stamp, rest: &[u8]) -> Option<Header<'_>> {
    let shapes = alt((kserve, trace, dashes, named_brackets, loguru, diagd, name_before_colon));
    if let Ok((_, (level, logger, message))) = preceded(blanks, shapes).parse(rest) {
        return Some(said(Kind::Python, level, Some(stamp.time), logger, message));
    }
    let (_, (level, logger, message)) = preceded(blanks, level_before_colon).parse(rest).ok()?;
    let header = said(Kind::Uvicorn, level, Some(stamp.time), logger, message);
    match access::uvicorn(message, message, level) {
        Some(request) => Some(Header { time: header.time, logger: header.logger, ..request }),
        None => Some(header),
    }
}

/// Lines that begin with a level: `INFO:root:…`, uvicorn's `INFO:     …`, alembic's `INFO  [name] …`.
pub(super) fn levelled(content: &[u8]) -> Option<Header<'_>> {
    if let Ok((message, (level, _, logger, _))) = (level::upper_word, char(':'), name, char(':')).parse(content) {
        return Some(said(Kind::Python, Some(level), None, logger, message));
    }
    if let Ok((message, level)) = padded(content) {
        return Some(said(Kind::Uvicorn, Some(level), None, b"", message));
    }
    let mut alembic = (level::upper_word, space1, verify(bracketed, is_name), char(' '));
    let (message, (level, _, logger, _)) = alembic.parse(content).ok()?;
    Some(said(Kind::Python, Some(level), None, logger, message))
}

/// uvicorn's level: its colon and blanks fill it up to ten columns.
fn padded(input: &[u8]) -> IResult<&[u8], Level> {
    const COLUMNS: usize = 10;
    let word = coloured(nom::combinator::consumed(level::upper_word));
    map(
        verify((word, char(':'), gap), |((word, _), colon, blanks): &((&[u8], Level), char, &[u8])| {
            word.len() + colon.len_utf8() + blanks.len() == COLUMNS
        }),
        |((_, level), _, _)| level,
    )
    .parse(input)
}

/// Lines that begin with a bracket: tornado, Jupyter, gunicorn, MLServer, and `[time] LEVEL file:line: …`.
pub(super) fn bracketed_lines(content: &[u8]) -> Option<Header<'_>> {
    tornado(content).or_else(|| gunicorn(content)).or_else(|| located(content)).or_else(|| {
        let (_, (level, logger, message)) = named_brackets(content).ok()?;
        Some(said(Kind::Python, level, None, logger, message))
    })
}

fn said<'a>(
    kind: Kind,
    level: Option<Level>,
    time: Option<Timestamp>,
    logger: &'a [u8],
    message: &'a [u8],
) -> Header<'a> {
    let logger = Some(trim(logger)).filter(|logger| !logger.is_empty()).map(event::text);
    Header { level, time, logger, ..Header::new(kind, message) }
}

fn is_name(inside: &[u8]) -> bool {
    matches!(name(inside), Ok((b"", _)))
}

/// `1 root INFO [register_model():187] message`; later versions put the file before the function.
fn kserve(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let place = verify(bracketed, is_location);
    map(
        (number, gap, name, gap, level::upper_word, gap, place, blanks, nom::combinator::rest),
        |(_, _, logger, _, level, _, _, _, message)| (Some(level), logger, message),
    )
    .parse(input)
}

/// `74 kserve.trace requestId: …`: no level.
fn trace(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    map((opt((number, gap)), tag("kserve.trace"), gap, nom::combinator::rest), |(_, logger, _, message)| {
        (None, logger, message)
    })
    .parse(input)
}

/// `- name - LEVEL - message`, or `- module:function:line - LEVEL: message`; the name may be missing.
fn dashes(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let logger = terminated(token, tag(" - "));
    let end = alt((tag(" - "), recognize((char(':'), blanks))));
    let nameless = map((level::upper_word, tag(" - "), nom::combinator::rest), |(level, _, message)| {
        (Some(level), &b""[..], message)
    });
    let named = map((logger, level::upper_word, end, nom::combinator::rest), |(logger, level, _, message)| {
        (Some(level), logger, message)
    });
    preceded(tag("- "), alt((nameless, named))).parse(input)
}

/// `[mlserver][model] LEVEL - message`: the first bracket names the logger.
fn named_brackets(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let more = nom::multi::many0_count(bracketed);
    map(
        (verify(bracketed, is_name), more, gap, coloured(level::upper_word), tag(" - "), nom::combinator::rest),
        |(logger, _, _, level, _, message)| (Some(level), logger, message),
    )
    .parse(input)
}

/// `| INFO     | module:function:37 - message`
fn loguru(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let bar = || (blanks, char('|'), blanks);
    map(
        (bar(), coloured(level::upper_word), bar(), verify(token, is_location), tag(" - "), nom::combinator::rest),
        |(_, level, _, place, _, message)| {
            let module = memchr::memchr(b':', place).map_or(place, |at| &place[..at]);
            (Some(level), module, message)
        },
    )
    .parse(input)
}

/// `diagd 1.4.2 [P219TAEW] INFO: message`
fn diagd(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    map(
        (name, gap, token, gap, bracketed, gap, level::upper_word, char(':'), blanks, nom::combinator::rest),
        |(logger, _, _, _, _, _, level, _, _, message)| (Some(level), logger, message),
    )
    .parse(input)
}

/// `uvicorn.error INFO:     message`
fn level_before_colon(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let end = (char(':'), blanks);
    map((name, gap, coloured(level::upper_word), end, nom::combinator::rest), |(logger, _, level, _, message)| {
        (Some(level), logger, message)
    })
    .parse(input)
}

/// MLflow's `WARNING mlflow.store.db.utils: message`
fn name_before_colon(input: &[u8]) -> IResult<&[u8], Said<'_>> {
    let end = (char(':'), gap);
    map((level::upper_word, gap, name, end, nom::combinator::rest), |(level, _, logger, _, message)| {
        (Some(level), logger, message)
    })
    .parse(input)
}

/// `[I 200517 03:56:19 storage:35] message`; Jupyter writes the date in full and the application's name.
fn tornado(content: &[u8]) -> Option<Header<'_>> {
    let short = map((day, char(' '), clock), |(day, _, clock)| instant(day, clock, Offset::UTC));
    let long = map(time::stamp, |stamp| Some(stamp.time));
    let place = terminated(token_until(b']'), char(']'));
    let mut header = (char('['), level::initial, char(' '), alt((long, short)), gap, place, blanks);
    let (message, (_, level, _, time, _, place, _)) = header.parse(content).ok()?;
    let module = memchr::memrchr(b':', place).map_or(place, |colon| &place[..colon]);
    Some(said(Kind::Tornado, Some(level), time, module, message))
}

/// `200517` is the 17th of May 2020.
fn day(input: &[u8]) -> IResult<&[u8], (i16, i8, i8)> {
    map_opt(digits(6), |number| {
        let [year, month, day] = [number / 10_000, number / 100 % 100, number % 100];
        Some((2000 + i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?))
    })
    .parse(input)
}

/// `[2031-03-09 04:05:06 +0000] [17] [CRITICAL] message`; some configurations have no brackets around the time.
pub(super) fn gunicorn(content: &[u8]) -> Option<Header<'_>> {
    let time = alt((delimited(char('['), time::stamp, char(']')), time::stamp));
    let pid = delimited(char('['), digit1, char(']'));
    let severity = map_opt(bracketed, Level::parse);
    let (message, (stamp, _, _, _, level, _)) = (time, gap, pid, gap, severity, blanks).parse(content).ok()?;
    Some(said(Kind::Gunicorn, Some(level), Some(stamp.time), b"", message))
}

/// `[2031-03-09 04:05:06] INFO kserve_storage.py:161: message`
fn located(content: &[u8]) -> Option<Header<'_>> {
    let time = delimited(char('['), time::stamp, char(']'));
    let place = recognize((token_until(b':'), char(':'), digit1));
    let behind = (gap, level::upper_word, gap, verify(place, |place: &[u8]| !place.contains(&b' ')), tag(": "));
    let (message, (stamp, (_, level, _, place, _))) = (time, behind).parse(content).ok()?;
    let file = memchr::memrchr(b':', place).map_or(place, |colon| &place[..colon]);
    Some(said(Kind::Python, Some(level), Some(stamp.time), file, message))
}
