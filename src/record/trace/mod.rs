//! Multi-line records: which lines make one stack trace, and the exception that it shows.
//!
//! Pure: lines in, verdicts out. Knows nothing of files, clocks, framing and patterns. A record starts on a known header only, never
//! on indentation; a language's grammar says what may follow it, and lines may repeat the prefix that stands before the header.
//!
//! Two ways to find a record agree by construction: forward over all lines with an [`Assembler`], or back from any of its lines while
//! [`may_continue`] holds and then forward from there.

mod dotnet;
mod exception;
mod go;
mod java;
mod look;
mod node;
mod prefix;
mod python;
mod run;
mod rust;
mod text;
mod words;

pub use exception::exception;

use run::{Next, Run};
use words::Words;

/// What a line does to the record in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It belongs to the record, and so do the lines held before it.
    Joined,
    /// It belongs to the record if a later line joins. There are never more than two such lines in a row, and none of them starts a
    /// record of its own.
    Held,
    /// It doesn't belong, nor do the lines held before it; it may start a record of its own. The assembler is of no more use.
    Closed,
}

/// A multi-line record in the making. Keeps what its latest line was and the prefix of its first, never the lines.
///
/// A first line may suit several languages; each goes on until a line that it can't place while another can.
#[derive(Clone, Debug)]
pub struct Assembler {
    python: Option<Run<python::Python>>,
    go: Option<Run<go::Go>>,
    java: Option<Run<java::Java>>,
    dotnet: Option<Run<dotnet::DotNet>>,
    rust: Option<Run<rust::Rust>>,
    node: Option<Run<node::Node>>,
}

impl Assembler {
    /// The record that `line` starts. None where it starts none that may have several lines.
    pub fn start(line: &[u8]) -> Option<Assembler> {
        let line = look::clip(line);
        let words = Words::of(line);
        let runs = Assembler {
            python: start(line, words),
            go: start(line, words),
            java: start(line, words),
            dotnet: start(line, words),
            rust: start(line, words),
            node: start(line, words),
        };
        runs.is_live().then_some(runs)
    }

    /// Takes the next line of the stream.
    pub fn push(&mut self, line: &[u8]) -> Step {
        let steps = [
            push(&mut self.python, line),
            push(&mut self.go, line),
            push(&mut self.java, line),
            push(&mut self.dotnet, line),
            push(&mut self.rust, line),
            push(&mut self.node, line),
        ];
        if steps.contains(&Step::Joined) {
            Step::Joined
        } else if steps.contains(&Step::Held) && Assembler::start(line).is_none() {
            Step::Held
        } else {
            Step::Closed
        }
    }

    fn is_live(&self) -> bool {
        self.python.is_some()
            || self.go.is_some()
            || self.java.is_some()
            || self.dotnet.is_some()
            || self.rust.is_some()
            || self.node.is_some()
    }
}

fn start<G: run::Grammar>(line: &[u8], words: Words) -> Option<Run<G>> {
    G::may_start(line, words).then(|| Run::start(line)).flatten()
}

fn push<G: run::Grammar>(run: &mut Option<Run<G>>, line: &[u8]) -> Step {
    match run.as_mut().map(|run| run.push(line).0) {
        Some(Next::Join(())) => Step::Joined,
        Some(Next::Hold(())) => Step::Held,
        Some(Next::Close) | None => {
            *run = None;
            Step::Closed
        }
    }
}

/// Could `line` stand in the same record right after `prev`?
///
/// Looks at nothing but the two lines, so it is true more often than needed, but never false where an assembler whose latest line was
/// `prev` joins or holds `line`. False for an ordinary log line, with a header of its own, after another one.
pub fn may_continue(prev: &[u8], line: &[u8]) -> bool {
    let any = |pair: run::Pair<'_>| {
        pair.may_follow::<python::Python>()
            || pair.may_follow::<go::Go>()
            || pair.may_follow::<java::Java>()
            || pair.may_follow::<dotnet::DotNet>()
            || pair.may_follow::<rust::Rust>()
            || pair.may_follow::<node::Node>()
    };
    run::always_may_follow(line) || run::pairs(prev, line).any(any)
}

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
