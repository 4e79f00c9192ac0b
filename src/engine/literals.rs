//! All literals of all patterns: one of them looked for in a text, or all at once.
//!
//! The searcher of each, and the automaton for all, are made when first needed: a log needs few of the former, and none the latter.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

use super::compile::LiteralId;

/// More bytes of literals than this are refused. Well below what an automaton can hold, so making one doesn't fail later.
pub const MAX_BYTES: usize = 16 << 20;

/// One byte string that is looked for.
pub struct Needle {
    bytes: Box<[u8]>,
    /// Making it costs as much as a look through a line.
    finder: OnceLock<Box<Finder<'static>>>,
}

impl Needle {
    /// A search for these bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Needle {
        Needle { bytes: bytes.into(), finder: OnceLock::new() }
    }

    /// Where they stand first.
    pub fn first(&self, text: &[u8]) -> Option<usize> {
        self.finder.get_or_init(|| Box::new(Finder::new(&*self.bytes).into_owned())).find(text)
    }
}

/// Does one of each stand in a text?
pub fn one_of_each(needles: &[Vec<Needle>], text: &[u8]) -> bool {
    needles.iter().all(|any| any.iter().any(|needle| needle.first(text).is_some()))
}

impl AsRef<[u8]> for Needle {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Finds literals in texts.
pub struct LiteralSearch {
    /// By id.
    needles: Vec<Needle>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl LiteralSearch {
    /// A search for literals, by id; `None` if they are more than [`MAX_BYTES`].
    pub fn new(literals: impl IntoIterator<Item = Box<[u8]>>) -> Option<LiteralSearch> {
        let needles: Vec<Needle> = literals.into_iter().map(Needle::new).collect();
        let bytes: usize = needles.iter().map(|needle| needle.bytes.len()).sum();
        (bytes <= MAX_BYTES).then_some(LiteralSearch { needles, automaton: OnceLock::new() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.needles.len()
    }

    /// The length of one, in bytes.
    pub fn length(&self, literal: LiteralId) -> usize {
        self.needles[literal as usize].bytes.len()
    }

    /// Where one stands first in a text.
    pub fn first(&self, literal: LiteralId, text: &[u8]) -> Option<usize> {
        self.needles[literal as usize].first(text)
    }

    /// Every place where a literal stands in a text, by where they end.
    pub fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Range<usize>)> + 't {
        let automaton = self
            .automaton
            .get_or_init(|| AhoCorasick::builder().match_kind(MatchKind::Standard).build(&self.needles).ok());
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
