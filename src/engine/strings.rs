//! Looking for one byte string in a text.
//!
//! Most texts are a line, and most strings are looked for long after they were last, so what counts is how much memory is touched: the string, and no
//! searcher made for it. Where many strings are kept they lie one behind the other.

use memchr::memmem;

/// The bytes of healthy logs, the commonest first, each sample weighing the same. All others are rarer.
const COMMON: &[u8] =
    b" e01r\"ota:sni.cl-d2pmug43579,hf/v86\n=Tyb]kI_[ONSFwPZCMx()EGR\tqA{}HDLU|z'KBj+VW#\\*%>;XYJ<Q@&?$!`^~";

/// By byte: the rarer, the higher.
const RARITY: [u8; 256] = {
    let mut rarity = [u8::MAX; 256];
    let mut place = 0;
    while place < COMMON.len() {
        rarity[COMMON[place] as usize] = place as u8;
        place += 1;
    }
    rarity
};

/// So many places with the rarest byte are compared one by one. In a text with more of them a searcher is made, which takes linear time whatever the text.
const COMPARED: usize = 64;

/// One byte string that is looked for.
pub struct Needle {
    bytes: Box<[u8]>,
    rarest: u8,
}

impl Needle {
    /// A search for these bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Needle {
        let bytes = bytes.into();
        Needle { rarest: rarest(&bytes), bytes }
    }

    /// Where they stand first.
    pub fn first(&self, text: &[u8]) -> Option<usize> {
        first(&self.bytes, self.rarest, text)
    }
}

impl AsRef<[u8]> for Needle {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Many byte strings that are looked for, by their place.
#[derive(Default)]
pub struct Strings {
    bytes: Vec<u8>,
    all: Vec<Stored>,
}

struct Stored {
    start: u32,
    length: u32,
    rarest: u8,
}

impl Strings {
    /// Adds one behind the others.
    pub fn push(&mut self, bytes: &[u8]) {
        // Patterns are files that people write; they never come near 2^32 bytes.
        let (start, length) = (self.bytes.len() as u32, bytes.len() as u32);
        self.all.push(Stored { start, length, rarest: rarest(bytes) });
        self.bytes.extend_from_slice(bytes);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// One of them.
    pub fn get(&self, place: usize) -> &[u8] {
        let Stored { start, length, .. } = self.all[place];
        &self.bytes[start as usize..][..length as usize]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// Where one stands first in a text.
    pub fn first(&self, place: usize, text: &[u8]) -> Option<usize> {
        first(self.get(place), self.all[place].rarest, text)
    }
}

/// Where the byte stands in a string that is commonly the rarest of its first 64. Every start asks it of all strings.
fn rarest(bytes: &[u8]) -> u8 {
    let mut best = (0, 0);
    for (place, byte) in bytes.iter().take(64).enumerate() {
        let rarity = RARITY[usize::from(*byte)];
        if rarity > best.0 {
            best = (rarity, place as u8);
        }
    }
    best.1
}

/// Where a string stands first in a text; `rarest` is the place of one of its bytes.
fn first(bytes: &[u8], rarest: u8, text: &[u8]) -> Option<usize> {
    let Some(rare) = bytes.get(usize::from(rarest)) else { return Some(0) };
    let starts = text.len().checked_sub(bytes.len())? + 1;
    let places = &text[usize::from(rarest)..][..starts];
    let mut behind = 0;
    for start in memchr::memchr_iter(*rare, places).take(COMPARED) {
        if text[start..].starts_with(bytes) {
            return Some(start);
        }
        behind = start + 1;
    }
    let all_compared = memchr::memchr(*rare, &places[behind..]).is_none();
    if all_compared { None } else { memmem::find(&text[behind..], bytes).map(|at| behind + at) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_stands_first_where_a_searcher_finds_it(text in "[ab]{0,300}", needles in prop::collection::vec("[ab]{0,9}", 1..4)) {
            let mut strings = Strings::default();
            needles.iter().for_each(|needle| strings.push(needle.as_bytes()));
            for (place, needle) in needles.iter().enumerate() {
                let want = memmem::find(text.as_bytes(), needle.as_bytes());
                prop_assert_eq!(Needle::new(needle.as_bytes()).first(text.as_bytes()), want);
                prop_assert_eq!(strings.first(place, text.as_bytes()), want);
            }
            prop_assert!(strings.iter().eq(needles.iter().map(|needle| needle.as_bytes())));
        }
    }
}
