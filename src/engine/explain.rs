//! Why a pattern did or did not fire on a record: what [`Engine::confirm`] checks, each check told on its own.
//!
//! For people who write patterns. Nothing is cut short here, so it costs far more than confirming.

use std::fmt;

use super::Engine;
use super::compile::{Alternative, LazyRegex, Terms};
use super::confirm::{Seen, Subject};
use crate::pattern::model::{Condition, Term};

/// Why one pattern did or did not fire on one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Index of the pattern.
    pub pattern: usize,
    /// The keys of its `where` by which it can't come from where the record stands.
    pub misses: Vec<&'static str>,
    /// Its conditions, in the order they are written. One suffices.
    pub wordings: Vec<Wording>,
}

/// How one condition of a pattern fared.
#[derive(Clone, Debug, PartialEq)]
pub struct Wording {
    /// The keys of its own `where` by which it can't come from where the record stands.
    pub misses: Vec<&'static str>,
    /// The fragments looked for in raw blocks, and whether each stands in the record. Without any of them the record isn't
    /// even looked at. None if no log can be meant.
    pub anchors: Vec<(String, bool)>,
    /// Everything that must hold, in the order it is written.
    pub checks: Vec<Check>,
}

/// One thing that a condition asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is asked for, and what was found.
    pub requirement: Requirement,
    /// Is it so?
    pub holds: bool,
}

/// What a check asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Requirement {
    /// A term of `all`.
    All(Term),
    /// The terms of `any`, and whether each stands in the record.
    Any(Vec<(Term, bool)>),
    /// A term of `none`.
    None(Term),
    /// An expression of `regex`.
    Regex(String),
    /// A field.
    Field {
        /// Its dotted path.
        name: String,
        /// The values, any of which will do.
        wanted: Vec<String>,
        /// What the record has; `None` if it has no such field.
        found: Option<String>,
    },
}

impl Engine {
    /// Explains how a pattern, by its index, fares on a record. An index that no pattern has gives no wordings.
    pub fn explain(&self, pattern: usize, subject: &Subject<'_>) -> Explanation {
        self.explain_seen(pattern, subject, &Seen::new(&self.literals, subject.text))
    }

    /// The patterns whose condition holds most nearly, nearest first. Only such as find a literal of theirs in the record.
    pub fn nearest(&self, subject: &Subject<'_>, count: usize) -> Vec<Explanation> {
        let seen = Seen::new(&self.literals, subject.text);
        let mut near: Vec<Explanation> = (0..self.patterns.len())
            .filter(|&pattern| self.touches(pattern, &seen))
            .map(|pattern| self.explain_seen(pattern, subject, &seen))
            .collect();
        // Stable, so that equals stay in the order of the patterns.
        near.sort_by(|a, b| b.nearness().total_cmp(&a.nearness()));
        near.truncate(count);
        near
    }

    /// Does any literal of the pattern stand in the text?
    fn touches(&self, pattern: usize, seen: &Seen<'_>) -> bool {
        self.patterns[pattern].alternatives.iter().any(|alternative| {
            let any = alternative.any.iter().flat_map(|terms| &terms.literals);
            alternative.all.iter().chain(any).chain(&alternative.anchor_literals).any(|&literal| seen.has(literal))
        })
    }

    fn explain_seen(&self, pattern: usize, subject: &Subject<'_>, seen: &Seen<'_>) -> Explanation {
        let Some(compiled) = self.patterns.get(pattern) else {
            return Explanation { pattern, misses: Vec::new(), wordings: Vec::new() };
        };
        let conditions = compiled.pattern.matches.conditions();
        let wording = |(condition, alternative): (_, &Alternative)| Wording {
            misses: alternative.scope.misses(subject),
            anchors: anchors(alternative, subject.text),
            checks: checks(condition, alternative, subject, seen),
        };
        let wordings = conditions.iter().zip(&compiled.alternatives).map(wording).collect();
        Explanation { pattern, misses: compiled.scope.misses(subject), wordings }
    }
}

fn anchors(alternative: &Alternative, text: &[u8]) -> Vec<(String, bool)> {
    let stands = |anchor: &Vec<u8>| memchr::memmem::find(text, anchor).is_some();
    // Anchors are printable ASCII.
    alternative.anchors().map(|anchor| (String::from_utf8_lossy(anchor).into_owned(), stands(anchor))).collect()
}

