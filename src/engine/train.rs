//! What is learned from healthy logs once, kept as text beside this file, and read by every start.
//!
//! Two tables: how often each four bytes stand in healthy logs (`grams.txt`, see [`Healthy`]), by which rare fragments are told;
//! and which four bytes of each anchor are looked for, in which bucket (`windows.txt`, see [`Windows`]). Neither decides what is
//! found. Patterns that training didn't see are placed when they are compiled, as well as the first table allows.

use std::sync::{Arc, LazyLock};

use super::compile::CompileError;
use super::healthy::Healthy;
use super::search::{Windows, windows_of};
use super::{Asked, Engine, Knowledge};
use crate::pattern::model::Pattern;

const WINDOWS: &str = include_str!("trained/windows.txt");

/// The commonest grams are kept: enough to tell rare from common, and quickly read.
const KEPT: usize = 12 << 10;

/// How often anchors are chosen for the windows there are, and windows for these anchors.
const ROUNDS: usize = 3;

/// The windows that were chosen for the built-in packs.
pub(super) fn builtin() -> &'static Windows {
    static BUILT_IN: LazyLock<Windows> = LazyLock::new(|| Windows::parse(WINDOWS));
    &BUILT_IN
}

/// What training gives: the texts of the two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Of `grams.txt`.
    pub grams: String,
    /// Of `windows.txt`.
    pub windows: String,
}

impl Trained {
    /// What this binary was built with.
    pub fn builtin() -> Trained {
        Trained { grams: super::healthy::BUILTIN.to_owned(), windows: WINDOWS.to_owned() }
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
        let mut windows = Windows::default();
        for _ in 0..ROUNDS {
            let anchors_for = |windows: &Windows| {
                let knowledge = Knowledge { healthy: &healthy, windows };
                Ok::<_, Vec<(usize, CompileError)>>(Engine::compile_knowing(patterns, asked, knowledge)?.anchors)
            };
            // What a window stands for alone may find another that serves it too.
            let shared = windows.shared(&anchors_for(&windows)?);
            windows = windows_of(&anchors_for(&shared)?, &counted);
        }
        Ok(Trained { grams, windows: windows.to_text() })
    }

    /// The patterns compiled with this.
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub fn compile(&self, patterns: &[Arc<Pattern>], asked: Asked<'_>) -> Result<Engine, Vec<(usize, CompileError)>> {
        let (healthy, windows) = (Healthy::parse(&self.grams), Windows::parse(&self.windows));
        Engine::compile_knowing(patterns, asked, Knowledge { healthy: &healthy, windows: &windows })
    }
}

/// What patterns say in words.
fn words(patterns: &[Arc<Pattern>]) -> String {
    let of = |pattern: &Arc<Pattern>| format!("{}\n{}\n{}\n", pattern.title, pattern.cause, pattern.fix.join("\n"));
    patterns.iter().map(of).collect()
}
