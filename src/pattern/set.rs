//! Packs read into one set, with every problem told at once.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::Builtin;
use super::cre::{self, Community, Rule};
use super::model::{Pattern, Tests};
use super::sources::{self, PackSource};
use crate::engine::{Asked, Engine};
use crate::frame::CRI_PARTIAL_MARKS;
use crate::yaml::{self, Mistake, Node};

/// A pattern and where it is written.
#[derive(Clone, Debug)]
pub struct Located {
    /// The pattern.
    pub pattern: Arc<Pattern>,
    /// The pack's name.
    pub file: Arc<str>,
    /// 1-based line where the pattern begins.
    pub line: usize,
    /// From a pack that is part of the binary?
    pub builtin: bool,
}

/// Something wrong with a pack, with the place and a hint where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// What is wrong and where; line 0 stands for the file as a whole.
    pub mistake: Mistake,
}

impl Problem {
    /// A problem of a file as a whole.
    pub fn of_file(path: &Path, message: String) -> Self {
        let mistake = Mistake { line: 0, column: 0, message, hint: None };
        Problem { file: path.display().to_string(), mistake }
    }

    /// A problem of a pattern.
    pub fn of_pattern(located: &Located, message: impl fmt::Display) -> Self {
        let message = format!("{}: {message}", located.pattern.id);
        let mistake = Mistake { line: located.line, column: 1, message, hint: None };
        Problem { file: located.file.to_string(), mistake }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mistake.line {
            0 => write!(f, "{}: {}", self.file, self.mistake.message),
            _ => write!(f, "{}:{}", self.file, self.mistake),
        }
    }
}

/// A set of patterns that is known to be right, and the engine made of it.
pub struct PatternSet {
    /// The patterns, by id.
    pub patterns: Vec<Located>,
    /// They compiled; indices are those of `patterns`.
    pub engine: Engine,
    /// Community rules beside the patterns, if there are any.
    pub community: Option<Community>,
    /// Lines are looked for by which what no pattern knows may be noticed.
    pub notices_unknown: bool,
}

impl PatternSet {
    /// Reads packs into a set, or says everything that is wrong with them. Built-in packs were checked when they were made.
    pub fn load(sources: &[PackSource]) -> Result<PatternSet, Vec<Problem>> {
        Self::made_of(sources, &[], |source| sources::read_before(source).and_then(whole))
    }

    /// As [`PatternSet::load`], but for matching alone: the built-in patterns are without their examples. The engine stops at lines that
    /// hold one of these fragments too, so that what no pattern knows can be noticed.
    pub fn load_to_run(sources: &[PackSource], fragments: &[&[u8]]) -> Result<PatternSet, Vec<Problem>> {
        Self::made_of(sources, fragments, |source| sources::read_before(source).and_then(without_examples))
    }

    /// As [`PatternSet::load`], but built-in packs are checked as if they were somebody's own.
    pub fn check(sources: &[PackSource]) -> Result<PatternSet, Vec<Problem>> {
        Self::made_of(sources, &[], |_| None)
    }

    /// Packs that were `read_before` are not read again.
    fn made_of(
        sources: &[PackSource],
        unknown: &[&[u8]],
        read_before: impl Fn(&PackSource) -> Option<Placed>,
    ) -> Result<PatternSet, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut found: Vec<Located> = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for source in sources {
            read_pack(source, read_before(source), &mut found, &mut rules, &mut problems);
        }
        let community = Community::of(rules, &mut problems);
        let mut patterns = without_replaced(found, &mut problems);
        patterns.sort_by(|a, b| a.pattern.id.cmp(&b.pattern.id));
        let models: Vec<Arc<Pattern>> = patterns.iter().map(|located| located.pattern.clone()).collect();
        let for_others = community.as_ref().map_or(&[][..], |community| community.terms.anchors());
        let notices_unknown = !unknown.is_empty();
        match Engine::compile(&models, Asked { of_any: &CRI_PARTIAL_MARKS, for_others, noticed: unknown }) {
            Ok(engine) if problems.is_empty() => Ok(PatternSet { patterns, engine, community, notices_unknown }),
            Ok(_) => Err(problems),
            Err(errors) => {
                problems.extend(errors.iter().map(|(index, error)| Problem::of_pattern(&patterns[*index], error)));
                Err(problems)
            }
        }
    }

    /// The built-in packs alone.
    pub fn builtin() -> Result<PatternSet, Vec<Problem>> {
        Self::load(&sources::builtin())
    }

    /// The pattern of an id.
    pub fn get(&self, id: &str) -> Option<&Located> {
        self.patterns.binary_search_by(|located| located.pattern.id.as_str().cmp(id)).ok().map(|at| &self.patterns[at])
    }
}

