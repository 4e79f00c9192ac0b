//! The filter with byte shuffles, 64, 32 or 16 positions at a time: the only module that may say `unsafe`.
//!
//! Safe from outside: a [`Scan`] for a processor is made only where that processor is, and every load is from a slice whose bounds
//! were checked. Each way lets every window pass, as [`Masks::candidates`] does, and each some more of its own.
//! The latter is what processors without these instructions run (and 64-bit ARM: its shuffles could not be tried out).
#![allow(unsafe_code)]

use super::filter::Filter;
use super::masks::Masks;
use super::sieve::Sieve;
use super::table::Table;

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
            let wide = has!("avx512f") && has!("avx512bw") && has!("avx512vl");
            if bits && wide && has!("avx512vbmi") && has!("avx512vbmi2") {
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

    /// The filter for which windows should have been chosen; it does with any.
    pub(super) fn filter(self) -> Filter {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => Filter::Pairs,
            _ => Filter::Halves,
        }
    }

    /// Tells `take` of each position that passes, in order, until it says that this is enough: those that were found before and are left, and
    /// then those from where `sieve` has come to. The one that was enough is told again next time, unless it is skipped.
    pub(super) fn candidates<const ROOM: usize>(
        self,
        masks: &Masks,
        table: &Table,
        text: &[u8],
        sieve: &mut Sieve<ROOM>,
        take: impl FnMut(usize) -> bool,
    ) {
        match self.0 {
            Width::One => masks.candidates(table, text, sieve, take),
            // SAFETY: `Scan::all` makes this value only where the processor has these parts of AVX-512, and the rest.
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => unsafe { x86::avx512::candidates(masks, table, text, sieve, take) },
            // SAFETY: `Scan::all` makes this value only where the processor has AVX2 and the rest.
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => unsafe { x86::avx2::candidates(masks, table, text, sieve, take) },
            // SAFETY: `Scan::all` makes this value only where the processor has SSSE3.
            #[cfg(target_arch = "x86_64")]
            Width::Ssse3 => unsafe { x86::ssse3::candidates(masks, table, text, sieve, take) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::WINDOW;
    use super::super::filter::{HIGH, PAIRS, TURNED};
    use super::super::masks::{GROUPS, Masks};
    use super::super::sieve::{AT_ONCE, Bytes, STEP, Sieve};
    use super::super::table::Table;

    /// The search of a module that has `sets`, `passing` and `put`. `$groups`: for so many groups of buckets there is code of its own.
    macro_rules! candidates {
        ($feature:literal, $($groups:literal)*) => {
            /// See [`super::super::Scan::candidates`].
            #[target_feature(enable = $feature)]
            pub(in super::super) fn candidates<const ROOM: usize>(
                masks: &Masks,
                table: &Table,
                text: &[u8],
                sieve: &mut Sieve<ROOM>,
                mut take: impl FnMut(usize) -> bool,
            ) {
                if sieve.tell(&mut take) {
                    return;
                }
                match masks.groups {
                    $(..=$groups => go_on::<$groups, ROOM>(masks, table, text, sieve, take),)*
                    _ => go_on::<GROUPS, ROOM>(masks, table, text, sieve, take),
                }
            }

            /// The same from where the sieve has come to, with so many groups of buckets.
            #[target_feature(enable = $feature)]
            fn go_on<const COUNT: usize, const ROOM: usize>(
                masks: &Masks,
                table: &Table,
                text: &[u8],
                sieve: &mut Sieve<ROOM>,
                mut take: impl FnMut(usize) -> bool,
            ) {
                let sets: Sets<COUNT> = sets(masks);
                while sieve.at < text.len() {
                    let (mut steps, mut count) = (0, 0);
                    while steps < Sieve::<ROOM>::STEPS && sieve.at + steps * STEP < text.len() {
                        let rest = &text[sieve.at + steps * STEP..];
                        let passing = match rest.first_chunk() {
                            Some(bytes) => passing(&sets, bytes),
                            None => passing(&sets, &padded(rest)) & up_to(rest.len()),
                        };
                        count = put(sieve, count, steps, passing);
                        steps += 1;
                    }
                    sieve.sift(masks, table, text, steps, count);
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

                candidates!($feature, 3);

                #[inline]
                #[target_feature(enable = $feature)]
                fn put<const ROOM: usize>(sieve: &mut Sieve<ROOM>, count: usize, step: usize, passing: u64) -> usize {
                    sieve.put::<4>(count, step, passing)
                }

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

    /// With shuffles that look up seven bits, 64 at a time.
    #[expect(clippy::needless_range_loop, reason = "iterators are functions without the processor's features")]
    pub(super) mod avx512 {
        use super::*;

        /// What is looked up by seven bits: below 64, and from there on.
        type Wide = [__m512i; 2];

        /// What turns a byte, and the classes that pass, by group and pair.
        struct Sets<const COUNT: usize> {
            turned: Wide,
            passing: [[Wide; PAIRS.len()]; COUNT],
        }

        candidates!("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt", 2 3);

        /// See [`Sieve::put`].
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
        fn put<const ROOM: usize>(sieve: &mut Sieve<ROOM>, count: usize, step: usize, passing: u64) -> usize {
            const PLACES: [u8; STEP] = {
                let mut places = [0; STEP];
                let mut place = 0;
                while place < STEP {
                    places[place] = place as u8;
                    place += 1;
                }
                places
            };
            // SAFETY: the array has the 64 bytes that are loaded; the load needs no alignment.
            let places = unsafe { _mm512_loadu_epi8(PLACES.as_ptr().cast()) };
            let packed = _mm512_maskz_compress_epi8(passing, places);
            let wide = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(packed));
            let within = _mm256_add_epi16(wide, _mm256_set1_epi16((step * STEP) as i16));
            let all = passing.count_ones() as usize;
            let room: &mut [u16; AT_ONCE] = sieve.room(count);
            // SAFETY: the array has the 32 bytes that are stored; the store needs no alignment.
            unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), within) };
            if all > AT_ONCE { sieve.put::<0>(count, step, passing) } else { count + all }
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
        fn wide(from: &[u8; 128]) -> Wide {
            // SAFETY: the array has the 128 bytes that are loaded, 64 each; the loads need no alignment.
            unsafe { [_mm512_loadu_epi8(from.as_ptr().cast()), _mm512_loadu_epi8(from.as_ptr().add(64).cast())] }
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
        fn sets<const COUNT: usize>(masks: &Masks) -> Sets<COUNT> {
            let mut passing = [[[_mm512_setzero_si512(); 2]; PAIRS.len()]; COUNT];
            for group in 0..COUNT {
                for pair in 0..PAIRS.len() {
                    passing[group][pair] = wide(&masks.pairs[group][pair]);
                }
            }
            Sets { turned: wide(&TURNED), passing }
        }

        /// A bit for each position where a window may begin.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
        fn passing<const COUNT: usize>(sets: &Sets<COUNT>, bytes: &Bytes) -> u64 {
            let (mut here, mut turned) = ([_mm512_setzero_si512(); WINDOW], [_mm512_setzero_si512(); WINDOW]);
            for place in 0..WINDOW {
                // SAFETY: `place + STEP` is within the array: `place` is less than `WINDOW`. The load needs no alignment.
                here[place] = unsafe { _mm512_loadu_epi8(bytes.as_ptr().add(place).cast()) };
                turned[place] = _mm512_permutex2var_epi8(sets.turned[0], here[place], sets.turned[1]);
            }
            let mut passing = [_mm512_set1_epi8(-1); COUNT];
            for pair in 0..PAIRS.len() {
                let (one, other) = PAIRS[pair];
                let class = _mm512_xor_si512(here[one], turned[other]);
                for group in 0..COUNT {
                    let [below, above] = sets.passing[group][pair];
                    passing[group] = _mm512_and_si512(passing[group], _mm512_permutex2var_epi8(below, class, above));
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
