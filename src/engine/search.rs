//! Finding the next anchor in a block of raw bytes: the innermost loop, behind one small trait.

use daachorse::DoubleArrayAhoCorasick;

/// Finds anchors in raw bytes.
pub trait BlockSearch: Send + Sync {
    /// A position at or after `from` that lies inside the first line (from there on) that holds an anchor.
    fn find(&self, block: &[u8], from: usize) -> Option<usize>;
}

/// A double-array Aho-Corasick automaton over all anchors.
pub struct Daachorse {
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
}

impl Daachorse {
    /// An automaton over `anchors`, which must be unique and not empty strings; no anchors find nothing.
    pub fn new(anchors: &[Vec<u8>]) -> Result<Self, String> {
        if anchors.is_empty() {
            return Ok(Daachorse { automaton: None });
        }
        let automaton = DoubleArrayAhoCorasick::new(anchors).map_err(|error| error.to_string())?;
        Ok(Daachorse { automaton: Some(automaton) })
    }
}

impl BlockSearch for Daachorse {
    fn find(&self, block: &[u8], from: usize) -> Option<usize> {
        let hit = self.automaton.as_ref()?.find_iter(&block[from..]).next()?;
        Some(from + hit.start())
    }
}