/// The condition's terms beside what they were compiled to, which has the same order.
fn checks(condition: &Condition, alternative: &Alternative, subject: &Subject<'_>, seen: &Seen<'_>) -> Vec<Check> {
    let matches = |regex: &LazyRegex| regex.get().is_some_and(|regex| regex.is_match(subject.text));
    let mut checks = Vec::new();
    let (mut literals, mut regexes) = (alternative.all.iter(), alternative.regexes.iter());
    for term in &condition.all {
        let holds = match term {
            Term::Literal(_) => literals.next().is_some_and(|&literal| seen.has(literal)),
            Term::Regex(_) => regexes.next().is_some_and(matches),
        };
        checks.push(Check { requirement: Requirement::All(term.clone()), holds });
    }
    if let Some(terms) = &alternative.any {
        let any = stand(&condition.any, terms, seen, matches);
        let holds = any.iter().any(|(_, stands)| *stands);
        checks.push(Check { requirement: Requirement::Any(any), holds });
    }
    for (expression, regex) in condition.regex.as_slice().iter().zip(regexes) {
        checks.push(Check { requirement: Requirement::Regex(expression.clone()), holds: matches(regex) });
    }
    for ((name, wanted), (_, test)) in condition.fields.iter().zip(&alternative.fields) {
        let found = (subject.field)(name);
        let holds = found.as_ref().is_some_and(|text| test.holds(text));
        let wanted = wanted.values().iter().map(ToString::to_string).collect();
        checks.push(Check { requirement: Requirement::Field { name: name.clone(), wanted, found }, holds });
    }
    for (term, stands) in stand(&condition.none, &alternative.none, seen, matches) {
        checks.push(Check { requirement: Requirement::None(term), holds: !stands });
    }
    checks
}

/// Which of the terms stand in the text.
fn stand(terms: &[Term], compiled: &Terms, seen: &Seen<'_>, matches: impl Fn(&LazyRegex) -> bool) -> Vec<(Term, bool)> {
    let (mut literals, mut regexes) = (compiled.literals.iter(), compiled.regexes.iter());
    let stands = |term: &Term| match term {
        Term::Literal(_) => literals.next().is_some_and(|&literal| seen.has(literal)),
        Term::Regex(_) => regexes.next().is_some_and(&matches),
    };
    let stands: Vec<bool> = terms.iter().map(stands).collect();
    terms.iter().cloned().zip(stands).collect()
}

impl Explanation {
    /// Does the pattern match the record?
    pub fn fires(&self) -> bool {
        self.misses.is_empty() && self.wordings.iter().any(Wording::holds)
    }

    /// The condition that holds, or most nearly does; the first of equals.
    pub fn nearest_wording(&self) -> Option<&Wording> {
        // What holds comes before what nearly does; `min_by` keeps the first of equals.
        let closer = |a: &&Wording, b: &&Wording| b.holds().cmp(&a.holds()).then(b.nearness().total_cmp(&a.nearness()));
        self.wordings.iter().min_by(closer)
    }

    /// How much of the pattern holds; comparable among the patterns of one record. A pattern that fires is nearer than any
    /// that doesn't.
    pub fn nearness(&self) -> f64 {
        let best = self.nearest_wording().map_or(0.0, Wording::nearness);
        match (self.fires(), self.misses.is_empty()) {
            (true, _) => 1e9 + best,
            (false, true) => best,
            (false, false) => best / 2.0,
        }
    }

    /// The first check of the nearest wording that doesn't hold; `None` if that wording holds.
    pub fn first_failed(&self) -> Option<&Check> {
        self.nearest_wording()?.checks.iter().find(|check| !check.holds)
    }
}

impl Wording {
    /// Does every check hold, where it applies?
    pub fn holds(&self) -> bool {
        self.misses.is_empty() && self.checks.iter().all(|check| check.holds)
    }

    /// The text that was found, weighed by its share of the text that is asked for: long evidence counts for more than
    /// short, and a whole condition for more than half of one. What must not be there is no evidence.
    fn nearness(&self) -> f64 {
        let weight =
            |checks: &mut dyn Iterator<Item = &Check>| checks.map(|check| check.requirement.weight()).sum::<usize>();
        let asked = weight(&mut self.checks.iter());
        let found = weight(&mut self.checks.iter().filter(|check| check.holds));
        let refused = self.checks.iter().any(|check| matches!(check.requirement, Requirement::None(_)) && !check.holds);
        let share = found as f64 / asked.max(1) as f64;
        found as f64 * share * if refused { 0.75 } else { 1.0 } * if self.misses.is_empty() { 1.0 } else { 0.5 }
    }
}

/// What a field counts for beside text, in bytes.
const FIELD_WEIGHT: usize = 8;

impl Requirement {
    fn weight(&self) -> usize {
        match self {
            Requirement::All(term) => length(term),
            Requirement::Any(terms) => terms.iter().map(|(term, _)| length(term)).min().unwrap_or(0),
            Requirement::None(_) => 0,
            Requirement::Regex(expression) => expression.len(),
            Requirement::Field { .. } => FIELD_WEIGHT,
        }
    }
}

fn length(term: &Term) -> usize {
    match term {
        Term::Literal(literal) => literal.len(),
        Term::Regex(term) => term.regex.len(),
    }
}

