//! Where a window goes: so that healthy text passes the filter rarely.

use std::collections::BTreeMap;
use std::ops::Range;

use super::filter::Filter;
use super::place::Window;
use super::{WINDOW, beside};
use crate::engine::healthy::Healthy;

/// What a position costs more than one that only passes the filter if its four bytes are a window: what stands beside it is looked at. All costs are
/// told in positions that only pass.
const WINDOW_THERE: f32 = 1.0;

/// What it costs more for each anchor that has the same bytes beside it: that is compared.
const LOOKED_UP: f32 = 4.0;

/// What a window costs on text that the samples don't know, told as a share of healthy text.
const PRICE: f32 = 1e-6;

/// A set of grams of healthy text, a bit for each.
type Set = Vec<u64>;

/// What the windows of a bucket let pass.
struct Bucket {
    /// How many windows have a class, by test and class.
    uses: Vec<Vec<u16>>,
    /// The grams that pass a test.
    open: Vec<Set>,
    /// The grams that pass all.
    passing: Set,
    /// Their share of healthy text.
    share: f32,
}

/// Knows what is in the buckets, and what healthy text passes.
pub(super) struct Placer<'h> {
    healthy: &'h Healthy,
    pub(super) filter: Filter,
    /// By test and class: the grams that have it.
    having: Vec<Vec<Set>>,
    buckets: Vec<Bucket>,
    /// The number of the first of them.
    first: usize,
    windows: BTreeMap<[u8; WINDOW], Known>,
}

/// A window that is in a bucket.
#[derive(Clone, Copy)]
struct Known {
    bucket: u8,
    /// How many anchors it stands for.
    anchors: usize,
    /// What looking them up costs.
    looked_up: f32,
}

