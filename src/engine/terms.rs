//! Terms of community rules, compiled: which of them an entry of a log matches, and which fragments tell where to look.
//!
//! A term is a literal, an expression or a jq program. What it requires is looked for first: by the fragments that stand in the raw line,
//! where an entry is one line, or else by all literals together in its text. Only then are expressions and programs run. Where nothing is
//! required, a term is tried on every entry, and [`Terms::without_anchor`] says so. An expression that is a choice matches in several
//! **ways**, each of which requires things of its own.

mod jq;
mod jq_required;

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::clauses::{Clauses, Group};
use super::required::{self, Clause};
use super::strings::Needle;
use super::{Knowledge, anchors};
use crate::pattern::cre::Term;

/// The largest program an expression may compile to, in bytes. Rules repeat classes more than our own patterns may.
const SIZE_LIMIT: usize = 8 << 20;

/// Terms, compiled.
pub struct Terms {
    terms: Vec<Compiled>,
    ways: Vec<Way>,
    clauses: Clauses,
    /// Fragments and the ways they are of. One of a way's stands in the raw bytes of each entry that matches so; but for
    /// [`Terms::without_anchor`].
    anchors: Vec<(Vec<u8>, u32)>,
    without_anchor: Vec<u32>,
}

/// One way in which a term matches.
struct Way {
    term: u32,
    /// What stands in the raw bytes of an entry that matches so, beside one of the way's anchors.
    beside: Group,
}

enum Compiled {
    /// Its being there is all that is asked.
    Literal(Needle),
    Regex(Expression),
    Jq(jq::Program),
}

