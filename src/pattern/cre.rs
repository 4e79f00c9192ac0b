//! Community rules: documents of the Common Reliability Enumerations, read into rules beside the native patterns.
//!
//! Holds the model of a rule and how it is read ([`read()`]). Each rule has a [`Pattern`] for what is told of it, so that its events are events
//! like any other. Knows nothing of how rules are matched.

mod category;
mod community;
pub(super) mod duration;
mod logic;
mod read;
mod scope;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::model::{FieldValue, Pattern};

pub use community::Community;
pub use read::{is_document, read};
pub use scope::{EventSourceError, EventSources};

/// Terms of one rule, beyond which it is refused.
pub const MAX_TERMS: usize = 64;

/// One community rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is told of it. Its id is the rule's, such as `CRE-2025-0099`; it has no conditions of its own.
    pub pattern: Arc<Pattern>,
    /// The rest of what its author says: `cre.*` attributes.
    pub attributes: Vec<(&'static str, FieldValue)>,
    /// How it is recognised.
    pub logic: Arc<Logic>,
    /// The pack's name.
    pub file: Arc<str>,
    /// 1-based line where the rule begins.
    pub line: usize,
    /// The containers it is for, as globs; none: all.
    pub containers: Vec<glob::Pattern>,
    /// What the vendor's engine ignores in it without a word, or can't act on.
    pub remarks: Vec<String>,
}

/// Which entries of a log make a rule speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logic {
    /// A sequence: entries in this order. Otherwise a set: in any order.
    pub ordered: bool,
    /// What has to be there.
    pub steps: Vec<Step>,
    /// How far the first and the last entry may be apart. Only a rule of one entry has none.
    pub window: Option<Duration>,
    /// What must not be there.
    pub negations: Vec<Negation>,
}

impl Logic {
    /// Whether one entry decides: no state is needed.
    pub fn is_stateless(&self) -> bool {
        self.steps.len() == 1 && self.steps[0].count == 1 && self.negations.is_empty()
    }

    /// Every term, negative ones last.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.steps.iter().map(|step| &step.term).chain(self.negations.iter().map(|negation| &negation.term))
    }
}

/// One term of a set or sequence, and how many entries have to match it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The term.
    pub term: Term,
    /// One or more.
    pub count: usize,
}

/// What an entry is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// Stands in it; case counts.
    Value(String),
    /// Matches somewhere in it.
    Regex(String),
    /// A jq program over the entry as JSON, some output of which is true, or neither false nor null.
    Jq(String),
}

/// A term that no entry of an interval may match. The interval begins at the anchor's time plus `slide`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negation {
    /// The term.
    pub term: Term,
    /// Length of the interval; unless `absolute`, the span of the matched entries is added.
    pub window: SignedDuration,
    /// Moves the interval; negative: to before the anchor.
    pub slide: SignedDuration,
    /// Which of the matched entries the interval begins at; the first is 0.
    pub anchor: usize,
    /// The window alone is the interval's length.
    pub absolute: bool,
}
