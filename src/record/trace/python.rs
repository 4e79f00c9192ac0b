//! Python tracebacks: plain, chained, grouped; syntax errors; the interpreter's own lines above a traceback.
//!
//! Knows nothing of prefixes and of other languages.

use super::look::Look;
use super::prefix::{How, begins_with_level, begins_with_level_word, leads};
use super::run::{Grammar, Next};
use super::text::{begins, digits, finder, is_blank, is_deep, is_indented, only};
use super::words::Words;

const HEADER: &str = "Traceback (most recent call last):";
const GROUP_HEADER: &str = "+ Exception Group Traceback (most recent call last):";
const CHAINS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

/// Lines at the margin that well-known libraries print as a part of their messages.
const TAILS: [&str; 6] = [
    "[SQL: ",
    "[parameters: ",
    "(Background on this error at: ",
    "CUDA kernel errors might be asynchronously reported",
    "For debugging consider passing CUDA_LAUNCH_BLOCKING",
    "Compile with `TORCH_USE_CUDA_DSA`",
];

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `Exception in thread Thread-1:`, `Process Worker-2:`, `….RemoteTraceback:`
    Intro,
    /// `Traceback (most recent call last):`
    Header,
    /// `  + Exception Group Traceback (most recent call last):`, and the lines with a bar below it.
    Group,
    /// `File "…", line 7`; whether it stands at the margin.
    Frame { flush: bool },
    /// Carets, elisions and the like between frames.
    Mark,
    /// The sentence between two chained tracebacks.
    Chain,
    /// `"""` around a traceback that came from another process.
    Quotes,
    /// `pkg.Type: message` or `pkg.Type`.
    Final,
    /// A known further line of a message.
    Tail,
    /// Anything else that is indented; `deep` as source code is.
    Indented { deep: bool },
    /// Nothing.
    Blank,
    /// Anything else.
    Other,
}

/// Between two lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Python {
    /// A line that announces a traceback.
    Announced,
    /// Among frames.
    Frames,
    /// After a frame's place, at the margin or not.
    Placed { flush: bool },
    /// After a blank line among frames.
    FramesGap,
    /// Within an exception group.
    Group,
    /// After the exception.
    Ended,
    /// After that many blank lines below the exception.
    EndedGap(u8),
    /// After the sentence that chains.
    Chained,
    /// After that many blank lines below that sentence.
    ChainedGap(u8),
}

impl Grammar for Python {
    const WORDS: Words = Words::PYTHON;
    type Kind = Kind;

