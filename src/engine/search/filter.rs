//! The two ways in which the filter looks at four bytes. Each asks some **tests**, of which each puts what it looks at into one of a few classes; a
//! bucket lets four bytes pass if for each test one of its windows has the same class.
//!
//! Windows and buckets that go together well for one way don't for the other, so they are chosen for each.

use super::WINDOW;

/// A way of filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Looks at the two halves of each byte: sixteen classes, for shuffles that look up half a byte.
    Halves,
    /// Looks at each two of the bytes together: 128 classes, for shuffles that look up seven bits. A pair of letters says far more than these do
    /// one by one, so a third of the buckets let as little pass.
    Pairs,
}

/// The places of each pair of bytes in a window.
pub(super) const PAIRS: [(usize, usize); 6] = [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)];

/// How far the second half of a byte is from its first bit.
pub(super) const HIGH: i32 = 3;

/// The two halves by which a byte is looked up: its bits 0 to 3, and 3 to 6. One bit is in both, as the highest says nothing
/// in text that is nearly all ASCII.
pub(super) fn halves(byte: u8) -> [usize; 2] {
    [usize::from(byte & 15), usize::from(byte >> HIGH & 15)]
}

/// By byte (its lowest seven bits): what is taken together with another byte by exclusive or, so that common pairs of letters are spread over all classes.
pub(super) const TURNED: [u8; 128] = {
    let mut turned = [0; 128];
    let mut byte = 0;
    while byte < turned.len() {
        turned[byte] = (byte * 37) as u8 & 127;
        byte += 1;
    }
    turned
};

/// The class of two bytes.
pub(super) fn pair(one: u8, other: u8) -> usize {
    usize::from((one ^ TURNED[usize::from(other & 127)]) & 127)
}

impl Filter {
    /// How many buckets training fills.
    pub(super) fn trained(self) -> usize {
        match self {
            Filter::Halves => 24,
            Filter::Pairs => 16,
        }
    }

    /// How many there are in all, at most [`super::BUCKETS`]: the others are for anchors that training didn't know.
    pub(super) fn buckets(self) -> usize {
        self.trained() + 8
    }

    /// How many tests there are.
    pub(super) fn tests(self) -> usize {
        match self {
            Filter::Halves => 2 * WINDOW,
            Filter::Pairs => PAIRS.len(),
        }
    }

    /// How many classes a test has.
    pub(super) fn classes(self) -> usize {
        match self {
            Filter::Halves => 24,
            Filter::Pairs => 128,
        }
    }

    /// The places of a window that a test looks at; the same twice if it is one.
    pub(super) fn places(self, test: usize) -> (usize, usize) {
        match self {
            Filter::Halves => (test / 2, test / 2),
            Filter::Pairs => PAIRS[test],
        }
    }

    /// The class into which a test puts what stands at its places.
    pub(super) fn class(self, test: usize, (one, other): (u8, u8)) -> usize {
        match self {
            Filter::Halves => halves(one)[test % 2],
            Filter::Pairs => pair(one, other),
        }
    }
}
