//! What the text of an entry must contain for a jq program over it to hold: keys and strings that the program compares with.
//!
//! As with expressions the answer may be weaker than the program and is never stronger, but for one thing: a plain letter that the
//! entry's writer spelt as `\u0041` is not recognised, which no JSON encoder does.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::load::{self};
use jaq_core::ops::Cmp;
use jaq_core::path::{Part, Path};

use super::required;
use crate::engine::required::{Clause, strongest};

/// Shorter pieces say nothing.
const SHORTEST: usize = 3;

/// The clauses that hold for each entry for which the program has an output other than false and null.
pub(super) fn clauses(program: &str) -> Vec<Clause> {
    load::parse(program, |parser| parser.term()).map_or_else(Vec::new, |term| for_true(&term))
}

/// The term's input is a part of the entry.
fn for_true(term: &Term<&str>) -> Vec<Clause> {
    match term {
        Term::BinOp(left, BinaryOp::And, right) => [for_true(left), for_true(right)].concat(),
        Term::BinOp(left, BinaryOp::Or, right) => either(for_true(left), for_true(right)),
        Term::BinOp(left, BinaryOp::Pipe(None), right) if keys(left).is_some() => for_true(right),
        Term::BinOp(left, BinaryOp::Cmp(Cmp::Eq), right) => {
            for_equal(left, right).or_else(|| for_equal(right, left)).unwrap_or_default()
        }
        Term::BinOp(left, BinaryOp::Cmp(Cmp::Ne), right) if is_null(right) => keys(left).unwrap_or_default(),
        Term::Call("select", arguments) => arguments.first().map_or_else(Vec::new, for_true),
        Term::Call("contains" | "startswith" | "endswith", arguments) => {
            arguments.first().and_then(string).map_or_else(Vec::new, clause)
        }
        Term::Call("test", arguments) if arguments.len() == 1 => {
            string(&arguments[0]).and_then(|text| required(&text).ok()).map_or_else(Vec::new, as_in_json)
        }
        // A value that is there, and not null.
        Term::Id | Term::Path(..) => keys(term).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// One of two holds: one of what each requires stands there.
fn either(left: Vec<Clause>, right: Vec<Clause>) -> Vec<Clause> {
    let both = strongest(left).zip(strongest(right));
    both.map_or_else(Vec::new, |(left, right)| vec![[left, right].concat()])
}

/// A place in the entry holds a string.
fn for_equal(place: &Term<&str>, value: &Term<&str>) -> Option<Vec<Clause>> {
    Some([keys(place)?, clause(string(value)?)].concat())
}

/// The keys of a plain path such as `.spec.volumes[]?`; `None` if it is anything else. They stand in the entry if the path leads to a
/// value other than null.
fn keys(term: &Term<&str>) -> Option<Vec<Clause>> {
    match term {
        Term::Id => Some(Vec::new()),
        Term::Path(from, Path(parts)) => {
            let mut all = keys(from)?;
            for (part, _) in parts {
                match part {
                    Part::Index(index) => all.extend(string(index).map_or_else(Vec::new, clause)),
                    Part::Range(..) => {}
                }
            }
            Some(all)
        }
        Term::BinOp(left, BinaryOp::Pipe(None), right) => Some([keys(left)?, keys(right)?].concat()),
        _ => None,
    }
}

fn is_null(term: &Term<&str>) -> bool {
    matches!(term, Term::Call("null", arguments) if arguments.is_empty())
}

/// A string without anything interpolated.
fn string(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    let text = |part: &StrPart<&str, Term<&str>>| match part {
        StrPart::Str(text) => Some((*text).to_owned()),
        StrPart::Char(char) => Some(char.to_string()),
        StrPart::Term(_) => None,
    };
    parts.iter().map(text).collect()
}

fn clause(text: String) -> Vec<Clause> {
    as_in_json(vec![vec![text.into_bytes()]])
}

/// What stands of these in JSON, however it was encoded: the longest piece that no encoder escapes.
fn as_in_json(clauses: Vec<Clause>) -> Vec<Clause> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-.:,;()[]{}#@!?*+|$%^~".contains(byte);
    let piece = |literal: Vec<u8>| {
        let longest = literal.split(|byte| !plain(byte)).max_by_key(|piece| piece.len()).unwrap_or_default().to_vec();
        (longest.len() >= SHORTEST).then_some(longest)
    };
    clauses.into_iter().filter_map(|clause| clause.into_iter().map(piece).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_require() {
        let table: &[(&str, &[&[&str]])] = &[
            (
                r#".kind == "PersistentVolume" and (.spec.nfs != null)"#,
                &[&["kind"], &["PersistentVolume"], &["spec"], &["nfs"]],
            ),
            (r#""Pod" == .kind"#, &[&["kind"], &["Pod"]]),
            (r#".level == "error" or .severity == "fatal!""#, &[&["error", "severity"]]),
            (r#".level == "error" or .code > 3"#, &[]),
            (r#".volumes[]? | (.nfs != null or .claim != null)"#, &[&["nfs", "claim"]]),
            (r#".a.message | test("disk (full|gone)")"#, &[&["disk full", "disk gone"]]),
            (r#"select(.reason | contains("say \"now\" or/never"))"#, &[&["never"]]),
            (r#"(.count // 0) != 0"#, &[]),
            (r#".message != "fine""#, &[]),
            (r#".status.phase"#, &[&["status"], &["phase"]]),
            (r#""a" | . == "constant""#, &[]),
            (r#".message == "\(.other)""#, &[]),
            (r#"not"#, &[]),
            (r#"if .a then .b else .c end"#, &[]),
        ];
        for (program, want) in table {
            let want: Vec<Clause> =
                want.iter().map(|clause| clause.iter().map(|text| text.as_bytes().to_vec()).collect()).collect();
            assert_eq!(clauses(program), want, "{program}");
        }
    }
}
