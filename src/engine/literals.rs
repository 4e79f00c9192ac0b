//! All literals of all patterns: one of them looked for in a text, or all at once.
//!
//! The automaton for all is made when first needed: a log needs none.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::compile::LiteralId;
use super::strings::Strings;

/// More bytes of literals than this are refused. Well below what an automaton can hold, so making one doesn't fail later.
pub const MAX_BYTES: usize = 16 << 20;

/// Finds literals in texts.
pub struct LiteralSearch {
    /// By id.
    literals: Strings,
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl LiteralSearch {
    /// A search for literals, by id; `None` if they are more than [`MAX_BYTES`].
    pub fn new(all: impl IntoIterator<Item = Box<[u8]>>) -> Option<LiteralSearch> {
        let mut literals = Strings::default();
        for literal in all {
            if literals.bytes() + literal.len() > MAX_BYTES {
                return None;
            }
            literals.push(&literal);
        }
        Some(LiteralSearch { literals, automaton: OnceLock::new() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.literals.len()
    }

    /// The length of one, in bytes.
    pub fn length(&self, literal: LiteralId) -> usize {
        self.literals.get(literal as usize).len()
    }

    /// Where one stands first in a text.
    pub fn first(&self, literal: LiteralId, text: &[u8]) -> Option<usize> {
        self.literals.first(literal as usize, text)
    }

    /// Every place where a literal stands in a text, by where they end.
    pub fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Range<usize>)> + 't {
        let automaton = self
            .automaton
            .get_or_init(|| AhoCorasick::builder().match_kind(MatchKind::Standard).build(self.literals.iter()).ok());
        let found = automaton.iter().flat_map(move |automaton| automaton.find_overlapping_iter(text));
        found.map(|found| (found.pattern().as_usize(), found.range()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_every_literal_is_told() {
        let search = LiteralSearch::new(["ab", "b", "abc"].map(|s| s.as_bytes().into())).unwrap();
        let mut found: Vec<_> = search.find(b"xabcb").collect();
        found.sort_by_key(|(id, place)| (*id, place.start));
        assert_eq!(found, [(0, 1..3), (1, 2..3), (1, 4..5), (2, 1..4)]);
        assert_eq!([0, 1, 2].map(|id| search.first(id, b"xabcb")), [Some(1), Some(2), Some(1)]);
        assert_eq!([0, 1, 2].map(|id| search.first(id, b"cb")), [None, Some(1), None]);
        assert_eq!((search.count(), search.length(2)), (3, 3));
        assert!(LiteralSearch::new([vec![b'x'; MAX_BYTES + 1].into()]).is_none());
    }
}
