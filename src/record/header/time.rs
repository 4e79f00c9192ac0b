//! The times that headers carry.
//!
//! A date-time without a zone is taken as UTC: containers run in it, and nothing in the line says otherwise. A zone that is
//! only an abbreviation other than `UTC` and `GMT` is ambiguous, so such a time is none; so is one without a year.

use jiff::{Timestamp, tz::Offset};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take},
    character::complete::{char, one_of},
    combinator::{map, map_opt, opt, peek, value},
    sequence::{preceded, terminated},
};

use super::fields::Value;
use crate::frame::time::{clock, date, digits, instant, zone};

/// A date-time at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stamp {
    /// The point in time.
    pub(super) time: Timestamp,
    /// Written with `T` and a zone, as RFC 3339 wants.
    pub(super) rfc3339: bool,
    /// Written with slashes, as Go's standard logger and nginx do.
    pub(super) slashes: bool,
}

/// A date-time: `2031-03-09T04:05:06.5Z`, `2031-03-09 04:05:06,123 UTC`, `2031/03/09 04:05:06`, …
pub(super) fn stamp(input: &[u8]) -> IResult<&[u8], Stamp> {
    let day =
        alt((map(|input| date('-', input), |day| (day, false)), map(|input| date('/', input), |day| (day, true))));
    map_opt((day, one_of("T "), clock, opt(offset)), |((day, slashes), separator, clock, offset)| {
        let time = instant(day, clock, offset.unwrap_or(Offset::UTC))?;
        Some(Stamp { time, rfc3339: separator == 'T' && offset.is_some(), slashes })
    })
    .parse(input)
}

/// A zone right behind the clock, or a word apart.
fn offset(input: &[u8]) -> IResult<&[u8], Offset> {
    let named = terminated(value(Offset::UTC, alt((tag("UTC"), tag("GMT")))), peek(word_end));
    alt((zone, preceded(char(' '), alt((terminated(zone, peek(word_end)), named))))).parse(input)
}

fn word_end(input: &[u8]) -> IResult<&[u8], ()> {
    alt((value((), one_of(" \t]\":,|")), value((), nom::combinator::eof))).parse(input)
}

/// `10/Oct/2031:13:55:36 +0200`, as web servers write it.
pub(super) fn web_server(input: &[u8]) -> IResult<&[u8], Timestamp> {
    let day = map_opt(digits(2), |day| i8::try_from(day).ok());
    let year = map_opt(digits(4), |year| i16::try_from(year).ok());
    map_opt(
        (day, char('/'), month, char('/'), year, char(':'), clock, char(' '), zone),
        |(day, _, month, _, year, _, clock, _, offset)| instant((year, month, day), clock, offset),
    )
    .parse(input)
}

/// `Jan` to `Dec`: 1 to 12.
pub(super) fn month(input: &[u8]) -> IResult<&[u8], i8> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    map_opt(take(3_usize), |name: &[u8]| {
        let at = MONTHS.iter().position(|month| *month == name)?;
        i8::try_from(at + 1).ok()
    })
    .parse(input)
}

/// The time in a field: a date-time as text, or the seconds, milli-, micro- or nanoseconds since 1970.
pub(super) fn of_value(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Text(text) => of_text(text),
        Value::Number(number) => of_number(number),
        Value::Bool(_) | Value::Null => None,
    }
}

/// The time in a text that is nothing but a time.
pub(in crate::record) fn of_text(text: &str) -> Option<Timestamp> {
    match stamp(text.as_bytes()) {
        Ok((b"", stamp)) => Some(stamp.time),
        Ok(_) => None,
        Err(_) => of_number(text),
    }
}

/// Seconds and nanoseconds since 1970, as two fields.
pub(super) fn of_parts(seconds: &str, nanoseconds: &str) -> Option<Timestamp> {
    Timestamp::new(seconds.parse().ok()?, nanoseconds.parse().ok()?).ok()
}

/// A number's unit follows from its size: any of these years has eleven digits less than the next finer unit's.
fn of_number(number: &str) -> Option<Timestamp> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        // An exponent, as of Go's `%v`. The digits that a double keeps are enough for microseconds.
        return of_float(number.parse().ok()?);
    }
    let whole: i128 = whole.parse().ok()?;
    let unit = unit(whole)?;
    let kept = &fraction[..fraction.len().min(9)];
    let part = if kept.is_empty() { 0 } else { kept.parse::<i128>().ok()? };
    let scale = 10_i128.pow(kept.len() as u32);
    Timestamp::from_nanosecond(whole * unit + part * unit / scale).ok()
}

