//! What loggers put before a line: a header printed once, or a prefix repeated on every line of a trace.
//!
//! Two prefixes are the same when they are equal but for their digits, whose runs may differ in length too: times and counters go
//! on from line to line. Knows no trace grammar.

use super::text::{begins, digits, is_blank};

/// Longest prefix that is looked for on the following lines.
const LONGEST: usize = 256;

/// Most gaps that such a prefix has, so that a line made of gaps isn't judged at each of them.
const MOST_GAPS: usize = 16;

/// How a line was read, which decides how much its indentation may be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum How {
    /// As it stands.
    Raw,
    /// Behind a prefix that ends in a mark of its own, so that the white space after it belongs to the text.
    Firm,
    /// Behind a prefix after which white space may be a padded column.
    Loose,
}

/// A prefix that the lines of a trace may repeat.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    bytes: Box<[u8]>,
    how: How,
}

impl Prefix {
    /// The prefix that stands before a trace's first words. None where the lines below can't repeat it: empty, very long, or glued
    /// to the text.
    pub(super) fn new(before: &[u8]) -> Option<Prefix> {
        let gaps =
            before.windows(2).filter(|pair| pair[1].is_ascii_whitespace() && !pair[0].is_ascii_whitespace()).count();
        let usable = before.last().is_some_and(u8::is_ascii_whitespace) && before.len() <= LONGEST && gaps <= MOST_GAPS;
        usable.then(|| Prefix { bytes: before.into(), how: how(before) })
    }

    /// What follows the prefix in `line`; nothing where the line is the prefix alone. None where the line hasn't got it, or has it as the
    /// beginning of a header of its own: a padded level follows.
    pub(super) fn strip<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let (own, other) = Walk::new(&self.bytes, line).last().unwrap_or((0, 0));
        let whole = own == self.bytes.len();
        let cut = other == line.len() && is_blank(&self.bytes[own..]);
        (whole || cut).then(|| &line[other..]).filter(|text| !is_padded_level(text))
    }

    /// How far the indentation behind it may be trusted.
    pub(super) fn how(&self) -> How {
        self.how
    }
}

/// Is it a level behind a gap, as after the time in `2031-02-03T04:05:06Z  INFO acme: up`? In small letters it may be an indented word,
/// unless a gap follows too: `2031-02-03T04:05:06Z     info    ads     up`.
fn is_padded_level(text: &[u8]) -> bool {
    let level = text.trim_ascii_start();
    let run = level.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, behind) = level.split_at(run);
    level.len() < text.len()
        && match word.first() {
            Some(b'A'..=b'Z') => begins_with_level(level),
            _ => is_level(word) && (behind.starts_with(b"\t") || behind.starts_with(b"  ")),
        }
}

/// Steps through two texts in parallel as long as they are equal but for digits.
struct Walk<'t> {
    left: &'t [u8],
    right: &'t [u8],
    at: (usize, usize),
}

impl<'t> Walk<'t> {
    fn new(left: &'t [u8], right: &'t [u8]) -> Walk<'t> {
        Walk { left, right, at: (0, 0) }
    }
}

impl Iterator for Walk<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let (left, right) = (&self.left[self.at.0..], &self.right[self.at.1..]);
        let runs = (digits(left), digits(right));
        if runs.0 > 0 && runs.1 > 0 {
            self.at = (self.at.0 + runs.0, self.at.1 + runs.1);
        } else if !left.is_empty() && left.first() == right.first() {
            self.at = (self.at.0 + 1, self.at.1 + 1);
        } else {
            return None;
        }
        Some(self.at)
    }
}

/// Where a prefix common to both lines may end: `(in prev, in line)`, in order.
pub(super) fn boundaries<'t>(prev: &'t [u8], line: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
    let inside = Walk::new(prev, line).take(LONGEST).filter(|&at| is_boundary(prev, line, at)).take(2 * MOST_GAPS + 1);
    inside.chain(std::iter::once_with(|| cut_short(prev, line)).flatten())
}

