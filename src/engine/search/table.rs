//! From the four bytes at a candidate to the anchors that they stand for.

use std::collections::BTreeMap;

use super::WINDOW;
use super::masks::{Bits, MIX, bit};
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
}

/// Where there are four more bytes of an anchor beside its window.
#[derive(Clone, Copy)]
enum Side {
    Behind,
    Before,
    /// The anchor is too short.
    Nowhere,
}

impl Side {
    /// The side for an anchor whose window is at `offset`.
    fn of(anchor: &[u8], offset: usize) -> Side {
        if anchor.len() >= offset + 2 * WINDOW {
            Side::Behind
        } else if offset >= WINDOW {
            Side::Before
        } else {
            Side::Nowhere
        }
    }

    /// The bit of a window at `at` of a text and of what is there beside it. See [`Table::beside`].
    #[inline(always)]
    fn bit(self, gram: u32, text: &[u8], at: usize) -> (usize, u64) {
        // What is told apart by the last number is hashed as well as what stands there.
        let beside = match self {
            Side::Behind => gram_at(text, at + WINDOW),
            Side::Before => at.checked_sub(WINDOW).map_or(0, |before| gram_at(text, before)).wrapping_add(1 << 7),
            Side::Nowhere => 1 << 15,
        };
        bit(gram.wrapping_mul(MIX).rotate_left(15) ^ beside)
    }
}

/// A hash table with open addressing, at most a quarter full, so that most look-ups see one slot.
pub(super) struct Table {
    /// A bit for the hash of each window together with what is beside it in an anchor. Nearly all windows in healthy text stand beside something
    /// else, which is told without a look at the slots: these don't fit into the nearest cache.
    beside: Box<Bits>,
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
            beside: Box::new([0; _]),
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
            for &index in indices {
                let (anchor, offset) = (&anchors[index], windows[index].offset);
                let side = Side::of(anchor, offset);
                let (word, bit) = side.bit(gram, anchor, offset);
                table.beside[word] |= bit;
                table.entries.push(Entry {
                    anchor: index as u32,
                    start: starts[index],
                    length: anchor.len() as u32,
                    offset: offset as u32,
                });
            }
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
    #[inline(always)]
    pub(super) fn anchors_at(&self, block: &[u8], at: usize) -> impl Iterator<Item = (usize, usize)> {
        let here = if self.may_stand(block, at) { self.entries_at(block, at) } else { &[] };
        here.iter().filter_map(move |entry| Some((entry.anchor as usize, self.start_of(entry, block, at)?)))
    }

    /// Is what stands at `at` and beside it a window in an anchor? Says so of some that isn't.
    #[inline(always)]
    fn may_stand(&self, block: &[u8], at: usize) -> bool {
        let gram = gram_at(block, at);
        // No branch hangs on a single side: any of them is as likely.
        let sides = [Side::Behind, Side::Before, Side::Nowhere].map(|side| {
            let (word, bit) = side.bit(gram, block, at);
            self.beside[word] & bit
        });
        sides[0] | sides[1] | sides[2] != 0
    }

    /// Where an anchor begins whose window is at `at`, if it stands there.
    fn start_of(&self, entry: &Entry, block: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(entry.offset as usize)?;
        let anchor = &self.bytes[entry.start as usize..][..entry.length as usize];
        block[start..].starts_with(anchor).then_some(start)
    }
}
