//! The filter: which positions of a text may begin a window, and the portable way of asking.

use super::place::{Window, gram_at};
use super::{BUCKETS, TRAINED, WINDOW};

/// Eight buckets share the bits of a byte.
const GROUP: usize = 8;
/// How many such bytes all buckets take.
pub(super) const GROUPS: usize = BUCKETS / GROUP;
/// How many those take that training fills.
pub(super) const FEWER: usize = TRAINED / GROUP;

/// Per group, place and half (see [`halves`]): the buckets that let it pass.
pub(super) type Nibbles = [[[[u8; 16]; 2]; WINDOW]; GROUPS];

/// Per group, place and byte (its lowest seven bits): the buckets that let it pass.
pub(super) type Bytes = [[[u8; 128]; WINDOW]; GROUPS];

/// How far the second half of a byte is from its first bit.
pub(super) const HIGH: i32 = 3;

/// The two halves by which a byte is looked up: its bits 0 to 3, and 3 to 6. One bit is in both, as the highest says nothing
/// in text that is nearly all ASCII.
pub(super) fn halves(byte: u8) -> [usize; 2] {
    [usize::from(byte & 15), usize::from(byte >> HIGH & 15)]
}

/// The filter of a set of windows.
pub(super) struct Masks {
    /// For shuffles of half bytes: lets some pass whose halves are of two windows.
    pub nibbles: Nibbles,
    /// For shuffles of whole bytes.
    pub bytes: Box<Bytes>,
    /// For one byte after the other: by byte, for each place a bit for each bucket, the first place lowest.
    accepts: [u128; 256],
    /// A bit for each hash of a window's four bytes: tells nearly all apart that only pass the nibbles. Small enough to stay in the nearest
    /// cache.
    pub maybe: Box<Bits>,
    /// Are no buckets in use but those that training fills?
    pub fewer: bool,
}

/// See [`Masks::maybe`].
pub(super) type Bits = [u64; 1 << 10];

/// Where the bit of four bytes is.
#[inline(always)]
pub(super) fn bit(gram: u32) -> (usize, u64) {
    let hash = gram.wrapping_mul(MIX) >> 16;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Knuth's multiplicative hash.
pub(super) const MIX: u32 = 0x9E37_79B1;

impl Masks {
    pub(super) fn new(windows: &[Window]) -> Masks {
        let mut nibbles: Nibbles = [[[[0; 16]; 2]; WINDOW]; GROUPS];
        let mut bytes: Box<Bytes> = Box::new([[[0; _]; _]; _]);
        for window in windows {
            let bit = 1u8 << (window.bucket as usize % GROUP);
            let group = window.bucket as usize / GROUP;
            for place in 0..WINDOW {
                let (halved, whole) = (&mut nibbles[group][place], &mut bytes[group][place]);
                match window.bytes().get(place) {
                    Some(byte) => {
                        let [low, high] = halves(*byte);
                        halved[0][low] |= bit;
                        halved[1][high] |= bit;
                        whole[usize::from(byte & 127)] |= bit;
                    }
                    None => halved.as_flattened_mut().iter_mut().chain(whole).for_each(|buckets| *buckets |= bit),
                }
            }
        }
        let mut accepts = [0u128; 256];
        for (byte, accepted) in (0..=u8::MAX).zip(&mut accepts) {
            for place in 0..WINDOW {
                for (group, sets) in bytes.iter().enumerate() {
                    *accepted |= u128::from(sets[place][usize::from(byte & 127)]) << (place * BUCKETS + group * GROUP);
                }
            }
        }
        let mut maybe: Box<Bits> = Box::new([0; _]);
        windows.iter().flat_map(|window| window.grams()).map(bit).for_each(|(word, bit)| maybe[word] |= bit);
        let fewer = windows.iter().all(|window| usize::from(window.bucket) < TRAINED);
        Masks { nibbles, bytes, accepts, maybe, fewer }
    }

    /// Tells `take` each position from `from` on that passes, in order, until it says that this is enough; `from` is then that one. Behind
    /// the text's end anything may stand.
    pub(super) fn candidates(&self, text: &[u8], from: &mut usize, mut take: impl FnMut(usize) -> bool) {
        /// The buckets that the last place of a window lets pass.
        const LAST: u32 = ((WINDOW - 1) * BUCKETS) as u32;
        const FIRST: u128 = (1 << BUCKETS) - 1;
        // The buckets that are still possible for the windows begun at each of the last four positions, the latest lowest.
        let mut open = 0u128;
        let begin = std::mem::replace(from, text.len());
        let Some(rest) = text.get(begin..) else { return };
        let inside = rest.iter().map(|&byte| self.accepts[usize::from(byte)]);
        let behind = std::iter::repeat_n(u128::MAX, WINDOW - 1);
        for (read, accepted) in inside.chain(behind).enumerate() {
            open = (open << BUCKETS | FIRST) & accepted;
            if open >> LAST != 0 {
                let at = begin + read + 1 - WINDOW;
                let (word, bit) = bit(gram_at(text, at));
                if self.maybe[word] & bit != 0 && take(at) {
                    *from = at;
                    return;
                }
            }
        }
    }
}
