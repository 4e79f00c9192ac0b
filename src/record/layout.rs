//! Where the lines of one log carry their time: found once for a log, then asked of each line.
//!
//! Community rules are written against entries, and what an entry is depends on this: a line without a time belongs to the one before. The
//! layouts are those that the rules' own engine knows, in its order; the first that some early line has is the log's. Knows nothing of rules.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use regex::bytes::Regex;

use super::header::time_of_text;

/// Lines that are tried with each layout.
const LINES_TRIED: usize = 51;

/// How a log's lines carry their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout(usize);

/// How the text that was found is read.
enum Form {
    /// RFC 3339, or a number of seconds or parts of them.
    Any,
    /// By this format; without a zone it is UTC.
    Text(&'static str),
    /// The same, without a year: the one that brings it nearest to now.
    Yearless(&'static str),
}

use Form::{Any, Text, Yearless};

/// Layouts, the more specific before the more general. The time is the first group.
const LAYOUTS: &[(&str, Form)] = &[
    (r#""time":(\d{16,19})"#, Any),
    (r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ", Any),
    (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{5}) ", Text("%Y-%m-%d %H:%M:%S,%f")),
    (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}[+-]\d{4}) ", Text("%Y-%m-%d %H:%M:%S.%f%z")),
    (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) ", Text("%Y-%m-%d %H:%M:%S.%f")),
    (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ", Text("%Y-%m-%d %H:%M:%S")),
    (r"^([A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d\.\d{6}) ", Yearless("%b %d %H:%M:%S.%f")),
    (r"^([A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d) ", Yearless("%b %d %H:%M:%S")),
    (r"^[IWEF](\d{4} \d\d:\d\d:\d\d\.\d{6}) ", Yearless("%m%d %H:%M:%S.%f")),
    (r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\] ", Text("%Y-%m-%d %H:%M:%S,%f")),
    (r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) ", Text("%Y/%m/%d %H:%M:%S")),
    (r"^(\d\d/\d\d/\d{4}, \d\d:\d\d:\d\d) ", Text("%m/%d/%Y, %H:%M:%S")),
    (r"^(\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}) ", Text("%d %b %Y %H:%M:%S.%f")),
    (r"^(\d{4} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d{3}) ", Text("%Y %b %d %H:%M:%S.%f")),
    (r"^(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}) ", Text("%d/%b/%Y:%H:%M:%S.%f")),
    (r"^(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M) ", Text("%m/%d/%Y %I:%M:%S %p")),
    (r"^(\d{4} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d) ", Text("%Y %b %d %H:%M:%S")),
    (r#""timestamp"\s*:\s*"([^"]+)""#, Any),
    (r#""ts"\s*:\s*"([^"]+)""#, Any),
    (r"^\[\d+\]\s+(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) ", Text("%Y/%m/%d %H:%M:%S.%f")),
    (r#""creationTimestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)""#, Any),
    (r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4})\t", Text("%Y-%m-%dT%H:%M:%S.%f%z")),
    (r#""ts"\s*:\s*(\d+(?:\.\d+)?)"#, Any),
    (r"ts=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z)", Any),
    (r"/Date\((\d+)\)", Any),
    (r#"time="([^"]+)""#, Any),
    // Beside those: columns set apart by tabs.
    (r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\t", Any),
];

static COMPILED: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    let compile =
        |(expression, _): &(&str, Form)| regex::bytes::RegexBuilder::new(expression).unicode(false).build().ok();
    LAYOUTS.iter().map(compile).collect()
});

impl Layout {
    /// The layout of a log that begins with these lines, if it has one.
    pub fn of<'l>(lines: impl Iterator<Item = &'l [u8]> + Clone, now: Timestamp) -> Option<Layout> {
        let has = |layout: &Layout| lines.clone().take(LINES_TRIED).any(|line| layout.time(line, now).is_some());
        (0..LAYOUTS.len()).map(Layout).find(has)
    }

    /// The time that a line carries. Lines that carry none go on with what the line before began.
    pub fn time(self, line: &[u8], now: Timestamp) -> Option<Timestamp> {
        let found = COMPILED[self.0].as_ref()?.captures(line)?.get(1)?;
        let text = std::str::from_utf8(found.as_bytes()).ok()?;
        match LAYOUTS[self.0].1 {
            Any => time_of_text(text),
            Text(format) => dated(format, text),
            Yearless(format) => nearest(format, text, now),
        }
    }

    /// What rules see of a line: behind a leading RFC 3339 time only what follows it, otherwise the whole.
    pub fn text(self, line: &[u8]) -> &[u8] {
        let leading = self.0 == 1;
        let end =
            COMPILED[self.0].as_ref().filter(|_| leading).and_then(|regex| regex.find(line)).map(|found| found.end());
        &line[end.unwrap_or(0)..]
    }
}

fn dated(format: &str, text: &str) -> Option<Timestamp> {
    let parts = strtime::parse(format, text).ok()?;
    match parts.offset() {
        Some(_) => parts.to_timestamp().ok(),
        None => utc(parts.to_datetime().ok()?),
    }
}

fn utc(time: DateTime) -> Option<Timestamp> {
    time.to_zoned(TimeZone::UTC).map(|zoned: Zoned| zoned.timestamp()).ok()
}

fn nearest(format: &str, text: &str, now: Timestamp) -> Option<Timestamp> {
    let this_year = now.to_zoned(TimeZone::UTC).year();
    let with_year = |year: i16| dated(&format!("%Y {format}"), &format!("{year:04} {text}"));
    let times = (this_year - 1..=this_year + 1).filter_map(with_year);
    times.min_by_key(|time| time.duration_since(now).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_lines() {
        let now: Timestamp = "2031-01-02T00:00:00Z".parse().unwrap();
        let table = [
            (r#"{"level":"error","time":1930000000123456,"caller":"a.go:1"}"#, "2031-02-27T23:06:40.123456Z"),
            ("2031-03-09T04:05:06.5+02:00 x", "2031-03-09T02:05:06.5Z"),
            ("2031-03-09 04:05:06,12345 WARN x", "2031-03-09T04:05:06.12345Z"),
            ("2031-03-09 04:05:06.123456-0100 x", "2031-03-09T05:05:06.123456Z"),
            ("2031-03-09 04:05:06.123 x", "2031-03-09T04:05:06.123Z"),
            ("2031-03-09 04:05:06 x", "2031-03-09T04:05:06Z"),
            ("Mar  9 04:05:06.123456 WRN x", "2031-03-09T04:05:06.123456Z"),
            ("Dec 31 23:05:06 host x", "2030-12-31T23:05:06Z"),
            ("E0309 04:05:06.123456       1 a.go:1] x", "2031-03-09T04:05:06.123456Z"),
            ("[2031-03-09 04:05:06,123] ERROR x", "2031-03-09T04:05:06.123Z"),
            ("2031/03/09 04:05:06 [error] x", "2031-03-09T04:05:06Z"),
            ("03/09/2031, 04:05:06 x", "2031-03-09T04:05:06Z"),
            ("09 Mar 2031 04:05:06.123 x", "2031-03-09T04:05:06.123Z"),
            ("2031 Mar 09 04:05:06.123 x", "2031-03-09T04:05:06.123Z"),
            ("09/Mar/2031:04:05:06.123 x", "2031-03-09T04:05:06.123Z"),
            ("03/09/2031 04:05:06 PM x", "2031-03-09T16:05:06Z"),
            ("2031 Mar 09 04:05:06 x", "2031-03-09T04:05:06Z"),
            (r#"{"timestamp": "2031-03-09T04:05:06Z"}"#, "2031-03-09T04:05:06Z"),
            (r#"{"level":"info","ts":"2031-03-09T04:05:06Z"}"#, "2031-03-09T04:05:06Z"),
            ("[7] 2031/03/09 04:05:06.123456 [ERR] x", "2031-03-09T04:05:06.123456Z"),
            ("2031-03-09T04:05:06.123-0500\tINFO", "2031-03-09T09:05:06.123Z"),
            (r#"{"level":"info","ts":1930000000.25}"#, "2031-02-27T23:06:40.25Z"),
            ("level=error ts=2031-03-09T04:05:06.123456789Z x", "2031-03-09T04:05:06.123456789Z"),
            (r#"time="2031-03-09T04:05:06Z" level=error"#, "2031-03-09T04:05:06Z"),
            ("2031-03-09T04:05:06Z\tnamespace/pod\tError", "2031-03-09T04:05:06Z"),
        ];
        for (line, want) in table {
            let lines = ["a banner", line].map(str::as_bytes);
            let layout = Layout::of(lines.into_iter(), now).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(layout.time(line.as_bytes(), now), Some(want.parse().unwrap()), "{line}");
        }
        assert_eq!(Layout::of([&b"no time at all"[..]].into_iter(), now), None);
        assert!(COMPILED.iter().all(Option::is_some));
    }

    #[test]
    fn only_a_leading_rfc_3339_time_is_cut_off() {
        let now = Timestamp::UNIX_EPOCH;
        for (line, text) in [("2031-03-09T04:05:06Z x y", "x y"), ("2031-03-09 04:05:06 x", "2031-03-09 04:05:06 x")] {
            let layout = Layout::of([line.as_bytes()].into_iter(), now).unwrap();
            assert_eq!(layout.text(line.as_bytes()), text.as_bytes());
        }
    }
}
