//! Which four bytes stand for an anchor, and in which bucket: chosen so that healthy text passes the masks rarely.

use std::collections::BTreeMap;
use std::ops::Range;

use super::masks::{Bits, bit, halves};
use super::{BUCKETS, TRAINED, WINDOW};
use crate::engine::healthy::Healthy;

/// The four bytes that stand for an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) bytes: [u8; WINDOW],
    /// How many of the bytes are the anchor's; behind these anything may stand.
    pub(super) length: u8,
    /// How far into the anchor they are.
    pub(super) offset: usize,
    /// Below [`BUCKETS`].
    pub(super) bucket: u8,
}

impl Window {
    /// The window of an anchor at an offset. An anchor shorter than a window has one, at its start.
    pub(super) fn of(anchor: &[u8], offset: usize, bucket: u8) -> Window {
        let mut bytes = [0; WINDOW];
        let own = &anchor[offset..anchor.len().min(offset + WINDOW)];
        bytes[..own.len()].copy_from_slice(own);
        Window { bytes, length: own.len() as u8, offset, bucket }
    }

    /// The anchor's own bytes in it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Every four bytes that the window may be.
    pub(super) fn grams(self) -> impl Iterator<Item = u32> {
        let short = usize::from(self.length) < WINDOW;
        (0..=if short { u8::MAX } else { 0 }).map(move |any| {
            let mut bytes = self.bytes;
            if short {
                bytes[WINDOW - 1] = any;
            }
            u32::from_le_bytes(bytes)
        })
    }
}

/// The four bytes at a position; behind the text's end zeros.
#[inline(always)]
pub(super) fn gram_at(text: &[u8], at: usize) -> u32 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0; WINDOW];
            bytes[..rest.len()].copy_from_slice(rest);
            u32::from_le_bytes(bytes)
        }
    }
}

/// Windows that training chose, and the bucket of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    pub(super) buckets: BTreeMap<[u8; WINDOW], u8>,
    /// A bit for the hash of each: most strings are told to be none by that alone.
    maybe: Box<Bits>,
}

impl Default for Windows {
    fn default() -> Windows {
        Windows::new(BTreeMap::new())
    }
}

impl Windows {
    pub(super) fn new(buckets: BTreeMap<[u8; WINDOW], u8>) -> Windows {
        let mut maybe: Box<Bits> = Box::new([0; _]);
        for gram in buckets.keys() {
            let (word, bit) = bit(u32::from_le_bytes(*gram));
            maybe[word] |= bit;
        }
        Windows { buckets, maybe }
    }

    /// What [`Windows::to_text`] wrote. Anything else in the text is passed over.
    pub fn parse(text: &str) -> Windows {
        let mut windows = BTreeMap::new();
        for line in text.lines() {
            let Some((bucket, grams)) = line.split_once('|') else { continue };
            let Some(bucket) = bucket.parse().ok().filter(|bucket| usize::from(*bucket) < TRAINED) else { continue };
            let grams = grams.strip_suffix('|').unwrap_or(grams).as_bytes().as_chunks().0;
            windows.extend(grams.iter().map(|gram| (*gram, bucket)));
        }
        Windows::new(windows)
    }

