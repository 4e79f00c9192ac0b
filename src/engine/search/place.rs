//! Which four bytes stand for an anchor, and in which bucket.

use std::collections::BTreeMap;

use super::WINDOW;
use super::filter::Filter;
use super::masks::{Bits, bit};
use super::placer::Placer;
use crate::engine::healthy::Healthy;

/// Stands in names behind a window of fewer bytes; it is in no pattern's anchor.
const FILLER: u8 = b'<';

/// The four bytes that stand for an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) bytes: [u8; WINDOW],
    /// How many of the bytes are the anchor's; behind these anything may stand.
    pub(super) length: u8,
    /// How far into the anchor they are.
    pub(super) offset: usize,
    /// Below [`super::BUCKETS`].
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

    /// What it goes by among [`Windows`].
    pub(super) fn name(&self) -> [u8; WINDOW] {
        std::array::from_fn(|place| if place < usize::from(self.length) { self.bytes[place] } else { FILLER })
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

/// Windows that training chose for a filter, and the bucket of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    pub(super) filter: Filter,
    /// By their names.
    pub(super) buckets: BTreeMap<[u8; WINDOW], u8>,
    /// A bit for the hash of each: most strings are told to be none by that alone.
    maybe: Box<Bits>,
}

impl Windows {
    /// None yet.
    pub fn none(filter: Filter) -> Windows {
        Windows::new(filter, BTreeMap::new())
    }

    pub(super) fn new(filter: Filter, buckets: BTreeMap<[u8; WINDOW], u8>) -> Windows {
        let mut maybe: Box<Bits> = Box::new([0; _]);
        for gram in buckets.keys() {
            let (word, bit) = bit(u32::from_le_bytes(*gram).into());
            maybe[word] |= bit;
        }
        Windows { filter, buckets, maybe }
    }

    /// What [`Windows::to_text`] wrote. Anything else in the text is passed over.
    pub fn parse(text: &str, filter: Filter) -> Windows {
        let mut windows = BTreeMap::new();
        for line in text.lines() {
            let Some((bucket, grams)) = line.split_once('|') else { continue };
            let Some(bucket) = bucket.parse().ok().filter(|bucket| usize::from(*bucket) < filter.trained()) else {
                continue;
            };
            let grams = grams.strip_suffix('|').unwrap_or(grams).as_bytes().as_chunks().0;
            windows.extend(grams.iter().map(|gram| (*gram, bucket)));
        }
        Windows::new(filter, windows)
    }

    /// A line or more for each bucket: its number, then its windows, one behind the other.
    pub fn to_text(&self) -> String {
        /// Windows to a line.
        const A_LINE: usize = 24;
        let mut lines = Vec::new();
        for bucket in 0..self.filter.trained() as u8 {
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
            .for_each(|window| *uses.entry(window.name()).or_default() += 1);
        let shared = self.buckets.iter().filter(|(gram, _)| uses.get(*gram).is_some_and(|uses| *uses > 1));
        Windows::new(self.filter, shared.map(|(gram, bucket)| (*gram, *bucket)).collect())
    }

    /// Does one of them stand in an anchor?
    pub fn cover(&self, anchor: &[u8]) -> bool {
        self.first_in(anchor).is_some()
    }

    /// The first of them that stands in an anchor.
    pub(super) fn first_in(&self, anchor: &[u8]) -> Option<Window> {
        (0..=anchor.len().saturating_sub(WINDOW)).find_map(|offset| {
            let window = Window::of(anchor, offset, 0);
            let name = window.name();
            let (word, bit) = bit(u32::from_le_bytes(name).into());
            let bucket = if self.maybe[word] & bit != 0 { *self.buckets.get(&name)? } else { return None };
            Some(Window { bucket, ..window })
        })
    }
}

/// So many anchors that training didn't know are placed among those that it knew.
const A_FEW: usize = 32;

/// A window for each anchor, for the filter that the trained ones are for.
pub(super) fn choose(anchors: &[Vec<u8>], trained: &Windows, healthy: &Healthy) -> Vec<Window> {
    let known: Vec<Option<Window>> = anchors.iter().map(|anchor| trained.first_in(anchor)).collect();
    if let Some(windows) = known.iter().copied().collect() {
        return windows;
    }
    // Among the windows that were chosen to go together a few more do no harm, and many do.
    let apart = known.iter().filter(|window| window.is_none()).count() > A_FEW;
    let filter = trained.filter;
    let buckets = if apart { filter.trained()..filter.buckets() } else { 0..filter.trained() };
    let mut placer = Placer::new(healthy, filter, buckets);
    if !apart {
        let known = anchors.iter().zip(&known).filter_map(|(anchor, window)| Some((anchor, window.as_ref()?)));
        known.for_each(|(anchor, window)| placer.add(anchor, window));
    }
    // Those with least choice first.
    let mut order: Vec<usize> = (0..anchors.len()).filter(|&index| known[index].is_none()).collect();
    order.sort_by_key(|&index| anchors[index].len());
    let mut windows = known;
    for index in order {
        let anchor = &anchors[index];
        let only = || placer.bucket_for(anchor, &Window::of(anchor, 0, 0));
        let window = placer.best(anchor, None).unwrap_or_else(only);
        placer.add(anchor, &window);
        windows[index] = Some(window);
    }
    windows.into_iter().flatten().collect()
}
