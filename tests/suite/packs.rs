//! The built-in packs: every example of every pattern, and nothing to lint.

use faultscope::classify::{cross, examples};
use faultscope::pattern::lint;

use crate::support::BUILTIN;

#[test]
fn every_example_of_every_pattern_holds() {
    let failed: Vec<String> = BUILTIN
        .set
        .patterns
        .iter()
        .flat_map(|located| {
            let failures = examples::run(&BUILTIN, located);
            failures.into_iter().map(move |f| {
                format!(
                    "{}:{}: {} {} example {}: {}",
                    located.file, located.line, located.pattern.id, f.list, f.number, f.failure
                )
            })
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn nothing_to_lint() {
    let problems: Vec<String> = lint::lint(&BUILTIN.set).iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn patterns_that_recognise_each_others_examples_say_why() {
    let undeclared: Vec<String> =
        cross::overlaps(&BUILTIN).iter().map(|overlap| format!("{:?} {:?}", overlap.ids, overlap.examples)).collect();
    assert!(undeclared.is_empty(), "{}", undeclared.join("\n"));
}
