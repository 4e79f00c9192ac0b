//! What the anchors in a raw line tell of the record that it is part of, before anything of the line is decoded.
//!
//! Knows nothing of framing and headers.

use super::{Anchor, Engine, Way};
use crate::pattern::model::Severity;

/// What the anchors in one raw line tell, in whatever framing it stands.
#[derive(Debug, Default)]
pub struct Clues {
    /// It may be of any pattern.
    any: bool,
    /// The ways of which an anchor stands in it, and what stands beside it in the same line.
    ways: Vec<u32>,
    /// Who else asked for a fragment that stands in it, in order. See [`super::Asked::for_others`].
    pub others: Vec<u32>,
}

impl Engine {
    /// What a raw line tells, of which it is known that no anchor stands in it before `from`: a scan has come that far.
    pub fn clues(&self, raw: &[u8], from: usize) -> Clues {
        let mut clues = Clues::default();
        self.search.any_anchor(raw, from, |anchor, at| {
            for owners in self.meanings[anchor].owners(raw, at) {
                clues.any |= owners.any;
                clues.ways.extend_from_slice(&owners.ways);
                clues.others.extend_from_slice(&owners.others);
            }
            false
        });
        clues.others.sort_unstable();
        clues.others.dedup();
        clues.ways.sort_unstable();
        clues.ways.dedup();
        clues.ways.retain(|&way| self.has_in_line(way, raw));
        clues
    }

    /// Could a raw line matter because of an anchor that stands at `at` of it? To a pattern it can't without what must stand in the same line; of
    /// those who asked for the fragment besides `other` decides. If the line is one of several pieces of a longer one, what is missing here may
    /// stand in another piece.
    pub fn may_matter(&self, anchor: Anchor, raw: &[u8], at: usize, mut other: impl FnMut(u32) -> bool) -> bool {
        let stands = |way: &u32| self.has_in_line(*way, raw);
        self.meanings[anchor.0].owners(raw, at).any(|owners| {
            owners.any || owners.ways.iter().any(stands) || owners.others.iter().any(|number| other(*number))
        })
    }

    /// Does one of each of the fragments stand in the line without which a way can't be met there?
    fn has_in_line(&self, way: u32, raw: &[u8]) -> bool {
        self.clauses.are_met_in_line(self.ways[way as usize].beside, raw)
    }

    /// Could the line be of a record that a pattern knows which is at least so grave, whatever the record's other lines are? Says so of some that
    /// can't. If the line is one of several pieces of a longer one, what is missing here may stand in another piece.
    pub fn may_be_of(&self, clues: &Clues, least: Severity) -> bool {
        clues.any || clues.ways.iter().any(|&way| self.ways[way as usize].severity >= least)
    }

    /// Could a record that is this raw line alone be of a pattern that is at least so grave? Says so of some that can't, but asks for no more
    /// than the raw bytes.
    pub fn may_know(&self, clues: &Clues, raw: &[u8], least: Severity) -> bool {
        let may_be = |way: &Way| way.severity >= least && self.clauses.are_met(way.beside, raw);
        clues.any || clues.ways.iter().any(|&way| may_be(&self.ways[way as usize]))
    }

    /// The (pattern, alternative) pairs that a record may be of which is this line alone, in order.
    pub(super) fn pairs(&self, clues: &Clues) -> Vec<(u32, u32)> {
        let mut pairs: Vec<(u32, u32)> = clues.ways.iter().map(|&way| self.ways[way as usize].pair).collect();
        pairs.dedup();
        pairs
    }
}
