//! Patterns compiled to anchors and confirmations.
//!
//! [`Engine::scan`] goes over a raw block and calls the sink for each line that holds an anchor; no other line is ever
//! looked at. [`Engine::confirm`] says what a decoded record is. Both are synchronous and know nothing of files,
//! clocks or Kubernetes.
//!
//! The stages, cheapest first: anchors in the raw block, then in the record's text ([`search`]) → the literals of the patterns that these
//! stand for → fields → expressions → captures of the one pattern that speaks.

mod anchors;
mod clauses;
mod clues;
mod compile;
mod confirm;
mod explain;
mod expression;
mod healthy;
mod known;
mod literals;
mod measure;
mod owners;
pub mod regexes;
mod required;
mod scope;
mod search;
mod strings;
mod terms;
mod train;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use anchors::fragments as anchor_fragments;
use clauses::{Clauses, Group};
pub use clues::Clues;
use compile::LiteralId;
pub use compile::{CompileError, Compiled};
pub use confirm::{Finding, Judgement, Part, Subject};
pub use explain::{Check, Explanation, Requirement, Wording};
pub use healthy::Healthy;
use literals::LiteralSearch;
pub use measure::AnchorHits;
use owners::{Meaning, Owners};
use search::Search;
pub use search::{Effort, Filter, Windows};
pub use terms::Terms;
pub use train::Trained;

use crate::pattern::model::{Pattern, Severity};

/// One of the fragments that are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Anchor(usize);

/// Receives the lines of a block that hold an anchor.
pub trait Sink {
    /// Does it want the line because of this anchor, which stands at `hit` of the block? Otherwise the line's other anchors decide.
    fn wants(&mut self, _anchor: Anchor, _hit: usize) -> bool {
        true
    }

    /// A line that starts at `start` of the block holds an anchor at `hit`. Returns where to go on: behind the line, or in it if more
    /// of it is to be looked at.
    fn line(&mut self, start: usize, hit: usize) -> usize;
}

/// Fragments whose lines the sink wants, beside those of the patterns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// A line that holds one of these may be of any pattern.
    pub of_any: &'a [&'a [u8]],
    /// A line that holds one of these is for somebody else, who is known by the number: for that alone it is of no pattern.
    pub for_others: &'a [(Vec<u8>, u32)],
    /// A line that holds one of these is looked at, and for that alone it is of no pattern either.
    pub noticed: &'a [&'a [u8]],
}

/// What compiling gave, for `lint` and for the curious.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Patterns.
    pub patterns: usize,
    /// Conditions, alternatives counted apart.
    pub alternatives: usize,
    /// Fragments looked for in raw blocks.
    pub anchors: usize,
    /// Literals looked for in records.
    pub literals: usize,
}

/// One way in which a condition of a pattern is met.
struct Way {
    /// The pattern, and which of its conditions.
    pair: (u32, u32),
    /// The pattern's.
    severity: Severity,
    /// What stands in a record's raw bytes beside an anchor of the way.
    beside: Group,
}

/// What is known of healthy logs. It decides what is fast, never what is found.
#[derive(Clone, Copy)]
struct Knowledge<'k> {
    healthy: &'k Healthy,
    /// By these anchors are chosen.
    windows: &'k Windows,
    /// Those for this processor's search.
    searched: &'k Windows,
}

/// How often one pattern was worth a closer look, and how often its conditions then held. Since it was compiled.
#[derive(Debug, Default)]
pub struct Counts {
    /// Records that hold a literal by which it is found.
    pub candidates: AtomicU64,
    /// Records of these that it matches.
    pub confirmations: AtomicU64,
}

/// A set of patterns, compiled.
pub struct Engine {
    search: Search,
    /// The fragments that are looked for.
    anchors: Vec<Vec<u8>>,
    /// By anchor.
    meanings: Vec<Meaning>,
    literals: LiteralSearch,
    /// Which (pattern, alternative) pairs become candidates when a literal is seen, in order.
    candidates: Vec<(LiteralId, u32, u32)>,
    /// How patterns are found in raw blocks: what their anchors stand for.
    ways: Vec<Way>,
    clauses: Clauses,
    patterns: Vec<Compiled>,
    /// By pattern.
    counts: Vec<Counts>,
    size: Size,
}

