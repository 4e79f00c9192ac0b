use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::pattern::cre::{Step, Term};

const SECOND: i64 = 1_000_000_000;

/// A rule in short: `ab` a sequence of a and b, `{ab}` a set; a doubled letter is a count.
fn logic(rule: &str, window: u64, negations: Vec<Negation>) -> Arc<Logic> {
    let ordered = !rule.starts_with('{');
    let mut steps: Vec<Step> = Vec::new();
    for letter in rule.chars().filter(char::is_ascii_lowercase) {
        let term = Term::Value(letter.into());
        let same = match ordered {
            true => steps.last_mut().filter(|last| last.term == term),
            false => steps.iter_mut().find(|step| step.term == term),
        };
        match same {
            Some(step) => step.count += 1,
            None => steps.push(Step { term, count: 1 }),
        }
    }
    Arc::new(Logic { ordered, steps, window: Some(Duration::from_secs(window)), negations })
}

fn no(letter: char) -> Negation {
    Negation {
        term: Term::Value(letter.into()),
        window: SignedDuration::ZERO,
        slide: SignedDuration::ZERO,
        anchor: 0,
        absolute: false,
    }
}

/// The matches over a log such as `a0 b3 ab7`: each entry's letters, and its second. Told as the seconds of the entries used, with
/// `!` before those that only the end of the log decided.
fn matches(logic: &Arc<Logic>, log: &str) -> Vec<String> {
    let mut machine = Machine::new(logic.clone());
    let mut found = Vec::new();
    for entry in log.split_whitespace() {
        let digits = entry.find(|c: char| c.is_ascii_digit()).unwrap();
        let (letters, second) = entry.split_at(digits);
        let holds = |term: &Term| matches!(term, Term::Value(letter) if letters.contains(letter.as_str()));
        let matched: Vec<bool> = logic.terms().map(holds).collect();
        let time = second.parse::<i64>().unwrap() * SECOND;
        if matched.contains(&true) {
            machine.observe(time, &matched, &entry, &mut found);
        } else {
            machine.advance(time, &mut found);
        }
    }
    let told = |used: &Vec<At<&str>>| used.iter().map(|at| at.entry).collect::<Vec<_>>().join(" ");
    let mut all: Vec<String> = found.iter().map(told).collect();
    let mut late = Vec::new();
    machine.finish(&mut late);
    all.extend(late.iter().map(|used| format!("!{}", told(used))));
    assert!(machine.is_idle());
    all
}

#[test]
fn windows_order_and_reuse() {
    let table: &[(&str, u64, &str, &[&str])] = &[
        // A sequence wants its order; a set doesn't.
        ("ab", 10, "a0 b5", &["a0 b5"]),
        ("ab", 10, "b0 a5", &[]),
        ("{ab}", 10, "b0 a5", &["b0 a5"]),
        // The window's end is within it.
        ("ab", 10, "a0 b10", &["a0 b10"]),
        ("ab", 10, "a0 b11", &[]),
        ("{ab}", 10, "b0 a10", &["b0 a10"]),
        ("{ab}", 10, "b0 a11", &[]),
        // Equal times are in order, whichever line comes first where the first step is known already.
        ("ab", 10, "a5 b5", &["a5 b5"]),
        ("ab", 10, "b5 a5", &[]),
        // Older entries are passed over.
        ("ab", 10, "a5 b3 b6", &["a5 b6"]),
        ("{ab}", 10, "a5 b3", &[]),
        // An entry serves one match; the rest goes on.
        ("ab", 10, "a0 a1 b2 b3", &["a0 b2", "a1 b3"]),
        ("ab", 10, "a0 b1 b2", &["a0 b1"]),
        ("{ab}", 10, "a0 a1 b2 b3", &["a0 b2", "a1 b3"]),
        // One entry may serve several terms of a set, and advances a sequence by one step.
        ("{ab}", 10, "ab0", &["ab0 ab0"]),
        ("ab", 10, "ab0", &[]),
        ("ab", 10, "ab0 ab1", &["ab0 ab1"]),
        ("ab", 10, "ab0 ab1 ab2", &["ab0 ab1", "ab1 ab2"]),
        // Counts.
        ("{aaa}", 10, "a0 a1 a2", &["a0 a1 a2"]),
        ("{aaa}", 10, "a0 a5 a11", &[]),
        ("{aaa}", 10, "a0 a5 a11 a12", &["a5 a11 a12"]),
        ("aab", 10, "a0 b1", &[]),
        ("aab", 10, "a0 a1 b2", &["a0 a1 b2"]),
        ("abb", 10, "a0 b1 b2", &["a0 b1 b2"]),
        ("aba", 10, "a0 b1 a2", &["a0 b1 a2"]),
        ("{aba}", 10, "b0 a1 a2", &["b0 a1 a2"]),
        // Old first steps make room for younger ones.
        ("abc", 10, "a0 a5 b6 c12", &["a5 b6 c12"]),
        ("abc", 10, "a0 b4 a5 c12", &[]),
    ];
    for (rule, window, log, want) in table {
        assert_eq!(matches(&logic(rule, *window, Vec::new()), log), *want, "{rule} within {window} s over {log}");
    }
}

