//! What healthy logs look like, as far as the search needs to know: how often each four printable bytes in a row stand in them.
//!
//! Digits are all one, `0`: which digits a sample happens to have says nothing. Counted over the samples by
//! `patterns train` and kept as text beside this file; [`Healthy::builtin`] reads that. Used to find fragments that are rare
//! ([`Healthy::rarity`]) and windows that little healthy text passes. It only ever decides what is fast.

use std::fmt::Write;
use std::ops::Range;
use std::sync::LazyLock;

/// Four bytes in a row, digits made `0`, and their share of all of the sample's positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gram {
    /// The bytes.
    pub bytes: [u8; 4],
    /// Between 0 and 1.
    pub share: f32,
}

/// How often the four-byte strings of healthy logs stand there.
#[derive(Clone, Debug, Default)]
pub struct Healthy {
    /// By their bytes.
    grams: Vec<Gram>,
    /// For each gram, the share of all that begin with the same three bytes.
    threes: Vec<f32>,
    /// By the first two bytes, seven bits each: where their grams begin in `grams`; one more at the end.
    index: Vec<u32>,
}

/// What is kept of the samples.
pub(super) const BUILTIN: &str = include_str!("trained/grams.txt");

/// Shares are kept as letters: `A` is 2^-24, each further letter twice that.
const FIRST_LEVEL: (u8, i32) = (b'A', -24);

impl Healthy {
    /// What the built-in samples told.
    pub fn builtin() -> &'static Healthy {
        static BUILT_IN: LazyLock<Healthy> = LazyLock::new(|| Healthy::parse(BUILTIN));
        &BUILT_IN
    }

    /// Counts a text.
    pub fn of(text: &[u8]) -> Healthy {
        let mut all: Vec<[u8; 4]> = text
            .windows(4)
            .filter(|gram| gram.iter().all(|byte| (b' '..=b'~').contains(byte)))
            .map(|gram| std::array::from_fn(|place| plain(gram[place])))
            .collect();
        all.sort_unstable();
        let total = all.len().max(1) as f32;
        let runs = all.chunk_by(|a, b| a == b);
        Healthy::new(runs.map(|run| Gram { bytes: run[0], share: run.len() as f32 / total }).collect())
    }

    /// Of several, each gram's share where it is commonest: what a program prints all the time is common on its node, however rare it is
    /// among the logs of all programs.
    pub fn commonest(all: &[Healthy]) -> Healthy {
        let mut grams: Vec<Gram> = all.iter().flat_map(|healthy| &healthy.grams).copied().collect();
        grams.sort_unstable_by(|a, b| a.bytes.cmp(&b.bytes).then(b.share.total_cmp(&a.share)));
        grams.dedup_by_key(|gram| gram.bytes);
        Healthy::new(grams)
    }

    /// `grams` by their bytes, which are ASCII.
    fn new(grams: Vec<Gram>) -> Healthy {
        let mut index = vec![0u32; (1 << 14) + 1];
        grams.iter().for_each(|gram| index[pair(gram.bytes[0], gram.bytes[1]) + 1] += 1);
        (1..index.len()).for_each(|at| index[at] += index[at - 1]);
        let same = grams.chunk_by(|a, b| a.bytes[..3] == b.bytes[..3]);
        let threes = same.flat_map(|same| {
            let three: f32 = same.iter().map(|gram| gram.share).sum();
            std::iter::repeat_n(three, same.len())
        });
        Healthy { threes: threes.collect(), grams, index }
    }

    /// The grams, by their bytes.
    pub fn grams(&self) -> &[Gram] {
        &self.grams
    }

    /// The `count` commonest grams as text: a line for each two first bytes; then, for each gram that begins with them, the
    /// other two and its share.
    pub fn to_text(&self, count: usize) -> String {
        let mut kept: Vec<&Gram> = self.grams.iter().collect();
        kept.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.bytes.cmp(&b.bytes)));
        kept.truncate(count);
        kept.sort_by_key(|gram| gram.bytes);
        let mut text = String::new();
        for run in kept.chunk_by(|a, b| a.bytes[..2] == b.bytes[..2]) {
            let char_of = |byte: u8| char::from(byte);
            // Writing to a String can't fail.
            let _ = write!(text, "{}{}|", char_of(run[0].bytes[0]), char_of(run[0].bytes[1]));
            for gram in run {
                let level = (gram.share.log2().round() as i32 - FIRST_LEVEL.1).clamp(0, 25) as u8;
                text.extend([gram.bytes[2], gram.bytes[3], FIRST_LEVEL.0 + level].map(char_of));
            }
            text.push_str("|\n");
        }
        text
    }

    /// What [`Healthy::to_text`] wrote. Anything else in the text is passed over.
    pub fn parse(text: &str) -> Healthy {
        let mut grams = Vec::with_capacity(text.len() / 3);
        for line in text.lines() {
            let Some((&[first, second, b'|'], rest)) = line.as_bytes().split_first_chunk() else { continue };
            for &[third, fourth, level] in rest.strip_suffix(b"|").unwrap_or(rest).as_chunks().0 {
                let bytes = [first, second, third, fourth];
                if bytes.is_ascii() {
                    let share = f32::exp2((i32::from(level) - i32::from(FIRST_LEVEL.0) + FIRST_LEVEL.1) as f32);
                    grams.push(Gram { bytes, share });
                }
            }
        }
        grams.sort_unstable_by_key(|gram| gram.bytes);
        Healthy::new(grams)
    }

    /// How rare printable ASCII is in healthy logs: the chance, as a power of two, that it doesn't begin at a given position. Twenty
    /// stands for once in a MiB. Estimated from each byte and the three before it; a fragment of fewer than four bytes is as rare
    /// as its first two allow.
    pub fn rarity(&self, fragment: &[u8]) -> f32 {
        /// The share of what the samples are too small to hold.
        const UNSEEN: f32 = 1.0 / (1 << 20) as f32;
        /// The chance of a byte that was never seen behind the three before it.
        const SURPRISE: f32 = 1.0 / 64.0;
        /// What the chance of one digit among others is taken for: they are seldom as good as random.
        const DIGIT: f32 = 1.0;
        /// Rarer than this needn't be told apart.
        const ENOUGH: f64 = 1.0 / (1u128 << 100) as f64;
        let bytes: Vec<u8> = fragment.iter().map(|&byte| plain(byte)).collect();
        let begins = match bytes.first_chunk::<3>() {
            Some(&[first, second, third]) => self.shares([first, second, third, 0]).0,
            None => self.of_pair(&bytes).map(|at| self.grams[at].share).sum(),
        };
        let mut chance = f64::from(begins + UNSEEN);
        for &gram in bytes.windows(4).filter_map(<[u8]>::first_chunk::<4>) {
            let (three, four) = self.shares(gram);
            chance *= f64::from((four + UNSEEN * SURPRISE) / (three + UNSEEN));
            if chance < ENOUGH {
                break;
            }
        }
        // The samples know a digit there, and not which.
        let digits = fragment.iter().filter(|byte| byte.is_ascii_digit()).count();
        -chance.log2() as f32 + digits as f32 * DIGIT
    }

    /// The share of one gram; not known: nothing.
    pub fn share(&self, gram: [u8; 4]) -> f32 {
        let gram = gram.map(plain);
        self.grams.binary_search_by_key(&gram, |known| known.bytes).map_or(0.0, |at| self.grams[at].share)
    }

    /// The share of the grams that begin with the first three bytes, and that of the four.
    fn shares(&self, gram: [u8; 4]) -> (f32, f32) {
        let pair = self.of_pair(&gram);
        let grams = &self.grams[pair.clone()];
        let at = grams.partition_point(|known| (known.bytes[2], known.bytes[3]) < (gram[2], gram[3]));
        let same = |at: usize| grams.get(at).is_some_and(|known| known.bytes[2] == gram[2]);
        // What begins with the same three bytes stands side by side.
        let three = match (same(at), at.checked_sub(1).filter(|&before| same(before))) {
            (true, _) => self.threes[pair.start + at],
            (false, Some(before)) => self.threes[pair.start + before],
            (false, None) => 0.0,
        };
        (three, grams.get(at).filter(|known| known.bytes == gram).map_or(0.0, |known| known.share))
    }

    /// Where the grams are that begin as `bytes` do.
    fn of_pair(&self, bytes: &[u8]) -> Range<usize> {
        match bytes {
            [first, second, ..] if first.is_ascii() && second.is_ascii() && !self.index.is_empty() => {
                let pair = pair(*first, *second);
                self.index[pair] as usize..self.index[pair + 1] as usize
            }
            _ => 0..0,
        }
    }
}

