//! From the four bytes at a candidate to the anchors that they stand for.

use std::collections::BTreeMap;

use super::WINDOW;
use super::masks::MIX;
use super::place::{Window, gram_at};

/// The four bytes, and where their entries are.
#[derive(Clone, Copy, Default)]
struct Slot {
    gram: u32,
    first: u32,
    /// None: the slot is free.
    count: u32,
}

/// An anchor that a window stands for.
struct Entry {
    /// The anchor's index.
    anchor: u32,
    /// Where the anchor's bytes are.
    start: u32,
    length: u32,
    /// How far into the anchor the window is.
    offset: u32,
    /// Four bytes of the anchor beside the window, and how far from it they begin: one window may stand for many anchors.
    beside: u32,
    distance: i32,
}

/// A hash table with open addressing, at most a quarter full, so that most look-ups see one slot.
pub(super) struct Table {
    slots: Vec<Slot>,
    shift: u32,
    entries: Vec<Entry>,
    /// The anchors, one behind the other.
    bytes: Vec<u8>,
}

impl Table {
    /// `windows[i]` stands for `anchors[i]`.
    pub(super) fn new(anchors: &[Vec<u8>], windows: &[Window]) -> Table {
        let mut by_gram: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, window) in windows.iter().enumerate() {
            window.grams().for_each(|gram| by_gram.entry(gram).or_default().push(index));
        }
        let size = (4 * by_gram.len()).next_power_of_two().max(2);
        let mut table = Table {
            slots: vec![Slot::default(); size],
            shift: 32 - size.trailing_zeros(),
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
        for (&gram, indices) in &by_gram {
            let slot = Slot { gram, first: table.entries.len() as u32, count: indices.len() as u32 };
            let free = table.probe(gram);
            table.slots[free] = slot;
            table.entries.extend(indices.iter().map(|&index| Entry {
                anchor: index as u32,
                start: starts[index],
                length: anchors[index].len() as u32,
                offset: windows[index].offset as u32,
                beside: gram_at(&anchors[index], beside(&anchors[index], windows[index].offset)),
                distance: beside(&anchors[index], windows[index].offset) as i32 - windows[index].offset as i32,
            }));
        }
        table
    }

    /// The slot of a gram, or the free one where it would be.
    fn probe(&self, gram: u32) -> usize {
        let mut at = (gram.wrapping_mul(MIX) >> self.shift) as usize;
        while self.slots[at].count != 0 && self.slots[at].gram != gram {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn entries_at(&self, block: &[u8], at: usize) -> &[Entry] {
        let slot = self.slots[self.probe(gram_at(block, at))];
        &self.entries[slot.first as usize..(slot.first + slot.count) as usize]
    }

    /// Is what stands at `at` a window?
    pub(super) fn is_window(&self, block: &[u8], at: usize) -> bool {
        !self.entries_at(block, at).is_empty()
    }

    /// Every anchor whose window is at `at`, by its index, and where it begins.
    pub(super) fn anchors_at(&self, block: &[u8], at: usize) -> impl Iterator<Item = (usize, usize)> {
        let here = self.entries_at(block, at).iter();
        here.filter_map(move |entry| Some((entry.anchor as usize, self.start_of(entry, block, at)?)))
    }

    /// Where an anchor begins whose window is at `at`, if it stands there.
    fn start_of(&self, entry: &Entry, block: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(entry.offset as usize)?;
        // What is beside the window is not before the anchor's start, which is in the block.
        let beside = gram_at(block, at.wrapping_add_signed(entry.distance as isize));
        if beside != entry.beside && entry.length as usize >= WINDOW {
            return None;
        }
        let anchor = &self.bytes[entry.start as usize..][..entry.length as usize];
        block[start..].starts_with(anchor).then_some(start)
    }
}

/// Where four bytes of an anchor begin beside its window at `offset`; the window itself if it has no such.
fn beside(anchor: &[u8], offset: usize) -> usize {
    if anchor.len() >= offset + 2 * WINDOW {
        offset + WINDOW
    } else if offset >= WINDOW {
        offset - WINDOW
    } else {
        offset
    }
}