    fn start(line: &[u8]) -> Option<(usize, Python)> {
        if let Some(at) = finder!(GROUP_HEADER).find(line) {
            let margin = at - line[..at].iter().rev().take_while(|b| **b == b' ').count().min(2);
            return leads(&line[..margin]).then_some((margin, Python::Group));
        }
        if line.trim_ascii_end().ends_with(HEADER.as_bytes()) {
            let at = finder!(HEADER).find(line)?;
            return leads(&line[..at]).then_some((at, Python::Frames));
        }
        if let Some(at) = finder!("File \"").find(line) {
            let margin = at - line[..at].iter().rev().take_while(|b| **b == b' ').count().min(2);
            return (leads(&line[..margin]) && is_syntax_place(&line[at..]))
                .then_some((margin, Python::Placed { flush: false }));
        }
        announcement(line).map(|at| (at, Python::Announced))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        if inner.is_empty() {
            Kind::Blank
        } else if begins(inner, HEADER) {
            Kind::Header
        } else if begins(inner, GROUP_HEADER) || (look.indented && (inner[0] == b'|' || begins(inner, "+-"))) {
            Kind::Group
        } else if is_frame(inner) {
            Kind::Frame { flush: !look.indented }
        } else if is_mark(text, inner) {
            Kind::Mark
        } else if CHAINS.iter().any(|chain| begins(inner, chain)) {
            Kind::Chain
        } else if inner == b"\"\"\"" {
            Kind::Quotes
        } else if look.indented {
            Kind::Indented { deep: is_deep(text) && !begins_with_level_word(inner) }
        } else if TAILS.iter().any(|tail| begins(text, tail)) {
            Kind::Tail
        } else if announcement(text) == Some(0) {
            Kind::Intro
        } else if final_type(text).is_some() {
            Kind::Final
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        use Kind::{Blank, Chain, Final, Frame, Group, Header, Indented, Intro, Mark, Other, Quotes, Tail};
        match line {
            Frame { .. } | Mark | Chain | Quotes | Tail | Group => true,
            Header => matches!(prev(), Intro | Quotes | Blank | Chain),
            Blank => how == How::Raw || !matches!(prev(), Other | Intro | Blank),
            Indented { deep } => match prev() {
                Frame { .. } | Mark | Header | Final | Tail | Quotes => true,
                Indented { deep: before } => how == How::Firm && deep && before,
                _ => how == How::Raw,
            },
            Final => match prev() {
                Frame { .. } | Mark | Indented { .. } | Header => true,
                Other => how == How::Raw,
                _ => false,
            },
            Other => prev() == Frame { flush: true },
            Intro => false,
        }
    }

    fn step(self, line: Kind) -> Next<Python> {
        match self {
            Python::Announced => match line {
                Kind::Header => Next::Join(Python::Frames),
                Kind::Quotes => Next::Join(Python::Announced),
                _ => Next::Close,
            },
            Python::Placed { flush: true } if line == Kind::Other => Next::Join(Python::Frames),
            Python::Frames | Python::Placed { .. } => among_frames(line),
            Python::FramesGap => match line {
                Kind::Frame { .. } | Kind::Mark | Kind::Indented { .. } => among_frames(line),
                _ => Next::Close,
            },
            Python::Group => match line {
                Kind::Group => Next::Join(Python::Group),
                Kind::Blank => Next::Hold(Python::EndedGap(1)),
                _ => Next::Close,
            },
            Python::Ended => match line {
                Kind::Indented { .. }
                | Kind::Tail
                | Kind::Quotes
                | Kind::Frame { flush: false }
                | Kind::Mark
                | Kind::Group => Next::Join(Python::Ended),
                _ => after_gap(line, 0),
            },
            Python::EndedGap(lines) => after_gap(line, lines),
            Python::Chained => before_next(line, 0),
            Python::ChainedGap(lines) => before_next(line, lines),
        }
    }
}

fn among_frames(line: Kind) -> Next<Python> {
    match line {
        Kind::Frame { flush } => Next::Join(Python::Placed { flush }),
        Kind::Mark | Kind::Indented { .. } | Kind::Group => Next::Join(Python::Frames),
        Kind::Final => Next::Join(Python::Ended),
        Kind::Blank => Next::Hold(Python::FramesGap),
        _ => Next::Close,
    }
}

fn after_gap(line: Kind, blanks: u8) -> Next<Python> {
    match line {
        Kind::Chain => Next::Join(Python::Chained),
        Kind::Blank if blanks < 2 => Next::Hold(Python::EndedGap(blanks + 1)),
        _ => Next::Close,
    }
}

fn before_next(line: Kind, blanks: u8) -> Next<Python> {
    match line {
        Kind::Header => Next::Join(Python::Frames),
        Kind::Group => Next::Join(Python::Group),
        Kind::Blank if blanks < 2 => Next::Hold(Python::ChainedGap(blanks + 1)),
        _ => Next::Close,
    }
}

/// Where a line that announces a traceback begins to do so, which is at its first word or behind a prefix in brackets.
fn announcement(line: &[u8]) -> Option<usize> {
    let text = line.trim_ascii_end();
    let at = match line.first() {
        Some(b'(') => finder!(") ").find(line)? + 2,
        Some(b'[') => finder!("]: ").find(line)? + 3,
        _ => 0,
    };
    let text = text.get(at..)?;
    let thread = begins(text, "Exception in thread ") && text.ends_with(b":");
    let process = begins(text, "Process ") && text.ends_with(b":") && !text[8..].contains(&b' ');
    let ignored = begins(text, "Exception ignored in: ");
    (thread || process || ignored || text.ends_with(b"RemoteTraceback:")).then_some(at)
}

/// `File "x.py", line 7`
fn is_frame(inner: &[u8]) -> bool {
    begins(inner, "File \"") && finder!("\", line ").find(inner).is_some_and(|at| digits(&inner[at + 8..]) > 0)
}

/// A place without a function, as a syntax error has it.
fn is_syntax_place(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    is_frame(text) && text.last().is_some_and(u8::is_ascii_digit) && finder!(", in ").find(text).is_none()
}

fn is_mark(text: &[u8], inner: &[u8]) -> bool {
    (is_indented(text) && only(inner, b"^~ "))
        || inner == b"..."
        || begins(inner, "[Previous line repeated ")
        || (begins(inner, "...<") && inner.ends_with(b">..."))
}

/// How long the type at the start of an exception's own line is: `pkg.Type: message`, or the type alone.
pub(super) fn final_type(text: &[u8]) -> Option<usize> {
    let text = text.trim_ascii_end();
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.<>".contains(b)).count();
    let end = if text.get(name) == Some(&b'(') && name > 0 {
        name + text[name..].iter().position(|b| *b == b')')? + 1
    } else {
        name
    };
    let first = *text.first()?;
    let named =
        (first.is_ascii_alphabetic() || first == b'_') && !begins_with_level(text) && !text[..end].contains(&b' ');
    let alone = end == text.len() && end == name && is_lone_type(&text[..name]);
    let told = text.get(end) == Some(&b':') && text.get(end + 1).is_none_or(|b| *b == b' ');
    (named && (alone || told)).then_some(end)
}

/// A type without a message is told from a word by its capital.
fn is_lone_type(name: &[u8]) -> bool {
    let last = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
    last.first().is_some_and(u8::is_ascii_uppercase) && last.iter().any(u8::is_ascii_lowercase) && !is_blank(name)
}

#[cfg(test)]
mod tests;
