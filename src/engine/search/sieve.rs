//! From the positions that pass the filter, a bit for each, to candidates: those whose four bytes have the hash of some window, and beside which may
//! stand what an anchor has there.
//!
//! One or several of sixty-four positions pass, nearly all for nothing, and no processor can guess which. So no branch hangs on a single one of
//! them until its hash is compared, and many steps are sifted at once: that a loop ends is guessed wrong each time.

use std::ops::Range;

use super::WINDOW;
use super::masks::{Masks, bit};
use super::place::gram_at;
use super::table::Table;

/// Positions that the filter looks at in one step.
pub(super) const STEP: usize = 64;
/// What it reads for that.
pub(super) type Bytes = [u8; STEP + WINDOW - 1];
/// Steps that are sifted at once.
pub(super) const STEPS: usize = 32;

/// Room for the positions of all steps, and those that are written in vain.
const ROOM: usize = (STEP * STEPS).next_power_of_two() * 2;

/// So many positions can be written at once, most of them in vain.
#[cfg(target_arch = "x86_64")]
pub(super) const AT_ONCE: usize = 16;

/// How far the filter has come with a text, and the candidates that it found there and that are still to be told: who stops and goes on has nothing
/// filtered twice.
pub(super) struct Sieve {
    /// Positions within the steps that were sifted last; never cleared, as that takes longer than filling it.
    places: [u16; ROOM],
    /// Which of them are still to be told.
    left: Range<usize>,
    /// Where those steps begin.
    base: usize,
    /// Where the next ones do.
    pub(super) at: usize,
    /// How many positions passed the filter so far.
    pub(super) passed: usize,
}

impl Sieve {
    /// At the start of a text.
    pub(super) fn new() -> Sieve {
        Sieve { places: [0; ROOM], left: 0..0, base: 0, at: 0, passed: 0 }
    }

    /// Leaves out what is before `from`.
    pub(super) fn skip_to(&mut self, from: usize) {
        if from >= self.at {
            (self.at, self.left) = (from, 0..0);
        }
        while self.first().is_some_and(|at| at < from) {
            self.left.start += 1;
        }
    }

    /// The next candidate to tell.
    fn first(&self) -> Option<usize> {
        self.places[self.left.clone()].first().map(|place| self.base + usize::from(*place))
    }

    /// Tells `take` of each candidate that was found, in order, until it says that this is enough. Did it? The one that was enough is told again.
    #[inline(always)]
    pub(super) fn tell(&mut self, take: &mut impl FnMut(usize) -> bool) -> bool {
        while let Some(at) = self.first() {
            if take(at) {
                return true;
            }
            self.left.start += 1;
        }
        false
    }

    /// Writes the positions of a step that pass, a bit for each, behind the first `count`; gives how many there are then. `FEW`: if there are more they
    /// are taken one by one.
    #[inline(always)]
    pub(super) fn put<const FEW: usize>(&mut self, count: usize, step: usize, passing: u64) -> usize {
        let mut left = passing;
        let mut put = |place: usize| {
            self.places[place % ROOM] = (step * STEP) as u16 + left.trailing_zeros() as u16;
            left &= left.wrapping_sub(1);
        };
        (count..count + FEW).for_each(&mut put);
        let all = passing.count_ones() as usize;
        if all > FEW {
            (count + FEW..count + all).for_each(put);
        }
        count + all
    }

    /// Room behind the first `count` positions, at most as many as there can be.
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    pub(super) fn room(&mut self, count: usize) -> &mut [u16; AT_ONCE] {
        &mut self.places[count % (ROOM / 2)..].as_chunks_mut().0[0]
    }

    /// Finds the candidates among the first `count` positions, which are those that pass in so many steps from [`Sieve::at`] of the text on.
    #[inline(always)]
    pub(super) fn sift(&mut self, masks: &Masks, table: &Table, text: &[u8], steps: usize, count: usize) {
        self.passed += count;
        let hashed = self.hashed(masks, &text[self.at..], count);
        self.base = self.at;
        let base = self.base;
        self.left = 0..self.kept(hashed, |place| table.may_stand(text, base + place));
        self.at += steps * STEP;
    }

    /// Keeps the first `count` positions that have the hash of a window; gives their number.
    #[inline(always)]
    fn hashed(&mut self, masks: &Masks, text: &[u8], count: usize) -> usize {
        let is_some = |gram: u32| {
            let (word, bit) = bit(gram);
            masks.maybe[word] & bit != 0
        };
        match text.first_chunk::<{ STEP * STEPS + WINDOW }>() {
            // All grams are within: with a length that is known, none has to be looked at for whether it is.
            Some(text) => self.kept(count, |place| {
                let four = &text[place % (STEP * STEPS)..][..WINDOW];
                is_some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            }),
            None => self.kept(count, |place| is_some(gram_at(text, place))),
        }
    }

    /// Keeps those of the first `count` positions of which it holds; gives their number.
    #[inline(always)]
    fn kept(&mut self, count: usize, holds: impl Fn(usize) -> bool) -> usize {
        let mut kept = 0;
        for place in 0..count.min(ROOM) {
            let at = self.places[place];
            self.places[kept % ROOM] = at;
            kept += usize::from(holds(usize::from(at)));
        }
        kept
    }
}