/// A boundary stands after the first space of a gap, and where the gap common to both lines ends.
fn is_boundary(prev: &[u8], line: &[u8], (i, j): (usize, usize)) -> bool {
    let space = |text: &[u8], at: usize| text.get(at).is_some_and(u8::is_ascii_whitespace);
    let first = i < 2 || !space(prev, i - 2);
    let last = !(space(prev, i) && prev.get(i) == line.get(j));
    space(prev, i - 1) && (first || last)
}

/// One line may be the bare prefix, its last spaces trimmed away.
fn cut_short(prev: &[u8], line: &[u8]) -> Option<(usize, usize)> {
    let (i, j) = Walk::new(prev, line).take(LONGEST).last()?;
    let space = |text: &[u8], at: usize| text.get(at).is_some_and(u8::is_ascii_whitespace);
    if i == prev.len() && space(line, j) {
        Some((i, j + 1))
    } else if j == line.len() && space(prev, i) {
        Some((i + 1, j))
    } else {
        None
    }
}

/// How far indentation behind this prefix may be trusted.
pub(super) fn how(prefix: &[u8]) -> How {
    let prefix = prefix.trim_ascii_end();
    let firm = match prefix.last() {
        None | Some(b']' | b')' | b'|' | b'>') => true,
        Some(b':') => {
            let bare = prefix.trim_ascii_end().strip_suffix(b":").unwrap_or(prefix);
            let word = last_token(bare, |b| !b.is_ascii_alphabetic());
            !is_level(word) && prefix.iter().any(|b| b.is_ascii_digit() || *b == b'[')
        }
        Some(_) => is_rfc3339(last_token(prefix, |b| b.is_ascii_whitespace())),
    };
    if firm { How::Firm } else { How::Loose }
}

fn last_token(text: &[u8], cut: impl Fn(&u8) -> bool) -> &[u8] {
    text.rsplit(|b| cut(b)).next().unwrap_or_default()
}

/// `2024-03-01T12:00:00…`, any number of digits each.
fn is_rfc3339(token: &[u8]) -> bool {
    let mut rest = token;
    for mark in *b"--T::" {
        let run = digits(rest);
        if run == 0 || rest.get(run) != Some(&mark) {
            return false;
        }
        rest = &rest[run + 1..];
    }
    digits(rest) > 0
}

const LEVELS: [&str; 11] =
    ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "FATAL", "PANIC"];

/// Is it the name of a log level, whatever its case?
fn is_level(word: &[u8]) -> bool {
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level.as_bytes()))
}

/// Does the line begin with a level in capitals, or with one in small letters and a colon?
pub(super) fn begins_with_level(text: &[u8]) -> bool {
    let run = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, next) = (&text[..run], text.get(run));
    is_level(word)
        && match word.first() {
            Some(b'A'..=b'Z') => word[run - 1].is_ascii_uppercase() && !matches!(next, Some(b'_' | b'.' | b'(')),
            _ => next == Some(&b':') || next == Some(&b'['),
        }
}

/// Is its first word a level, whatever its case?
pub(super) fn begins_with_level_word(text: &[u8]) -> bool {
    let run = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    is_level(&text[..run]) && text.get(run).is_none_or(|b| !matches!(b, b'_' | b'.' | b'('))
}

/// Does the line look like the start of an ordinary log line of its own?
pub(super) fn is_headed(line: &[u8]) -> bool {
    let window = &line[..line.len().min(48)];
    match line.first() {
        Some(b'{' | b'[' | 0x1b) => true,
        Some(b'(') => window.windows(5).any(|w| w == b" pid=") || window.windows(5).any(|w| w == b" rank"),
        Some(b'I' | b'W' | b'E' | b'F' | b'D') if digits(&line[1..]) == 4 => true,
        Some(b'0'..=b'9') if is_date_or_address(line) => true,
        Some(_) => begins_with_level(line) || is_logfmt(line) || holds_time(window),
        None => false,
    }
}

/// `2024-03-01`, `2024/03/01`, `01/03/2024`, `10.0.0.7`.
fn is_date_or_address(line: &[u8]) -> bool {
    let first = digits(line);
    let Some(mark @ (b'-' | b'/' | b'.')) = line.get(first) else {
        return false;
    };
    let second = digits(&line[first + 1..]);
    second > 0 && line.get(first + 1 + second) == Some(mark)
}

