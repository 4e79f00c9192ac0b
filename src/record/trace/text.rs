//! Looks at one line that all trace grammars share: indentation, identifiers, exception names, stack frames.
//!
//! Knows no language's order of lines, and no prefixes.

use memchr::memmem::Finder;

/// The searcher for a fixed text, made once: making one costs more than searching a line with it.
macro_rules! finder {
    ($needle:expr) => {{
        static FINDER: std::sync::LazyLock<memchr::memmem::Finder<'static>> =
            std::sync::LazyLock::new(|| memchr::memmem::Finder::new($needle));
        &*FINDER
    }};
}
pub(super) use finder;

/// Does `text` begin with `head`?
pub(super) fn begins(text: &[u8], head: &str) -> bool {
    text.starts_with(head.as_bytes())
}

/// Is there nothing but white space?
pub(super) fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

/// Does the line begin with white space?
pub(super) fn is_indented(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_whitespace)
}

/// Does the line begin with a tab, or with as many spaces as a traceback puts before source code?
pub(super) fn is_deep(text: &[u8]) -> bool {
    text.first() == Some(&b'\t') || text.starts_with(b"    ")
}

/// How many ASCII digits `text` begins with.
pub(super) fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Is every byte of `text`, which isn't empty, one of `set`?
pub(super) fn only(text: &[u8], set: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| set.contains(b))
}

/// Is it a byte of a dotted name as Java, Python or JavaScript have it?
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.')
}

/// The closing brackets that end a value printed over several lines.
pub(super) fn is_closer(text: &[u8]) -> bool {
    only(text.trim_ascii(), b"})],;")
}

/// Where the names stand that read as an exception's type: `java.io.IOException`, `TypeError`. From word to word, as most names are others.
pub(super) fn exception_names(text: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let word = at + exception_word(&text[at..])?;
            let start = word - text[at..word].iter().rev().take_while(|b| is_name_byte(**b)).count();
            let end = word + text[word..].iter().take_while(|b| is_name_byte(**b)).count();
            at = end;
            if is_exception_name(&text[start..end]) {
                return Some((start, end));
            }
        }
    })
}

/// How the name of an exception's type ends.
const EXCEPTIONS: [&str; 3] = ["Exception", "Error", "Throwable"];

/// Where the first of [`EXCEPTIONS`] stands.
fn exception_word(text: &[u8]) -> Option<usize> {
    exception_words().iter().filter_map(|word| word.find(text)).min()
}

fn exception_words() -> [&'static Finder<'static>; 3] {
    [finder!("Exception"), finder!("Error"), finder!("Throwable")]
}

fn is_exception_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && EXCEPTIONS.iter().any(|tail| name.ends_with(tail.as_bytes()))
}

/// Where a type with a package stands, if one does.
pub(super) fn qualified_exception(text: &[u8]) -> Option<(usize, usize)> {
    exception_names(text).find(|&(start, end)| text[start..end].contains(&b'.'))
}

/// Is it a stack frame as the JVM, V8 and .NET print it: `at`, then where?
///
/// Indentation may have been lost; then only the JVM's closed form counts, since prose can begin with "at".
pub(super) fn is_at_frame(text: &[u8]) -> bool {
    let Some(place) = text.trim_ascii_start().strip_prefix(b"at ") else {
        return false;
    };
    if is_indented(text) {
        return place.iter().any(|b| matches!(b, b'(' | b'.' | b':' | b'<'));
    }
    let open = place.iter().position(|b| *b == b'(').unwrap_or(0);
    open > 0
        && place[..open].contains(&b'.')
        && !place[..open].contains(&b' ')
        && place.trim_ascii_end().ends_with(b")")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Name by name.
    fn naive(text: &[u8]) -> Vec<(usize, usize)> {
        let mut names = Vec::new();
        let mut start = 0;
        for end in 0..=text.len() {
            if text.get(end).is_none_or(|byte| !is_name_byte(*byte)) {
                if is_exception_name(&text[start..end]) {
                    names.push((start, end));
                }
                start = end + 1;
            }
        }
        names
    }

    proptest! {
        #[test]
        fn no_exception_is_passed_over(text in "(a|B|_|\\$|\\.| |:|1|Error|Exception|Throwable|Err|ü){0,24}") {
            prop_assert_eq!(exception_names(text.as_bytes()).collect::<Vec<_>>(), naive(text.as_bytes()));
        }
    }

    #[test]
    fn exception_names_end_where_the_word_ends() {
        let rows: [(&str, Option<&str>); 6] = [
            ("ERROR - Failed: java.io.IOException: closed", Some("java.io.IOException")),
            ("java.lang.NullPointerException", Some("java.lang.NullPointerException")),
            ("org.acme.ErrorHandler started", None),
            ("TypeError: x is undefined", None),
            ("wrapped (java.util.concurrent.TimeoutException)", Some("java.util.concurrent.TimeoutException")),
            ("com.acme.Outer$InnerError", Some("com.acme.Outer$InnerError")),
        ];
        for (text, expected) in rows {
            let found = qualified_exception(text.as_bytes()).map(|(start, end)| &text[start..end]);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn frames_are_not_prose() {
        let rows = [
            ("\tat org.acme.Main.run(Main.java:7)", true),
            ("    at async load (file:///srv/app.mjs:3:9)", true),
            ("   at Acme.Program.Main(String[] args) in /src/Program.cs:line 9", true),
            ("at org.acme.Main.run(Main.java:7)", true),
            ("at last the server is up (finally)", false),
            ("attached.to(node)", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_at_frame(text.as_bytes()), expected, "{text}");
        }
    }
}
