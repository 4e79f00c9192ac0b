//! Go panics, runtime crashes and goroutine stacks.
//!
//! Knows nothing of prefixes and of other languages. The names-only stacks that some loggers print below a line aren't traces of
//! their own: nothing at their start tells them from other text.

use memchr::memmem::Finder;

use super::look::Look;
use super::prefix::{How, is_headed, leads};
use super::run::{Grammar, Next};
use super::text::{begins, digits, finder, is_indented};
use super::words::Words;

/// First words of the runtime's own reports.
const CRASHES: [&str; 5] = ["fatal error: ", "runtime: ", "unexpected fault address ", "SIG", "http: panic serving "];

/// The same, to be looked for.
fn crashes() -> [&'static Finder<'static>; 5] {
    [finder!(CRASHES[0]), finder!(CRASHES[1]), finder!(CRASHES[2]), finder!(CRASHES[3]), finder!(CRASHES[4])]
}

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `panic: …`; whether the line begins with it.
    Panic { first: bool },
    /// `\tpanic: …`, below another.
    Nested,
    /// `fatal error: …`, `runtime: …` and the like.
    Crash,
    /// `[signal SIGSEGV: …]`, `PC=0x…`
    Signal,
    /// `goroutine 7 [running]:`, `runtime stack:`
    Goroutine,
    /// A function, its place, who made the goroutine; registers.
    Stack,
    /// `exit status 2`
    Exit,
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
pub(super) enum Go {
    /// Right after `panic: …`, whose value may go on.
    Panicked,
    /// After another line above the stacks.
    Head,
    /// After that many lines which only a stack makes a part of the record.
    Gap(u8),
    /// Among stacks.
    Stacks,
    /// After the exit status.
    Done,
}

impl Grammar for Go {
    const WORDS: Words = Words::GO;
    type Kind = Kind;

