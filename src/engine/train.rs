//! What is learned from healthy logs once, kept as text beside this file, and read by every start.
//!
//! Three tables: how often each four bytes stand in healthy logs (`grams.txt`, see [`Healthy`]), by which rare fragments are told;
//! and which four bytes of each anchor are looked for, in which bucket (see [`Windows`]), for either way of filtering: `windows.txt` for
//! [`Filter::Halves`], by which anchors are chosen as well, and `pairs.txt` for [`Filter::Pairs`]. None decides what is
//! found. Patterns that training didn't see are placed when they are compiled, as well as the first table allows.

use std::sync::{Arc, LazyLock};

use super::compile::CompileError;
use super::healthy::Healthy;
use super::search::{Filter, Search, Windows, windows_of};
use super::{Asked, Engine, Knowledge};
use crate::pattern::model::Pattern;

const WINDOWS: &str = include_str!("trained/windows.txt");
const PAIRS: &str = include_str!("trained/pairs.txt");

/// The commonest grams are kept: enough to tell rare from common, and quickly read.
const KEPT: usize = 12 << 10;

/// How often anchors are chosen for the windows there are, and windows for these anchors.
const ROUNDS: usize = 3;

impl Knowledge<'_> {
    /// What this binary was built with.
    pub(super) fn builtin() -> Knowledge<'static> {
        static WINDOWS_BUILT_IN: LazyLock<Windows> = LazyLock::new(|| Windows::parse(WINDOWS, Filter::Halves));
        static PAIRS_BUILT_IN: LazyLock<Windows> = LazyLock::new(|| Windows::parse(PAIRS, Filter::Pairs));
        // No processor needs both.
        let searched = match Search::filter() {
            Filter::Halves => &WINDOWS_BUILT_IN,
            Filter::Pairs => &PAIRS_BUILT_IN,
        };
        Knowledge { healthy: Healthy::builtin(), windows: &WINDOWS_BUILT_IN, searched }
    }
}

/// What training gives: the texts of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Of `grams.txt`.
    pub grams: String,
    /// Of `windows.txt`.
    pub windows: String,
    /// Of `pairs.txt`.
    pub pairs: String,
}

impl Trained {
    /// What this binary was built with.
    pub fn builtin() -> Trained {
        Trained { grams: super::healthy::BUILTIN.to_owned(), windows: WINDOWS.to_owned(), pairs: PAIRS.to_owned() }
    }

    /// Learns from healthy logs, one for each kind of program, and from lines that look like failures and are none, for these patterns
    /// and what else is asked for.
    ///
    /// Windows are chosen by what the patterns say in words too: it is about the same systems, and the samples are too few to hold all the
    /// words that healthy logs do.
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub fn learn(
        patterns: &[Arc<Pattern>],
        asked: Asked<'_>,
        samples: &[Vec<u8>],
        near_misses: &[u8],
    ) -> Result<Trained, Vec<(usize, CompileError)>> {
        /// Samples are worth more than near misses, which nobody's log is full of.
        const SAMPLES: usize = 4;
        let grams = Healthy::of(&[&samples.concat().repeat(SAMPLES), near_misses].concat()).to_text(KEPT);
        let words = words(patterns);
        let texts = samples.iter().map(Vec::as_slice).chain([near_misses, words.as_bytes()]);
        let counted = Healthy::commonest(&texts.map(Healthy::of).collect::<Vec<_>>());
        // The anchors must be those that a start will choose, which knows the kept grams alone.
        let healthy = Healthy::parse(&grams);
        let anchors_for = |windows: &Windows| {
            let knowledge = Knowledge { healthy: &healthy, windows, searched: windows };
            Ok::<_, Vec<(usize, CompileError)>>(Engine::compile_knowing(patterns, asked, knowledge)?.anchors)
        };
        let mut windows = Windows::none(Filter::Halves);
        for _ in 0..ROUNDS {
            // What a window stands for alone may find another that serves it too.
            let shared = windows.shared(&anchors_for(&windows)?);
            windows = windows_of(&anchors_for(&shared)?, &counted, Filter::Halves);
        }
        // The anchors are the same whatever the processor, so these have no say in them.
        let pairs = windows_of(&anchors_for(&windows)?, &counted, Filter::Pairs);
        Ok(Trained { grams, windows: windows.to_text(), pairs: pairs.to_text() })
    }

    /// The patterns compiled with this.
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub fn compile(&self, patterns: &[Arc<Pattern>], asked: Asked<'_>) -> Result<Engine, Vec<(usize, CompileError)>> {
        let (healthy, windows) = (Healthy::parse(&self.grams), Windows::parse(&self.windows, Filter::Halves));
        let searched = match Search::filter() {
            Filter::Halves => windows.clone(),
            Filter::Pairs => Windows::parse(&self.pairs, Filter::Pairs),
        };
        Engine::compile_knowing(
            patterns,
            asked,
            Knowledge { healthy: &healthy, windows: &windows, searched: &searched },
        )
    }
}

/// What patterns say in words.
fn words(patterns: &[Arc<Pattern>]) -> String {
    let of = |pattern: &Arc<Pattern>| format!("{}\n{}\n{}\n", pattern.title, pattern.cause, pattern.fix.join("\n"));
    patterns.iter().map(of).collect()
}
