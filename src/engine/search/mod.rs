//! Finding the next line that holds an anchor in a block of raw bytes: the innermost loop.
//!
//! Each anchor is represented by four of its bytes, its **window**, and each window lies in a **bucket**. Per bucket there are sets of what its windows
//! have at each place ([`filter`]); a position of the block whose four bytes pass all sets of one bucket, and
//! which by a hash of these and of what is beside them may be in an anchor, is a candidate ([`masks`]; with SIMD [`vector`] and [`sieve`]). A candidate's window and what is [`beside`] it are looked up
//! ([`table`]), and only then is the anchor compared. Which windows and buckets are chosen ([`place`], [`placer`]) decides how many positions of healthy text are candidates,
//! so it is trained on such text; it never decides what is found.
//!
//! Knows nothing of lines, patterns or files.

mod beside;
mod filter;
mod learn;
mod masks;
mod place;
mod placer;
mod sieve;
mod table;
#[cfg(test)]
mod tests;
mod vector;

pub use filter::Filter;
pub(super) use learn::windows_of;
use masks::Masks;
pub use place::Windows;
use sieve::{FEW, MANY, Sieve};
use table::Table;

use super::healthy::Healthy;

/// How many bytes stand for an anchor. An anchor of fewer is looked for with any byte behind it.
pub(super) const WINDOW: usize = 4;

/// How many buckets there is room for.
pub(super) const BUCKETS: usize = 32;

/// What one anchor can't be.
pub(super) const SHORTEST_ANCHOR: usize = 3;

/// Finds anchors in raw bytes.
pub struct Search {
    masks: Masks,
    table: Table,
    scan: vector::Scan,
}

/// For each anchor the index of one that stands in it and in which no other stands: where that is found, the longer one needn't be looked for.
pub(super) fn innermost(anchors: &[Vec<u8>]) -> Vec<usize> {
    let windows: Vec<place::Window> = anchors.iter().map(|anchor| place::Window::of(anchor, 0, 0)).collect();
    let table = Table::new(anchors, &windows);
    let mut by_length: Vec<usize> = (0..anchors.len()).collect();
    by_length.sort_by_key(|&index| anchors[index].len());
    let mut innermost: Vec<usize> = (0..anchors.len()).collect();
    for index in by_length {
        let anchor = &anchors[index];
        let inside = (0..anchor.len()).flat_map(|at| table.anchors_at(anchor, at).map(|(other, _)| other));
        let mut inside = inside.filter(|other| *other != index);
        // What stands inside is shorter, so its own is known.
        innermost[index] = inside.next().map_or(index, |other| innermost[other]);
    }
    innermost
}

/// What a search did with a text: how well its windows are chosen for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Positions that pass the filter.
    pub passing: usize,
    /// Of these, the positions that may be windows in anchors.
    pub candidates: usize,
    /// Of these, the positions where a window is, with what is beside it in an anchor.
    pub windows: usize,
    /// Of these, the positions where an anchor stands.
    pub anchors: usize,
}

impl Search {
    /// The filter that this processor's search uses: windows should be those for it, but any will do.
    pub fn filter() -> Filter {
        vector::Scan::best().filter()
    }

    /// A search for `anchors`: unique, each of three bytes or more; none of them find nothing. Windows that
    /// training chose are preferred; what has none of them gets one where healthy text, as far as it is known, passes least.
    pub fn new(anchors: &[Vec<u8>], trained: &Windows, healthy: &Healthy) -> Search {
        debug_assert!(anchors.iter().all(|anchor| anchor.len() >= SHORTEST_ANCHOR));
        let windows = place::choose(anchors, trained, healthy);
        Search { masks: Masks::new(&windows), table: Table::new(anchors, &windows), scan: vector::Scan::best() }
    }

    /// Something that goes from anchor to anchor in one block.
    pub fn finder(&self) -> Finder<'_> {
        Finder { search: self, sieve: Sieve::new() }
    }

    /// Tells `take` of each anchor that stands in a text, by its index and where it begins, until it says that this is enough. Did it?
    /// Nothing is told of windows before `from`.
    pub fn any_anchor(&self, text: &[u8], from: usize, mut take: impl FnMut(usize, usize) -> bool) -> bool {
        let mut enough = false;
        self.candidates(text, from, |at| {
            enough = self.table.anchors_at(text, at).any(|(anchor, start)| take(anchor, start));
            enough
        });
        enough
    }

    /// Goes over a whole text without stopping and counts.
    pub fn effort(&self, text: &[u8]) -> Effort {
        let mut effort = Effort::default();
        effort.passing = self.candidates(text, 0, |at| {
            effort.candidates += 1;
            effort.windows += usize::from(self.table.is_window(text, at));
            effort.anchors += usize::from(self.table.anchors_at(text, at).next().is_some());
            false
        });
        effort
    }

    /// Gives how many positions passed the filter.
    fn candidates(&self, text: &[u8], from: usize, take: impl FnMut(usize) -> bool) -> usize {
        let mut sieve = Sieve::<FEW>::new();
        sieve.skip_to(from);
        self.scan.candidates(&self.masks, &self.table, text, &mut sieve, take);
        sieve.passed
    }
}

/// Goes from anchor to anchor in one block, forward.
pub struct Finder<'s> {
    search: &'s Search,
    sieve: Sieve<MANY>,
}

impl Finder<'_> {
    /// The start of an anchor at or after `from`, of those that are `wanted`, by their index and start: the first such anchor whose window ends the
    /// search, which lies in the first line, from there on, that holds one (anchors hold no newline). `block` is the same each time, and `from` is
    /// behind what was found last.
    pub fn next(&mut self, block: &[u8], from: usize, mut wanted: impl FnMut(usize, usize) -> bool) -> Option<usize> {
        let Search { masks, table, scan } = self.search;
        let mut found = None;
        self.sieve.skip_to(from);
        scan.candidates(masks, table, block, &mut self.sieve, |at| {
            found = table.anchors_at(block, at).find(|(anchor, start)| *start >= from && wanted(*anchor, *start));
            found.is_some()
        });
        found.map(|(_, start)| start)
    }
}
