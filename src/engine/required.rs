//! The literals that any match of a regular expression must contain.
//!
//! The answer is a conjunction of clauses; each clause is a set of byte strings of which every match contains at
//! least one. It may be weaker than the expression (that is what confirmation is for) and is never stronger.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Byte strings, at least one of which must be there.
pub type Clause = Vec<Vec<u8>>;

/// Clauses in groups: what satisfies those of a group stands in one line.
pub type Lines = Vec<Vec<Clause>>;

/// A set of strings larger than this is not carried on: it would make too many literals.
const MAX_STRINGS: usize = 16;
/// Strings longer than this are cut off into a clause of their own.
const MAX_LENGTH: usize = 128;
/// A class of more bytes than this says nothing useful.
const MAX_CLASS: usize = 4;

/// The expressions of which `hir` is the choice: itself, if it is none.
pub fn branches(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => branches(&capture.sub),
        HirKind::Alternation(parts) => parts.iter().flat_map(branches).collect(),
        _ => vec![hir],
    }
}

/// The clauses that every match of `hir` satisfies. Of each match, one line satisfies all clauses of a group, unless it is a
/// clause of its own whose strings hold the end of a line.
pub fn lines(hir: &Hir) -> Lines {
    let mut groups = match hir.kind() {
        _ if !may_hold_newline(hir) => vec![clauses(hir)],
        HirKind::Capture(capture) => lines(&capture.sub),
        HirKind::Concat(parts) => {
            let runs = parts.chunk_by(|a, b| !may_hold_newline(a) && !may_hold_newline(b));
            runs.flat_map(|run| if let [part] = run { lines(part) } else { vec![clauses(&Hir::concat(run.to_vec()))] })
                .collect()
        }
        _ => clauses(hir).into_iter().map(|clause| vec![clause]).collect(),
    };
    groups.retain(|group| !group.is_empty());
    groups
}

/// Could a match hold the end of a line?
fn may_hold_newline(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(bytes)) => bytes.iter().any(|range| (range.start()..=range.end()).contains(&b'\n')),
        HirKind::Class(Class::Unicode(chars)) => {
            chars.iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Repetition(repetition) => may_hold_newline(&repetition.sub),
        HirKind::Capture(capture) => may_hold_newline(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(may_hold_newline),
    }
}

/// The clauses that every match of `hir` satisfies.
pub fn clauses(hir: &Hir) -> Vec<Clause> {
    let mut found = visit(hir);
    if let Some(exact) = found.exact.take() {
        push_clause(&mut found.clauses, exact);
    }
    telling(found.clauses)
}

/// Those clauses beside which there is none that says as much with no more strings.
fn telling(clauses: Vec<Clause>) -> Vec<Clause> {
    let says = |one: usize, other: usize| {
        clauses[one].len() <= clauses[other].len() && implies(&clauses[one], &clauses[other])
    };
    // Of those that say the same it is the first.
    let told = |at: usize| (0..clauses.len()).any(|by| by != at && says(by, at) && (by < at || !says(at, by)));
    let untold: Vec<usize> = (0..clauses.len()).filter(|&at| !told(at)).collect();
    untold.into_iter().map(|at| clauses[at].clone()).collect()
}

/// Does a text that satisfies the first satisfy the second, wherever it does so?
fn implies(one: &Clause, other: &Clause) -> bool {
    let holds = |string: &Vec<u8>, part: &Vec<u8>| string.windows(part.len()).any(|window| window == part);
    one.iter().all(|string| other.iter().any(|part| holds(string, part)))
}

/// The clause whose shortest string is longest: the one that says most.
pub fn strongest(clauses: impl IntoIterator<Item = Clause>) -> Option<Clause> {
    clauses.into_iter().max_by_key(|clause| (clause.iter().map(Vec::len).min(), std::cmp::Reverse(clause.len())))
}

/// What is known of a part of an expression.
struct Known {
    /// The part matches exactly these strings and no others.
    exact: Option<Vec<Vec<u8>>>,
    /// Each match of the part begins with one of these.
    begin: Vec<Vec<u8>>,
    /// And ends with one of these.
    end: Vec<Vec<u8>>,
    /// What each match of the part must contain.
    clauses: Vec<Clause>,
}

impl Known {
    fn exactly(strings: Vec<Vec<u8>>) -> Self {
        Known { begin: strings.clone(), end: strings.clone(), exact: Some(strings), clauses: Vec::new() }
    }

    fn nothing() -> Self {
        Known { exact: None, begin: anything(), end: anything(), clauses: Vec::new() }
    }
}

/// The beginning, or end, of anything.
fn anything() -> Vec<Vec<u8>> {
    vec![Vec::new()]
}

