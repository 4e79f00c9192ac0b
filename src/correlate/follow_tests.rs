use proptest::prelude::*;

use super::*;
use crate::pattern::model::Matches;
use crate::yaml;

const SECOND: i64 = 1_000_000_000;

/// What is followed, in short: `ab` is a then b, a doubled letter is a count, `!` begins what denies it.
fn correlation(plan: &str, within: u64) -> Correlation {
    let (steps, denial) = plan.split_once('!').unwrap_or((plan, ""));
    let mut counts: Vec<(char, usize)> = Vec::new();
    for letter in steps.chars() {
        match counts.last_mut().filter(|last| last.0 == letter) {
            Some(last) => last.1 += 1,
            None => counts.push((letter, 1)),
        }
    }
    let step = |(letter, count): &(char, usize)| format!("all: [{letter}], count: {count}");
    let steps = match &counts[..] {
        [one] => step(one),
        several => format!("sequence: [{{ {} }}]", several.iter().map(step).collect::<Vec<_>>().join(" }, { ")),
    };
    let denial = if denial.is_empty() { String::new() } else { format!(", unless: {{ all: [{denial}] }}") };
    let text = format!("{{ {steps}, within: {within}s{denial} }}");
    match yaml::read::<Matches>(&yaml::parse(&text).unwrap()) {
        Ok(Matches::Correlated(correlation)) => correlation,
        other => panic!("{text}: {other:?}"),
    }
}

/// A record: its letters, its second, and its key (of one part) if any.
type Record = (String, i64, Option<String>);

/// The parts that letters meet.
fn parts(plan: &str, letters: &str) -> Vec<usize> {
    let mut all: Vec<char> = plan.chars().filter(|letter| *letter != '!').collect();
    all.dedup();
    all.iter().enumerate().filter(|(_, letter)| letters.contains(**letter)).map(|(part, _)| part).collect()
}

/// Matches as the places of their records in the log, those of the end last.
fn followed(plan: &str, within: u64, log: &[Record], keyed: bool) -> (Vec<Vec<usize>>, Follower<usize>) {
    let mut follower = Follower::new(&correlation(plan, within));
    let mut matches = Vec::new();
    for (place, (letters, second, key)) in log.iter().enumerate() {
        let key = if keyed { vec![key.clone()] } else { Vec::new() };
        follower.observe(second * SECOND, &parts(plan, letters), &key, place, &mut matches);
    }
    follower.finish(&mut matches);
    (matches, follower)
}

/// A log such as `a0 b3 ab7x`: letters, second, key.
fn log(text: &str) -> Vec<Record> {
    let record = |word: &str| {
        let digits = word.find(|c: char| c.is_ascii_digit()).unwrap();
        let key = word.rfind(|c: char| c.is_ascii_digit()).unwrap() + 1;
        let own = Some(word[key..].to_owned()).filter(|key| !key.is_empty());
        (word[..digits].to_owned(), word[digits..key].parse().unwrap(), own)
    };
    text.split_whitespace().map(record).collect()
}

