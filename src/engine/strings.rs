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

/// So many places are looked at in one step.
const STEP: usize = 32;

/// In so many steps places are compared one by one. In a text with more of them a searcher is made, which takes linear time whatever the text.
const COMPARED: usize = 16;

/// Where the two bytes stand in a string that are commonly its rarest.
type Rarest = [u8; 2];

/// One byte string that is looked for.
pub struct Needle {
    bytes: Box<[u8]>,
    rarest: Rarest,
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

/// Many byte strings that are looked for, by their place.
#[derive(Default)]
pub struct Strings {
    bytes: Vec<u8>,
    all: Vec<Stored>,
}

struct Stored {
    start: u32,
    length: u32,
    rarest: Rarest,
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

/// The rarest of the first 64 bytes; the same twice if there is one. Every start asks it of all strings.
fn rarest(bytes: &[u8]) -> Rarest {
    let (mut first, mut second) = ((0, 0), (0, 0));
    for (place, byte) in bytes.iter().take(64).enumerate() {
        let own = (RARITY[usize::from(*byte)], place as u8);
        if own.0 >= first.0 {
            (first, second) = (own, first);
        } else if own.0 >= second.0 {
            second = own;
        }
    }
    [first.1, second.1]
}

/// Where a string stands first in a text, of which [`rarest`] is known.
fn first(bytes: &[u8], rarest: Rarest, text: &[u8]) -> Option<usize> {
    let [one, other] = rarest.map(usize::from);
    let (Some(&rare), Some(&less)) = (bytes.get(one), bytes.get(other)) else { return Some(0) };
    let starts = text.len().checked_sub(bytes.len())? + 1;
    let (ones, others) = (&text[one..][..starts], &text[other..][..starts]);
    let stands = |start: &usize| ones[*start] == rare && others[*start] == less && text[*start..].starts_with(bytes);
    let (mut at, mut compared) = (0, 0);
    while let (Some(these), Some(those)) = (ones[at..].first_chunk::<STEP>(), others[at..].first_chunk::<STEP>()) {
        // No way out in between, so that the places of a step are looked at together.
        let any = these.iter().zip(those).fold(0, |any, (a, b)| any | u8::from(*a == rare) & u8::from(*b == less));
        if any != 0 {
            if compared == COMPARED {
                return memmem::find(&text[at..], bytes).map(|found| at + found);
            }
            compared += 1;
            if let Some(start) = (at..at + STEP).find(stands) {
                return Some(start);
            }
        }
        at += STEP;
    }
    (at..starts).find(stands)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_stands_first_where_a_searcher_finds_it(
            text in prop_oneof!["[ab]{0,100}", "(a{0,40}b){0,40}"],
            needles in prop::collection::vec(prop_oneof!["[ab]{0,9}", "a{30,70}b{0,2}"], 1..4),
        ) {
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
