//! Rust panics, in the wordings before and since the message got its own line.
//!
//! Knows nothing of prefixes and of other languages.

use memchr::memmem;

use super::look::Look;
use super::prefix::{How, leads};
use super::run::{Grammar, Next};
use super::text::{begins, digits, finder, is_at_frame, is_closer};
use super::words::Words;

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `thread 'main' panicked at …`; whether the message is on the next line.
    Panic { below: bool },
    /// `note: …` about backtraces.
    Note,
    /// `stack backtrace:`
    Backtrace,
    /// `   0: …`, `             at …`
    Frame,
    /// `Caused by:` and the like, alone on the line.
    Section,
    /// The end of a value printed over several lines.
    Closer,
    /// Anything else that is indented.
    Indented,
    /// Nothing.
    Blank,
    /// The header of another log line.
    Headed,
    /// Anything else.
    Other,
}

/// Between two lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rust {
    /// Before the message.
    Announced,
    /// In or after the message.
    Told,
    /// After that many blank lines.
    Gap(u8),
    /// In the backtrace.
    Frames,
    /// After the note.
    Noted,
}

impl Grammar for Rust {
    const WORDS: Words = Words::PANIC;
    type Kind = Kind;

    fn start(line: &[u8]) -> Option<(usize, Rust)> {
        let at = panic_at(line)?;
        let state = if is_below(line) { Rust::Announced } else { Rust::Told };
        leads(&line[..at]).then_some((at, state))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        if inner.is_empty() {
            Kind::Blank
        } else if panic_at(text).is_some() {
            Kind::Panic { below: is_below(inner) }
        } else if begins(inner, "note: ")
            && (finder!("backtrace").find(inner).or_else(|| finder!("BACKTRACE").find(inner))).is_some()
        {
            Kind::Note
        } else if inner.eq_ignore_ascii_case(b"stack backtrace:") {
            Kind::Backtrace
        } else if look.indented && (is_numbered(inner) || is_at_frame(text)) {
            Kind::Frame
        } else if ["Caused by:", "Location:"].iter().any(|name| inner == name.as_bytes()) {
            Kind::Section
        } else if is_closer(text) {
            Kind::Closer
        } else if look.indented {
            Kind::Indented
        } else if look.is_headed() {
            Kind::Headed
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        use Kind::{Backtrace, Blank, Closer, Frame, Headed, Indented, Note, Other, Panic, Section};
        match line {
            Note | Backtrace | Frame | Section => true,
            Closer => matches!(prev(), Indented | Closer | Frame),
            Blank | Indented => how == How::Raw || matches!(prev(), Panic { .. } | Section | Frame),
            Other => prev() == Panic { below: true },
            Panic { .. } | Headed => false,
        }
    }

    fn step(self, line: Kind) -> Next<Rust> {
        match (self, line) {
            (_, Kind::Backtrace) => Next::Join(Rust::Frames),
            (Rust::Noted, _) => Next::Close,
            (_, Kind::Note) => Next::Join(Rust::Noted),
            (Rust::Announced, Kind::Other) => Next::Join(Rust::Told),
            (Rust::Frames, Kind::Frame | Kind::Indented) => Next::Join(Rust::Frames),
            (Rust::Frames, _) => Next::Close,
            (_, Kind::Section) => Next::Join(Rust::Told),
            (Rust::Announced | Rust::Told, Kind::Indented | Kind::Frame | Kind::Closer) => Next::Join(Rust::Told),
            (Rust::Announced | Rust::Told, Kind::Blank) => Next::Hold(Rust::Gap(1)),
            (Rust::Gap(1), Kind::Blank) => Next::Hold(Rust::Gap(2)),
            _ => Next::Close,
        }
    }
}

/// Where `thread '…' panicked at ` begins.
pub(super) fn panic_at(line: &[u8]) -> Option<usize> {
    let verbs = || finder!(" panicked at ").find_iter(line).filter(|at| *at > 0).map(|at| at - 1);
    let verb = verbs().find(|at| line[*at] == b'\'').or_else(|| verbs().find(|at| line[*at] == b')'))?;
    memmem::rfind(&line[..verb], b"thread '")
}

/// Since 1.73 the line ends after the place, and the message follows on the next.
fn is_below(line: &[u8]) -> bool {
    line.trim_ascii_end().strip_suffix(b":").is_some_and(|rest| rest.last().is_some_and(u8::is_ascii_digit))
}

/// `0: core::panicking::panic`
fn is_numbered(inner: &[u8]) -> bool {
    let run = digits(inner);
    run > 0 && begins(&inner[run..], ": ")
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn panics_group() {
        check(&[
            (
                "message below",
                "thread 'main' panicked at src/main.rs:4:5:\nout of cheese\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nafter",
                &[3, 1],
            ),
            ("thread number", "thread 'main' (4711) panicked at src/main.rs:4:5:\nout of cheese", &[2]),
            (
                "message in line",
                "thread 'io-1' panicked at 'out of cheese', src/main.rs:4:5\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nafter",
                &[2, 1],
            ),
            ("message in line, no note", "thread 'io-1' panicked at 'out of cheese', src/main.rs:4\nafter", &[1, 1]),
            (
                "assertion",
                "thread 'main' panicked at src/main.rs:4:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
                &[5],
            ),
            (
                "pretty value",
                "thread 'main' panicked at src/main.rs:4:5:\nbad: Error {\n    code: 2,\n}\nafter",
                &[4, 1],
            ),
            (
                "causes",
                "thread 'main' panicked at src/main.rs:4:5:\nbad: no config\n\nCaused by:\n    No such file or directory (os error 2)\nafter",
                &[5, 1],
            ),
            (
                "backtrace",
                "thread 'main' panicked at src/main.rs:4:5:\nout of cheese\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/1/library/std/src/panicking.rs:6:5\n   1: acme::main\n             at ./src/main.rs:4:5\nnote: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\nafter",
                &[8, 1],
            ),
            (
                "header at once",
                "thread 'main' panicked at src/main.rs:4:5:\n2031-02-03T04:05:06Z  INFO acme: up",
                &[1, 1],
            ),
            (
                "then Python",
                "thread '<unnamed>' panicked at src/lib.rs:4:5:\nno threads\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f",
                &[3, 2],
            ),
            (
                "repeated prefix",
                "(Api pid=7) thread 'main' panicked at src/main.rs:4:5:\n(Api pid=7) out of cheese\n(Api pid=7) note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n(Api pid=7) after",
                &[3, 1],
            ),
        ]);
    }
}
