//! The pieces of a written date and time, and RFC 3339 put together from them.
//!
//! Holds nom parsers over bytes. Knows neither the envelope nor the header in which the time stands.

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n, take_while1},
    character::complete::{char, one_of},
    combinator::{map, map_opt, opt, value},
    sequence::{preceded, terminated},
};

/// `YYYY-MM-DD`, the separator as given.
pub(crate) fn date(separator: char, input: &[u8]) -> IResult<&[u8], (i16, i8, i8)> {
    (
        map_opt(digits(4), |year| i16::try_from(year).ok()),
        preceded(char(separator), two_digits),
        preceded(char(separator), two_digits),
    )
        .parse(input)
}

/// `HH:MM:SS`, with a fraction behind a point or a comma: hours, minutes, seconds, nanoseconds.
///
/// A fraction of any width is read; what is finer than a nanosecond is cut off. A leap second is the second before it.
pub(crate) fn clock(input: &[u8]) -> IResult<&[u8], (i8, i8, i8, i32)> {
    map(
        (
            two_digits,
            preceded(char(':'), two_digits),
            preceded(char(':'), map(two_digits, |second| if second == 60 { 59 } else { second })),
            map(opt(preceded(one_of(".,"), fraction)), Option::unwrap_or_default),
        ),
        |(hour, minute, second, nanosecond)| (hour, minute, second, nanosecond),
    )
    .parse(input)
}

/// `Z`, `+02:00` or `+0200`.
pub(crate) fn zone(input: &[u8]) -> IResult<&[u8], Offset> {
    alt((
        value(Offset::UTC, one_of("Zz")),
        map_opt((one_of("+-"), two_digits, opt(char(':')), two_digits), |(sign, hours, _, minutes)| {
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            Offset::from_seconds(if sign == '-' { -seconds } else { seconds }).ok()
        }),
    ))
    .parse(input)
}

/// A point in time from a date, a clock and an offset; `None` where the calendar has no such day or hour.
pub(crate) fn instant(
    (year, month, day): (i16, i8, i8),
    (hour, minute, second, nanosecond): (i8, i8, i8, i32),
    offset: Offset,
) -> Option<Timestamp> {
    let civil = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
    offset.to_timestamp(civil).ok()
}

/// RFC 3339 with a zone, such as `2024-05-17T08:03:21.5+02:00`.
pub(crate) fn rfc3339(input: &[u8]) -> IResult<&[u8], Timestamp> {
    map_opt((terminated(|input| date('-', input), tag("T")), clock, zone), |(date, clock, offset)| {
        instant(date, clock, offset)
    })
    .parse(input)
}

/// Exactly so many decimal digits; at most 9, so that the number fits.
pub(crate) fn digits<'a>(count: usize) -> impl Parser<&'a [u8], Output = u32, Error = nom::error::Error<&'a [u8]>> {
    map(take_while_m_n(count, count, |byte: u8| byte.is_ascii_digit()), decimal)
}

fn two_digits(input: &[u8]) -> IResult<&[u8], i8> {
    map_opt(digits(2), |number| i8::try_from(number).ok()).parse(input)
}

fn fraction(input: &[u8]) -> IResult<&[u8], i32> {
    map_opt(take_while1(|byte: u8| byte.is_ascii_digit()), |digits: &[u8]| {
        let kept = &digits[..digits.len().min(9)];
        let scale = 10_u32.pow(9 - kept.len() as u32);
        i32::try_from(decimal(kept) * scale).ok()
    })
    .parse(input)
}

fn decimal(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}
