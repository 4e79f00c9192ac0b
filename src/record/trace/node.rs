//! Errors of Node.js: those that end the process, and plain stacks.
//!
//! Knows nothing of prefixes and of other languages.

use super::look::Look;
use super::prefix::How;
use super::run::{Grammar, Next};
use super::text::{begins, digits, exception_names, is_at_frame, is_closer, only};
use super::words::Words;

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `/srv/app.js:7`, alone on the line.
    Place,
    /// The caret below the code.
    Caret,
    /// `TypeError: …`, `Uncaught …`; whether its properties follow, and whether the line begins with it.
    Error { open: bool, first: bool },
    /// `    at …`; whether properties follow.
    Frame { open: bool },
    /// `Require stack:`
    Required,
    /// A path below that.
    Item,
    /// `Node.js v20.1.0`
    Version,
    /// The end of the properties; whether of all of them.
    Closer { last: bool },
    /// `    [cause]: …`, `    ... 4 lines matching cause stack trace ...`
    Cause { open: bool },
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
pub(super) enum Node {
    /// Before the code.
    Placed,
    /// Before the caret.
    Quoted,
    /// After the caret, before the error; that many blank lines since.
    Pointed(u8),
    /// After the error, whose message may go on.
    Told,
    /// After that many lines which only a frame makes a part of the record.
    Gap(u8),
    /// Among frames.
    Frames,
    /// Among properties.
    Properties,
    /// After that many blank lines below all this; 3 after the version, which is the last line.
    Ended(u8),
}

impl Grammar for Node {
    const WORDS: Words = Words::MANAGED;
    type Kind = Kind;

    fn may_start(line: &[u8], words: Words) -> bool {
        // The place of a fatal error ends in a number.
        words.any(Self::WORDS) || line.trim_ascii_end().last().is_some_and(u8::is_ascii_digit)
    }