impl<'h> Placer<'h> {
    /// With these buckets, empty.
    pub(super) fn new(healthy: &'h Healthy, filter: Filter, buckets: Range<usize>) -> Placer<'h> {
        let none: Set = vec![0; healthy.grams().len().div_ceil(64)];
        let mut having = vec![vec![none.clone(); filter.classes()]; filter.tests()];
        for (index, gram) in healthy.grams().iter().enumerate() {
            for (test, having) in having.iter_mut().enumerate() {
                let (one, other) = filter.places(test);
                for class in both(gram.bytes[one], gram.bytes[other]).map(|pair| filter.class(test, pair)) {
                    having[class][index / 64] |= 1 << (index % 64);
                }
            }
        }
        let bucket = || Bucket {
            uses: vec![vec![0; filter.classes()]; filter.tests()],
            open: vec![none.clone(); filter.tests()],
            passing: none.clone(),
            share: 0.0,
        };
        let first = buckets.start;
        Placer {
            healthy,
            filter,
            having,
            buckets: buckets.map(|_| bucket()).collect(),
            first,
            windows: BTreeMap::new(),
        }
    }

    /// The window and bucket of an anchor by which least is added to what healthy text costs.
    pub(super) fn best(&self, anchor: &[u8], without: Option<[u8; WINDOW]>) -> Option<Window> {
        let mut best = (f32::INFINITY, None);
        for offset in 0..=anchor.len().saturating_sub(WINDOW) {
            let window = Window::of(anchor, offset, 0);
            if without == Some(window.bytes) {
                continue;
            }
            let (cost, bucket) = self.cheapest_bucket(anchor, &window, best.0);
            if cost < best.0 {
                best = (cost, Some(Window { bucket, ..window }));
            }
        }
        best.1
    }

    /// What a window adds in the bucket where it adds least; more than `enough` need not be told exactly.
    fn cheapest_bucket(&self, anchor: &[u8], window: &Window, enough: f32) -> (f32, u8) {
        let looked_up = self.looked_up(anchor, window);
        if let Some(known) = self.windows.get(&window.bytes) {
            return (looked_up, known.bucket);
        }
        let own = PRICE + WINDOW_THERE * self.healthy.share(window.bytes) + looked_up;
        let mut best = (enough, self.first as u8);
        for bucket in (self.first..).take(self.buckets.len()) {
            let window = Window { bucket: bucket as u8, ..*window };
            let cost = own + self.added(&window, best.0 - own);
            if cost < best.0 {
                best = (cost, window.bucket);
            }
        }
        best
    }

    /// What it costs that healthy text has the window and what is beside it in the anchor.
    fn looked_up(&self, anchor: &[u8], window: &Window) -> f32 {
        LOOKED_UP * (-self.healthy.rarity(beside::together(anchor, window.offset))).exp2()
    }

    /// The best bucket for a window of an anchor that is in none.
    pub(super) fn bucket_for(&self, anchor: &[u8], window: &Window) -> Window {
        Window { bucket: self.cheapest_bucket(anchor, window, f32::INFINITY).1, ..*window }
    }

    /// What healthy text costs with all windows, and their price.
    pub(super) fn cost(&self) -> f32 {
        let passing: f32 = self.buckets.iter().map(|bucket| bucket.share).sum();
        let own = |(window, known): (&[u8; WINDOW], &Known)| {
            PRICE + WINDOW_THERE * self.healthy.share(*window) + known.looked_up
        };
        passing + self.windows.iter().map(own).sum::<f32>()
    }

    /// The share of healthy positions that pass only with this window; more than `enough` need not be told exactly.
    fn added(&self, window: &Window, enough: f32) -> f32 {
        let bucket = &self.buckets[usize::from(window.bucket) - self.first];
        // Where anything may stand nothing is held back. A class that passes anyway adds nothing at its test.
        let tests: Vec<(&Set, Option<&Set>)> = own_classes(self.filter, window)
            .map(|(test, class)| {
                let new = bucket.uses[test][class] == 0;
                (&bucket.open[test], new.then_some(&self.having[test][class]))
            })
            .collect();
        if tests.len() == self.filter.tests() && tests.iter().all(|(_, own)| own.is_none()) {
            return 0.0;
        }
        let mut added = 0.0;
        for (word, passing) in bucket.passing.iter().enumerate() {
            let with =
                tests.iter().fold(u64::MAX, |with, (open, own)| with & (open[word] | own.map_or(0, |own| own[word])));
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

    /// Puts an anchor's window into its bucket.
    pub(super) fn add(&mut self, anchor: &[u8], window: &Window) {
        let looked_up = self.looked_up(anchor, window);
        let none = Known { bucket: window.bucket, anchors: 0, looked_up: 0.0 };
        let known = self.windows.entry(window.bytes).or_insert(none);
        known.anchors += 1;
        known.looked_up += looked_up;
        if known.anchors == 1 {
            self.count(window, |uses| uses + 1);
        }
    }

    /// Takes an anchor's window out that was put in.
    pub(super) fn remove(&mut self, anchor: &[u8], window: &Window) {
        let looked_up = self.looked_up(anchor, window);
        let Some(known) = self.windows.get_mut(&window.bytes) else { return };
        known.anchors -= 1;
        known.looked_up -= looked_up;
        if known.anchors == 0 {
            self.windows.remove(&window.bytes);
            self.count(window, |uses| uses - 1);
        }
    }

    fn count(&mut self, window: &Window, change: impl Fn(u16) -> u16) {
        let bucket = &mut self.buckets[usize::from(window.bucket) - self.first];
        for (test, class) in classes(self.filter, window) {
            let (uses, open, having) = (&mut bucket.uses[test], &mut bucket.open[test], &self.having[test]);
            let before = uses[class];
            uses[class] = change(before);
            let join = |open: &mut Set, set: &Set| open.iter_mut().zip(set).for_each(|(open, set)| *open |= set);
            match (before, uses[class]) {
                (0, 1..) => join(open, &having[class]),
                (1.., 0) => {
                    open.fill(0);
                    uses.iter().zip(having).filter(|(uses, _)| **uses > 0).for_each(|(_, having)| join(open, having));
                }
                _ => {}
            }
        }
        for word in 0..bucket.passing.len() {
            bucket.passing[word] = bucket.open.iter().fold(u64::MAX, |all, open| all & open[word]);
        }
        let bucket = &self.buckets[usize::from(window.bucket) - self.first];
        let share = bucket.passing.iter().enumerate().map(|(word, set)| self.share(word, *set)).sum();
        self.buckets[usize::from(window.bucket) - self.first].share = share;
    }
}

/// What two bytes of a gram may be: a zero stands for any digit.
fn both(one: u8, other: u8) -> impl Iterator<Item = (u8, u8)> {
    let any = |byte: u8| if byte == b'0' { b'0'..=b'9' } else { byte..=byte };
    any(one).flat_map(move |one| any(other).map(move |other| (one, other)))
}

/// The test and class of everything that a window lets pass.
fn classes(filter: Filter, window: &Window) -> impl Iterator<Item = (usize, usize)> {
    let length = window.bytes().len();
    let open = (0..filter.tests()).filter(move |test| !looks_within(filter, *test, length));
    own_classes(filter, window).chain(open.flat_map(move |test| (0..filter.classes()).map(move |class| (test, class))))
}

/// The same of the bytes that it has itself.
fn own_classes(filter: Filter, window: &Window) -> impl Iterator<Item = (usize, usize)> {
    let bytes = window.bytes();
    (0..filter.tests()).filter(move |test| looks_within(filter, *test, bytes.len())).map(move |test| {
        let (one, other) = filter.places(test);
        (test, filter.class(test, (bytes[one], bytes[other])))
    })
}

/// Does a test look at nothing but the first bytes?
fn looks_within(filter: Filter, test: usize, length: usize) -> bool {
    let (one, other) = filter.places(test);
    one < length && other < length
}
