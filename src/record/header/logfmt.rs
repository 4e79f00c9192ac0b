//! `key=value` pairs: lines that are nothing else (logrus, slog, go-kit), and the reader that klog and consoles share.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::take_while1,
    character::complete::char,
    combinator::{map, verify},
    sequence::terminated,
};

use super::{
    Header, Kind,
    fields::{Fields, Value},
    json::{balanced, bytes, quoted, text},
    level::Level,
    scan::{blanks, is_blank, token},
    time,
};
use crate::event;

/// Keys with which such a line begins.
const FIRST: &[&[u8]] =
    &[b"time", b"ts", b"t", b"level", b"lvl", b"msg", b"logger", b"caller", b"severity", b"timestamp"];

/// The header of a line of pairs.
pub(super) fn header(content: &[u8]) -> Option<Header<'_>> {
    let (_, first) = key(content).ok()?;
    if !FIRST.contains(&first) {
        return None;
    }
    let mut fields = Fields::default();
    pairs(content, &mut fields);
    let level = ["level", "lvl", "severity"].iter().find_map(|key| Level::parse(fields.get(key)?.as_bytes()));
    let message = fields.text_of(&["msg", "message"]);
    if fields.len() < 2 || (level.is_none() && message.is_none()) {
        return None;
    }
    Some(Header {
        level,
        time: ["time", "ts", "t", "timestamp"].iter().find_map(|key| time::of_value(fields.value(key)?)),
        logger: fields.text_of(&["logger", "scope"]),
        message: message.map_or(content.into(), bytes),
        structured: true,
        fields,
        ..Header::new(Kind::Logfmt, content)
    })
}

/// Reads all pairs of a text; words between them that are none are passed over.
pub(super) fn pairs<'a>(mut input: &'a [u8], fields: &mut Fields<'a>) {
    // Brackets that don't close would be looked for to the end of the text again and again.
    let mut brackets_close = true;
    while !input.is_empty() && !fields.is_full() {
        input = match pair(input, &mut brackets_close) {
            Ok((rest, (key, value))) => {
                fields.push(text(key), value);
                rest
            }
            Err(_) => token(input).map_or(&input[1..], |(rest, _)| rest),
        };
        input = blanks(input).map_or(input, |(rest, _)| rest);
    }
}

/// Whether a text begins with a pair.
pub(super) fn begins(input: &[u8]) -> bool {
    pair(input, &mut true).is_ok()
}

fn pair<'a>(input: &'a [u8], brackets_close: &mut bool) -> IResult<&'a [u8], (&'a [u8], Value<'a>)> {
    let (input, key) = key(input)?;
    match input.first() {
        Some(b'"') => {
            let (rest, inside) = quoted(input).unwrap_or((&[], &input[1..]));
            Ok((rest, (key, Value::Text(text(inside)))))
        }
        Some(b'{' | b'[') if *brackets_close => {
            let (rest, inside) = balanced(input).or_else(|_| {
                *brackets_close = false;
                bare(input)
            })?;
            Ok((rest, (key, Value::Text(event::text(inside)))))
        }
        _ => map(bare, |word| (key, scalar(word))).parse(input),
    }
}

/// A key and its `=`. klog's forerunner quoted keys too.
fn key(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let plain = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b"_-./@:".contains(&byte));
    let named = verify(quoted, |key: &[u8]| !key.is_empty());
    terminated(alt((named, plain)), char('=')).parse(input)
}

fn bare(input: &[u8]) -> IResult<&[u8], &[u8]> {
    nom::bytes::complete::take_till(|byte| is_blank(byte) || byte == b'\n').parse(input)
}

fn scalar(word: &[u8]) -> Value<'_> {
    let numeric = word.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
        && std::str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok());
    match word {
        b"true" => Value::Bool(true),
        b"false" => Value::Bool(false),
        _ if numeric => Value::Number(event::text(word)),
        _ => Value::Text(event::text(word)),
    }
}