fn of_float(number: f64) -> Option<Timestamp> {
    if !(1.0..1e19).contains(&number) {
        return None;
    }
    let unit = unit(number as i128)?;
    let microseconds = (number * unit as f64 / 1000.0).round() as i128;
    Timestamp::from_nanosecond(microseconds * 1000).ok()
}

/// Nanoseconds in the unit of a number; `None` for numbers too small to be a time of a log.
fn unit(number: i128) -> Option<i128> {
    match number {
        100_000_000..100_000_000_000 => Some(1_000_000_000),
        100_000_000_000..100_000_000_000_000 => Some(1_000_000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(1_000),
        100_000_000_000_000_000..100_000_000_000_000_000_000 => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn stamps() {
        let table = [
            ("2031-03-09T04:05:06Z", "2031-03-09T04:05:06Z", true, ""),
            ("2031-03-09T04:05:06.123456789+02:00 x", "2031-03-09T02:05:06.123456789Z", true, " x"),
            ("2031-03-09T04:05:06.000+0000\tx", "2031-03-09T04:05:06Z", true, "\tx"),
            ("2031-03-09 04:05:06,123 - x", "2031-03-09T04:05:06.123Z", false, " - x"),
            ("2031-03-09 04:05:06.5 UTC [4]", "2031-03-09T04:05:06.5Z", false, " [4]"),
            ("2031-03-09 04:05:06 -0130] x", "2031-03-09T05:35:06Z", false, "] x"),
            ("2031/03/09 04:05:06 msg", "2031-03-09T04:05:06Z", false, " msg"),
            ("2031-03-09T04:05:06 UTC", "2031-03-09T04:05:06Z", true, ""),
            // No zones, these: they stay behind.
            ("2031-03-09 04:05:06 GMTIME", "2031-03-09T04:05:06Z", false, " GMTIME"),
            ("2031-03-09 04:05:06 INFO", "2031-03-09T04:05:06Z", false, " INFO"),
            ("2031-03-09 04:05:06 +1234567", "2031-03-09T04:05:06Z", false, " +1234567"),
        ];
        for (text, time, rfc3339, rest) in table {
            let (behind, stamp) = stamp(text.as_bytes()).unwrap();
            assert_eq!((stamp.time, stamp.rfc3339), (at(time), rfc3339), "{text}");
            assert_eq!(behind, rest.as_bytes(), "{text}");
        }
        for text in
            ["", "2031-03-09", "2031-13-09 04:05:06", "2031-03/09 04:05:06", "31-03-09 04:05:06", "2031-03-09 24:05:06"]
        {
            assert!(stamp(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn values() {
        let table = [
            ("1930000000", "2031-02-27T23:06:40Z"),
            ("1930000000.25", "2031-02-27T23:06:40.25Z"),
            ("1930000000.1234567891", "2031-02-27T23:06:40.123456789Z"),
            ("1930000000123", "2031-02-27T23:06:40.123Z"),
            ("1930000000123.5", "2031-02-27T23:06:40.1235Z"),
            ("1930000000123456", "2031-02-27T23:06:40.123456Z"),
            ("1930000000123456789", "2031-02-27T23:06:40.123456789Z"),
            ("1.93000000025e+09", "2031-02-27T23:06:40.25Z"),
        ];
        for (number, time) in table {
            assert_eq!(of_value(&Value::Number(number.into())), Some(at(time)), "{number}");
            assert_eq!(of_value(&Value::Text(number.into())), Some(at(time)), "{number}");
        }
        for number in ["", ".", "0", "12", "-1930000000", "1e400", "NaN", "99999999999999999999999"] {
            assert_eq!(of_value(&Value::Number(number.into())), None, "{number}");
        }
        assert_eq!(of_text("2031-02-27 23:06:40"), Some(at("2031-02-27T23:06:40Z")));
        assert_eq!(of_text("2031-02-27 23:06:40 later"), None);
        assert_eq!(of_parts("1930000000", "5"), Some(at("2031-02-27T23:06:40.000000005Z")));
    }

    #[test]
    fn web_servers() {
        let (rest, time) = web_server(b"27/Feb/2031:23:06:40 +0100] x").unwrap();
        assert_eq!((rest, time), (&b"] x"[..], at("2031-02-27T22:06:40Z")));
        assert!(web_server(b"27/Fev/2031:23:06:40 +0100").is_err());
    }
}