    /// A line or more for each bucket: its number, then its windows, one behind the other.
    pub fn to_text(&self) -> String {
        /// Windows to a line.
        const A_LINE: usize = 24;
        let mut lines = Vec::new();
        for bucket in 0..TRAINED as u8 {
            let own: Vec<[u8; WINDOW]> =
                self.buckets.iter().filter(|(_, b)| **b == bucket).map(|(gram, _)| *gram).collect();
            let line =
                |grams: &[[u8; WINDOW]]| format!("{bucket}|{}|\n", String::from_utf8_lossy(grams.as_flattened()));
            lines.extend(own.chunks(A_LINE).map(line));
        }
        lines.concat()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Those that stand for two or more of the anchors.
    pub fn shared(&self, anchors: &[Vec<u8>]) -> Windows {
        let mut uses: BTreeMap<[u8; WINDOW], usize> = BTreeMap::new();
        anchors
            .iter()
            .filter_map(|anchor| self.first_in(anchor))
            .for_each(|window| *uses.entry(window.bytes).or_default() += 1);
        let shared = self.buckets.iter().filter(|(gram, _)| uses.get(*gram).is_some_and(|uses| *uses > 1));
        Windows::new(shared.map(|(gram, bucket)| (*gram, *bucket)).collect())
    }

    /// Does one of them stand in an anchor?
    pub fn cover(&self, anchor: &[u8]) -> bool {
        self.first_in(anchor).is_some()
    }

    /// The first of them that stands in an anchor.
    pub(super) fn first_in(&self, anchor: &[u8]) -> Option<Window> {
        anchor.windows(WINDOW).enumerate().find_map(|(offset, gram)| {
            let gram = gram.first_chunk()?;
            let (word, bit) = bit(u32::from_le_bytes(*gram));
            let bucket = if self.maybe[word] & bit != 0 { self.buckets.get(gram)? } else { return None };
            Some(Window::of(anchor, offset, *bucket))
        })
    }
}

/// So many anchors that training didn't know are placed among those that it knew.
const A_FEW: usize = 32;

/// A window for each anchor.
pub(super) fn choose(anchors: &[Vec<u8>], trained: &Windows, healthy: &Healthy) -> Vec<Window> {
    let known: Vec<Option<Window>> = anchors.iter().map(|anchor| trained.first_in(anchor)).collect();
    if let Some(windows) = known.iter().copied().collect() {
        return windows;
    }
    // Among the windows that were chosen to go together a few more do no harm, and many do.
    let apart = known.iter().filter(|window| window.is_none()).count() > A_FEW;
    let mut placer = Placer::new(healthy, if apart { TRAINED..BUCKETS } else { 0..TRAINED });
    if !apart {
        known.iter().flatten().for_each(|window| placer.add(window));
    }
    // Those with least choice first.
    let mut order: Vec<usize> = (0..anchors.len()).filter(|&index| known[index].is_none()).collect();
    order.sort_by_key(|&index| anchors[index].len());
    let mut windows = known;
    for index in order {
        let anchor = &anchors[index];
        let window = placer.best(anchor, None).unwrap_or_else(|| placer.bucket_for(&Window::of(anchor, 0, 0)));
        placer.add(&window);
        windows[index] = Some(window);
    }
    windows.into_iter().flatten().collect()
}

/// What a position costs that only passes the filter: it is told from windows without a branch.
const PASSING: f32 = 0.2;

/// What looking at a window costs that has this share of healthy text and stands for so many anchors: to look it up, where processors expect
/// to go on, and a little for each anchor.
fn look(share: f32, anchors: usize) -> f32 {
    share * (4.0 + 0.5 * anchors as f32)
}

/// What a window costs on text that the samples don't know, told as a share of healthy text.
const PRICE: f32 = 1e-6;

/// A set of grams of healthy text, a bit for each.
type Set = Vec<u64>;

/// What the windows of a bucket let pass.
struct Bucket {
    /// How many windows have a nibble, by place, half of the byte, and nibble.
    uses: [[[u16; 16]; 2]; WINDOW],
    /// The grams that pass at a place and half of a byte.
    open: [[Set; 2]; WINDOW],
    /// The grams that pass everywhere.
    passing: Set,
    /// Their share of healthy text.
    share: f32,
}

/// Knows what is in the buckets, and what healthy text passes.
pub(super) struct Placer<'h> {
    healthy: &'h Healthy,
    /// By place, half of the byte (low, high) and nibble: the grams that have it there.
    having: [[[Set; 16]; 2]; WINDOW],
    buckets: Vec<Bucket>,
    /// The number of the first of them.
    first: usize,
    /// How many anchors each window stands for, and in which bucket it is.
    windows: BTreeMap<[u8; WINDOW], (usize, u8)>,
}

