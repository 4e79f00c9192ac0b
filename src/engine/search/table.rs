//! From what stands at a candidate to the anchors that it is part of.

use std::collections::BTreeMap;

use super::beside::Side;
use super::masks::{Bits, bit, hash};
use super::place::{Window, gram_at};

/// A window and what is beside it, and where their entries are.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    first: u32,
    /// None: the slot is free.
    count: u32,
}

/// An anchor that a window stands for.
struct Entry {
    /// The anchor's last bytes: many anchors may have the same window with the same beside it (`failed to `), and nearly all of these are told by
    /// their ends, without going to their bytes.
    end: u64,
    /// The anchor's index.
    anchor: u32,
    /// Where the anchor's bytes are.
    start: u32,
    length: u32,
    /// How far into the anchor the window is.
    offset: u32,
}

/// A hash table with open addressing, at most half full, so that most look-ups see one slot.
pub(super) struct Table {
    /// A bit for the hash of each key. Of the windows in healthy text one in twenty is part of an anchor, which the slots tell, but these don't fit into
    /// the nearest cache.
    maybe: Box<Bits>,
    slots: Vec<Slot>,
    shift: u32,
    entries: Vec<Entry>,
    /// The anchors, one behind the other.
    bytes: Vec<u8>,
}

impl Table {
    /// `windows[i]` stands for `anchors[i]`.
    pub(super) fn new(anchors: &[Vec<u8>], windows: &[Window]) -> Table {
        let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, (anchor, window)) in anchors.iter().zip(windows).enumerate() {
            let side = Side::of(anchor, window.offset);
            for gram in window.grams() {
                by_key.entry(side.key(gram, anchor, window.offset)).or_default().push(index);
            }
        }
        let size = (2 * by_key.len()).next_power_of_two().max(2);
        let mut table = Table {
            maybe: Box::new([0; _]),
            slots: vec![Slot::default(); size],
            shift: 64 - size.trailing_zeros(),
            entries: Vec::new(),
            bytes: Vec::new(),
        };
        let starts: Vec<u32> = anchors
            .iter()
            .map(|anchor| {
                let start = table.bytes.len() as u32;
                table.bytes.extend_from_slice(anchor);
                start
            })
            .collect();
        for (&key, indices) in &by_key {
            let (word, bit) = bit(key);
            table.maybe[word] |= bit;
            let slot = Slot { key, first: table.entries.len() as u32, count: indices.len() as u32 };
            let free = table.probe(key);
            table.slots[free] = slot;
            table.entries.extend(indices.iter().map(|&index| Entry {
                end: end_of(&anchors[index]),
                anchor: index as u32,
                start: starts[index],
                length: anchors[index].len() as u32,
                offset: windows[index].offset as u32,
            }));
        }
        table
    }

    /// The slot of a key, or the free one where it would be.
    fn probe(&self, key: u64) -> usize {
        let mut at = (hash(key) >> self.shift) as usize;
        while self.slots[at].count != 0 && self.slots[at].key != key {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    /// Is a key in the table? Says so of some that aren't.
    #[inline(always)]
    fn may_have(&self, key: u64) -> bool {
        let (word, bit) = bit(key);
        self.maybe[word] & bit != 0
    }

    /// May an anchor stand where its window would be at `at`? Says so of some places where none does.
    #[inline(always)]
    pub(super) fn may_stand(&self, block: &[u8], at: usize) -> bool {
        let gram = gram_at(block, at);
        let may_have = |side: Side| self.may_have(side.key(gram, block, at));
        // No branch hangs on one of them alone.
        may_have(Side::Behind) | may_have(Side::Before) | may_have(Side::Nowhere)
    }

    /// Those whose window is at `at`, with the same beside it.
    fn entries_at(&self, block: &[u8], at: usize) -> impl Iterator<Item = &Entry> {
        let gram = gram_at(block, at);
        let keys = Side::ALL.into_iter().map(move |side| side.key(gram, block, at));
        keys.filter(|key| self.may_have(*key)).flat_map(|key| {
            let slot = self.slots[self.probe(key)];
            &self.entries[slot.first as usize..(slot.first + slot.count) as usize]
        })
    }

    /// Is what stands at `at` a window, with what is beside it in an anchor?
    pub(super) fn is_window(&self, block: &[u8], at: usize) -> bool {
        self.entries_at(block, at).next().is_some()
    }

    /// Every anchor whose window is at `at`, by its index, and where it begins.
    pub(super) fn anchors_at(&self, block: &[u8], at: usize) -> impl Iterator<Item = (usize, usize)> {
        self.entries_at(block, at)
            .filter_map(move |entry| Some((entry.anchor as usize, self.start_of(entry, block, at)?)))
    }

    /// Where an anchor begins whose window is at `at`, if it stands there.
    fn start_of(&self, entry: &Entry, block: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(entry.offset as usize)?;
        let there = block.get(start..start + entry.length as usize)?;
        let anchor = || &self.bytes[entry.start as usize..][..entry.length as usize];
        (end_of(there) == entry.end && there == anchor()).then_some(start)
    }
}

/// The last eight bytes, or those that there are.
#[inline(always)]
fn end_of(bytes: &[u8]) -> u64 {
    match bytes.last_chunk() {
        Some(end) => u64::from_le_bytes(*end),
        None => bytes.iter().fold(0, |end, byte| end << 8 | u64::from(*byte)),
    }
}