fn visit(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exactly(vec![Vec::new()]),
        HirKind::Literal(literal) => Known::exactly(vec![literal.0.to_vec()]),
        HirKind::Class(class) => small_class(class).map_or_else(Known::nothing, Known::exactly),
        HirKind::Capture(capture) => visit(&capture.sub),
        HirKind::Repetition(repetition) => visit_repetition(repetition),
        HirKind::Concat(parts) => visit_concat(parts),
        HirKind::Alternation(branches) => visit_alternation(branches),
    }
}

fn small_class(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Bytes(bytes) = class else {
        let Class::Unicode(chars) = class else { return None };
        let all: Vec<char> = chars.iter().flat_map(|range| range.start()..=range.end()).take(MAX_CLASS + 1).collect();
        return (all.len() <= MAX_CLASS).then(|| all.iter().map(|c| c.to_string().into_bytes()).collect());
    };
    let all: Vec<u8> = bytes.iter().flat_map(|range| range.start()..=range.end()).take(MAX_CLASS + 1).collect();
    (all.len() <= MAX_CLASS).then(|| all.into_iter().map(|byte| vec![byte]).collect())
}

fn visit_repetition(repetition: &Repetition) -> Known {
    let mut inner = visit(&repetition.sub);
    if repetition.min == 0 {
        // An optional part of few strings is one more string, the empty one.
        let few = inner.exact.filter(|exact| repetition.max == Some(1) && exact.len() < MAX_STRINGS);
        return few.map_or_else(Known::nothing, |exact| Known::exactly([exact, vec![Vec::new()]].concat()));
    }
    if repetition.min == 1 && repetition.max == Some(1) {
        return inner;
    }
    if let Some(exact) = inner.exact.take() {
        push_clause(&mut inner.clauses, exact);
    }
    inner
}

fn visit_concat(parts: &[Hir]) -> Known {
    let mut clauses = Vec::new();
    // What ends the parts so far, and what begins them all, once that is more than their end.
    let (mut run, mut begin) = (anything(), None);
    for part in parts {
        let known = visit(part);
        clauses.extend(known.clauses);
        let joined = product(&run, &known.begin);
        if known.exact.is_some()
            && let Some(joined) = joined
        {
            run = joined;
            continue;
        }
        let mut before = std::mem::replace(&mut run, known.end);
        match joined {
            Some(joined) if joined.len() == before.len() => before = joined,
            // More strings, which are longer: which is better depends on what is rare.
            Some(joined) => push_clause(&mut clauses, joined),
            None => {}
        }
        begin.get_or_insert_with(|| before.clone());
        push_clause(&mut clauses, before);
    }
    let Some(begin) = begin else { return Known::exactly(run) };
    push_clause(&mut clauses, run.clone());
    Known { exact: None, begin, end: run, clauses }
}

fn visit_alternation(branches: &[Hir]) -> Known {
    let known: Vec<Known> = branches.iter().map(visit).collect();
    let all = |strings: fn(&Known) -> Option<&Vec<Vec<u8>>>| -> Option<Vec<Vec<u8>>> {
        let all = known.iter().map(strings).collect::<Option<Vec<_>>>()?;
        Some(all.into_iter().flatten().cloned().collect::<Vec<_>>()).filter(|all| all.len() <= MAX_STRINGS)
    };
    if let Some(strings) = all(|branch| branch.exact.as_ref()) {
        return Known::exactly(strings);
    }
    let begin = all(|branch| Some(&branch.begin)).unwrap_or_else(anything);
    let end = all(|branch| Some(&branch.end)).unwrap_or_else(anything);
    let strongest = known.into_iter().map(|mut branch| {
        if let Some(exact) = branch.exact.take() {
            push_clause(&mut branch.clauses, exact);
        }
        strongest(branch.clauses)
    });
    let union = strongest.collect::<Option<Vec<Clause>>>().map(|clauses| clauses.concat());
    Known { exact: None, begin, end, clauses: union.into_iter().collect() }
}

/// Every string of `left` followed by every string of `right`, unless that grows too large.
fn product(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if left.len() * right.len() > MAX_STRINGS {
        return None;
    }
    let joined: Vec<Vec<u8>> = left.iter().flat_map(|l| right.iter().map(move |r| [&l[..], &r[..]].concat())).collect();
    joined.iter().all(|string| string.len() <= MAX_LENGTH).then_some(joined)
}

