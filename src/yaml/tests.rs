use serde::Deserialize;

use super::{Mistake, parse, read};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Outer {
    name: String,
    #[serde(default)]
    count: Option<i64>,
    inner: Inner,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    colour: Colour,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

fn mistakes(text: &str) -> Vec<String> {
    let result = parse(text).map_err(|m| vec![m]).and_then(|node| read::<Outer>(&node));
    result.err().unwrap_or_default().iter().map(Mistake::to_string).collect()
}

#[test]
fn a_right_text_is_read() {
    let node = parse("name: a\ncount: 3\ninner: {colour: green}\n").unwrap();
    let outer: Outer = read(&node).unwrap();
    assert_eq!(outer, Outer { name: "a".into(), count: Some(3), inner: Inner { colour: Colour::Green } });
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_hint() {
    let table: &[(&str, &[&str])] = &[
        ("nmae: a\ninner: {colour: red}", &["1:1: unknown key `nmae` (did you mean `name`?)"]),
        ("name: 3\ninner: {colour: red}", &["1:7: text is wanted here, not a whole number (put it in quotes)"]),
        (
            "name: a\ncuont: 1\ninner:\n  colour: rad\n  zzzzzzz: 1\n",
            &[
                "2:1: unknown key `cuont` (did you mean `count`?)",
                "4:11: unknown value `rad` (did you mean `red`?)",
                "5:3: unknown key `zzzzzzz` (one of: colour)",
            ],
        ),
        ("name: [a\n", &[""]),
        ("name: a\n", &["1:1: the key `inner` is missing"]),
        ("name: !x a\ninner: {colour: red}\n", &[""]),
    ];
    for (text, want) in table {
        let got = mistakes(text);
        if *want == [""] {
            assert_eq!(got.len(), 1, "{text}: {got:?}");
        } else {
            assert_eq!(&got, want, "{text}");
        }
    }
}

#[test]
fn a_second_document_is_refused() {
    assert!(parse("a: 1\n---\nb: 2\n").unwrap_err().message.contains("second document"));
}
