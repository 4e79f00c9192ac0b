//! Runs one language's grammar over the lines of a possible record, prefixes taken off.
//!
//! A line joins only where [`Grammar::follows`] says so from the two lines alone, as [`Pair::may_follow`] asks it: [`Run::push`] asks the same question before it asks the
//! grammar, which is what makes the one an over-approximation of the other. Knows no language.

use super::look::{self, Look};
use super::prefix::{self, How, Prefix};
use super::text::{is_blank, is_indented};
use super::words::Words;

/// What a grammar does with a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next<S> {
    /// The line belongs to the record.
    Join(S),
    /// The line belongs to it if a later one does.
    Hold(S),
    /// It doesn't belong.
    Close,
}

/// One language's traces. The implementing type is the state between two lines.
pub(super) trait Grammar: Copy {
    /// Of which one stands in a trace's first line.
    const WORDS: Words;

    /// What a line is by itself.
    type Kind: Copy;

    /// Could `line`, in which these words stand, start a trace? Cheap, and true more often than needed.
    fn may_start(_line: &[u8], words: Words) -> bool {
        words.any(Self::WORDS)
    }

    /// Where a trace's own words begin in its first line. None where `line` starts none.
    fn start(line: &[u8]) -> Option<(usize, Self)>;

    /// What a line, its prefix taken off, is by itself.
    fn kind(look: &Look<'_>) -> Self::Kind;

    /// Could a line stand right after `prev`, which many needn't ask for? Blank and indented lines are let through before this is asked of
    /// raw ones.
    fn follows(line: Self::Kind, how: How, prev: impl FnOnce() -> Self::Kind) -> bool;

    /// The state after the line.
    fn step(self, line: Self::Kind) -> Next<Self>;
}

/// Two lines, as they stand or behind a prefix that both have.
pub(super) struct Pair<'l> {
    prev: Look<'l>,
    line: Look<'l>,
    how: How,
}

impl<'l> Pair<'l> {
    /// Could any trace of the language go from one to the other, which is neither blank nor indented or has a prefix?
    pub(super) fn may_follow<G: Grammar>(&self) -> bool {
        G::follows(G::kind(&self.line), self.how, || G::kind(&self.prev))
    }
}

/// Two lines as they stand, then behind each prefix that both may have.
pub(super) fn pairs<'l>(prev: &'l [u8], line: &'l [u8]) -> impl Iterator<Item = Pair<'l>> {
    let names = (may_name(prev), may_name(line));
    let pair = move |i: usize, j: usize, how| Pair {
        prev: Look::new(&prev[i..], names.0),
        line: Look::new(&line[j..], names.1),
        how,
    };
    let behind = prefix::boundaries(prev, line).map(move |(i, j)| pair(i, j, prefix::how(&line[..j])));
    std::iter::once_with(move || pair(0, 0, How::Raw)).chain(behind)
}

/// Is the line let through whatever stands before it?
pub(super) fn always_may_follow(line: &[u8]) -> bool {
    is_blank(line) || is_indented(line)
}

/// May an exception be told of in it, in the words of the JVM, .NET or JavaScript? What holds of a line holds of its parts.
fn may_name(text: &[u8]) -> bool {
    Words::of(text).any(Words::MANAGED)
}

/// What a line is by itself.
fn kind<G: Grammar>(text: &[u8]) -> G::Kind {
    G::kind(&Look::new(text, may_name(text)))
}

/// A record in the making, by one grammar.
#[derive(Clone, Debug)]
pub(super) struct Run<G: Grammar> {
    state: G,
    /// What the latest line is as it stands.
    raw: G::Kind,
    /// What it is behind the prefix, where it has one.
    bare: Option<G::Kind>,
    prefix: Option<Prefix>,
    /// Whether the second line is still to come; it decides whether the prefix repeats.
    fresh: bool,
}

impl<G: Grammar> Run<G> {
    /// The run that `line` starts.
    pub(super) fn start(line: &[u8]) -> Option<Run<G>> {
        let (offset, state) = G::start(look::clip(line))?;
        Some(Run::begin(line, offset, state))
    }

    /// The run whose first words stand at `offset` of `line`, whatever stands before them.
    pub(super) fn begin(line: &[u8], offset: usize, state: G) -> Run<G> {
        let (before, text) = line.split_at(offset);
        let names = may_name(line);
        Run {
            state,
            raw: G::kind(&Look::new(line, names)),
            bare: Some(G::kind(&Look::new(text, names))),
            prefix: Prefix::new(before),
            fresh: true,
        }
    }

    /// Takes the next line: what it does, and the line without its prefix.
    pub(super) fn push<'l>(&mut self, line: &'l [u8]) -> (Next<()>, &'l [u8]) {
        let raw = kind::<G>(line);
        let (next, bare, text) = match self.behind_prefix(line) {
            Some((bare, text)) => (self.state.step(bare), Some(bare), text),
            None if always_may_follow(line) || G::follows(raw, How::Raw, || self.raw) => {
                (self.state.step(raw), None, line)
            }
            None => (Next::Close, None, line),
        };
        if self.fresh && bare.is_none() {
            self.prefix = None;
        }
        self.fresh = false;
        (self.raw, self.bare) = (raw, bare);
        let next = match next {
            Next::Join(state) => {
                self.state = state;
                Next::Join(())
            }
            Next::Hold(state) => {
                self.state = state;
                Next::Hold(())
            }
            Next::Close => Next::Close,
        };
        (next, text)
    }

    fn behind_prefix<'l>(&self, line: &'l [u8]) -> Option<(G::Kind, &'l [u8])> {
        let (prefix, prev) = (self.prefix.as_ref()?, self.bare?);
        let text = prefix.strip(line)?;
        let bare = kind::<G>(text);
        G::follows(bare, prefix.how(), || prev).then_some((bare, text))
    }

    /// The state after the latest line.
    pub(super) fn state(&self) -> G {
        self.state
    }
}
