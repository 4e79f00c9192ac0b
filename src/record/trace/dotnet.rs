//! Stack traces of .NET, with their inner exceptions.
//!
//! Knows nothing of prefixes and of other languages.

use super::look::Look;
use super::prefix::How;
use super::run::{Grammar, Next};
use super::text::{begins, finder, is_at_frame, qualified_exception};
use super::words::Words;

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// An exception's type stands in it; whether the line begins with it.
    Exception { first: bool },
    /// ` ---> System.X: …`
    Inner,
    /// `   at …`, `   --- End of inner exception stack trace ---`
    Frame,
    /// Nothing.
    Blank,
    /// Another line that may continue a message.
    Other,
    /// Another line that can't.
    Headed,
}

/// Between two lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DotNet {
    /// After an exception's type, whose message may go on.
    Told,
    /// After a line which only a frame makes a part of the record.
    Gap,
    /// Among frames.
    Frames,
}

impl Grammar for DotNet {
    const WORDS: Words = Words::MANAGED;
    type Kind = Kind;

    fn start(line: &[u8]) -> Option<(usize, DotNet)> {
        (line.first() != Some(&b'{')).then(|| exception_at(line)).flatten().map(|at| (at, DotNet::Told))
    }

    fn kind(look: &Look<'_>) -> Kind {
        let (text, inner) = (look.text, look.inner);
        if inner.is_empty() {
            Kind::Blank
        } else if begins(inner, "---> ") {
            Kind::Inner
        } else if (look.indented && is_at_frame(text)) || begins(inner, "--- End of ") {
            Kind::Frame
        } else if let Some(at) = (look.names && inner[0] != b'{').then(|| exception_in(look)).flatten() {
            Kind::Exception { first: at == 0 }
        } else if look.indented || look.is_headed() {
            Kind::Headed
        } else {
            Kind::Other
        }
    }

    fn follows(line: Kind, how: How, prev: impl FnOnce() -> Kind) -> bool {
        match line {
            Kind::Inner | Kind::Frame => true,
            Kind::Other => match prev() {
                Kind::Exception { first } => how == How::Raw || first,
                prev => prev == Kind::Inner,
            },
            Kind::Blank => how == How::Raw,
            Kind::Exception { .. } | Kind::Headed => false,
        }
    }

    fn step(self, line: Kind) -> Next<DotNet> {
        match (self, line) {
            (_, Kind::Frame) => Next::Join(DotNet::Frames),
            (_, Kind::Inner) => Next::Join(DotNet::Told),
            (DotNet::Told, Kind::Other) => Next::Hold(DotNet::Gap),
            _ => Next::Close,
        }
    }
}

/// Where an exception begins: its type, or the runtime's words before it.
pub(super) fn exception_at(text: &[u8]) -> Option<usize> {
    unhandled(text).or_else(|| qualified_exception(text).map(|(start, _)| start))
}

fn exception_in(look: &Look<'_>) -> Option<usize> {
    unhandled(look.text).or_else(|| look.qualified_exception())
}

/// Where the runtime's words stand.
fn unhandled(text: &[u8]) -> Option<usize> {
    let heads = ["Unhandled exception. ", "Unhandled Exception: "];
    let first = |head: &str| finder!("Unhandled ").find_iter(text).find(|at| begins(&text[*at..], head));
    heads.into_iter().find_map(first)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn traces_group() {
        check(&[
            (
                "unhandled",
                "Unhandled exception. System.InvalidOperationException: shut\n   at Acme.Program.Main(String[] args) in /src/Program.cs:line 9\nafter",
                &[2, 1],
            ),
            (
                "inner",
                "Unhandled exception. Acme.ClientException: outer\n ---> System.IO.IOException: inner\n   at Acme.N.Read()\n   --- End of inner exception stack trace ---\n   at Acme.Program.Main()\nafter",
                &[5, 1],
            ),
            (
                "rethrown",
                "System.TimeoutException: late\n   at Acme.N.Read()\n--- End of stack trace from previous location ---\n   at Acme.N.Go()",
                &[4],
            ),
            (
                "message of two lines",
                "Unhandled exception. System.ArgumentException: bad\nParameter name: x\n   at Acme.N.Read()",
                &[3],
            ),
            ("no trace", "Unhandled exception. System.ArgumentException: bad\nnext", &[1, 1]),
        ]);
    }
}
