//! JSON text that is safe to print: compact, and with every control character escaped. Must not know what is written.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Appends `value` as one line of JSON, ending in `\n`.
///
/// JSON itself lets DEL and the C1 controls through (U+007F to U+009F), and a terminal may obey those; here they are
/// escaped as well.
pub(super) fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    self::value(value, out);
    out.push(b'\n');
}

/// Appends the value.
pub(super) fn value(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let start = out.len();
    let mut written = value.serialize(&mut Serializer::new(&mut *out));
    // Nearly no text has any of these, which one look at the whole tells; the serializer hands it on in pieces, from one escape to the next.
    if next_control(&out[start..]).is_some() {
        out.truncate(start);
        written = value.serialize(&mut Serializer::with_formatter(&mut *out, NoControls(CompactFormatter)));
    }
    if written.is_err() {
        // Impossible for the shapes of this room: writing to memory can't fail, keys are strings, no number is a float. Half a value would
        // spoil the stream.
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Appends what stands between the braces of an object that isn't empty, to be one of several parts of one.
pub(super) fn members(object: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    value(object, out);
    out.remove(start);
    out.pop();
}

struct NoControls(CompactFormatter);

impl Formatter for NoControls {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, length)) = next_control(rest.as_bytes()) {
            self.0.write_string_fragment(writer, &rest[..at])?;
            rest[at..at + length].chars().try_for_each(|control| write!(writer, "\\u{:04x}", u32::from(control)))?;
            rest = &rest[at + length..];
        }
        self.0.write_string_fragment(writer, rest)
    }
}

/// The first control character of a text, and its length. Of those below U+0020 the serializer leaves none; the others are DEL and, behind the byte C2, 80 to
/// 9F.
fn next_control(text: &[u8]) -> Option<(usize, usize)> {
    // Both bytes only ever begin a character.
    let mut suspects = memchr::memchr2_iter(0x7f, 0xc2, text);
    suspects.find_map(|at| match text[at..] {
        [0x7f, ..] => Some((at, 1)),
        [_, 0x80..=0x9f, ..] => Some((at, 2)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_are_escaped() {
        let mut out = Vec::new();
        line(&"a\u{1b}[2J\u{7f}\u{9b}31m\u{85}é", &mut out);
        assert_eq!(out, "\"a\\u001b[2J\\u007f\\u009b31m\\u0085é\"\n".as_bytes());
    }

    proptest! {
        #[test]
        fn any_text_survives_without_controls(text in any::<String>()) {
            let mut out = Vec::new();
            line(&text, &mut out);
            let printed = std::str::from_utf8(&out).unwrap().strip_suffix('\n').unwrap();
            prop_assert!(!printed.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(printed).unwrap(), text);
        }
    }
}