/// Patterns, and the line that each begins on.
type Placed = Vec<(usize, Pattern)>;

/// Nothing of a pack that isn't right: then its text says what is wrong.
fn without_examples(pack: &Builtin) -> Option<Placed> {
    serde_json::from_str(pack.patterns).ok()
}

fn whole(pack: &Builtin) -> Option<Placed> {
    let mut patterns = without_examples(pack)?;
    let examples: Vec<Tests> = serde_json::from_str(pack.examples).ok()?;
    patterns.iter_mut().zip(examples).for_each(|((_, pattern), tests)| pattern.tests = tests);
    Some(patterns)
}

/// Reads a file of patterns, or one of community rules.
fn read_pack(
    source: &PackSource,
    read_before: Option<Placed>,
    found: &mut Vec<Located>,
    rules: &mut Vec<Rule>,
    problems: &mut Vec<Problem>,
) {
    let file: Arc<str> = source.name.as_str().into();
    let located =
        |pattern, line| Located { pattern: Arc::new(pattern), file: file.clone(), line, builtin: source.builtin };
    if let Some(patterns) = read_before {
        return found.extend(patterns.into_iter().map(|(line, pattern)| located(pattern, line)));
    }
    let problem = |mistake| Problem { file: source.name.clone(), mistake };
    let documents = match yaml::parse_all(&source.text) {
        Ok(documents) => documents,
        Err(mistake) => return problems.push(problem(mistake)),
    };
    if documents.iter().any(cre::is_document) {
        for document in &documents {
            let (read, mistakes) = cre::read(document, &file);
            rules.extend(read);
            problems.extend(mistakes.into_iter().map(problem));
        }
        return;
    }
    let root = match yaml::single(documents) {
        Ok(root) => root,
        Err(mistake) => return problems.push(problem(mistake)),
    };
    problems.extend(shape_mistakes(&root).into_iter().map(problem));
    for node in root.get("patterns").map(Node::items).unwrap_or_default() {
        match yaml::read::<Pattern>(node) {
            Ok(pattern) => {
                problems.extend(value_mistakes(&pattern, node).into_iter().map(problem));
                found.push(located(pattern, node.line()));
            }
            Err(mistakes) => problems.extend(mistakes.into_iter().map(problem)),
        }
    }
}

/// What is wrong with the pack around its patterns.
fn shape_mistakes(root: &Node) -> Vec<Mistake> {
    /// The pack, its patterns left unread: they are read one by one, to report on each.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outline {
        #[serde(rename = "patterns")]
        _patterns: Vec<serde::de::IgnoredAny>,
    }
    yaml::read::<Outline>(root).err().unwrap_or_default()
}

/// What is wrong with values that have the right shape.
fn value_mistakes(pattern: &Pattern, node: &Node) -> Vec<Mistake> {
    let at = |key: &str| node.get(key).unwrap_or(node);
    let mut mistakes = Vec::new();
    if !well_formed(&pattern.id) {
        let mut mistake = at("id").mistake(format!("`{}` is no pattern id", pattern.id));
        mistake.hint =
            Some("<system>.<area>.<failure>: lower-case words joined by `-`, three parts joined by `.`".into());
        mistakes.push(mistake);
    }
    for (key, text) in [("title", &pattern.title), ("cause", &pattern.cause)] {
        if text.trim().is_empty() {
            mistakes.push(at(key).mistake(format!("`{key}` is empty")));
        }
    }
    for (key, list) in [("fix", &pattern.fix), ("references", &pattern.references)] {
        if list.is_empty() || list.iter().any(|item| item.trim().is_empty()) {
            mistakes.push(at(key).mistake(format!("`{key}` wants at least one entry, and none that is empty")));
        }
    }
    for (key, list) in [("fires", &pattern.tests.fires), ("silent", &pattern.tests.silent)] {
        if list.is_empty() {
            mistakes.push(at("tests").mistake(format!("`tests.{key}` wants at least one example")));
        }
        if list.iter().any(|example| example.log.trim().is_empty()) {
            mistakes.push(at("tests").mistake(format!("`tests.{key}` has an example without a log")));
        }
    }
    mistakes
}

/// Is this how an id is written: `<system>.<area>.<failure>`?
pub fn well_formed(id: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    id.split('.').count() == 3 && id.split('.').all(word)
}

