//! From the positions that pass the filter, a bit for each, to candidates: those whose four bytes have the hash of some window.
//!
//! About two of sixty-four positions pass, nearly all for nothing, and no processor can guess which. So no branch hangs on a single one of
//! them until their hashes are compared.

use std::ops::Range;

use super::WINDOW;
use super::masks::{Bits, bit};
use super::place::gram_at;

/// Positions that the filter looks at in one step.
pub(super) const STEP: usize = 64;
/// What it reads for that.
pub(super) type Bytes = [u8; STEP + WINDOW - 1];
/// Steps that are sifted at once: what is looked at for nothing behind an anchor is at most that.
pub(super) const STEPS: usize = 8;

/// Room for the positions of all steps, and those that are written in vain.
const ROOM: usize = (STEP * STEPS).next_power_of_two() * 2;

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
}

impl Sieve {
    /// At the start of a text.
    pub(super) fn new() -> Sieve {
        Sieve { places: [0; ROOM], left: 0..0, base: 0, at: 0 }
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

    /// Finds the candidates of some steps. `steps`: the positions that pass, from [`Sieve::at`] of the text on. `FEW`: steps with more are taken
    /// position by position.
    #[inline(always)]
    pub(super) fn sift<const FEW: usize>(&mut self, maybe: &Bits, text: &[u8], steps: &[u64]) {
        let passing = self.spread::<FEW>(steps);
        self.left = 0..self.hashed(maybe, &text[self.at..], passing);
        self.base = self.at;
        self.at += steps.len() * STEP;
    }

    /// Writes the positions one behind the other; gives their number.
    #[inline(always)]
    fn spread<const FEW: usize>(&mut self, steps: &[u64]) -> usize {
        let mut count = 0;
        for (step, &passing) in steps.iter().enumerate() {
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
            count += all;
        }
        count
    }

    /// Keeps the first `count` positions that have the hash of a window; gives their number.
    #[inline(always)]
    fn hashed(&mut self, maybe: &Bits, text: &[u8], count: usize) -> usize {
        match text.first_chunk::<{ STEP * STEPS + WINDOW }>() {
            // All grams are within: with a length that is known, none has to be looked at for whether it is.
            Some(text) => self.kept(maybe, count, |at| {
                let four = &text[at % (STEP * STEPS)..][..WINDOW];
                u32::from_le_bytes([four[0], four[1], four[2], four[3]])
            }),
            None => self.kept(maybe, count, |at| gram_at(text, at)),
        }
    }

    #[inline(always)]
    fn kept(&mut self, maybe: &Bits, count: usize, gram_at: impl Fn(usize) -> u32) -> usize {
        let mut kept = 0;
        for place in 0..count.min(ROOM) {
            let at = self.places[place];
            let (word, bit) = bit(gram_at(usize::from(at)));
            self.places[kept % ROOM] = at;
            kept += usize::from(maybe[word] & bit != 0);
        }
        kept
    }
}
