//! The escapes of JSON and of Go's `%q`, undone once.
//!
//! Knows nothing of quotes or structure: punctuation stays where it is, so it serves a whole line as well as one string.

use std::borrow::Cow;

use memchr::memchr;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::one_of,
    combinator::{map, map_opt},
    sequence::preceded,
};

/// What an escape stands for.
enum Meant {
    Byte(u8),
    Char(char),
}

/// Is there nothing to undo?
pub fn is_plain(content: &[u8]) -> bool {
    memchr(b'\\', content).is_none()
}

/// Undoes `\" \\ \/ \n \t \r \b \f`, `\u` with four hexadecimal digits (surrogate pairs too) and `\x` with two, each once, from left to right.
///
/// Whatever isn't one of these stays as it is, a lone surrogate too. The result is never longer than the input, and
/// borrows it where there was nothing to undo.
pub fn unescape(content: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'\\', content) else {
        return Cow::Borrowed(content);
    };
    let mut plain = Vec::with_capacity(content.len());
    let (before, mut rest) = content.split_at(first);
    plain.extend_from_slice(before);
    loop {
        // `rest` is at a backslash.
        match escape(rest) {
            Ok((behind, meant)) => {
                push(&mut plain, meant);
                rest = behind;
            }
            Err(_) => {
                plain.push(b'\\');
                rest = &rest[1..];
            }
        }
        let Some(next) = memchr(b'\\', rest) else {
            plain.extend_from_slice(rest);
            return Cow::Owned(plain);
        };
        plain.extend_from_slice(&rest[..next]);
        rest = &rest[next..];
    }
}

fn push(plain: &mut Vec<u8>, meant: Meant) {
    match meant {
        Meant::Byte(byte) => plain.push(byte),
        Meant::Char(char) => plain.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn escape(input: &[u8]) -> IResult<&[u8], Meant> {
    let byte = preceded(tag(r"\x"), hex(2));
    alt((
        preceded(tag(r"\"), map(map_opt(one_of(r#""\/ntrbf"#), simple), Meant::Byte)),
        map(surrogates, Meant::Char),
        map(map_opt(unit, char::from_u32), Meant::Char),
        map(map_opt(byte, |number| u8::try_from(number).ok()), Meant::Byte),
    ))
    .parse(input)
}

fn simple(letter: char) -> Option<u8> {
    match letter {
        'n' => Some(b'\n'),
        't' => Some(b'\t'),
        'r' => Some(b'\r'),
        'b' => Some(8),
        'f' => Some(12),
        other => u8::try_from(other).ok(),
    }
}

/// Two UTF-16 units that make one character.
fn surrogates(input: &[u8]) -> IResult<&[u8], char> {
    map_opt((unit, unit), |(high, low)| match (high, low) {
        (0xd800..=0xdbff, 0xdc00..=0xdfff) => char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
        _ => None,
    })
    .parse(input)
}

fn unit(input: &[u8]) -> IResult<&[u8], u32> {
    preceded(tag(r"\u"), hex(4)).parse(input)
}

fn hex<'a>(count: usize) -> impl Parser<&'a [u8], Output = u32, Error = nom::error::Error<&'a [u8]>> {
    map_opt(take_while_m_n(count, count, |byte: u8| byte.is_ascii_hexdigit()), |digits: &[u8]| {
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes() {
        let table: &[(&str, &[u8])] = &[
            (r#"{"msg":"say \"no\"","n":1}"#, br#"{"msg":"say "no"","n":1}"#),
            (r"main.main\n\t/src/main.go:9\r", b"main.main\n\t/src/main.go:9\r"),
            (r"a\/b \b\f", b"a/b \x08\x0c"),
            (r"\u003cnil\u003e \u0026 caf\u00e9", "<nil> & café".as_bytes()),
            (r"\ud83c\udf50", "🍐".as_bytes()),
            (r"\x1b[0m \xc3\xa9", "\x1b[0m é".as_bytes()),
            // Once only.
            (r"\\n \\u0041 \\\n", b"\\n \\u0041 \\\n"),
            // Not escapes.
            (r"\q \u12 \u12g4 \x4 \ud83c \udf50 C:\", br"\q \u12 \u12g4 \x4 \ud83c \udf50 C:\"),
            (r"\ud83c\u0041", br"\ud83cA"),
            ("\\\\", b"\\"),
            ("\\", b"\\"),
            ("", b""),
        ];
        for (escaped, plain) in table {
            assert_eq!(unescape(escaped.as_bytes()).as_ref(), *plain, "{escaped}");
        }
        assert!(matches!(unescape(b"nothing to do"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn never_longer(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(unescape(&bytes).len() <= bytes.len());
        }

        #[test]
        fn agrees_with_serde_json(text in "\\PC{0,40}|[\"\\\\\n\t\r\u{8}\u{c}/a]{0,40}") {
            let quoted = serde_json::to_string(&text).unwrap();
            let inside = &quoted.as_bytes()[1..quoted.len() - 1];
            let plain = unescape(inside);
            prop_assert_eq!(plain.as_ref(), text.as_bytes());
        }
    }
}
