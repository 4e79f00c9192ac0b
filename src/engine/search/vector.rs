//! The filter with byte shuffles, 32 or 16 positions at a time: the only module that may say `unsafe`.
//!
//! Safe from outside: a [`Scan`] for a processor is made only where that processor is, and every load is from a slice whose bounds
//! were checked. What it gives is, position by position, what [`Masks::candidates`] gives, which is also what
//! processors without these instructions run (and 64-bit ARM: its shuffles could not be tried out).
#![allow(unsafe_code)]

use super::masks::Masks;

/// How this processor filters best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan(Width);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// One byte after the other, anywhere.
    One,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Scan {
    /// Every way that this processor knows, the best first.
    pub(super) fn all() -> Vec<Scan> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                all.push(Scan(Width::Avx2));
            }
            if std::arch::is_x86_feature_detected!("ssse3") {
                all.push(Scan(Width::Ssse3));
            }
        }
        all.push(Scan(Width::One));
        all
    }

    /// The best way that this processor knows.
    pub(super) fn best() -> Scan {
        Scan::all()[0]
    }

    /// As [`Masks::candidates`].
    pub(super) fn candidates(self, masks: &Masks, text: &[u8], from: usize, mut take: impl FnMut(usize) -> bool) {
        let rest = match self.0 {
            Width::One => Some(from),
            // SAFETY: `Scan::all` makes this value only where the processor has AVX2.
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => unsafe { x86::avx2::candidates(masks, text, from, &mut take) },
            // SAFETY: `Scan::all` makes this value only where the processor has SSSE3.
            #[cfg(target_arch = "x86_64")]
            Width::Ssse3 => unsafe { x86::ssse3::candidates(masks, text, from, &mut take) },
        };
        if let Some(rest) = rest {
            masks.candidates(text, rest, take);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::WINDOW;
    use super::super::masks::{Bits, GROUPS, HIGH, Masks, Nibbles, bit};
    use super::super::place::gram_at;

    /// A module for registers of `$width` bytes. Loops over constants rather than iterators and closures: these would be functions
    /// without the processor's features, which can't be inlined.
    macro_rules! width {
        ($name:ident, $feature:literal, $register:ty, $width:literal, $load:ident, $spread:expr, $set:ident, $and:ident,
         $or:ident, $shift:ident, $shuffle:ident, $equal:ident, $mask:ident) => {
            pub(super) mod $name {
                use super::*;

                const STEP: usize = 2 * $width;
                /// What is looked at in one step.
                type Bytes = [u8; STEP + WINDOW - 1];
                /// The nibbles that pass, by group and place, low and high.
                type Sets = [[[$register; 2]; WINDOW]; GROUPS];

                #[inline]
                #[target_feature(enable = $feature)]
                fn sets(nibbles: &Nibbles) -> Sets {
                    let mut sets = [[[$set(0); 2]; WINDOW]; GROUPS];
                    for group in 0..GROUPS {
                        for place in 0..WINDOW {
                            for half in 0..2 {
                                let from = nibbles[group][place][half].as_ptr();
                                // SAFETY: the array has the 16 bytes that are loaded; the load needs no alignment.
                                sets[group][place][half] = $spread(unsafe { _mm_loadu_si128(from.cast()) });
                            }
                        }
                    }
                    sets
                }

                /// Not zero at each position where a window may begin, of the register's width of positions from `at` on.
                #[inline]
                #[target_feature(enable = $feature)]
                fn passing<const AT: usize>(sets: &Sets, bytes: &Bytes) -> $register {
                    let low = $set(15);
                    let mut passing = [$set(-1); GROUPS];
                    for place in 0..WINDOW {
                        const { assert!(AT + $width <= STEP) };
                        // SAFETY: `AT + place + $width` is within the array: `AT + $width` is at most `STEP`, and `place` less than
                        // `WINDOW`. The load needs no alignment.
                        let here = unsafe { $load(bytes.as_ptr().add(AT + place).cast()) };
                        let (lows, highs) = ($and(here, low), $and($shift::<HIGH>(here), low));
                        for group in 0..GROUPS {
                            let [of_low, of_high] = sets[group][place];
                            let both = $and($shuffle(of_low, lows), $shuffle(of_high, highs));
                            passing[group] = $and(passing[group], both);
                        }
                    }
                    let mut any = passing[0];
                    for group in 1..GROUPS {
                        any = $or(any, passing[group]);
                    }
                    any
                }

                /// A bit for each position that isn't zero.
                #[inline]
                #[target_feature(enable = $feature)]
                fn bits(passing: $register) -> u64 {
                    u64::from(!($mask($equal(passing, $set(0))) as u32) & (u32::MAX >> (32 - $width)))
                }

                /// Gives where it stopped for want of text; nothing if `take` said that it was enough.
                #[target_feature(enable = $feature)]
                pub(in super::super) fn candidates(
                    masks: &Masks,
                    text: &[u8],
                    from: usize,
                    take: &mut impl FnMut(usize) -> bool,
                ) -> Option<usize> {
                    let sets = sets(&masks.nibbles);
                    let mut at = from;
                    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<{ STEP + WINDOW - 1 }>())
                    {
                        let (first, second) = (passing::<0>(&sets, bytes), passing::<$width>(&sets, bytes));
                        let mut found = bits(first) | bits(second) << $width;
                        // Few steps have more than two positions that pass, and few of these are candidates. So the first two are looked at
                        // without asking whether they are there: a branch taken half of the time costs more.
                        let (one, more) = maybe(&masks.maybe, bytes, found);
                        let (two, more) = maybe(&masks.maybe, bytes, more);
                        if one | two | (more != 0) {
                            while found != 0 {
                                let (is, more) = maybe(&masks.maybe, bytes, found);
                                if is && take(at + found.trailing_zeros() as usize) {
                                    return None;
                                }
                                found = more;
                            }
                        }
                        at += STEP;
                    }
                    Some(at)
                }
            }
        };
    }

    /// Is the first of the positions that `found` has bits for a candidate? And the positions that are left.
    #[inline(always)]
    fn maybe(maybe: &Bits, bytes: &[u8], found: u64) -> (bool, u64) {
        let at = found.trailing_zeros() as usize & 63;
        let (word, bit) = bit(gram_at(bytes, at));
        (found != 0 && maybe[word] & bit != 0, found & found.wrapping_sub(1))
    }

    width!(
        avx2,
        "avx2",
        __m256i,
        32,
        _mm256_loadu_si256,
        _mm256_broadcastsi128_si256,
        _mm256_set1_epi8,
        _mm256_and_si256,
        _mm256_or_si256,
        _mm256_srli_epi16,
        _mm256_shuffle_epi8,
        _mm256_cmpeq_epi8,
        _mm256_movemask_epi8
    );
    width!(
        ssse3,
        "ssse3",
        __m128i,
        16,
        _mm_loadu_si128,
        std::convert::identity,
        _mm_set1_epi8,
        _mm_and_si128,
        _mm_or_si128,
        _mm_srli_epi16,
        _mm_shuffle_epi8,
        _mm_cmpeq_epi8,
        _mm_movemask_epi8
    );
}
