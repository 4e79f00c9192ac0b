//! The filter: which positions of a text may begin a window, and the portable way of asking.

use super::filter::{PAIRS, halves, pair};
use super::place::{Window, gram_at};
use super::sieve::Sieve;
use super::table::Table;
use super::{BUCKETS, WINDOW};

/// Eight buckets share the bits of a byte.
const GROUP: usize = 8;
/// How many such bytes all buckets take.
pub(super) const GROUPS: usize = BUCKETS / GROUP;

/// Per group, place and half (see [`halves`]): the buckets that let it pass.
pub(super) type Nibbles = [[[[u8; 16]; 2]; WINDOW]; GROUPS];

/// Per group, pair of [`PAIRS`] and class (see [`pair`]): the buckets that let it pass.
pub(super) type Pairs = [[[u8; 128]; PAIRS.len()]; GROUPS];

/// The filter of a set of windows.
pub(super) struct Masks {
    /// For shuffles of half bytes: lets some pass whose halves are of two windows.
    pub nibbles: Nibbles,
    /// For shuffles that look up seven bits.
    pub pairs: Box<Pairs>,
    /// For one byte after the other: by byte (its lowest seven bits), for each place a bit for each bucket, the first place lowest.
    accepts: Box<[u128; 128]>,
    /// A bit for each hash of a window's four bytes: tells nearly all apart that only pass the filter. Small enough to stay in the nearest
    /// cache.
    pub maybe: Box<Bits>,
    /// So many groups of buckets are in use.
    pub groups: usize,
}

/// See [`Masks::maybe`].
pub(super) type Bits = [u64; 1 << 10];

/// Spreads keys over all 64 bits: the upper ones say where a key is.
#[inline(always)]
pub(super) fn hash(key: u64) -> u64 {
    // Two to the 64th by the golden ratio (Knuth's multiplicative hash).
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Where the bit of a key is: of four bytes, or of these and what is beside them.
#[inline(always)]
pub(super) fn bit(key: u64) -> (usize, u64) {
    let hash = hash(key) >> 48;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Masks {
    pub(super) fn new(windows: &[Window]) -> Masks {
        let mut nibbles: Nibbles = [[[[0; 16]; 2]; WINDOW]; GROUPS];
        let mut pairs: Box<Pairs> = Box::new([[[0; _]; _]; _]);
        let mut accepts: Box<[u128; 128]> = Box::new([0; _]);
        for window in windows {
            let (group, bit) = (usize::from(window.bucket) / GROUP, 1u8 << (usize::from(window.bucket) % GROUP));
            let own = window.bytes();
            for (place, halved) in nibbles[group].iter_mut().enumerate() {
                let wide = 1u128 << (place * BUCKETS + usize::from(window.bucket));
                match own.get(place) {
                    Some(byte) => {
                        let [low, high] = halves(*byte);
                        halved[0][low] |= bit;
                        halved[1][high] |= bit;
                        accepts[usize::from(byte & 127)] |= wide;
                    }
                    None => {
                        halved.as_flattened_mut().iter_mut().for_each(|buckets| *buckets |= bit);
                        accepts.iter_mut().for_each(|buckets| *buckets |= wide);
                    }
                }
            }
            for (set, (one, other)) in pairs[group].iter_mut().zip(PAIRS) {
                match own.get(one).zip(own.get(other)) {
                    Some((one, other)) => set[pair(*one, *other)] |= bit,
                    None => set.iter_mut().for_each(|buckets| *buckets |= bit),
                }
            }
        }
        let mut maybe: Box<Bits> = Box::new([0; _]);
        windows
            .iter()
            .flat_map(|window| window.grams())
            .map(|gram| bit(gram.into()))
            .for_each(|(word, bit)| maybe[word] |= bit);
        let groups = windows.iter().map(|window| usize::from(window.bucket) / GROUP + 1).max().unwrap_or(0);
        Masks { nibbles, pairs, accepts, maybe, groups }
    }

    /// Tells `take` each position that passes, from where the sieve has come to, in order, until it says that this is enough; the sieve has then come to
    /// that one. Behind the text's end anything may stand.
    pub(super) fn candidates<const ROOM: usize>(
        &self,
        table: &Table,
        text: &[u8],
        sieve: &mut Sieve<ROOM>,
        mut take: impl FnMut(usize) -> bool,
    ) {
        /// The buckets that the last place of a window lets pass.
        const LAST: u32 = ((WINDOW - 1) * BUCKETS) as u32;
        const FIRST: u128 = (1 << BUCKETS) - 1;
        // The buckets that are still possible for the windows begun at each of the last four positions, the latest lowest.
        let mut open = 0u128;
        let begin = std::mem::replace(&mut sieve.at, text.len());
        let Some(rest) = text.get(begin..) else { return };
        let inside = rest.iter().map(|&byte| self.accepts[usize::from(byte & 127)]);
        let behind = std::iter::repeat_n(u128::MAX, WINDOW - 1);
        for (read, accepted) in inside.chain(behind).enumerate() {
            open = (open << BUCKETS | FIRST) & accepted;
            if open >> LAST != 0 {
                sieve.passed += 1;
                let at = begin + read + 1 - WINDOW;
                let (word, bit) = bit(gram_at(text, at).into());
                if self.maybe[word] & bit != 0 && table.may_stand(text, at) && take(at) {
                    sieve.at = at;
                    return;
                }
            }
        }
    }
}
