//! Lines that are one JSON object: zap, logrus, log4j2, Envoy, and any other program's.
//!
//! Holds a reader that flattens an object into fields. It is lenient where a parser of documents isn't, since lines get cut,
//! hold invalid UTF-8 or go on behind the object: what was read before the fault counts.

use std::borrow::Cow;

use memchr::memchr2;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while1},
    character::complete::{char, multispace0},
    combinator::value,
    error::{Error, ErrorKind},
    sequence::delimited,
};

use super::{
    Header, Kind, envoy,
    fields::{Fields, Value},
    level::Level,
    time,
    unescape::unescape,
};
use crate::event;

/// Objects and arrays nested deeper than this are passed over.
const MAX_DEPTH: usize = 8;

const LEVELS: &[&str] = &[
    "level",
    "severity",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
    "log_level",
    "@level",
    "Level",
    "LogLevel",
    "@l",
];
const TIMES: &[&str] =
    &["ts", "time", "timestamp", "@timestamp", "asctime", "timeMillis", "start_time", "Timestamp", "datetime", "@t"];
const MESSAGES: &[&str] = &["msg", "message", "@message", "log.message", "Message", "short_message", "@m", "event"];
const LOGGERS: &[&str] = &["logger", "loggerName", "logger_name", "log.logger", "scope", "Category"];

/// The header of a JSON object.
pub(super) fn header(content: &[u8]) -> Option<Header<'_>> {
    let mut fields = Fields::default();
    let whole = object(content, &mut fields).is_ok();
    if fields.is_empty() && !(whole && content.starts_with(b"{}")) {
        return None;
    }
    if envoy::is_access(&fields) {
        return Some(envoy::access_json(content, fields));
    }
    Some(of_fields(content, fields))
}

fn of_fields<'a>(content: &'a [u8], fields: Fields<'a>) -> Header<'a> {
    let message = fields.text_of(MESSAGES).map_or(Cow::Borrowed(content), bytes);
    Header {
        level: LEVELS.iter().find_map(|path| level(fields.value(path)?)),
        time: instant(&fields).or_else(|| TIMES.iter().find_map(|path| time::of_value(fields.value(path)?))),
        logger: fields.text_of(LOGGERS),
        kind: kind(&fields),
        structured: true,
        message,
        fields,
        ..Header::new(Kind::Json, content)
    }
}

fn kind(fields: &Fields<'_>) -> Kind {
    let all = |paths: &[&str]| paths.iter().all(|path| fields.has(path));
    let is_text = |path| matches!(fields.value(path), Some(Value::Text(_)));
    if fields.has("instant.epochSecond") || all(&["loggerName", "level", "message"]) {
        Kind::Log4jJson
    } else if all(&["level", "ts", "msg"])
        || all(&["severity", "timestamp", "message"])
        || (all(&["level", "time", "message"]) && fields.has("logger"))
        || (all(&["level", "time", "msg"]) && fields.has("scope"))
    {
        Kind::Zap
    } else if all(&["level", "time", "msg"]) && is_text("level") {
        Kind::Logrus
    } else {
        Kind::Json
    }
}

fn level(value: &Value<'_>) -> Option<Level> {
    match value {
        Value::Text(text) => Level::parse(text.trim().as_bytes()),
        Value::Number(number) => Level::from_number(number),
        Value::Bool(_) | Value::Null => None,
    }
}

/// log4j2 writes the time in two numbers.
fn instant(fields: &Fields<'_>) -> Option<jiff::Timestamp> {
    let seconds = fields.get("instant.epochSecond")?;
    let nanoseconds = fields.get("instant.nanoOfSecond").unwrap_or(Cow::Borrowed("0"));
    time::of_parts(&seconds, &nanoseconds)
}

/// Text as bytes, without a copy where it is borrowed.
pub(super) fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// A string's inside as text: escapes undone, invalid UTF-8 replaced.
pub(super) fn text(inside: &[u8]) -> Cow<'_, str> {
    match unescape(inside) {
        Cow::Borrowed(bytes) => event::text(bytes),
        Cow::Owned(bytes) => Cow::Owned(event::text(&bytes).into_owned()),
    }
}

/// Reads an object into `fields`. On an error these hold what stands before it.
pub(super) fn object<'a>(input: &'a [u8], fields: &mut Fields<'a>) -> IResult<&'a [u8], ()> {
    members(input, &Path::default(), fields)
}

