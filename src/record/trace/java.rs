//! Stack traces of the JVM, with the exceptions that caused or were suppressed by others.
//!
//! Knows nothing of prefixes and of other languages.

use super::look::Look;
use super::prefix::How;
use super::run::{Grammar, Next};
use super::text::{begins, digits, finder, is_at_frame, is_indented, qualified_exception};
use super::words::Words;

/// First words of an exception below another one.
const CAUSES: [&str; 3] = ["Caused by: ", "Suppressed: ", "Wrapped by: "];

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// An exception's type stands in it; whether the next line holds another one's, and whether the line begins with it.
    Exception { nests: bool, first: bool },
    /// `Caused by: …`
    Cause,
    /// `at …`, `... 12 more`, and notes among these.
    Frame,
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
pub(super) enum Java {
    /// After an exception's type, whose message may go on.
    Told,
    /// Before the exception that the last one wraps.
    Nests,
    /// After that many lines which only a frame makes a part of the record.
    Gap(u8),
    /// Among frames.
    Frames,
}

impl Grammar for Java {
    const WORDS: Words = Words::TYPES;
    type Kind = Kind;

    fn start(line: &[u8]) -> Option<(usize, Java)> {
        (line.first() != Some(&b'{')).then(|| exception_at(line)).flatten().map(|at| (at, told(nests(line))))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        if inner.is_empty() {
            Kind::Blank
        } else if is_frame(text, inner) {
            Kind::Frame
        } else if CAUSES.iter().any(|cause| begins(inner, cause)) {
            Kind::Cause
        } else if let Some(at) = (look.names && inner[0] != b'{').then(|| exception_in(look)).flatten() {
            Kind::Exception { nests: nests(text), first: at == 0 }
        } else if look.indented {
            Kind::Indented
        } else if look.is_headed() {
            Kind::Headed
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        match line {
            Kind::Frame | Kind::Cause => true,
            Kind::Blank | Kind::Indented => how == How::Raw || matches!(prev(), Kind::Exception { .. } | Kind::Cause),
            Kind::Other => match prev() {
                Kind::Exception { first, .. } => how == How::Raw || first,
                prev => prev == Kind::Cause,
            },
            Kind::Exception { .. } => matches!(prev(), Kind::Exception { nests: true, .. }),
            Kind::Headed => false,
        }
    }

    fn step(self, line: Kind) -> Next<Java> {
        match (self, line) {
            (_, Kind::Frame) => Next::Join(Java::Frames),
            (_, Kind::Cause) => Next::Join(Java::Told),
            (Java::Nests, Kind::Exception { nests, .. }) => Next::Join(told(nests)),
            (Java::Told, Kind::Indented | Kind::Other | Kind::Blank) => Next::Hold(Java::Gap(1)),
            (Java::Gap(1), Kind::Indented | Kind::Blank) => Next::Hold(Java::Gap(2)),
            _ => Next::Close,
        }
    }
}

fn told(nests: bool) -> Java {
    if nests { Java::Nests } else { Java::Told }
}

/// Spring's and RMI's way to say what an exception wraps.
fn nests(text: &[u8]) -> bool {
    text.trim_ascii_end().ends_with(b"nested exception is:")
}

/// Where an exception begins: its type, or the words about its thread before it.
pub(super) fn exception_at(text: &[u8]) -> Option<usize> {
    thread_at(text).or_else(|| qualified_exception(text).map(|(start, _)| start))
}

fn exception_in(look: &Look<'_>) -> Option<usize> {
    thread_at(look.text).or_else(|| look.qualified_exception())
}

fn thread_at(text: &[u8]) -> Option<usize> {
    finder!("Exception in thread \"").find(text)
}

fn is_frame(text: &[u8], inner: &[u8]) -> bool {
    let elided = inner.strip_prefix(b"... ").is_some_and(|rest| {
        let rest = &rest[digits(rest)..];
        begins(rest, " more") || begins(rest, " common frames") || begins(rest, " filtered")
    });
    let note =
        is_indented(text) && ["[CIRCULAR REFERENCE", "- locked <", "- waiting "].iter().any(|head| begins(inner, head));
    is_at_frame(text) || elided || note
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn traces_group() {
        check(&[
            (
                "thread",
                "Exception in thread \"main\" java.lang.IllegalStateException: shut\n\tat org.acme.Main.run(Main.java:7)\n\tat java.base/java.lang.Thread.run(Unknown Source)\nafter",
                &[3, 1],
            ),
            ("no message", "java.lang.NullPointerException\n\tat org.acme.Main.run(Main.java:7)", &[2]),
            (
                "causes",
                "org.acme.A: x\njava.io.IOException: shut\n\tat org.acme.Main.run(Main.java:7)\n\tSuppressed: java.lang.Exception: close\n\t\tat org.acme.R.close(R.java:2)\nCaused by: java.net.ConnectException: refused\n\tat org.acme.N.c(N.java:3)\n\t... 12 more\nafter",
                &[1, 7, 1],
            ),
            (
                "frameworks",
                "java.io.IOException: shut\n    at org.acme.Main.run(Main.java:7) ~[acme.jar:1.2]\n    ... 3 common frames omitted\nWrapped by: org.acme.WrappedException: x\n    at org.acme.Main.go(Main.java:9)",
                &[5],
            ),
            (
                "behind a header",
                "2031-02-03 04:05:06 ERROR [main] o.a.M - Failed: java.lang.IllegalStateException: shut\n\tat org.acme.Main.run(Main.java:7)\n2031-02-03 04:05:07 INFO [main] o.a.M - next",
                &[2, 1],
            ),
            (
                "message of two lines",
                "org.acme.ConfigException: two faults\nsecond\n\tat org.acme.Main.run(Main.java:7)",
                &[3],
            ),
            (
                "indented message",
                "org.acme.ConfigException: two faults\n\tfirst\n\tsecond\n\tat org.acme.Main.run(Main.java:7)",
                &[4],
            ),
            (
                "nested",
                "org.acme.RemoteException: far; nested exception is:\n\tjava.net.ConnectException: refused\n\tat org.acme.Main.run(Main.java:7)",
                &[3],
            ),
            ("indentation lost", "java.io.IOException: shut\nat org.acme.Main.run(Main.java:7)", &[2]),
            ("no trace", "ERROR a.B - java.io.IOException: shut\nERROR a.B - java.io.IOException: shut", &[1, 1]),
            (
                "blanks between",
                "Exception in thread \"a\" java.lang.OutOfMemoryError: heap\n\nException in thread \"b\" java.lang.OutOfMemoryError: heap",
                &[1, 1, 1],
            ),
            (
                "other indented text",
                "WARN retry after java.io.IOException: shut\n  retry 1\n  retry 2\n  retry 3",
                &[1, 1, 1, 1],
            ),
            (
                "repeated prefix",
                "broker-1  | java.io.IOException: shut\nbroker-1  | \tat org.acme.Main.run(Main.java:7)\nbroker-1  | Caused by: java.net.ConnectException: refused\nbroker-1  | \t... 2 more\nbroker-1  | up",
                &[4, 1],
            ),
            ("JSON", "{\"error\":\"java.io.IOException: shut\"}\n\tat org.acme.Main.run(Main.java:7)", &[1, 1]),
        ]);
    }
}