/// Drops built-in patterns that another pack replaces; two patterns of one id are a problem otherwise.
fn without_replaced(found: Vec<Located>, problems: &mut Vec<Problem>) -> Vec<Located> {
    let mut by_id: HashMap<String, Located> = HashMap::new();
    for located in found {
        match by_id.get(&located.pattern.id) {
            Some(first) if first.builtin == located.builtin => {
                let message = format!("the id is taken already, by {}:{}", first.file, first.line);
                problems.push(Problem::of_pattern(&located, message));
            }
            Some(first) if first.builtin => {
                by_id.insert(located.pattern.id.clone(), located);
            }
            Some(_) => {}
            None => {
                by_id.insert(located.pattern.id.clone(), located);
            }
        }
    }
    by_id.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<PatternSet, Vec<String>> {
        let source = PackSource { name: "p.yaml".into(), text: text.to_owned().into(), builtin: false };
        PatternSet::load(&[source]).map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    const GOOD: &str = "patterns:
  - id: knative.ingress.probe-forbidden
    title: t
    severity: error
    category: access
    match: { all: ['Probing of '] }
    cause: c
    fix: [f]
    references: ['https://example.com']
    tests: { fires: [{ log: 'Probing of x' }], silent: [{ log: 'y' }] }
";

    /// What a start reads is what is written, and that is right.
    #[test]
    fn built_in_packs_are_read_as_they_are_written() {
        let read = PatternSet::builtin().map_err(|problems| format!("{problems:?}")).unwrap();
        let written = PatternSet::check(&sources::builtin());
        let written = written.map_err(|problems| format!("{problems:?}")).unwrap();
        let shown = |set: &PatternSet| set.patterns.iter().map(|located| format!("{located:?}")).collect::<Vec<_>>();
        assert_eq!(shown(&read), shown(&written));
        assert!(crate::pattern::BUILTIN.iter().all(|pack| !pack.patterns.is_empty()));
    }

    #[test]
    fn a_good_pack_loads() {
        let set = load(GOOD).map_err(|problems| problems.join("\n")).unwrap();
        assert_eq!(set.patterns[0].line, 2);
        assert!(set.get("knative.ingress.probe-forbidden").is_some());
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let table: &[(&str, &str, &[&str])] = &[
            ("    cause: c", "    casue: c", &["p.yaml:7:5: unknown key `casue` (did you mean `cause`?)"]),
            ("severity: error", "severity: eror", &["p.yaml:4:15: unknown value `eror` (did you mean `error`?)"]),
            (
                "knative.ingress.probe-forbidden",
                "Knative",
                &[
                    "p.yaml:2:9: `Knative` is no pattern id (<system>.<area>.<failure>: lower-case words joined by `-`, three parts joined by `.`)",
                ],
            ),
            (
                "{ all: ['Probing of '] }",
                "{ al: ['Probing of '] }",
                &["p.yaml:6:14: unknown key `al` (did you mean `all`?)"],
            ),
            (
                "{ all: ['Probing of '] }",
                "{ all: [3] }",
                &["p.yaml:6:20: a literal or { regex: … } is wanted here, not a number; text goes in quotes"],
            ),
            ("{ log: 'y' }", "{ log: ' ' }", &["p.yaml:10:12: `tests.silent` has an example without a log"]),
            ("fix: [f]", "fix: []", &["p.yaml:8:10: `fix` wants at least one entry, and none that is empty"]),
            ("patterns:", "pattern:", &["p.yaml:1:1: unknown key `pattern` (did you mean `patterns`?)"]),
        ];
        for (from, to, want) in table {
            let text = GOOD.replace(from, to);
            let got = load(&text).map(|_| ()).unwrap_err();
            assert_eq!(&got, want, "{to}");
        }
    }

    #[test]
    fn what_cannot_be_matched_is_refused() {
        let table = [
            ("{ all: ['ab'] }", "no usable literal"),
            ("{ regex: '(' }", "can't be read"),
            ("{ regex: 'Probing (?<nonsense>.)' }", "the group `nonsense`"),
            ("{}", "the condition is empty"),
            ("{ all: [''] }", "empty literal"),
            ("{ sequence: [{ all: ['Probing of '] }, { none: [x] }], within: 5m }", "step 2: the condition is empty"),
            ("{ sequence: [{ all: ['Probing of '] }, { all: [ab] }], within: 5m }", "step 2: no usable literal"),
            ("{ all: ['Probing of '], within: 5m, unless: { fields: { level: info } } }", "unless: no usable literal"),
            ("{ all: [ab], within: 5m, count: 3 }", "knative.ingress.probe-forbidden: no usable literal"),
            (
                "{ all: ['Probing of '], within: 5m, count: 3, by: [k8s.pod.name] }",
                "`by` names `k8s.pod.name`, which the condition doesn't capture",
            ),
            (
                "{ sequence: [{ regex: 'Probing (?<detail>.)' }, { all: ['Probing'] }], within: 5m, by: [detail] }",
                "`by` names `detail`, which step 2 doesn't capture",
            ),
        ];
        for (condition, want) in table {
            let text = GOOD.replace("{ all: ['Probing of '] }", condition);
            let got = load(&text).map(|_| ()).unwrap_err();
            assert!(got.len() == 1 && got[0].contains(want), "{condition}: {got:?}");
        }
    }

    #[test]
    fn what_several_records_want() {
        let table = [
            ("{ sequence: [{ all: [Probing] }, { all: [failed] }] }", "the key `within` is missing"),
            ("{ all: [Probing], count: 5 }", "the key `within` is missing"),
            ("{ all: [Probing], unless: { all: [succeeded] } }", "the key `within` is missing"),
            ("{ all: [Probing], within: 5m }", "`within` has no effect without `sequence`, `count` or `unless`"),
            ("{ all: [Probing], by: [detail] }", "`by` has no effect without `sequence` or `count`"),
            ("{ all: [Probing], count: 0, within: 5m }", "`count` is a number from 1 to 1000"),
            (
                "{ all: [Probing], count: 1, within: 5m }",
                "one record is what a pattern is about by itself; leave `count` and `within` out",
            ),
            ("{ all: [Probing], count: 1001, within: 5m }", "more than 1000 records, all counts added up"),
            ("{ sequence: [], within: 5m }", "`sequence` has no steps"),
            (
                "{ sequence: [{ all: [Probing] }], within: 5m }",
                "a sequence of one step; write its condition without `sequence`",
            ),
            (
                "{ all: [x], sequence: [{ all: [Probing] }, { all: [failed] }], within: 5m }",
                "beside `sequence` there are only `within`, `unless` and `by`; conditions and `count` go into its steps",
            ),
            (
                "{ all: [Probing], within: 2h, unless: { all: [succeeded] } }",
                "beside `unless`, `within` is 1h at most: so long a match waits",
            ),
            (
                "{ regex: 'Probing (?<detail>.)', count: 2, within: 5m, by: [detail, detail] }",
                "`by` names a capture twice",
            ),
        ];
        for (condition, want) in table {
            let text = GOOD.replace("{ all: ['Probing of '] }", condition);
            let got = load(&text).map(|_| ()).unwrap_err();
            assert_eq!(got, [format!("p.yaml:6:12: {want}")], "{condition}");
        }
        let places = [
            (
                "{ all: [Probing], count: 5, within: 5 minutes }",
                "6:48: no length of time; it is written as `30s`, `10m` or `1h30m`",
            ),
            ("{ all: [Probing], count: 5, within: 0s }", "6:48: a time of nothing; write for example `30s` or `10m`"),
            ("{ all: [Probing], count: 5, within: 25h }", "6:48: more than 24h, which is the most"),
            ("{ all: [Probing], count: 5, wihtin: 5m }", "6:40: unknown key `wihtin` (did you mean `within`?)"),
            ("[{ all: [Probing] }, { all: [failed], count: 5 }]", "6:50: unknown key `count`"),
        ];
        for (condition, want) in places {
            let text = GOOD.replace("{ all: ['Probing of '] }", condition);
            let got = load(&text).map(|_| ()).unwrap_err();
            assert!(got.len() == 1 && got[0].starts_with(&format!("p.yaml:{want}")), "{condition}: {got:?}");
        }
    }

    #[test]
    fn several_records_in_words() {
        let table = [
            ("{ all: [Probing], count: 5, within: 10m }", "5 records within 10m"),
            (
                "{ sequence: [{ all: [Probing], count: 2 }, { all: [failed] }], within: 1h30m }",
                "2 steps in order (2, 1 records) within 1h30m",
            ),
            (
                "{ all: [Probing], within: 30s, unless: { all: [succeeded] } }",
                "one record, unless something else is seen within 30s",
            ),
            (
                "{ regex: 'Probing (?<detail>.)', count: 2, within: 5m, by: [faultscope.detail], unless: [{ all: [succeeded] }] }",
                "2 records within 5m, for each faultscope.detail, unless something else is seen within 5m",
            ),
        ];
        for (condition, want) in table {
            let set = load(&GOOD.replace("{ all: ['Probing of '] }", condition)).unwrap_or_else(|p| panic!("{p:?}"));
            assert_eq!(set.patterns[0].pattern.matches.correlation().unwrap().to_string(), want);
        }
    }

    #[test]
    fn an_id_is_used_once_but_a_built_in_one_may_be_replaced() {
        let source = |builtin| PackSource { name: "p.yaml".into(), text: GOOD.into(), builtin };
        assert!(PatternSet::load(&[source(false), source(false)]).is_err());
        for order in [[true, false], [false, true]] {
            let set = PatternSet::load(&order.map(source)).map_err(|p| p.len()).unwrap();
            assert!(set.patterns.len() == 1 && !set.patterns[0].builtin);
        }
    }
}
