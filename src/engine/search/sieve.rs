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
/// For whole blocks: the positions of 32 steps are sifted at once.
pub(super) const MANY: usize = 2 * STEP * 32;
/// For lines: making room takes its time, too.
pub(super) const FEW: usize = 2 * STEP * 8;

/// So many positions can be written at once, most of them in vain.
#[cfg(target_arch = "x86_64")]
pub(super) const AT_ONCE: usize = 16;

/// How far the filter has come with a text, and the candidates that it found there and that are still to be told: who stops and goes on has nothing
/// filtered twice. `ROOM`: for the positions of the steps that are sifted at once, and as many that are written in vain; a power of two.
pub(super) struct Sieve<const ROOM: usize> {
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

impl<const ROOM: usize> Sieve<ROOM> {
    /// Steps that are sifted at once.
    pub(super) const STEPS: usize = ROOM / (2 * STEP);

    /// At the start of a text.
    pub(super) fn new() -> Self {
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
        let here = &text[self.at..];
        let is_hashed = |place: usize| {
            let (word, bit) = bit(gram_at(here, place).into());
            masks.maybe[word] & bit != 0
        };
        let hashed = self.kept(count, is_hashed);
        let base = self.at;
        self.left = 0..self.kept(hashed, |place| table.may_stand(text, base + place));
        self.passed += count;
        self.base = base;
        self.at += steps * STEP;
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