impl<'h> Placer<'h> {
    /// With these buckets, empty.
    pub(super) fn new(healthy: &'h Healthy, buckets: Range<usize>) -> Placer<'h> {
        let none: Set = vec![0; healthy.grams().len().div_ceil(64)];
        let mut having: [[[Set; 16]; 2]; WINDOW] =
            std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| none.clone())));
        for (index, gram) in healthy.grams().iter().enumerate() {
            for (place, &byte) in gram.bytes.iter().enumerate() {
                // A zero stands for any digit.
                let bytes = if byte == b'0' { b'0'..=b'9' } else { byte..=byte };
                for (half, nibble) in bytes.flat_map(|byte| halves(byte).into_iter().enumerate()) {
                    having[place][half][nibble][index / 64] |= 1 << (index % 64);
                }
            }
        }
        let bucket = || Bucket {
            uses: [[[0; 16]; 2]; WINDOW],
            open: std::array::from_fn(|_| std::array::from_fn(|_| none.clone())),
            passing: none.clone(),
            share: 0.0,
        };
        let first = buckets.start;
        Placer { healthy, having, buckets: buckets.map(|_| bucket()).collect(), first, windows: BTreeMap::new() }
    }

    /// The window and bucket of an anchor by which least is added to what passes; what is a window itself counts once more, as it
    /// has to be looked at.
    pub(super) fn best(&self, anchor: &[u8], without: Option<[u8; WINDOW]>) -> Option<Window> {
        let mut best = (f32::INFINITY, None);
        for offset in 0..=anchor.len().saturating_sub(WINDOW) {
            let window = Window::of(anchor, offset, 0);
            if without == Some(window.bytes) {
                continue;
            }
            let (cost, bucket) = self.cheapest_bucket(&window, best.0);
            if cost < best.0 {
                best = (cost, Some(Window { bucket, ..window }));
            }
        }
        best.1
    }

    /// What a window adds in the bucket where it adds least; more than `enough` need not be told exactly.
    fn cheapest_bucket(&self, window: &Window, enough: f32) -> (f32, u8) {
        let share = self.healthy.share(window.bytes);
        if let Some(&(anchors, bucket)) = self.windows.get(&window.bytes) {
            return (look(share, anchors + 1) - look(share, anchors), bucket);
        }
        let own = look(share, 1);
        let mut best = (enough, self.first as u8);
        for bucket in (self.first..).take(self.buckets.len()) {
            let window = Window { bucket: bucket as u8, ..*window };
            let cost = PRICE + own + PASSING * self.added(&window, (best.0 - PRICE - own) / PASSING);
            if cost < best.0 {
                best = (cost, window.bucket);
            }
        }
        best
    }

    /// The best bucket for a window that is in none.
    pub(super) fn bucket_for(&self, window: &Window) -> Window {
        Window { bucket: self.cheapest_bucket(window, f32::INFINITY).1, ..*window }
    }

    /// What all windows let pass, as a share of healthy text, and their price.
    pub(super) fn cost(&self) -> f32 {
        let passing: f32 = self.buckets.iter().map(|bucket| bucket.share).sum();
        let windows = self.windows.iter();
        let own: f32 = windows.map(|(window, (anchors, _))| PRICE + look(self.healthy.share(*window), *anchors)).sum();
        PASSING * passing + own
    }

    /// The share of healthy positions that pass only with this window; more than `enough` need not be told exactly.
    fn added(&self, window: &Window, enough: f32) -> f32 {
        let bucket = &self.buckets[usize::from(window.bucket) - self.first];
        // Where anything may stand nothing is held back. A nibble that passes anyway adds nothing at its place.
        let places: Vec<(&Set, Option<&Set>)> = own_nibbles(window)
            .map(|(place, half, nibble)| {
                let new = bucket.uses[place][half][nibble] == 0;
                (&bucket.open[place][half], new.then_some(&self.having[place][half][nibble]))
            })
            .collect();
        if window.bytes().len() == WINDOW && places.iter().all(|(_, own)| own.is_none()) {
            return 0.0;
        }
        let mut added = 0.0;
        for (word, passing) in bucket.passing.iter().enumerate() {
            let with =
                places.iter().fold(u64::MAX, |with, (open, own)| with & (open[word] | own.map_or(0, |own| own[word])));
            added += self.share(word, with & !passing);
            if added > enough {
                break;
            }
        }
        added
    }

    fn share(&self, word: usize, mut set: u64) -> f32 {
        let mut share = 0.0;
        while set != 0 {
            share += self.healthy.grams()[word * 64 + set.trailing_zeros() as usize].share;
            set &= set - 1;
        }
        share
    }

    /// Puts a window into its bucket.
    pub(super) fn add(&mut self, window: &Window) {
        let known = self.windows.entry(window.bytes).or_insert((0, window.bucket));
        known.0 += 1;
        if known.0 == 1 {
            self.count(window, |uses| uses + 1);
        }
    }

    /// Takes a window out that was put in.
    pub(super) fn remove(&mut self, window: &Window) {
        let Some(known) = self.windows.get_mut(&window.bytes) else { return };
        known.0 -= 1;
        if known.0 == 0 {
            self.windows.remove(&window.bytes);
            self.count(window, |uses| uses - 1);
        }
    }

    fn count(&mut self, window: &Window, change: impl Fn(u16) -> u16) {
        let bucket = &mut self.buckets[usize::from(window.bucket) - self.first];
        for (place, half, nibble) in nibbles(window) {
            let uses = &mut bucket.uses[place][half];
            let before = uses[nibble];
            uses[nibble] = change(before);
            if (before == 0) != (uses[nibble] == 0) {
                let open = &mut bucket.open[place][half];
                open.fill(0);
                for (_, having) in uses.iter().zip(&self.having[place][half]).filter(|(uses, _)| **uses > 0) {
                    open.iter_mut().zip(having).for_each(|(open, having)| *open |= having);
                }
            }
        }
        for word in 0..bucket.passing.len() {
            bucket.passing[word] = bucket.open.as_flattened().iter().fold(u64::MAX, |all, open| all & open[word]);
        }
        let bucket = &self.buckets[usize::from(window.bucket) - self.first];
        let share = bucket.passing.iter().enumerate().map(|(word, set)| self.share(word, *set)).sum();
        self.buckets[usize::from(window.bucket) - self.first].share = share;
    }
}

/// The place, half and nibble of everything that a window lets pass.
fn nibbles(window: &Window) -> impl Iterator<Item = (usize, usize, usize)> {
    let any = (window.bytes().len()..WINDOW).flat_map(|place| (0..32).map(move |at| (place, at / 16, at % 16)));
    own_nibbles(window).chain(any)
}

/// The same of the bytes that it has itself.
fn own_nibbles(window: &Window) -> impl Iterator<Item = (usize, usize, usize)> {
    let bytes = window.bytes().iter().enumerate();
    bytes.flat_map(|(place, byte)| {
        halves(*byte).into_iter().enumerate().map(move |(half, nibble)| (place, half, nibble))
    })
}
