//! The words of which one stands wherever a trace begins or an exception is told of, all looked for at once: nearly all lines have none, so no
//! grammar needs to be asked about them.
//!
//! Knows no grammar, only what each can't do without.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;

/// None of them can begin within another, so that each is seen; for that `runtime: ` lacks its first letter, which ends `Error`.
const WORDS: [&str; 15] = [
    "Exception",
    "Error",
    "Throwable",
    "Unhandled",
    "Uncaught",
    "Traceback",
    "File \"",
    "Process ",
    "panic",
    "SIG",
    "fatal error: ",
    "untime: ",
    "unexpected fault",
    "goroutine ",
    "stack",
];

/// Which of the words stand in a text: a bit for each, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words(u16);

impl Words {
    /// The type of an exception, as the JVM, .NET, Python and JavaScript name them.
    pub const TYPES: Words = Words(0b111);
    /// In what these runtimes say of an exception.
    pub const MANAGED: Words = Words(0b1_1111);
    /// In the first line of a traceback, and in what announces one.
    pub const PYTHON: Words = Words(0b1110_0001);
    /// In the head of a Python traceback.
    pub const TRACEBACK: Words = Words(1 << 5);
    /// In the panics of Go and Rust.
    pub const PANIC: Words = Words(1 << 8);
    /// In what Go's runtime says.
    pub const GO: Words = Words(0b11_1111 << 8);
    /// In the names of fields that hold a stack.
    pub const STACK: Words = Words(1 << 14);

    /// All of them.
    pub const ALL: Words = Words(u16::MAX);

    /// Those that stand in `text`.
    pub fn of(text: &[u8]) -> Words {
        static SEARCH: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(WORDS));
        // Where there is no such search for want of SIMD, any may stand there.
        let Some(search) = &*SEARCH else { return Words::ALL };
        Words(search.find_iter(text).fold(0, |seen, word| seen | 1 << word.pattern().as_usize()))
    }

    /// Is there one of these?
    pub fn any(self, of: Words) -> bool {
        self.0 & of.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_word_begins_within_another() {
        for (word, other) in WORDS.iter().flat_map(|word| WORDS.map(|other| (*word, other))) {
            for at in 0..word.len() {
                let overlaps = word[at..].starts_with(other) || other.starts_with(&word[at..]);
                assert!(!overlaps || (at == 0 && word == other), "{other:?} may begin within {word:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_word_is_seen(parts in prop::collection::vec(
            prop_oneof![prop::sample::select(&WORDS[..]), prop::sample::select(&["Ex", "runtime: ", "un", " ", "\"", "é"][..])],
            0..12,
        )) {
            let text = parts.concat();
            let naive = WORDS.iter().enumerate().filter(|(_, word)| text.contains(**word));
            prop_assert_eq!(Words::of(text.as_bytes()), Words(naive.fold(0, |seen, (at, _)| seen | 1 << at)));
        }
    }
}