fn plain(byte: u8) -> u8 {
    if byte.is_ascii_digit() { b'0' } else { byte }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first & 127) << 7 | usize::from(second & 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"ready 200 in 14 ms\nready 503 in 7 ms\nnot ready\n";

    #[test]
    fn text_and_back() {
        let counted = Healthy::of(TEXT);
        assert!(counted.grams().iter().any(|gram| gram.bytes == *b" 000"));
        let read = Healthy::parse(&counted.to_text(usize::MAX));
        let bytes = |healthy: &Healthy| healthy.grams().iter().map(|gram| gram.bytes).collect::<Vec<_>>();
        assert_eq!(bytes(&read), bytes(&counted));
        for (read, counted) in read.grams().iter().zip(counted.grams()) {
            assert!((read.share / counted.share).log2().abs() <= 0.51);
        }
    }

    #[test]
    fn of_several_the_commonest_counts() {
        let all = Healthy::commonest(&[Healthy::of(b"abcdabcd"), Healthy::of(b"abcd and more"), Healthy::default()]);
        assert_eq!(all.share(*b"abcd"), 0.4);
        assert_eq!(all.share(*b"more"), 0.1);
        assert_eq!(Healthy::commonest(&[]).grams(), []);
    }

    #[test]
    fn the_commonest_are_kept() {
        let kept = Healthy::parse(&Healthy::of(TEXT).to_text(3));
        assert!(kept.grams().len() == 3 && kept.grams().iter().any(|gram| gram.bytes == *b"read"));
    }

    #[test]
    fn what_was_seen_is_less_rare_than_what_was_not() {
        let healthy = Healthy::of(TEXT);
        let ranked = ["ready", "ready 200", "ready 200 in 14 ms", "Traceback"];
        let rarities: Vec<f32> = ranked.iter().map(|text| healthy.rarity(text.as_bytes())).collect();
        assert!(rarities.is_sorted(), "{rarities:?}");
    }

    #[test]
    fn nothing_known_is_no_trouble() {
        for text in [&b""[..], b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc", b"abcd"] {
            assert!(Healthy::default().rarity(text) >= 0.0);
            assert!(Healthy::of(TEXT).rarity(text).is_finite());
        }
    }
}