    fn start(line: &[u8]) -> Option<(usize, Node)> {
        if is_place(line) {
            return Some((0, Node::Placed));
        }
        let at = error_at(line)?;
        Some((at, if is_open(line) { Node::Properties } else { Node::Told }))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        let open = is_open(inner);
        if inner.is_empty() {
            Kind::Blank
        } else if is_place(text) {
            Kind::Place
        } else if only(inner, b"^") {
            Kind::Caret
        } else if is_at_frame(text) {
            Kind::Frame { open }
        } else if is_closer(text) {
            Kind::Closer { last: !look.indented }
        } else if look.indented && (begins(inner, "[cause]: ") || begins(inner, "... ")) {
            Kind::Cause { open }
        } else if look.indented {
            Kind::Indented
        } else if begins(text, "Node.js v") {
            Kind::Version
        } else if begins(text, "Require stack:") {
            Kind::Required
        } else if begins(text, "- /") {
            Kind::Item
        } else if let Some(at) = error_in(text, look.names) {
            Kind::Error { open, first: at == 0 }
        } else if look.is_headed() {
            Kind::Headed
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        use Kind::{
            Blank, Caret, Cause, Closer, Error, Frame, Headed, Indented, Item, Other, Place, Required, Version,
        };
        let raw = how == How::Raw;
        match line {
            Caret | Frame { .. } | Cause { .. } | Required | Version => true,
            Closer { .. } => {
                raw || matches!(prev(), Indented | Closer { .. } | Frame { .. } | Error { .. } | Cause { .. })
            }
            Error { .. } => match prev() {
                Caret => true,
                prev => raw && prev == Blank,
            },
            Indented => raw || matches!(prev(), Place | Error { .. } | Frame { open: true }),
            Blank => raw || matches!(prev(), Caret | Closer { .. } | Frame { .. } | Error { .. }),
            Other => match prev() {
                Place | Required => true,
                Error { first, .. } => raw || first,
                _ => false,
            },
            Item => match prev() {
                Required => true,
                prev => prev == Item && how != How::Loose,
            },
            Place | Headed => false,
        }
    }

    fn step(self, line: Kind) -> Next<Node> {
        match (self, line) {
            (_, Kind::Frame { open: true } | Kind::Cause { open: true }) if self.has_error() => {
                Next::Join(Node::Properties)
            }
            (Node::Properties, Kind::Closer { last: true }) => Next::Join(Node::Ended(0)),
            (Node::Properties, Kind::Frame { .. } | Kind::Indented | Kind::Closer { .. } | Kind::Cause { .. }) => {
                Next::Join(Node::Properties)
            }
            (_, Kind::Frame { .. }) if self.has_error() => Next::Join(Node::Frames),
            (Node::Frames, Kind::Cause { .. }) => Next::Join(Node::Frames),
            (Node::Placed, Kind::Indented | Kind::Other) => Next::Hold(Node::Quoted),
            (Node::Quoted, Kind::Caret) => Next::Join(Node::Pointed(0)),
            (Node::Pointed(_), Kind::Error { open, .. }) => {
                Next::Join(if open { Node::Properties } else { Node::Told })
            }
            (Node::Pointed(blanks @ 0..2), Kind::Blank) => Next::Hold(Node::Pointed(blanks + 1)),
            (Node::Told | Node::Gap(_), Kind::Required | Kind::Item) => Next::Join(Node::Told),
            (Node::Told, Kind::Indented | Kind::Other | Kind::Blank) => Next::Hold(Node::Gap(1)),
            (Node::Gap(1), Kind::Indented | Kind::Blank) => Next::Hold(Node::Gap(2)),
            (Node::Told | Node::Gap(_) | Node::Frames | Node::Ended(0..=2), Kind::Version) => {
                Next::Join(Node::Ended(3))
            }
            (Node::Frames | Node::Properties, Kind::Blank) => Next::Hold(Node::Ended(1)),
            (Node::Ended(blanks @ 0..2), Kind::Blank) => Next::Hold(Node::Ended(blanks + 1)),
            _ => Next::Close,
        }
    }
}

impl Node {
    fn has_error(self) -> bool {
        matches!(self, Node::Told | Node::Gap(_) | Node::Frames | Node::Properties)
    }
}

/// `/srv/app.js:7`, `node:internal/process/promises:288`
fn is_place(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let Some(at) = text.iter().rposition(|b| *b == b':') else {
        return false;
    };
    let (path, line) = (&text[..at], &text[at + 1..]);
    let source = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"]
        .iter()
        .any(|tail| path.ends_with(tail.as_bytes()));
    let place = source || begins(path, "node:") || begins(path, "evalmachine.");
    place && !line.is_empty() && digits(line) == line.len() && !path.iter().any(u8::is_ascii_whitespace)
}

/// Where an error's own words begin: its type or what the runtime puts before it.
pub(super) fn error_at(text: &[u8]) -> Option<usize> {
    error_in(text, true)
}

/// The same; `names`: its type may stand in it.
fn error_in(text: &[u8], names: bool) -> Option<usize> {
    if text.first() == Some(&b'{') {
        return None;
    }
    let known = ["Uncaught ", "UnhandledPromiseRejection", "[UnhandledPromiseRejection"];
    if known.iter().any(|head| begins(text, head)) {
        return Some(0);
    }
    if !names {
        return None;
    }
    let typed = |&(_, end): &(usize, usize)| {
        let rest = &text[end..];
        let end = rest.trim_ascii_end();
        end.is_empty() || end == b":" || [": ", " [", " {"].iter().any(|mark| begins(rest, mark))
    };
    exception_names(text).find(typed).map(|(start, _)| start)
}

fn is_open(text: &[u8]) -> bool {
    text.trim_ascii_end().ends_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn errors_group() {
        check(&[
            (
                "fatal",
                "/srv/app.js:10\n    throw new TypeError(\"no\");\n    ^\n\nTypeError: no\n    at main (/srv/app.js:10:11)\n    at node:internal/main/run_main_module:28:49\n\nNode.js v20.1.0\nafter",
                &[9, 1],
            ),
            (
                "unindented code",
                "/srv/app.js:1\nboom()\n^\n\nReferenceError: boom is not defined\n    at Object.<anonymous> (/srv/app.js:1:1)",
                &[6],
            ),
            (
                "properties",
                "node:internal/modules/cjs/loader:1080\n  throw err;\n  ^\n\nError: Cannot find module 'express'\nRequire stack:\n- /srv/app.js\n    at Module._load (node:internal/modules/cjs/loader:9:1) {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: [ '/srv/app.js' ]\n}\n\nNode.js v20.1.0",
                &[13],
            ),
            (
                "rejection",
                "node:internal/process/promises:288\n            triggerUncaughtException(err, true /* fromPromise */);\n            ^\n\n[UnhandledPromiseRejection: This error originated in async code] {\n  code: 'ERR_UNHANDLED_REJECTION'\n}\n\nNode.js v20.1.0",
                &[9],
            ),
            (
                "plain",
                "Error: OOM command not allowed\n    at Parser.<anonymous> (/srv/redis.js:317:31)\n    at Parser.emit (events.js:95:17)\nafter",
                &[3, 1],
            ),
            ("coded", "TypeError [ERR_INVALID_ARG_TYPE]: no\n    at f (/srv/a.js:1:2)\nafter", &[2, 1]),
            (
                "behind a header",
                "2031-02-03 04:05:06 error: failed Error: no\n    at f (/srv/a.js:1:2)\n2031-02-03 04:05:07 info: up",
                &[2, 1],
            ),
            (
                "cause",
                "Error: outer\n    at f (/srv/a.js:1:2)\n    ... 4 lines matching cause stack trace ...\n    at g (/srv/a.js:3:2) {\n  [cause]: Error: inner\n      at h (/srv/a.js:4:2)\n}",
                &[7],
            ),
            ("uncaught", "Uncaught Error: no\n    at f (/srv/a.js:1:2)", &[2]),
            ("only a place", "/srv/app.js:10\nlistening\nready", &[1, 1, 1]),
            ("no stack", "Error: no\nretrying\nretrying", &[1, 1, 1]),
            ("repeated prefix", "web-1  | TypeError: no\nweb-1  |     at f (/srv/a.js:1:2)\nweb-1  | up", &[2, 1]),
        ]);
    }
}
