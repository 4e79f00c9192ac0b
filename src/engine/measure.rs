//! How often anchors stand in a text: what the patterns would cost on such logs.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Engine;
use super::compile::Alternative;

/// The lines of a text that hold anchors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnchorHits {
    /// Lines that aren't empty.
    pub lines: usize,
    /// Of these, the lines that hold an anchor of any pattern.
    pub hit: usize,
    /// Each anchor that was found: how many lines hold it, itself, and the indices of the patterns that look for it. The
    /// commonest first.
    pub anchors: Vec<(usize, String, Vec<usize>)>,
}

impl Engine {
    /// Counts the lines of raw text that hold anchors of patterns.
    ///
    /// # Errors
    /// An automaton over the anchors can't be built; the reason.
    pub fn measure(&self, text: &[u8]) -> Result<AnchorHits, String> {
        let all = self.patterns.iter().flat_map(|pattern| &pattern.alternatives).flat_map(Alternative::anchors);
        let anchors: Vec<&Vec<u8>> = all.collect::<BTreeSet<_>>().into_iter().collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&anchors);
        let automaton = automaton.map_err(|error| error.to_string())?;
        let mut counts = vec![0; anchors.len()];
        let mut hits = AnchorHits::default();
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let found: BTreeSet<usize> =
                automaton.find_overlapping_iter(line).map(|m| m.pattern().as_usize()).collect();
            hits.lines += 1;
            hits.hit += usize::from(!found.is_empty());
            found.into_iter().for_each(|anchor| counts[anchor] += 1);
        }
        for (anchor, count) in anchors.iter().zip(counts).filter(|(_, count)| *count > 0) {
            let looks = |pattern: &usize| self.anchors_of(*pattern).any(|own| own == &anchor[..]);
            let patterns = (0..self.patterns.len()).filter(looks).collect();
            hits.anchors.push((count, String::from_utf8_lossy(anchor).into_owned(), patterns));
        }
        hits.anchors.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        Ok(hits)
    }
}
