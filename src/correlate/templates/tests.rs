use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;

fn joined(messages: &[&str]) -> (Templates, Vec<u64>) {
    let mut templates = Templates::new(100);
    let ids = messages.iter().map(|message| templates.join(message).id).collect();
    (templates, ids)
}

#[test]
fn what_is_alike_becomes_one_template() {
    let table: &[(&[&str], &[&str])] = &[
        // The same words.
        (&["press jammed", "press jammed"], &["press jammed"]),
        // One name differs.
        (&["pear a of press is lost", "pear b of press is lost"], &["pear <*> of press is lost"]),
        // Too much differs: two failures that only begin alike.
        (&["failed to press a", "failed to peel a"], &["failed to <*> a"]),
        (&["failed to press pear a", "failed to peel apple a"], &["failed to press pear a", "failed to peel apple a"]),
        (&["no pears", "no figs"], &["no pears", "no figs"]),
        // Other lengths, and other first words.
        (&["no pears left", "no pears left here"], &["no pears left", "no pears left here"]),
        (
            &["all pears of a are lost", "the pears of a are lost"],
            &["all pears of a are lost", "the pears of a are lost"],
        ),
        // Words that vary say nothing of likeness.
        (&["press <*> <*> lost", "press <*> <*> found"], &["press <*> <*> lost", "press <*> <*> found"]),
        (&["<*>: pear a of press is lost", "a=<*> pear a of press is lost"], &["<*> pear a of press is lost"]),
    ];
    for (messages, want) in table {
        let (templates, mut ids) = joined(messages);
        ids.dedup();
        let got: Vec<String> = ids.iter().filter_map(|id| templates.text(*id)).collect();
        assert_eq!(&got, want, "{messages:?}");
    }
}

#[test]
fn a_message_joins_the_nearest() {
    let (_, ids) = joined(&["a b c d e f g h i j", "a b c d e f g x y z", "a b c d e f g h y z"]);
    assert_eq!(ids, [0, 0, 0]);
    let (_, ids) = joined(&["a b c d e f p q r s", "a b c d e f g x y z", "a b c d e f g h y z"]);
    assert_eq!(ids, [0, 1, 1]);
}

#[test]
fn the_one_seen_longest_ago_goes() {
    let mut templates = Templates::new(2);
    assert_eq!(templates.join("pears"), Joined { id: 0, new: true, evicted: None });
    assert_eq!(templates.join("figs"), Joined { id: 1, new: true, evicted: None });
    assert_eq!(templates.join("pears"), Joined { id: 0, new: false, evicted: None });
    assert_eq!(templates.join("plums"), Joined { id: 2, new: true, evicted: Some(1) });
    assert_eq!(templates.text(1), None);
    assert_eq!(templates.join("figs"), Joined { id: 3, new: true, evicted: Some(0) });
}

/// Few words, so that messages are often alike.
fn message() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["[a-d]", Just(WILD.to_owned()), "[ab]=<\\*>"], 0..9)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn a_template_matches_everything_it_was_made_of(messages in proptest::collection::vec(message(), 0..60)) {
        let mut templates = Templates::new(usize::MAX);
        let mut of: HashMap<u64, Vec<&str>> = HashMap::new();
        for message in &messages {
            let first = templates.join(message);
            prop_assert_eq!(templates.join(message).id, first.id);
            of.entry(first.id).or_default().push(message);
        }
        for (id, messages) in of {
            let template = &templates.templates[&id];
            for message in messages {
                prop_assert!(template.matches(&words(message).collect::<Vec<_>>()), "{:?} {}", template, message);
            }
        }
    }

    #[test]
    fn nothing_grows_without_bound(
        messages in proptest::collection::vec(prop_oneof![message(), "\\PC{0,30}"], 0..80),
        limit in 0usize..6,
    ) {
        let mut templates = Templates::new(limit);
        let mut there = Vec::new();
        for message in &messages {
            let joined = templates.join(message);
            there.retain(|id| Some(*id) != joined.evicted);
            if joined.new {
                there.push(joined.id);
            }
            prop_assert!(templates.len() <= limit.max(1) && templates.len() == there.len());
            prop_assert_eq!(templates.ages.len(), templates.len());
            prop_assert_eq!(templates.leaves.values().map(Vec::len).sum::<usize>(), templates.len());
            prop_assert!(templates.leaves.values().all(|leaf| !leaf.is_empty()));
            prop_assert!(templates.templates.values().all(|template| template.words.len() <= MAX_WORDS));
        }
    }

    /// Where failures are plainly apart, whichever comes first makes no difference.
    #[test]
    fn order_makes_no_difference_to_failures_that_are_apart(
        mut chosen in subsequence((0..60usize).collect::<Vec<_>>(), 0..60),
        swaps in proptest::collection::vec((any::<Index>(), any::<Index>()), 0..60),
    ) {
        const FAILURES: [&str; 4] =
            ["pear of press NAME is lost", "press NAME is out of order", "pear of press is not ripe: NAME", "NAME failed"];
        let names = ["red", "green", "blue"];
        let message = |number: usize| FAILURES[number % 4].replace("NAME", names[number / 4 % 3]);
        let counts = |chosen: &[usize]| {
            let mut templates = Templates::new(100);
            let mut counts: HashMap<u64, usize> = HashMap::new();
            chosen.iter().for_each(|number| *counts.entry(templates.join(&message(*number)).id).or_default() += 1);
            let mut counts: Vec<_> = counts.into_iter().map(|(id, count)| (templates.text(id), count)).collect();
            counts.sort();
            counts
        };
        let before = counts(&chosen);
        for (one, other) in swaps {
            if !chosen.is_empty() {
                let (one, other) = (one.index(chosen.len()), other.index(chosen.len()));
                chosen.swap(one, other);
            }
        }
        prop_assert_eq!(before, counts(&chosen));
    }
}
