//! What the search has learned fits the packs there are.

use faultscope::engine::Windows;

use crate::support::BUILTIN;

/// `.ci/run` holds the tables to the last byte. Here it is enough that they are not of another time, or starts would be slow.
#[test]
fn most_anchors_have_a_trained_window() {
    let windows = Windows::parse(include_str!("../../src/engine/trained/windows.txt"));
    let anchors: Vec<&[u8]> =
        (0..BUILTIN.set.patterns.len()).flat_map(|index| BUILTIN.set.engine.anchors_of(index)).collect();
    let covered = anchors.iter().filter(|anchor| windows.cover(anchor)).count();
    let want = "cargo run --release -- patterns train src/engine/trained --healthy tests/data/healthy";
    assert!(covered * 10 >= anchors.len() * 9, "{covered} of {} anchors have a window; run `{want}`", anchors.len());
}