fn told(plan: &str, within: u64, text: &str) -> Vec<String> {
    let log = log(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let keyed = log.iter().any(|(_, _, key)| key.is_some());
    let (matches, _) = followed(plan, within, &log, keyed);
    matches.iter().map(|used| used.iter().map(|&place| words[place]).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn steps_counts_and_time() {
    let table: &[(&str, &str, &[&str])] = &[
        ("ab", "a0 b5", &["a0 b5"]),
        ("ab", "b0 a5", &[]),
        ("ab", "a0 b10", &["a0 b10"]),
        ("ab", "a0 b11", &[]),
        // A step that stands late is where its time says; at the same time, where it stands.
        ("ab", "b5 a3", &["a3 b5"]),
        ("ab", "b5 a5", &[]),
        ("abc", "a0 c6 b5", &["a0 b5 c6"]),
        // A record serves once.
        ("ab", "a0 a1 b2 b3", &["a0 b2", "a1 b3"]),
        ("ab", "a0 b1 b2", &["a0 b1"]),
        ("ab", "ab0", &[]),
        ("ab", "ab0 ab1 ab2 ab3", &["ab0 ab1", "ab2 ab3"]),
        ("aaa", "a0 a5 a10", &["a0 a5 a10"]),
        ("aaa", "a0 a5 a11 a12", &["a5 a11 a12"]),
        ("aaa", "a0 a1 a2 a3 a4", &["a0 a1 a2"]),
        ("aab", "a0 b1 a2 b3", &["a0 a2 b3"]),
        ("abb", "a0 b1 b2", &["a0 b1 b2"]),
        ("aba", "a0 b1 a2", &["a0 b1 a2"]),
        // The first that begins may be too old.
        ("abc", "a0 a5 b6 c12", &["a5 b6 c12"]),
        // Keys stay apart.
        ("ab", "a0x b1y b2x", &["a0x b2x"]),
        ("aa", "a0x a1y a2y", &["a1y a2y"]),
        ("ab", "a0 b1x", &[]),
    ];
    for (plan, log, want) in table {
        assert_eq!(told(plan, 10, log), *want, "{plan} over {log}");
    }
}

#[test]
fn what_denies() {
    let table: &[(&str, &str, &[&str])] = &[
        // At its end, or once the time is over.
        ("a!n", "a0", &["a0"]),
        ("a!n", "a0 n5", &[]),
        ("a!n", "a0 n10", &[]),
        ("a!n", "a0 n11", &["a0"]),
        ("a!n", "n0 a0", &[]),
        ("a!n", "n0 a1", &["a1"]),
        ("a!n", "an0", &[]),
        // Late, but before the time is over.
        ("a!n", "a0 a8 n4", &["a8"]),
        ("a!n", "a0 a11 n4", &["a0", "a11"]),
        ("a!n", "n5 a3", &[]),
        ("ab!n", "a0 b1 n2", &[]),
        ("ab!n", "a0 n1 b2", &[]),
        ("ab!n", "a0 b2 n11", &["a0 b2"]),
        // Each match by itself.
        ("ab!n", "a0 n1 a2 b3 a20", &["a2 b3"]),
        ("aa!n", "a0 a1 n2 a20 a21", &["a20 a21"]),
        ("aa!n", "a0 a6 n15 a30", &["a0 a6"]),
        // Of its own key, or of all.
        ("a!n", "a0x a1y n2x", &["a1y"]),
        ("a!n", "a0x a1y n2", &[]),
    ];
    for (plan, log, want) in table {
        assert_eq!(told(plan, 10, log), *want, "{plan} over {log}");
    }
}

#[test]
fn state_is_bounded_and_what_goes_is_counted() {
    let mut follower = Follower::new(&correlation("ab", 80_000));
    let mut matches = Vec::new();
    for place in 0..1000 {
        follower.observe(place, &[0], &vec![], place, &mut matches);
    }
    assert_eq!((follower.keys[&vec![]].len(), follower.evicted), (KEPT, 1000 - KEPT as u64));
    // What nothing has begun for is let go without a word, and never in the place of a beginning.
    let mut follower = Follower::new(&correlation("abc", 80_000));
    (0..1000).for_each(|place| follower.observe(place, &[2], &vec![], place, &mut matches));
    assert_eq!(follower.evicted, 0);
    follower.observe(1000, &[0], &vec![], 1000, &mut matches);
    (1001..2000).for_each(|place| follower.observe(place, &[2], &vec![], place, &mut matches));
    follower.observe(2000, &[1], &vec![], 2000, &mut matches);
    follower.observe(2001, &[2], &vec![], 2001, &mut matches);
    assert_eq!(matches, [[1000, 2000, 2001]]);
    let mut follower = Follower::new(&correlation("ab", 80_000));
    for place in 0..1000 {
        follower.observe(place, &[0], &vec![Some(place.to_string())], place, &mut matches);
    }
    assert_eq!((follower.keys.len(), follower.evicted), (KEYS, 1000 - KEYS as u64));
    follower.evict();
    assert_eq!((follower.oldest(), follower.evicted), (Some(1000 - KEYS as i64 + 1), 1000 - KEYS as u64 + 1));
}

#[test]
fn a_source_goes_on_in_another_file() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        ("ab", "a0", "b5", &["a0 b5"]),
        ("ab", "a0", "b11", &[]),
        ("aaa", "a0 a1", "a2", &["a0 a1 a2"]),
        ("a!n", "a0", "n5", &[]),
        ("a!n", "a0", "n11", &["a0"]),
        ("a!n", "n5", "a3", &[]),
    ];
    for (plan, one, other, want) in table {
        let correlation = correlation(plan, 10);
        let run = |text: &'static str| {
            let mut follower = Follower::new(&correlation);
            let mut matches = Vec::new();
            for (letters, second, _) in log(text) {
                let word = format!("{letters}{second}");
                follower.observe(second * SECOND, &parts(plan, &letters), &vec![], word, &mut matches);
            }
            (follower, matches)
        };
        let (earlier, mut matches) = run(one);
        let (mut later, more) = run(other);
        matches.extend(more);
        later.go_on_from(earlier, &mut matches);
        later.finish(&mut matches);
        let told: Vec<String> = matches.iter().map(|used| used.join(" ")).collect();
        assert_eq!(told, *want, "{plan} over {one} and {other}");
    }
}