/// An empty string in a clause makes it say nothing. A string that holds another one of them adds nothing to it.
fn push_clause(clauses: &mut Vec<Clause>, mut clause: Clause) {
    clause.sort_unstable_by_key(Vec::len);
    let mut least = Clause::new();
    for string in clause {
        if string.is_empty() {
            return;
        }
        if !least.iter().any(|short| string.windows(short.len()).any(|part| part == short)) {
            least.push(string);
        }
    }
    if !least.is_empty() {
        clauses.push(least);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::{expression, regexes::Regex};

    fn clauses_of(expression: &str) -> Vec<Vec<String>> {
        let hir = expression::parse(expression).unwrap();
        let text = |string: Vec<u8>| String::from_utf8(string).unwrap();
        clauses(&hir).into_iter().map(|clause| clause.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn clauses_of_expressions() {
        let table: &[(&str, &[&[&str]])] = &[
            ("abc", &[&["abc"]]),
            (r"got (?<code>403)\b", &[&["got 403"]]),
            (r"want \[\d+\], got 4", &[&["want ["], &["], got 4"]]),
            ("(foo|bar)baz", &[&["foobaz", "barbaz"]]),
            ("(foo|b.rr)baz", &[&["rrbaz", "foobaz"]]),
            (r"found (?<n>-\d+ GiB) left", &[&["found -"], &[" GiB left"]]),
            (r"x(a\d|b\d|c)y", &[&["xa", "xb", "xc"], &["x"], &["y"]]),
            ("(foo|.*)baz", &[&["baz"]]),
            ("x*", &[]),
            ("(abc)+d", &[&["abcd"]]),
            ("(abc)?d", &[&["d"]]),
            ("a(b.)?c", &[&["a"], &["c"]]),
            ("[ab]c", &[&["ac", "bc"]]),
            (r"\d+", &[]),
            ("a|", &[]),
        ];
        for (expression, want) in table {
            assert_eq!(&clauses_of(expression), want, "{expression}");
        }
    }

    #[test]
    fn clauses_of_one_line_make_a_group() {
        let table: &[(&str, &[&[&str]])] = &[
            ("abc.{0,9}def", &[&["abc", "def"]]),
            (r"abc\s+def.*ghi", &[&["abc"], &["def", "ghi"]]),
            (r"abc[^x]def", &[&["abc"], &["def"]]),
            (r"(?<code>abc\S+def)[^x]*ghi", &[&["abc", "def"], &["ghi"]]),
            (r"abc(?:\S+\n)?def", &[&["abc"], &["def"]]),
            (r"abc\n.*def", &[&["abc\n"], &["def"]]),
            (r"\d", &[]),
        ];
        for (expression, want) in table {
            let text = |clause: Clause| clause.into_iter().map(|s| String::from_utf8(s).unwrap()).collect::<String>();
            let groups = lines(&expression::parse(expression).unwrap());
            let got: Vec<Vec<String>> = groups.into_iter().map(|group| group.into_iter().map(text).collect()).collect();
            assert_eq!(&got, want, "{expression}");
        }
    }

    /// An expression's tree, and its first match in a text.
    fn matched<'t>(expression: &str, text: &'t str) -> Option<(Hir, &'t [u8])> {
        let hir = expression::parse(expression).ok()?;
        let found = Regex::new(expression).ok()?.captures(text.as_bytes())?.whole()?;
        Some((hir, &text.as_bytes()[found]))
    }

    fn satisfies(text: &[u8], clause: &Clause) -> bool {
        clause.iter().any(|string| memchr::memmem::find(text, string).is_some())
    }

    proptest! {
        #[test]
        fn a_line_of_every_match_satisfies_a_whole_group(
            expression in "(\\(?[ab\n.](\\||c|\\*|\\+|\\?|\\)|[de]|\\[\\^x\\]|\\\\s){0,4}){1,6}",
            text in "[abcde\n]{0,24}",
        ) {
            if let Some((hir, found)) = matched(&expression, &text) {
                for group in lines(&hir) {
                    let all = |line: &[u8]| group.iter().all(|clause| satisfies(line, clause));
                    // A clause with the end of a line in it stands alone.
                    let holds = found.split(|byte| *byte == b'\n').any(all) || (group.len() == 1 && all(found));
                    prop_assert!(holds, "{expression} on {text}: {group:?}");
                }
            }
        }

        #[test]
        fn every_match_contains_a_string_of_every_clause(
            expression in "(\\(?[ab](\\||c|\\*|\\+|\\?|\\)|[de]){0,4}){1,6}",
            text in "[abcde]{0,24}",
        ) {
            if let Some((hir, found)) = matched(&expression, &text) {
                for clause in clauses(&hir) {
                    prop_assert!(satisfies(found, &clause), "{expression} on {text}: {clause:?}");
                }
            }
        }
    }
}