/// An expression that is compiled when it is first needed.
struct Expression {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl Expression {
    /// One that compiles to more than the limit matches nothing, which [`Terms::check`] tells.
    fn is_match(&self, text: &[u8]) -> bool {
        self.regex.get_or_init(|| compile(&self.text).ok()).as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// As Go compiles it: `^` and `$` are the ends of the entry. Classes of Unicode only where the expression names them.
fn compile(expression: &str) -> Result<Regex, String> {
    let build = |unicode| RegexBuilder::new(expression).unicode(unicode).size_limit(SIZE_LIMIT).build();
    build(false).or_else(|_| build(true)).map_err(|error| error.to_string())
}

impl Terms {
    /// Compiles terms. The errors come with the index of the term they belong to.
    pub fn compile(terms: &[Term]) -> Result<Terms, Vec<(usize, String)>> {
        let mut errors = Vec::new();
        let mut making = Making::default();
        let known = Knowledge::builtin();
        for (index, term) in terms.iter().enumerate() {
            if let Err(error) = making.add(index as u32, term, known) {
                errors.push((index, error));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let Making { compiled, ways, clauses, mut anchors, without_anchor } = making;
        anchors.sort_unstable();
        anchors.dedup();
        Ok(Terms { terms: compiled, ways, clauses, anchors, without_anchor })
    }

    /// The fragments by which entries are found in raw bytes, each with the number of a way that it stands for.
    pub fn anchors(&self) -> &[(Vec<u8>, u32)] {
        &self.anchors
    }

    /// Terms that can't be found by a fragment: every entry has to be looked at for them.
    pub fn without_anchor(&self) -> &[u32] {
        &self.without_anchor
    }

    /// Compiles every expression that is otherwise compiled when first needed; those that can't be, by their term.
    pub fn check(&self) -> Vec<(u32, String)> {
        let expressions = (0..).zip(&self.terms).filter_map(|(index, term)| match term {
            Compiled::Regex(expression) => Some((index, expression)),
            Compiled::Literal(_) | Compiled::Jq(_) => None,
        });
        expressions.filter_map(|(index, expression)| Some((index, compile(&expression.text).err()?))).collect()
    }

    /// The terms that an entry matches, in order. Of its text, or of its raw bytes if these are one line, it is known which ways' anchors it holds.
    pub fn matched_among(&self, ways: &[u32], raw: &[u8], entry: &[u8]) -> Vec<u32> {
        let ways = ways.iter().map(|&way| &self.ways[way as usize]);
        let ways = ways.filter(|way| self.clauses.are_met(way.beside, raw));
        self.matched_of(ways.map(|way| way.term).chain(self.without_anchor.iter().copied()).collect(), entry)
    }

    /// The term that has a way.
    pub fn term_of(&self, way: u32) -> u32 {
        self.ways[way as usize].term
    }

    /// Could a term match in this way an entry that the raw line is a part of, because of the anchor in it? If the line is one of several pieces
    /// of a longer one, what is missing here may stand in another piece.
    pub fn may_stand(&self, way: u32, raw: &[u8]) -> bool {
        self.clauses.are_met_in_line(self.ways[way as usize].beside, raw)
    }

    fn matched_of(&self, mut candidates: Vec<u32>, entry: &[u8]) -> Vec<u32> {
        candidates.sort_unstable();
        candidates.dedup();
        let mut json = None;
        candidates.retain(|&term| match &self.terms[term as usize] {
            Compiled::Literal(needle) => needle.first(entry).is_some(),
            Compiled::Regex(expression) => expression.is_match(entry),
            Compiled::Jq(program) => {
                json.get_or_insert_with(|| jq::json(entry)).as_ref().is_some_and(|json| program.holds(json))
            }
        });
        candidates
    }
}

/// What is compiled so far.
#[derive(Default)]
struct Making {
    compiled: Vec<Compiled>,
    ways: Vec<Way>,
    clauses: Clauses,
    anchors: Vec<(Vec<u8>, u32)>,
    without_anchor: Vec<u32>,
}

impl Making {
    fn add(&mut self, index: u32, term: &Term, known: Knowledge<'_>) -> Result<(), String> {
        let (compiled, ways) = match term {
            Term::Value(value) => {
                let literal = value.as_bytes().to_vec();
                (Compiled::Literal(Needle::new(literal.clone())), vec![vec![vec![vec![literal]]]])
            }
            Term::Regex(text) => {
                let hir = syntax_tree(text)?;
                let ways = required::branches(&hir).into_iter().map(required::lines).collect();
                (Compiled::Regex(Expression { text: text.clone(), regex: OnceLock::new() }), ways)
            }
            Term::Jq(program) => {
                // Nothing is known of which clauses one line satisfies.
                let lines = jq_required::clauses(program).into_iter().map(|clause| vec![clause]).collect();
                (Compiled::Jq(jq::Program::compile(program)?), vec![lines])
            }
        };
        self.compiled.push(compiled);
        let choices = ways.iter().map(|lines| anchors::choose(lines, known.healthy, known.windows));
        match choices.collect::<Option<Vec<_>>>() {
            Some(choices) => choices.into_iter().for_each(|(_, way)| self.add_way(index, way)),
            None => self.without_anchor.push(index),
        }
        Ok(())
    }

    fn add_way(&mut self, term: u32, found_by: anchors::Way) {
        let way = self.ways.len() as u32;
        self.anchors.extend(found_by.anchors.into_iter().map(|anchor| (anchor, way)));
        self.ways.push(Way { term, beside: self.clauses.add(&found_by.beside, found_by.in_line) });
    }
}

/// What an expression requires.
fn required(text: &str) -> Result<Vec<Clause>, String> {
    syntax_tree(text).map(|hir| required::clauses(&hir))
}

/// Read as it will be compiled: with classes of Unicode if it can't be read without.
fn syntax_tree(text: &str) -> Result<Hir, String> {
    let read = |unicode| ParserBuilder::new().unicode(unicode).utf8(false).build().parse(text).map_err(Box::new);
    read(false).or_else(|_| read(true)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each tried, whatever stands there.
    fn matched(terms: &Terms, entry: &[u8]) -> Vec<u32> {
        terms.matched_of((0..terms.terms.len() as u32).collect(), entry)
    }

    #[test]
    fn terms_and_entries() {
        let value = |text: &str| Term::Value(text.into());
        let regex = |text: &str| Term::Regex(text.into());
        let jq = |text: &str| Term::Jq(text.into());
        let table = [
            (value("pump failed"), "the pump failed", true),
            (value("pump failed"), "the Pump failed", false),
            (value("ü"), "eine Brühe", true),
            (regex("pump (.+) failed"), "pump 3 failed", true),
            (regex("(?i)PUMP .* FAILED"), "pump 3 failed", true),
            (regex("^pump"), "the pump", false),
            (regex("^pump"), "a\npump", false),
            (regex("failed$"), "failed\nlater", false),
            (regex(r"\d+"), "7", true),
            (regex(r"\d+"), "seven", false),
            (regex(r"\p{Greek}"), "λ", true),
            (regex(r"a|b"), "b", true),
            (jq(".kind == \"Pod\""), r#"{"kind":"Pod"}"#, true),
            (jq(".kind == \"Pod\""), r#"{"kind":"Node"}"#, false),
            (jq(".kind == \"Pod\""), "Pod", false),
            (jq(".spec.x"), r#"{"spec":{"x":0}}"#, true),
            (jq(".spec.x"), r#"{"spec":{"x":null}}"#, false),
            (jq(".spec.x"), r#"{"spec":3}"#, false),
            (jq(".items[] | .bad"), r#"{"items":[{"bad":false},{"bad":true}]}"#, true),
        ];
        for (term, entry, want) in table {
            let terms = Terms::compile(std::slice::from_ref(&term)).unwrap_or_else(|errors| panic!("{errors:?}"));
            assert_eq!(!matched(&terms, entry.as_bytes()).is_empty(), want, "{term:?} {entry}");
            assert_eq!(!matched_by_ways(&terms, entry.as_bytes()).is_empty(), want, "{term:?} {entry}");
        }
    }

    /// As an entry is judged: by the anchors that stand in it.
    fn matched_by_ways(terms: &Terms, entry: &[u8]) -> Vec<u32> {
        let standing = terms.anchors().iter().filter(|(anchor, _)| memchr::memmem::find(entry, anchor).is_some());
        let ways: Vec<u32> = standing.map(|(_, way)| *way).collect();
        terms.matched_among(&ways, entry, entry)
    }

    #[test]
    fn each_way_of_a_choice_asks_for_its_own() {
        let terms = [Term::Regex("(valve.*stuck|pump.*(failed|broken)|leak)".into())];
        let terms = Terms::compile(&terms).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(terms.ways.len(), 3);
        let may_match = |entry: &str| -> Vec<u32> {
            let stands = |anchor: &Vec<u8>| memchr::memmem::find(entry.as_bytes(), anchor).is_some();
            let found = terms.anchors().iter().filter(|(anchor, _)| stands(anchor)).map(|(_, way)| *way);
            found.filter(|way| terms.clauses.are_met(terms.ways[*way as usize].beside, entry.as_bytes())).collect()
        };
        let none: [u32; 0] = [];
        assert_eq!(may_match("the valve failed"), none);
        assert_eq!(may_match("pump, valve: stuck"), [0]);
        assert_eq!(may_match("pump broken, no leak"), [2, 1]);
        assert_eq!(matched_by_ways(&terms, b"the pump is broken"), [0]);
        assert!(matched_by_ways(&terms, b"the pump is stuck").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_asking_ways_first(
            expression in "((pump|valve|leak)(\\.\\*|\\[\\^k\\]|\\(is \\)\\?)(failed|\\(stuck\\|torn\\))\\|?){1,4}",
            entry in "((pump|valve|leak|is|failed|stuck|torn)( |:|\n)){1,8}",
        ) {
            let terms = [Term::Regex(expression.clone()), Term::Value("pump:failed".into())];
            let terms = Terms::compile(&terms).unwrap_or_else(|errors| panic!("{errors:?}"));
            prop_assert_eq!(matched_by_ways(&terms, entry.as_bytes()), matched(&terms, entry.as_bytes()), "{}", expression);
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_told() {
        let large =
            Terms::compile(&[Term::Regex(r"\pL{900}{90}".into())]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(large.check().len(), 1);
        for term in [Term::Regex("(".into()), Term::Jq(".[".into()), Term::Jq("nonsense(1)".into())] {
            assert!(Terms::compile(&[Term::Value("x".into()), term]).is_err_and(|errors| errors[0].0 == 1));
        }
    }

    #[test]
    fn terms_without_a_fragment_are_counted() {
        let regex = |text: &str| Term::Regex(text.into());
        let terms = [Term::Value("the pump".into()), regex(r"\d+"), Term::Jq(".a".into()), regex("can['’]t start")];
        let terms = Terms::compile(&terms).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(terms.without_anchor(), [1, 2]);
        assert_eq!(terms.anchors(), [(b"t start".to_vec(), 1), (b"the pump".to_vec(), 0)]);
        assert!(terms.check().is_empty());
    }
}