/// The same in the plainest words: all records of a key, marked as they are used; every possible match tried.
fn oracle(plan: &str, within: i64, log: &[Record], keyed: bool) -> Vec<Vec<usize>> {
    let (steps, denial) = plan.split_once('!').unwrap_or((plan, ""));
    let steps: Vec<char> = steps.chars().collect();
    let mut used = vec![false; log.len()];
    let mut gone = vec![false; log.len()];
    let mut matches = Vec::new();
    let key_of = |place: usize| if keyed { log[place].2.clone() } else { Some(String::new()) };
    for now in 0..=log.len() {
        let time = log.get(now).map_or(i64::MAX, |(_, second, _)| *second);
        let mut known: Vec<usize> = (0..now).collect();
        known.sort_by_key(|&place| (log[place].1, place));
        // What is too old by now goes; where something may deny a match, it is decided just then.
        let mut keys: Vec<_> = (0..now).filter_map(key_of).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            for &begin in known.iter().filter(|&&place| key_of(place).as_ref() == Some(&key)) {
                if used[begin] || gone[begin] || log[begin].1 >= time - within {
                    continue;
                }
                if !denial.is_empty() && !denied(begin, denial, within, log, now, keyed) {
                    let free = |place: usize| !used[place] && !gone[place] && key_of(place).as_ref() == Some(&key);
                    if let Some(found) = first(&steps, begin, within, log, &known, &free) {
                        found.iter().for_each(|&place| used[place] = true);
                        matches.push(found);
                    }
                }
                gone[begin] = true;
            }
        }
        if now == log.len() || !denial.is_empty() {
            continue;
        }
        // What has just come may make a match whole.
        let place = known.partition_point(|&other| (log[other].1, other) < (log[now].1, now));
        known.insert(place, now);
        let Some(key) = key_of(now) else { continue };
        let free = |place: usize| !used[place] && !gone[place] && key_of(place).as_ref() == Some(&key);
        let found = known.iter().filter(|&&place| free(place));
        if let Some(found) = { found }.find_map(|&begin| first(&steps, begin, within, log, &known, &free)) {
            found.iter().for_each(|&place| used[place] = true);
            matches.push(found);
        }
    }
    matches
}

fn denied(begin: usize, denial: &str, within: i64, log: &[Record], now: usize, keyed: bool) -> bool {
    log[..now].iter().any(|(letters, second, key)| {
        let same = !keyed || key.is_none() || *key == log[begin].2;
        letters.contains(denial) && same && *second >= log[begin].1 && *second <= log[begin].1 + within
    })
}

/// Of all matches that begin there, the one whose records come first.
fn first(
    steps: &[char],
    begin: usize,
    within: i64,
    log: &[Record],
    known: &[usize],
    free: &dyn Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    let [step, rest @ ..] = steps else { return Some(Vec::new()) };
    if !free(begin) || !log[begin].0.contains(*step) {
        return None;
    }
    if rest.is_empty() {
        return Some(vec![begin]);
    }
    let place = known.iter().position(|&place| place == begin)?;
    known[place + 1..].iter().find_map(|&next| {
        // The first record of all decides how far it may go.
        let left = within - (log[next].1 - log[begin].1);
        let found = (left >= 0).then(|| first(rest, next, left, log, known, free))??;
        Some([vec![begin], found].concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_follower_says_what_the_plainest_words_say(
        plan in prop::sample::select(vec!["ab", "aa", "aba", "abc", "aab", "abb", "a!n", "ab!n", "aa!n", "aab!n"]),
        records in prop::collection::vec(("[abcn]{1,2}", 0..4i64, prop::sample::select(vec!["x", "y", ""])), 0..14),
        late in prop::collection::vec(0..3i64, 14),
        within in 2..8u64,
        keyed in any::<bool>(),
    ) {
        let mut clock = 100;
        let log: Vec<Record> = records.into_iter().zip(late).map(|((letters, ahead, key), late)| {
            clock += ahead;
            (letters, clock - late, Some(key.to_owned()).filter(|key| !key.is_empty()))
        }).collect();
        let want = oracle(plan, within as i64, &log, keyed);
        let (got, follower) = followed(plan, within, &log, keyed);
        prop_assert_eq!(got, want, "{} within {} over {:?}", plan, within, log);
        prop_assert!(follower.is_idle() && follower.evicted == 0);
    }
}
