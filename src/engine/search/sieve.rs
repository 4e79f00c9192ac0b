//! From the positions that pass the filter, a bit for each, to candidates: those whose four bytes have the hash of some window.
//!
//! About two of sixty-four positions pass, nearly all for nothing, and no processor can guess which. So no branch hangs on a single one of
//! them until their hashes are compared.

use super::WINDOW;
use super::masks::{Bits, bit};
use super::place::gram_at;

/// Positions that the filter looks at in one step.
pub(super) const STEP: usize = 64;
/// What it reads for that.
pub(super) type Bytes = [u8; STEP + WINDOW - 1];
/// Steps that are sifted at once: what is looked at for nothing behind an anchor is at most that.
pub(super) const STEPS: usize = 8;

/// Steps with more positions than this are taken position by position.
const FEW: usize = 4;
/// Room for the positions of all steps, and those that are written in vain.
const ROOM: usize = (STEP * STEPS + FEW).next_power_of_two();

/// Positions within the steps that are sifted; kept from one time to the next, as clearing it takes longer than filling it.
pub(super) struct Sieve([u16; ROOM]);

impl Sieve {
    pub(super) fn new() -> Sieve {
        Sieve([0; ROOM])
    }

    /// Tells `take` of each candidate, in order, until it says that this is enough. Does the search go on? `steps`: the positions
    /// that pass, from `at` of the text on.
    #[inline(always)]
    pub(super) fn sift(
        &mut self,
        maybe: &Bits,
        text: &[u8],
        at: usize,
        steps: &[u64],
        mut take: impl FnMut(usize) -> bool,
    ) -> bool {
        let passing = self.spread(steps);
        let candidates = self.hashed(maybe, &text[at..], passing);
        self.0[..candidates].iter().all(|&place| !take(at + usize::from(place)))
    }

    /// Writes the positions one behind the other; gives their number.
    #[inline(always)]
    fn spread(&mut self, steps: &[u64]) -> usize {
        let mut count = 0;
        for (step, &passing) in steps.iter().enumerate() {
            let mut left = passing;
            let mut put = |place: usize| {
                self.0[place % ROOM] = (step * STEP) as u16 + left.trailing_zeros() as u16;
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
            let at = self.0[place];
            let (word, bit) = bit(gram_at(usize::from(at)));
            self.0[kept % ROOM] = at;
            kept += usize::from(maybe[word] & bit != 0);
        }
        kept
    }
}