    fn start(line: &[u8]) -> Option<(usize, Go)> {
        if line.first() == Some(&b'{') {
            return None;
        }
        if let Some(at) = panic_at(line) {
            return Some((at, Go::Panicked));
        }
        if let Some(at) = report_at(line, &crashes(), is_crash) {
            return Some((at, Go::Head));
        }
        report_at(line, &[finder!("goroutine ")], is_goroutine).map(|at| (at, Go::Stacks))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        if inner.is_empty() {
            Kind::Blank
        } else if look.indented && begins(inner, "panic: ") {
            Kind::Nested
        } else if is_goroutine(inner) || begins(inner, "runtime stack:") {
            Kind::Goroutine
        } else if begins(inner, "[signal ") || begins(inner, "PC=0x") || begins(inner, "[originating from goroutine ") {
            Kind::Signal
        } else if begins(inner, "exit status ") {
            Kind::Exit
        } else if is_stack(text, inner) {
            Kind::Stack
        } else if is_crash(text) {
            Kind::Crash
        } else if look.indented {
            Kind::Indented
        } else if let Some(at) = panic_at(text).filter(|_| text.first() != Some(&b'{')) {
            Kind::Panic { first: at == 0 }
        } else if look.is_headed() {
            Kind::Headed
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        use Kind::{Blank, Crash, Exit, Goroutine, Headed, Indented, Nested, Other, Panic, Signal, Stack};
        match line {
            Goroutine | Signal | Stack | Exit | Nested | Crash => true,
            Blank => how == How::Raw || !matches!(prev(), Headed | Indented | Blank),
            Indented => how == How::Raw || matches!(prev(), Panic { .. } | Nested | Crash),
            Other => matches!(prev(), Panic { first } if first || how == How::Raw),
            Panic { .. } | Headed => false,
        }
    }

    fn step(self, line: Kind) -> Next<Go> {
        match (self, line) {
            (Go::Done, _) => Next::Close,
            (_, Kind::Exit) => Next::Join(Go::Done),
            (_, Kind::Goroutine) => Next::Join(Go::Stacks),
            (Go::Stacks, Kind::Stack) | (Go::Gap(_), Kind::Stack) => Next::Join(Go::Stacks),
            (Go::Stacks, Kind::Blank) => Next::Hold(Go::Gap(1)),
            (Go::Stacks, _) => Next::Close,
            (_, Kind::Signal | Kind::Crash) => Next::Join(Go::Head),
            (Go::Panicked | Go::Head, Kind::Nested) => Next::Join(Go::Panicked),
            (Go::Panicked | Go::Head, Kind::Indented) => Next::Join(Go::Head),
            (Go::Panicked, Kind::Other | Kind::Stack) | (Go::Panicked | Go::Head, Kind::Blank) => {
                Next::Hold(Go::Gap(1))
            }
            (Go::Head, Kind::Stack) => Next::Join(Go::Stacks),
            (Go::Gap(1), Kind::Blank) => Next::Hold(Go::Gap(2)),
            _ => Next::Close,
        }
    }
}

/// Where a panic's first word stands: at the start, or after a space.
pub(super) fn panic_at(line: &[u8]) -> Option<usize> {
    finder!("panic: ").find_iter(line).find(|&at| at == 0 || line[at - 1] == b' ' || line[at - 1] == b'\t')
}

/// Where one of the reports stands: at the start, or behind a header or prefix.
pub(super) fn report_at(line: &[u8], heads: &[&Finder<'static>], is_one: fn(&[u8]) -> bool) -> Option<usize> {
    heads.iter().find_map(|head| {
        head.find_iter(line).find(|&at| {
            is_one(&line[at..]) && (at == 0 || line[at - 1].is_ascii_whitespace()) && leads_report(&line[..at])
        })
    })
}

fn leads_report(before: &[u8]) -> bool {
    leads(before) || is_headed(before)
}

pub(super) fn is_crash(text: &[u8]) -> bool {
    let signal = text.strip_prefix(b"SIG").is_some_and(|rest| {
        let name = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
        name > 1 && rest[name..].starts_with(b": ")
    });
    signal || CRASHES.iter().any(|head| *head != "SIG" && begins(text, head))
}

/// `goroutine 7 [running]:`, `goroutine 1 gp=0x… m=0 mp=0x… [running]:`
fn is_goroutine(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"goroutine ") else {
        return false;
    };
    let run = digits(rest);
    let rest = &rest[run..];
    run > 0
        && (begins(rest, " [")
            || (begins(rest, " gp=") && finder!(" [").find(rest).is_some())
            || begins(rest, " running on other thread"))
}

fn is_stack(text: &[u8], inner: &[u8]) -> bool {
    is_call(inner)
        || (is_indented(text) && is_place(inner))
        || begins(inner, "created by ")
        || (begins(inner, "...") && inner.ends_with(b"frames elided..."))
        || begins(inner, "goroutine running on other thread; ")
        || is_register(inner)
}

/// `pkg.(*Type).Method(0x1, {0x2, 0x3})`: no space before the arguments.
fn is_call(inner: &[u8]) -> bool {
    let path = inner.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_./-@%~$*()[]{},".contains(b)).count();
    let first = inner.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    let open = inner[..path].iter().position(|b| *b == b'(');
    let named = open.is_some_and(|open| inner[..open].contains(&b'.') || &inner[..open] == b"panic");
    first && named && inner.ends_with(b")")
}

/// `/src/app/main.go:7 +0x1d`: a source file and its line.
fn is_place(inner: &[u8]) -> bool {
    let word = inner.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let Some(at) = word.iter().rposition(|b| *b == b':') else {
        return false;
    };
    let source = [".go", ".s", "_cgo", ">", ".c"].iter().any(|tail| word[..at].ends_with(tail.as_bytes()));
    source && at + 1 < word.len() && digits(&word[at + 1..]) == word.len() - at - 1
}

/// `rax    0x0`
fn is_register(inner: &[u8]) -> bool {
    let name = inner.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let value = inner[name..].trim_ascii_start();
    let hex = value.strip_prefix(b"0x").is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    (2..=8).contains(&name) && name + value.len() < inner.len() && hex
}

#[cfg(test)]
mod tests;
