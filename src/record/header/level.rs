//! The severity that a log gives a line, whatever it calls it.
//!
//! Knows spellings only; where a level stands in a line is the business of the families.

use nom::{IResult, Parser, bytes::complete::take_while1, combinator::map_opt};

/// A severity, from the least to the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Finer than debug.
    Trace,
    /// For developers.
    Debug,
    /// As expected.
    Info,
    /// Unexpected, and dealt with.
    Warn,
    /// Something failed.
    Error,
    /// The program, or one of its parts, can't go on: critical, alert, emergency and panic too.
    Fatal,
}

impl Level {
    /// The name that patterns use: `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads any known spelling, of any case: `WARN`, `warning`, `W`, `Level(-2)`, `DEBUG-4`.
    pub fn parse(text: &[u8]) -> Option<Level> {
        if let [letter] = text {
            return Level::from_letter(*letter);
        }
        Level::from_word(text).or_else(|| Level::from_offset(text))
    }

    /// The levels of pino and bunyan, which write numbers: 10 is trace, 60 fatal.
    pub(super) fn from_number(number: &str) -> Option<Level> {
        match number.parse::<u8>().ok()? {
            10..=19 => Some(Level::Trace),
            20..=29 => Some(Level::Debug),
            30..=39 => Some(Level::Info),
            40..=49 => Some(Level::Warn),
            50..=59 => Some(Level::Error),
            60 => Some(Level::Fatal),
            _ => None,
        }
    }

    /// The initials that klog, glog, tornado and etcd write. Upper case only: a lone small letter is a word.
    pub(super) fn from_letter(letter: u8) -> Option<Level> {
        match letter {
            b'T' => Some(Level::Trace),
            b'D' => Some(Level::Debug),
            b'I' | b'N' => Some(Level::Info),
            b'W' => Some(Level::Warn),
            b'E' => Some(Level::Error),
            b'F' | b'C' => Some(Level::Fatal),
            _ => None,
        }
    }

    fn from_word(word: &[u8]) -> Option<Level> {
        const WORDS: &[(&[u8], Level)] = &[
            (b"trace", Level::Trace),
            (b"trce", Level::Trace),
            (b"finest", Level::Trace),
            (b"debug", Level::Debug),
            (b"dbug", Level::Debug),
            (b"fine", Level::Debug),
            (b"verbose", Level::Debug),
            (b"info", Level::Info),
            (b"information", Level::Info),
            (b"informational", Level::Info),
            (b"notice", Level::Info),
            (b"note", Level::Info),
            (b"log", Level::Info),
            (b"system", Level::Info),
            (b"success", Level::Info),
            (b"default", Level::Info),
            (b"warn", Level::Warn),
            (b"warning", Level::Warn),
            (b"error", Level::Error),
            (b"err", Level::Error),
            (b"fail", Level::Error),
            (b"severe", Level::Error),
            (b"fatal", Level::Fatal),
            (b"crit", Level::Fatal),
            (b"critical", Level::Fatal),
            (b"alert", Level::Fatal),
            (b"emerg", Level::Fatal),
            (b"emergency", Level::Fatal),
            (b"panic", Level::Fatal),
            (b"dpanic", Level::Fatal),
        ];
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
    }

    /// zap prints levels without a name as `Level(-2)`, slog as the next lower name and a distance, `DEBUG-4`.
    fn from_offset(text: &[u8]) -> Option<Level> {
        let text = std::str::from_utf8(text).ok()?;
        if let Some(number) = text.strip_prefix("Level(").and_then(|rest| rest.strip_suffix(')')) {
            return Some(match number.parse::<i8>().ok()? {
                ..=-2 => Level::Trace,
                -1 => Level::Debug,
                0 => Level::Info,
                1 => Level::Warn,
                2 => Level::Error,
                3.. => Level::Fatal,
            });
        }
        let (name, distance) = text.split_at_checked(text.find(['+', '-'])?)?;
        let below = distance.parse::<i16>().ok()? < 0;
        match Level::from_word(name.as_bytes())? {
            Level::Debug if below => Some(Level::Trace),
            level => Some(level),
        }
    }
}

/// A level's name as a whole word.
pub(super) fn word(input: &[u8]) -> IResult<&[u8], Level> {
    let letters = take_while1(|byte: u8| byte.is_ascii_alphabetic());
    map_opt(letters, |word: &[u8]| if word.len() > 1 { Level::from_word(word) } else { None }).parse(input)
}

/// A level's name all in capitals, which prose seldom has.
pub(super) fn upper_word(input: &[u8]) -> IResult<&[u8], Level> {
    let letters = take_while1(|byte: u8| byte.is_ascii_uppercase());
    map_opt(letters, |word: &[u8]| if word.len() > 1 { Level::from_word(word) } else { None }).parse(input)
}

/// A level's initial.
pub(super) fn initial(input: &[u8]) -> IResult<&[u8], Level> {
    map_opt(nom::number::complete::u8, Level::from_letter).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let table: &[(Level, &[&str])] = &[
            (Level::Trace, &["trace", "TRACE", "trce", "Level(-2)", "Level(-9)", "DEBUG-4", "T"]),
            (Level::Debug, &["debug", "Debug", "D", "Level(-1)"]),
            (Level::Info, &["info", "INFO", "Info", "notice", "LOG", "Note", "I", "INFO+2", "informational"]),
            (Level::Warn, &["warn", "WARN", "warning", "Warning", "W", "WARN+1"]),
            (Level::Error, &["error", "ERR", "SEVERE", "fail", "E"]),
            (
                Level::Fatal,
                &["fatal", "CRITICAL", "crit", "panic", "DPANIC", "dpanic", "emergency", "emerg", "ALERT", "F", "C"],
            ),
        ];
        for (level, spellings) in table {
            for spelling in *spellings {
                assert_eq!(Level::parse(spelling.as_bytes()), Some(*level), "{spelling}");
            }
            assert_eq!(Level::parse(level.name().as_bytes()), Some(*level));
        }
        for other in ["", "e", "x", "errors", "Level(x)", "Level(999)", "-4", "info-", "ok-1", "\u{fc}"] {
            assert_eq!(Level::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn order_is_by_severity() {
        assert!(Level::Trace < Level::Debug && Level::Warn < Level::Error && Level::Error < Level::Fatal);
    }
}
