use proptest::prelude::*;

use super::*;
use crate::pattern::sources::PackSource;
use crate::pattern::{PatternSet, lint};

fn load(text: &str) -> Result<PatternSet, Vec<String>> {
    let source = PackSource { name: "p.yaml".into(), text: text.to_owned().into(), builtin: false };
    PatternSet::load(&[source]).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn kind<'a>(template: &'a str, log: &'a str, healthy: &'a [String]) -> Kind<'a> {
    let found = "7 records, the first in press.log:3";
    let severity = Severity::Error;
    Kind { template, found, log, text: log, container: Some("press"), severity, level: Some("error"), healthy }
}

fn pack_of(kinds: &[Kind<'_>]) -> String {
    let drafts: Vec<(&Kind<'_>, String)> = kinds.iter().filter_map(|kind| Some((kind, draft(kind)?))).collect();
    pack(&drafts.iter().map(|(kind, text)| (*kind, text.as_str())).collect::<Vec<_>>()).0
}

#[test]
fn a_whole_draft() {
    let healthy = ["hydraulic squeezer warmed up", "hydraulic squeezer sq-1 squeezed 40 mangoes", "all is well"]
        .map(String::from);
    let log = "2031-03-09T04:05:06Z ERROR hydraulic squeezer sq-7 jammed after 41 mangoes";
    let kinds = [
        kind("hydraulic squeezer <*> jammed after <*> mangoes", log, &healthy),
        // The same words in another log, and no neighbour.
        Kind { healthy: &[], ..kind("hydraulic squeezer <*> jammed, after <*> mangoes", "ERROR mangoes jammed", &[]) },
    ];
    let text = pack_of(&kinds);
    insta::assert_snapshot!(text);
    let set = load(&text).unwrap();
    let told: Vec<String> = lint::lint(&set).iter().map(ToString::to_string).collect();
    for blank in ["the id is a draft's", "`cause`", "`fix`", "`references`", "`tests.silent`"] {
        assert!(told.iter().any(|problem| problem.contains(blank)), "{blank}: {told:?}");
    }
}

/// Template, text, and the literals with whether they are weak.
type Row = (&'static str, &'static str, Option<(&'static [&'static str], bool)>);

#[test]
fn literals_stand_in_the_text() {
    let table: &[Row] = &[
        (
            "secret <*> is not of this press: <*>",
            "secret \"a\" is not of this press: b",
            Some((&["secret", "is not of this press"], false)),
        ),
        // A message and an error, from two fields.
        (
            "Reconciler gave up: cannot squeeze <*>",
            r#"{"msg":"Reconciler gave up","error":"cannot squeeze 7"}"#,
            Some((&["Reconciler gave up", "cannot squeeze"], false)),
        ),
        // Blanks that were made one.
        (
            "squeezer warped beyond  repair",
            "squeezer   warped beyond\trepair",
            Some((&["squeezer", "warped beyond", "repair"], false)),
        ),
        ("error <*>", "error 7", Some((&["error"], true))),
        ("<*> <*>", "7 8", None),
        ("ab <*>", "ab 8", None),
    ];
    for (template, text, want) in table {
        let got = literals(template, text);
        let got = got.as_ref().map(|(found, weak)| (found.iter().map(String::as_str).collect::<Vec<_>>(), *weak));
        assert_eq!(got, want.map(|(found, weak)| (found.to_vec(), weak)), "{template}");
    }
}

#[test]
fn common_words_alone_want_the_level_too() {
    let weak = kind("error <*>", "ERROR error 7", &[]);
    assert!(draft(&weak).unwrap().contains("      fields: { level: error }\n"));
    assert!(!draft(&Kind { level: None, ..weak }).unwrap().contains("fields"));
}

#[test]
fn ids_and_titles() {
    let titles = [
        ("no pears in <*>", "No pears in …"),
        ("PressError: <*>.", "PressError: …"),
        ("<*>: stuck:", "…: stuck"),
        ("", "A failure without words"),
    ];
    for (template, want) in titles {
        assert_eq!(title(template), want);
    }
    assert!(title(&"pear ".repeat(50)).len() <= TITLE + "…".len());
    let kinds =
        [kind("stuck squeezer <*>", "stuck squeezer 1", &[]), kind("stuck squeezer: <*>", "stuck squeezer: 2", &[])];
    let texts: Vec<String> = kinds.iter().filter_map(draft).collect();
    let drafts: Vec<(&Kind<'_>, &str)> = kinds.iter().zip(&texts).map(|(kind, text)| (kind, text.as_str())).collect();
    assert_eq!(pack(&drafts).1, ["draft.press.stuck-squeezer", "draft.press.stuck-squeezer-2"]);
}

proptest! {
    #[test]
    fn any_draft_loads(template in "(<\\*>|[ -~äß\\u{1b}]){0,60}", log in "(?s).{0,80}", container in proptest::option::of("[ -~]{1,9}")) {
        let log = format!("x{log} {template}");
        let healthy = [log.clone(), format!("y{template}")];
        let kind = Kind { container: container.as_deref(), ..kind(&template, &log, &healthy) };
        if draft(&kind).is_some() {
            let text = pack_of(std::slice::from_ref(&kind));
            let set = load(&text).map_err(|problems| TestCaseError::fail(format!("{problems:?}\n{text}")))?;
            prop_assert_eq!(&set.patterns[0].pattern.tests.fires[0].log, log.trim_end_matches('\n'), "{}", text);
        }
    }
}