/// Where in the line's object a value stands.
#[derive(Default)]
struct Path<'a> {
    text: Cow<'a, str>,
    depth: usize,
}

impl<'a> Path<'a> {
    fn child(&self, key: Cow<'a, str>) -> Path<'a> {
        let text = if self.depth == 0 { key } else { Cow::Owned(format!("{}.{key}", self.text)) };
        Path { text, depth: self.depth + 1 }
    }
}

fn members<'a>(input: &'a [u8], path: &Path<'a>, fields: &mut Fields<'a>) -> IResult<&'a [u8], ()> {
    let (mut input, _) = (char('{'), multispace0).parse(input)?;
    if let Ok((behind, _)) = close(b"}")(input) {
        return Ok((behind, ()));
    }
    loop {
        let (at_value, (key, _)) = (quoted, delimited(multispace0, char(':'), multispace0)).parse(input)?;
        let (behind, ()) = element(at_value, &path.child(text(key)), fields)?;
        match separator(behind, b"}")? {
            (behind, true) => return Ok((behind, ())),
            (behind, false) => input = behind,
        }
    }
}

fn elements<'a>(input: &'a [u8], path: &Path<'a>, fields: &mut Fields<'a>) -> IResult<&'a [u8], ()> {
    let (mut input, _) = (char('['), multispace0).parse(input)?;
    if let Ok((behind, _)) = close(b"]")(input) {
        return Ok((behind, ()));
    }
    let mut index = 0_usize;
    loop {
        let (behind, ()) = element(input, &path.child(Cow::Owned(index.to_string())), fields)?;
        index += 1;
        match separator(behind, b"]")? {
            (behind, true) => return Ok((behind, ())),
            (behind, false) => input = behind,
        }
    }
}

fn element<'a>(input: &'a [u8], path: &Path<'a>, fields: &mut Fields<'a>) -> IResult<&'a [u8], ()> {
    match input.first() {
        Some(b'{' | b'[') if path.depth >= MAX_DEPTH || fields.is_full() => balanced(input).map(|(rest, _)| (rest, ())),
        Some(b'{') => members(input, path, fields),
        Some(b'[') => elements(input, path, fields),
        _ => {
            let (rest, scalar) = scalar(input)?;
            fields.push(path.text.clone(), scalar);
            Ok((rest, ()))
        }
    }
}

fn scalar(input: &[u8]) -> IResult<&[u8], Value<'_>> {
    if input.first() == Some(&b'"') {
        // The end of a line that was cut is still worth its words.
        return match quoted(input) {
            Ok((rest, inside)) => Ok((rest, Value::Text(text(inside)))),
            Err(_) => Ok((&[], Value::Text(text(&input[1..])))),
        };
    }
    let number = take_while1(|byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    alt((
        value(Value::Bool(true), tag("true")),
        value(Value::Bool(false), tag("false")),
        value(Value::Null, tag("null")),
        nom::combinator::map(number, |digits| Value::Number(event::text(digits))),
    ))
    .parse(input)
}

/// A comma, or the end: whether it was the end.
fn separator<'a>(input: &'a [u8], end: &'static [u8]) -> IResult<&'a [u8], bool> {
    alt((value(true, close(end)), value(false, delimited(multispace0, char(','), multispace0)))).parse(input)
}

fn close<'a>(end: &'static [u8]) -> impl Fn(&'a [u8]) -> IResult<&'a [u8], &'a [u8]> {
    move |input| nom::sequence::preceded(multispace0, tag(end)).parse(input)
}

/// The inside of a quoted string, escapes and all.
pub(super) fn quoted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (inside, _) = char('"').parse(input)?;
    let mut at = 0;
    while let Some(found) = inside.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if inside[at] == b'"' {
            return Ok((&inside[at + 1..], &inside[..at]));
        }
        at += 2;
    }
    Err(nom::Err::Error(Error::new(input, ErrorKind::Char)))
}

/// An object or array unread, by counting its brackets outside of strings.
pub(super) fn balanced(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = input.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Ok((&input[at + 1..], &input[..=at])),
            b'}' | b']' => depth -= 1,
            b'"' => {
                let (rest, _) = quoted(&input[at..])?;
                at = input.len() - rest.len();
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Err(nom::Err::Error(Error::new(input, ErrorKind::Eof)))
}