impl Engine {
    /// Compiles patterns. The errors come with the index of the pattern they belong to.
    pub fn compile(patterns: &[Arc<Pattern>], asked: Asked<'_>) -> Result<Engine, Vec<(usize, CompileError)>> {
        Engine::compile_knowing(patterns, asked, Knowledge::builtin())
    }

    fn compile_knowing(
        patterns: &[Arc<Pattern>],
        asked: Asked<'_>,
        knowledge: Knowledge<'_>,
    ) -> Result<Engine, Vec<(usize, CompileError)>> {
        let mut tables = compile::Tables::default();
        let mut compiled = Vec::new();
        let mut errors = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match compile::pattern(pattern, index as u32, &mut tables, knowledge) {
                Ok(pattern) => compiled.push(pattern),
                Err(list) => errors.extend(list.into_iter().map(|error| (index, error))),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut owners: BTreeMap<&[u8], Owners> = BTreeMap::new();
        for anchor in asked.of_any {
            owners.entry(anchor).or_default().any = true;
        }
        let mut of_others: BTreeMap<&[u8], Owners> = BTreeMap::new();
        for (anchor, other) in asked.for_others {
            of_others.entry(anchor).or_default().others.push(*other);
        }
        for anchor in asked.noticed {
            of_others.entry(anchor).or_default();
        }
        let alternatives = compiled.iter().flat_map(|pattern| &pattern.alternatives);
        for (anchor, way) in alternatives.flat_map(|alternative| &alternative.anchors) {
            owners.entry(anchor).or_default().ways.push(*way);
        }
        let (anchors, meanings) = owners::anchors(owners, of_others);
        let search = Search::new(&anchors, knowledge.searched, knowledge.healthy);
        let all = LiteralSearch::new(tables.literals).ok_or_else(|| vec![(0, CompileError::TooMuch)])?;
        let size = Size {
            patterns: compiled.len(),
            alternatives: compiled.iter().map(|pattern| pattern.alternatives.len()).sum(),
            anchors: anchors.len(),
            literals: all.count(),
        };
        let compile::Tables { mut candidates, ways, clauses, .. } = tables;
        candidates.sort_unstable();
        Ok(Engine {
            search,
            anchors,
            meanings,
            literals: all,
            candidates,
            ways,
            clauses,
            counts: compiled.iter().map(|_| Counts::default()).collect(),
            patterns: compiled,
            size,
        })
    }

    /// What compiling gave.
    pub fn size(&self) -> Size {
        self.size
    }

    /// How often each pattern was a candidate and matched, in the order given.
    pub fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// The compiled patterns, in the order given.
    pub fn patterns(&self) -> &[Compiled] {
        &self.patterns
    }

    /// The fragments that a pattern is found by in raw blocks.
    pub fn anchors_of(&self, pattern: usize) -> impl Iterator<Item = &[u8]> {
        let alternatives = self.patterns.get(pattern).into_iter().flat_map(|pattern| &pattern.alternatives);
        alternatives.flat_map(|alternative| alternative.anchors().map(Vec::as_slice))
    }

    /// What looking for anchors in a text takes.
    pub fn effort(&self, text: &[u8]) -> Effort {
        self.search.effort(text)
    }

    /// Compiles every expression that is otherwise compiled when first needed, and says which are too large.
    pub fn check(&self) -> Vec<(usize, CompileError)> {
        let checks = self.patterns.iter().enumerate().flat_map(|(index, pattern)| {
            let all = pattern.alternatives.iter().flat_map(|alternative| {
                let any = alternative.any.iter().flat_map(|terms| &terms.regexes);
                alternative.regexes.iter().chain(any).chain(&alternative.none.regexes)
            });
            all.map(move |regex| (index, regex.check()))
        });
        checks.filter_map(|(index, check)| check.err().map(|error| (index, error))).collect()
    }

    /// Calls the sink for each line of `block[from..]` that holds an anchor which it wants, in order. A line begins at `from`.
    pub fn scan(&self, block: &[u8], from: usize, sink: &mut impl Sink) {
        let (mut finder, mut at) = (self.search.finder(), from);
        while at < block.len() {
            let Some(hit) = finder.next(block, at, |anchor, hit| sink.wants(Anchor(anchor), hit)) else { return };
            let start = memchr::memrchr(b'\n', &block[at..hit]).map_or(at, |newline| at + newline + 1);
            at = sink.line(start, hit).max(hit + 1);
        }
    }
}
