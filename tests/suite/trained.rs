//! What the search has learned fits the packs there are.

use faultscope::engine::{Filter, Sink, Windows};

use crate::support::BUILTIN;

/// `.ci/run` holds the tables to the last byte. Here it is enough that they are not of another time, or starts would be slow.
#[test]
fn most_anchors_have_a_trained_window() {
    let anchors: Vec<&[u8]> =
        (0..BUILTIN.set.patterns.len()).flat_map(|index| BUILTIN.set.engine.anchors_of(index)).collect();
    let halves = Windows::parse(include_str!("../../src/engine/trained/windows.txt"), Filter::Halves);
    let pairs = Windows::parse(include_str!("../../src/engine/trained/pairs.txt"), Filter::Pairs);
    for windows in [halves, pairs] {
        let covered = anchors.iter().filter(|anchor| windows.cover(anchor)).count();
        let want = "cargo run --release -- patterns train src/engine/trained --healthy tests/data/healthy";
        assert!(
            covered * 10 >= anchors.len() * 9,
            "{covered} of {} anchors have a window; run `{want}`",
            anchors.len()
        );
    }
}

struct Lines(Vec<usize>);

impl Sink for Lines {
    fn line(&mut self, start: usize, hit: usize) -> usize {
        self.0.push(start);
        hit + 1
    }
}

/// Each anchor, wherever it stands among other text, and however near the block's end.
#[test]
fn every_anchor_is_found_at_every_place() {
    let engine = &BUILTIN.set.engine;
    let anchors = (0..BUILTIN.set.patterns.len()).flat_map(|index| engine.anchors_of(index));
    for (number, anchor) in anchors.enumerate() {
        for (before, after) in [(0, 0), (number % 71, 0), (31 + number % 3, 90), (200, number % 67)] {
            let mut block = vec![b'.'; before];
            block.push(b'\n');
            block.extend_from_slice(anchor);
            block.resize(block.len() + after, b'.');
            let mut found = Lines(Vec::new());
            engine.scan(&block, 0, &mut found);
            assert_eq!(found.0.first(), Some(&(before + 1)), "{}", anchor.escape_ascii());
        }
    }
}
