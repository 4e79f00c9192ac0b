//! Runs one language's grammar over the lines of a possible record, prefixes taken off.
//!
//! A line joins only where [`Pair::may_follow`] says so from the two lines alone: [`Run::push`] asks the same question before it asks the
//! grammar, which is what makes the one an over-approximation of the other. Knows no language.

use super::prefix::{self, How, Prefix};
use super::text::{is_blank, is_indented, may_name_exception};

/// No line is looked at further than this; what decides stands at its beginning.
const LONGEST_LOOK: usize = 1024;

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
    /// What a line is by itself.
    type Kind: Copy;

    /// Where a trace's own words begin in its first line. None where `line` starts none.
    fn start(line: &[u8]) -> Option<(usize, Self)>;

    /// What `text`, its prefix taken off, is by itself. `names`: an exception may be told of in it ([`may_name_exception`]).
    fn kind(text: &[u8], names: bool) -> Self::Kind;

    /// Could the second stand right after the first? Blank and indented lines are let through before this is asked of raw ones.
    fn follows(prev: Self::Kind, line: Self::Kind, how: How) -> bool;

    /// The state after the line.
    fn step(self, line: Self::Kind) -> Next<Self>;
}

fn clip(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST_LOOK)]
}

/// What `text` is, however long.
pub(super) fn look<G: Grammar>(text: &[u8], names: bool) -> G::Kind {
    G::kind(clip(text), names)
}

/// Two lines, and where a prefix that both have may end.
pub(super) struct Pair<'l> {
    prev: &'l [u8],
    line: &'l [u8],
    /// Whether they may tell of an exception.
    names: (bool, bool),
    /// In `prev`, in `line`, and how far indentation behind it may be trusted.
    ends: Vec<(usize, usize, How)>,
}

impl<'l> Pair<'l> {
    pub(super) fn new(prev: &'l [u8], line: &'l [u8]) -> Pair<'l> {
        let ends = prefix::boundaries(prev, line).map(|(i, j)| (i, j, prefix::how(&line[..j])));
        let names = (may_name_exception(prev), may_name_exception(line));
        Pair { prev, line, names, ends: ends.collect() }
    }

    /// Could any trace of the language go from one to the other, which is neither blank nor indented or has a prefix?
    pub(super) fn may_follow<G: Grammar>(&self) -> bool {
        let behind = |&(i, j, how): &(usize, usize, How)| {
            G::follows(look::<G>(&self.prev[i..], self.names.0), look::<G>(&self.line[j..], self.names.1), how)
        };
        G::follows(look::<G>(self.prev, self.names.0), look::<G>(self.line, self.names.1), How::Raw)
            || self.ends.iter().any(behind)
    }
}

/// Is the line let through whatever stands before it?
pub(super) fn always_may_follow(line: &[u8]) -> bool {
    is_blank(line) || is_indented(line)
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
        let (offset, state) = G::start(clip(line))?;
        Some(Run::begin(line, offset, state))
    }

    /// The run whose first words stand at `offset` of `line`, whatever stands before them.
    pub(super) fn begin(line: &[u8], offset: usize, state: G) -> Run<G> {
        let (before, text) = line.split_at(offset);
        let names = may_name_exception(line);
        Run {
            state,
            raw: look::<G>(line, names),
            bare: Some(look::<G>(text, names)),
            prefix: Prefix::new(before),
            fresh: true,
        }
    }

    /// Takes the next line: what it does, and the line without its prefix.
    pub(super) fn push<'l>(&mut self, line: &'l [u8]) -> (Next<()>, &'l [u8]) {
        let raw = look::<G>(line, may_name_exception(line));
        let (next, bare, text) = match self.behind_prefix(line) {
            Some((bare, text)) => (self.state.step(bare), Some(bare), text),
            None if always_may_follow(line) || G::follows(self.raw, raw, How::Raw) => {
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
        let bare = look::<G>(text, may_name_exception(text));
        G::follows(prev, bare, prefix.how()).then_some((bare, text))
    }

    /// The state after the latest line.
    pub(super) fn state(&self) -> G {
        self.state
    }
}