/// `time="…" level=info …`
fn is_logfmt(line: &[u8]) -> bool {
    ["time=", "ts=", "t=", "level=", "lvl=", "msg=", "logger="].iter().any(|key| begins(line, key))
}

/// `12:00:00` anywhere.
fn holds_time(window: &[u8]) -> bool {
    window
        .windows(8)
        .any(|w| w.iter().enumerate().all(|(at, b)| if at % 3 == 2 { *b == b':' } else { b.is_ascii_digit() }))
}

/// May what stands before a trace's first words be a log header or a prefix, rather than a sentence that quotes them?
pub(super) fn leads(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    let Some(last) = trimmed.last() else {
        return true;
    };
    let word = last_token(trimmed, |b| !b.is_ascii_alphabetic());
    !before.starts_with(b"{")
        && (matches!(last, b':' | b']' | b')' | b'|' | b'>' | b'-') || is_level(word) || is_headed(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_repeats_whatever_its_digits() {
        let rows: [(&str, &str, Option<&str>); 14] = [
            (
                "(Core_0 pid=12) ERROR 05-04 00:26:01 [a.py:5] ",
                "(Core_11 pid=4) ERROR 05-04 00:26:59 [a.py:17]   File",
                Some("  File"),
            ),
            ("[rank0]: ", "[rank0]:", Some("")),
            ("[rank0]: ", "[rank12]: ", Some("")),
            ("[rank0]: ", "[rank]: x", None),
            ("db-1  | ", "db-1  | \tat", Some("\tat")),
            ("    ", "      File", Some("  File")),
            ("INFO 1 ", "ERROR 1 x", None),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z  INFO acme: up", None),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z INFO acme: up", Some("INFO acme: up")),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z   INFO_LEVEL = 3", Some("  INFO_LEVEL = 3")),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z   error: bad", Some("  error: bad")),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z     info    ads     up", None),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z   error in the pump", Some("  error in the pump")),
            ("2031-02-03T04:05:06Z ", "2031-02-03T04:05:07Z     at    acme", Some("    at    acme")),
        ];
        for (prefix, line, expected) in rows {
            let prefix = Prefix::new(prefix.as_bytes()).expect("usable");
            assert_eq!(prefix.strip(line.as_bytes()), expected.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn glued_and_empty_prefixes_do_not_repeat() {
        assert!(Prefix::new(b"").is_none());
        assert!(Prefix::new(b"ERROR:root:").is_none());
    }

    #[test]
    fn indentation_is_trusted_behind_marks_only() {
        let rows = [
            ("[rank0]: ", How::Firm),
            ("db-1  | ", How::Firm),
            ("2031-02-03T04:05:06.7Z ", How::Firm),
            ("INFO:     ", How::Loose),
            ("2031-02-03 04:05:06 uvicorn.error INFO:    ", How::Loose),
            ("2031-02-03 04:05:06 INFO ", How::Loose),
            ("I0203 04:05:06.000007 ", How::Loose),
        ];
        for (prefix, expected) in rows {
            assert_eq!(how(prefix.as_bytes()), expected, "{prefix}");
        }
    }

    #[test]
    fn headers_are_told_from_text() {
        let rows = [
            ("I0203 04:05:06.000007       1 main.go:8] up", true),
            ("2031-02-03 04:05:06,789 - acme - INFO - up", true),
            ("{\"level\":\"info\",\"msg\":\"up\"}", true),
            ("INFO:     10.1.2.3:4567 - \"GET / HTTP/1.1\" 200 OK", true),
            ("time=\"2031-02-03T04:05:06Z\" level=info msg=up", true),
            ("[2031-02-03T04:05:06.789Z] \"GET / HTTP/1.1\" 200 -", true),
            ("(Core pid=7) INFO 02-03 04:05:06 [a.py:1] up", true),
            ("Feb  3 04:05:06 host app[1]: up", true),
            ("error: something", true),
            ("called `Option::unwrap()` on a `None` value", false),
            ("Error: something", false),
            ("ValueError: bad", false),
            ("", false),
        ];
        for (line, expected) in rows {
            assert_eq!(is_headed(line.as_bytes()), expected, "{line}");
        }
    }
}