impl fmt::Display for Check {
    /// One line: what is asked for, and what was found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = |holds: bool| if holds { "stands there" } else { "is not there" };
        match &self.requirement {
            Requirement::All(term) => write!(f, "all    {term} {}", there(self.holds)),
            Requirement::Any(terms) => {
                let seen: Vec<String> =
                    terms.iter().filter(|(_, stands)| *stands).map(|(term, _)| term.to_string()).collect();
                let asked: Vec<String> = terms.iter().map(|(term, _)| term.to_string()).collect();
                match seen.is_empty() {
                    true => write!(f, "any    none of {} is there", asked.join(", ")),
                    false => write!(f, "any    {} stands there", seen.join(", ")),
                }
            }
            Requirement::None(term) => write!(f, "none   {term} {}", there(!self.holds)),
            Requirement::Regex(expression) => {
                write!(f, "regex  {} /{expression}/", if self.holds { "matches" } else { "does not match" })
            }
            Requirement::Field { name, wanted, found } => {
                let found = found.as_ref().map_or("not there".to_owned(), |text| format!("`{text}`"));
                write!(f, "fields {name} is {found}; wanted: {}", wanted.join(" or "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pattern::model::{Origin, Pattern};
    use crate::yaml;

    fn engine(conditions: &[&str]) -> Engine {
        let pattern = |(number, condition): (usize, &&str)| {
            let text = format!(
                "{{ id: a.b.c{number}, title: t, severity: error, category: crash, where: {{ container: [web] }}, \
                 match: {condition}, cause: c, fix: [f], references: [r], tests: {{ fires: [], silent: [] }} }}"
            );
            Arc::new(yaml::read::<Pattern>(&yaml::parse(&text).unwrap()).unwrap())
        };
        let patterns: Vec<_> = conditions.iter().enumerate().map(pattern).collect();
        Engine::compile(&patterns, crate::engine::Asked::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn level(path: &str) -> Option<String> {
        (path == "level").then(|| "info".into())
    }

    fn subject<'a>(text: &'a str, container: Option<&'a str>) -> Subject<'a> {
        Subject { text: text.as_bytes(), origin: Origin::Log, reason: None, container, field: &level }
    }

    #[test]
    fn each_check_is_told() {
        let condition = "{ all: ['refused to ', { regex: 'b\\d' }], any: [left, right], none: [again], regex: 'go (on|by)', \
                         fields: { level: [error, fatal], hue: 3 } }";
        let engine = engine(&[condition]);
        let text = "b7 refused to go by right again";
        let explanation = engine.explain(0, &subject(text, Some("web-2")));
        assert!(!explanation.fires() && explanation.misses == ["container"]);
        let told: Vec<String> = explanation.wordings[0].checks.iter().map(|c| format!("{} {c}", c.holds)).collect();
        let want = [
            "true all    \"refused to \" stands there",
            "true all    /b\\d/ stands there",
            "true any    \"right\" stands there",
            "true regex  matches /go (on|by)/",
            "false fields hue is not there; wanted: 3",
            "false fields level is `info`; wanted: error or fatal",
            "false none   \"again\" stands there",
        ];
        assert_eq!(told, want);
        // Which are chosen depends on what healthy logs are like.
        let anchors = engine.anchors_of(0).map(|anchor| String::from_utf8_lossy(anchor).into_owned());
        let stand: Vec<_> = anchors.map(|anchor| (anchor.clone(), text.contains(&anchor))).collect();
        assert_eq!(explanation.wordings[0].anchors, stand);
        assert!(stand.iter().any(|(_, stands)| *stands));
        assert_eq!(explanation.first_failed().map(ToString::to_string).unwrap(), want[4].trim_start_matches("false "));
    }

    #[test]
    fn the_nearest_comes_first_and_what_fires_before_all() {
        let engine = engine(&[
            "{ all: [pears, 'are not ripe yet'] }",
            "{ all: [pears, 'fell off the tree'] }",
            "[{ all: ['nothing like it'] }, { all: [pears] }]",
            "{ all: ['nothing like it at all'] }",
        ]);
        let near = engine.nearest(&subject("the pears fell off the trees", Some("web")), 9);
        assert_eq!(near.iter().map(|e| e.pattern).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(near.iter().map(Explanation::fires).collect::<Vec<_>>(), [true, true, false]);
        assert!(near[0].first_failed().is_none());
        let near = engine.nearest(&subject("fell off the tree", Some("web")), 1);
        assert_eq!(near[0].first_failed().map(ToString::to_string).unwrap(), "all    \"pears\" is not there");
    }

    #[test]
    fn an_unknown_index_and_an_unknown_container() {
        let engine = engine(&["{ all: [pears] }"]);
        assert!(engine.explain(0, &subject("pears", None)).fires());
        assert!(engine.explain(1, &subject("pears", None)).wordings.is_empty());
        assert!(engine.explain(1, &subject("pears", None)).first_failed().is_none());
    }
}