#[test]
fn what_must_not_stand_there() {
    let seconds = SignedDuration::from_secs;
    let n = || no('n');
    let table: &[(&str, Negation, &str, &[&str])] = &[
        // By itself: from the first entry to the last, both included.
        ("ab", n(), "a0 b5 x6", &["a0 b5"]),
        ("ab", n(), "a0 n3 b5 x6", &[]),
        ("ab", n(), "a0 n0 b5 x6", &[]),
        ("ab", n(), "a0 b5 n5 x6", &[]),
        ("ab", n(), "a0 b5 n6", &["a0 b5"]),
        ("ab", n(), "n0 a1 b5 x6", &["a1 b5"]),
        ("{ab}", n(), "b0 n3 a5 x6", &[]),
        // Decided by a later entry, or by the end.
        ("ab", n(), "a0 b5", &["!a0 b5"]),
        ("ab", n(), "a0 b5 x5", &["!a0 b5"]),
        // A window goes on after the last entry.
        ("ab", Negation { window: seconds(10), ..n() }, "a0 b5 n14 x30", &[]),
        ("ab", Negation { window: seconds(10), ..n() }, "a0 b5 n16 x30", &["a0 b5"]),
        ("ab", Negation { window: seconds(10), ..n() }, "a0 b5 x15 n16", &["a0 b5"]),
        ("ab", Negation { window: seconds(10), absolute: true, ..n() }, "a0 b5 n11 x30", &["a0 b5"]),
        ("ab", Negation { window: seconds(10), absolute: true, ..n() }, "a0 b5 n10 x30", &[]),
        // A slide moves it, back or on.
        ("ab", Negation { slide: seconds(-5), window: seconds(5), ..n() }, "n0 a4 b5 x20", &[]),
        ("ab", Negation { slide: seconds(-5), window: seconds(5), ..n() }, "n0 a6 b7 x20", &["a6 b7"]),
        ("ab", Negation { slide: seconds(3), ..n() }, "a0 n1 b5 x20", &["a0 b5"]),
        ("ab", Negation { slide: seconds(3), ..n() }, "a0 n3 b5 x20", &[]),
        // An anchor begins it elsewhere, and what is anchored is what goes.
        ("ab", Negation { anchor: 1, window: seconds(2), ..n() }, "a0 n3 b5 x20", &["a0 b5"]),
        ("ab", Negation { anchor: 1, window: seconds(2), ..n() }, "a0 b5 n6 b15 x30", &[]),
        ("ab", Negation { anchor: 1, absolute: true, window: seconds(2), ..n() }, "a0 b5 n6 b9 x30", &["a0 b9"]),
        ("ab", n(), "a0 n1 a2 b5 x6", &["a2 b5"]),
        // One entry alone: its own instant.
        ("{a}", n(), "a0 x1", &["a0"]),
        ("{a}", n(), "an0 a1 x2", &["a1"]),
        ("{a}", Negation { window: seconds(5), ..n() }, "a0 n4 a10 x20", &["a10"]),
    ];
    for (rule, negation, log, want) in table {
        let logic = logic(rule, 10, vec![negation.clone()]);
        assert_eq!(matches(&logic, log), *want, "{rule} without {negation:?} over {log}");
    }
}

#[test]
fn several_denials_are_asked_in_their_order() {
    let waits = Negation { window: SignedDuration::from_secs(20), ..no('m') };
    let logic = logic("ab", 10, vec![waits, no('n')]);
    // The first still waits when the second would deny; in the end it is denied all the same.
    assert_eq!(matches(&logic, "a0 n1 b2 x5"), [""; 0]);
    assert_eq!(matches(&logic, "a0 b2 x5 x30"), ["a0 b2"]);
}

#[test]
fn state_is_bounded() {
    let logic = logic("{ab}", 1_000_000, Vec::new());
    let mut machine = Machine::new(logic);
    let mut found = Vec::new();
    for time in 0..10_000 {
        machine.observe(time, &[true, false], &(), &mut found);
    }
    assert_eq!((machine.queues[0].len(), machine.evicted), (KEPT, 10_000 - KEPT as u64));
    machine.observe(10_000, &[false, true], &(), &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0].time, 10_000 - KEPT as i64);
}

#[test]
fn what_is_wanted_when() {
    let before = Negation { slide: SignedDuration::from_secs(-1), ..no('x') };
    // By step, then by negation: what it wants at first, and once the first step was seen.
    let table = [
        (logic("abc", 9, vec![no('x')]), [true, false, false, false], [true, true, false, true]),
        (logic("{abc}", 9, vec![no('x')]), [true, true, true, false], [true, true, true, true]),
        (logic("abc", 9, vec![before]), [true, false, false, true], [true, true, false, true]),
    ];
    for (logic, first, begun) in table {
        let wanted = |machine: &Machine<()>| [0, 1, 2, 3].map(|place| machine.wants(place));
        let mut machine = Machine::new(logic.clone());
        assert_eq!([0, 1, 2, 3].map(|place| may_begin(&logic, place)), first);
        assert_eq!(wanted(&machine), first);
        machine.observe(SECOND, &[true, false, false, false], &(), &mut Vec::new());
        assert_eq!(wanted(&machine), begun);
        machine.finish(&mut Vec::new());
        assert_eq!(wanted(&machine), first);
    }
}
