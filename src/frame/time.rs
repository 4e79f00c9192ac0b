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
    if let Some((rest, time)) = plain_rfc3339(input) {
        return Ok((rest, time));
    }
    map_opt((terminated(|input| date('-', input), tag("T")), clock, zone), |(date, clock, offset)| {
        instant(date, clock, offset)
    })
    .parse(input)
}

/// The form in which container runtimes write it, `2024-05-17T08:03:21.123456789Z` with any fraction or none. Every line has one, and
/// this is several times quicker than putting parsers together.
fn plain_rfc3339(input: &[u8]) -> Option<(&[u8], Timestamp)> {
    let (head, rest) = input.split_first_chunk::<19>()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let digits = head.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits + marks.len() != head.len() || marks.iter().any(|(at, mark)| head[*at] != *mark) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| decimal(&head[range]);
    let two = |at: usize| number(at..at + 2) as i8;
    let width =
        if rest.first() == Some(&b'.') { rest[1..].iter().take_while(|b| b.is_ascii_digit()).count() } else { 0 };
    let nanosecond = match width {
        0 => 0,
        // The clock's own parser cuts off what is finer.
        10.. => return None,
        _ => decimal(&rest[1..=width]) * 10_u32.pow(9 - width as u32),
    };
    let rest = if width > 0 { &rest[width + 1..] } else { rest }.strip_prefix(b"Z")?;
    let clock = (two(11), two(14), if two(17) == 60 { 59 } else { two(17) }, nanosecond as i32);
    Some((rest, instant((number(0..4) as i16, two(5), two(8)), clock, Offset::UTC)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_is_read_as_the_parsers_read_it() {
        let by_parsers = |input| -> IResult<&[u8], Timestamp> {
            map_opt((terminated(|input| date('-', input), tag("T")), clock, zone), |(date, clock, offset)| {
                instant(date, clock, offset)
            })
            .parse(input)
        };
        let texts = [
            "2024-05-17T08:03:21.123456789Z stdout F x",
            "2024-05-17T08:03:21.5Z",
            "2024-05-17T08:03:21Z ",
            "2024-02-30T08:03:21Z",
            "2024-05-17T24:03:21Z",
            "2024-05-17T08:03:60.25Z",
            "2024-05-17T08:03:21.1234567891Z",
            "2024-05-17T08:03:21.Z",
            "2024-05-17T08:03:21.5+02:00",
            "2024-05-17 08:03:21Z",
            "2024-05-17T08:03:21",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
        ];
        for text in texts {
            let plain = plain_rfc3339(text.as_bytes());
            let want = by_parsers(text.as_bytes()).ok();
            assert!(plain.is_none() || plain == want, "{text}: {plain:?}, {want:?}");
            assert_eq!(rfc3339(text.as_bytes()).ok(), want, "{text}");
        }
    }
}
