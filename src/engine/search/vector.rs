//! The filter with byte shuffles, 64, 32 or 16 positions at a time: the only module that may say `unsafe`.
//!
//! Safe from outside: a [`Scan`] for a processor is made only where that processor is, and every load is from a slice whose bounds
//! were checked. What it gives is, position by position, what [`Masks::candidates`] gives, and with shuffles of half bytes some more.
//! The latter is what processors without these instructions run (and 64-bit ARM: its shuffles could not be tried out).
#![allow(unsafe_code)]

use super::masks::Masks;
use super::sieve::Sieve;

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
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Scan {
    /// Every way that this processor knows, the best first.
    pub(super) fn all() -> Vec<Scan> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            // What counts and finds bits came before the shuffles, but is asked for all the same: what is enabled must be there.
            let bits = has!("bmi1") && has!("bmi2") && has!("popcnt");
            if bits && has!("avx512f") && has!("avx512bw") && has!("avx512vbmi") {
                all.push(Scan(Width::Avx512));
            }
            if bits && has!("avx2") {
                all.push(Scan(Width::Avx2));
            }
            if has!("ssse3") {
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

    /// Tells `take` of each position that passes, in order, until it says that this is enough: those that were found before and are left, and
    /// then those from where `sieve` has come to. The one that was enough is told again next time, unless it is skipped.
    pub(super) fn candidates(self, masks: &Masks, text: &[u8], sieve: &mut Sieve, take: impl FnMut(usize) -> bool) {
        match self.0 {
            Width::One => masks.candidates(text, &mut sieve.at, take),
            // SAFETY: `Scan::all` makes this value only where the processor has these parts of AVX-512, and the rest.
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => unsafe { x86::avx512::candidates(masks, text, sieve, take) },
            // SAFETY: `Scan::all` makes this value only where the processor has AVX2 and the rest.
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => unsafe { x86::avx2::candidates(masks, text, sieve, take) },
            // SAFETY: `Scan::all` makes this value only where the processor has SSSE3.
            #[cfg(target_arch = "x86_64")]
            Width::Ssse3 => unsafe { x86::ssse3::candidates(masks, text, sieve, take) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::WINDOW;
    use super::super::masks::{FEWER, GROUPS, HIGH, Masks};
    use super::super::sieve::{Bytes, STEP, STEPS, Sieve};

    /// The search of a module that has `sets` and `passing`.
    macro_rules! candidates {
        ($feature:literal, $few:literal) => {
            /// See [`super::super::Scan::candidates`].
            #[target_feature(enable = $feature)]
            pub(in super::super) fn candidates(
                masks: &Masks,
                text: &[u8],
                sieve: &mut Sieve,
                mut take: impl FnMut(usize) -> bool,
            ) {
                if sieve.tell(&mut take) {
                    return;
                }
                match masks.fewer {
                    true => go_on::<FEWER>(masks, text, sieve, take),
                    false => go_on::<GROUPS>(masks, text, sieve, take),
                }
            }

            /// The same from where the sieve has come to, with so many groups of buckets.
            #[target_feature(enable = $feature)]
            fn go_on<const COUNT: usize>(
                masks: &Masks,
                text: &[u8],
                sieve: &mut Sieve,
                mut take: impl FnMut(usize) -> bool,
            ) {
                let sets: Sets<COUNT> = sets(masks);
                while sieve.at < text.len() {
                    let mut steps = [0; STEPS];
                    let mut count = 0;
                    while count < STEPS && sieve.at + count * STEP < text.len() {
                        let rest = &text[sieve.at + count * STEP..];
                        steps[count] = match rest.first_chunk() {
                            Some(bytes) => passing(&sets, bytes),
                            None => passing(&sets, &padded(rest)) & up_to(rest.len()),
                        };
                        count += 1;
                    }
                    sieve.sift::<$few>(&masks.maybe, text, &steps[..count]);
                    if sieve.tell(&mut take) {
                        return;
                    }
                }
            }
        };
    }

    /// The end of a text, zeros behind it.
    #[inline]
    fn padded(rest: &[u8]) -> Bytes {
        let mut bytes = [0; STEP + WINDOW - 1];
        bytes[..rest.len()].copy_from_slice(rest);
        bytes
    }

    /// A bit for each of the first `count` positions.
    #[inline]
    fn up_to(count: usize) -> u64 {
        if count < STEP { (1 << count) - 1 } else { u64::MAX }
    }

    /// A module for registers of `$width` bytes, with shuffles of half bytes. Loops over constants rather than iterators and closures: these
    /// would be functions without the processor's features, which can't be inlined.
    macro_rules! halves {
        ($name:ident, $feature:literal, $register:ty, $width:literal, $load:ident, $spread:expr, $set:ident, $and:ident,
         $or:ident, $shift:ident, $shuffle:ident, $equal:ident, $mask:ident) => {
            pub(super) mod $name {
                use super::*;

                /// The nibbles that pass, by group and place, low and high.
                type Sets<const COUNT: usize> = [[[$register; 2]; WINDOW]; COUNT];

                candidates!($feature, 8);

                #[inline]
                #[target_feature(enable = $feature)]
                fn sets<const COUNT: usize>(masks: &Masks) -> Sets<COUNT> {
                    let mut sets = [[[$set(0); 2]; WINDOW]; COUNT];
                    for group in 0..COUNT {
                        for place in 0..WINDOW {
                            for half in 0..2 {
                                let from = masks.nibbles[group][place][half].as_ptr();
                                // SAFETY: the array has the 16 bytes that are loaded; the load needs no alignment.
                                sets[group][place][half] = $spread(unsafe { _mm_loadu_si128(from.cast()) });
                            }
                        }
                    }
                    sets
                }

                /// A bit for each position where a window may begin.
                #[inline]
                #[target_feature(enable = $feature)]
                fn passing<const COUNT: usize>(sets: &Sets<COUNT>, bytes: &Bytes) -> u64 {
                    const PARTS: usize = STEP / $width;
                    let mut bits = 0;
                    for part in 0..PARTS {
                        bits |= part_passing(sets, bytes, part * $width) << (part * $width);
                    }
                    bits
                }

                /// The same for the positions of one register, from `at` on.
                #[inline]
                #[target_feature(enable = $feature)]
                fn part_passing<const COUNT: usize>(sets: &Sets<COUNT>, bytes: &Bytes, at: usize) -> u64 {
                    assert!(at <= STEP - $width);
                    let low = $set(15);
                    let mut passing = [$set(-1); COUNT];
                    for place in 0..WINDOW {
                        // SAFETY: `at + place + $width` is within the array: `at + $width` is at most `STEP`, and `place` less than
                        // `WINDOW`. The load needs no alignment.
                        let here = unsafe { $load(bytes.as_ptr().add(at + place).cast()) };
                        let (lows, highs) = ($and(here, low), $and($shift::<HIGH>(here), low));
                        for group in 0..COUNT {
                            let [of_low, of_high] = sets[group][place];
                            let both = $and($shuffle(of_low, lows), $shuffle(of_high, highs));
                            passing[group] = $and(passing[group], both);
                        }
                    }
                    let mut any = passing[0];
                    for group in 1..COUNT {
                        any = $or(any, passing[group]);
                    }
                    u64::from(!($mask($equal(any, $set(0))) as u32) & (u32::MAX >> (32 - $width)))
                }
            }
        };
    }

    /// With shuffles of whole bytes, 64 at a time. Of narrower ones there are none that are worth having.
    #[expect(clippy::needless_range_loop, reason = "iterators are functions without the processor's features")]
    pub(super) mod avx512 {
        use super::*;

        /// The bytes that pass, by group and place: those below 64, and those from there on.
        type Sets<const COUNT: usize> = [[[__m512i; 2]; WINDOW]; COUNT];

        candidates!("avx512f,avx512bw,avx512vbmi,bmi1,bmi2,popcnt", 4);

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,popcnt")]
        fn sets<const COUNT: usize>(masks: &Masks) -> Sets<COUNT> {
            let mut sets = [[[_mm512_setzero_si512(); 2]; WINDOW]; COUNT];
            for group in 0..COUNT {
                for place in 0..WINDOW {
                    let from = masks.bytes[group][place].as_ptr();
                    // SAFETY: the array has the 128 bytes that are loaded, 64 each; the loads need no alignment.
                    sets[group][place] =
                        unsafe { [_mm512_loadu_epi8(from.cast()), _mm512_loadu_epi8(from.add(64).cast())] };
                }
            }
            sets
        }

        /// A bit for each position where a window may begin.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,popcnt")]
        fn passing<const COUNT: usize>(sets: &Sets<COUNT>, bytes: &Bytes) -> u64 {
            let mut passing = [_mm512_set1_epi8(-1); COUNT];
            for place in 0..WINDOW {
                // SAFETY: `place + STEP` is within the array: `place` is less than `WINDOW`. The load needs no alignment.
                let here = unsafe { _mm512_loadu_epi8(bytes.as_ptr().add(place).cast()) };
                for group in 0..COUNT {
                    let [below, above] = sets[group][place];
                    passing[group] = _mm512_and_si512(passing[group], _mm512_permutex2var_epi8(below, here, above));
                }
            }
            let mut any = passing[0];
            for group in 1..COUNT {
                any = _mm512_or_si512(any, passing[group]);
            }
            _mm512_test_epi8_mask(any, any)
        }
    }

    halves!(
        avx2,
        "avx2,bmi1,bmi2,popcnt",
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
    halves!(
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
