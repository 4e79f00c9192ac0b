//! From patterns to what the engine runs: literals, anchors and checks.

use std::sync::{Arc, OnceLock};

use indexmap::IndexSet;
use thiserror::Error;

use super::regexes::Regex;
use super::required::{self, Clause, Lines};
use super::scope::CompiledScope;
use super::{Clauses, Knowledge, Way, anchors, known};
use crate::event::attributes::{self, Capture};
use crate::pattern::model::{Condition, FieldCondition, FieldValue, Pattern, Severity, Term};

/// Why a pattern can't be compiled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CompileError {
    /// A regular expression is not one.
    #[error("the expression `{expression}` can't be read: {reason}")]
    Regex {
        /// As written.
        expression: String,
        /// The parser's explanation.
        reason: String,
    },
    /// A named group that is no attribute.
    #[error("the group `{0}` is not in the vocabulary of captures (src/event/attributes.rs)")]
    Capture(String),
    /// A literal of no bytes.
    #[error("an empty literal stands in every record; leave it out")]
    EmptyLiteral,
    /// A condition with nothing in it.
    #[error("the condition is empty; it would match every record")]
    Empty,
    /// Nothing to look for in raw blocks.
    #[error(
        "no usable literal: a term of `all`, each of `any`, or a required part of a `regex` needs {} or more printable \
         ASCII bytes in a row, other than \\ < > & '",
        anchors::MIN_ANCHOR
    )]
    NoAnchor,
    /// A part of several records is wrong.
    #[error("{part}: {error}")]
    Part {
        /// What the part is called.
        part: String,
        /// Why.
        error: Box<CompileError>,
    },
    /// What must be equal in all records isn't known of each.
    #[error(
        "`by` names `{name}`, which {part} doesn't capture: records are followed in one container's log, whose pod and \
         names are equal anyway, so `by` is for groups that stand in a `regex` of every step"
    )]
    By {
        /// As written.
        name: String,
        /// What the part is called.
        part: String,
    },
    /// All patterns together.
    #[error("the literals of all patterns have more than {} MiB", super::literals::MAX_BYTES >> 20)]
    TooMuch,
    /// A glob of `where` that is not one.
    #[error("the glob `{glob}` can't be read: {reason}")]
    Glob {
        /// As written.
        glob: String,
        /// The parser's explanation.
        reason: String,
    },
}

/// The index of a literal in the literal automaton.
pub type LiteralId = u32;

/// A pattern, ready to be confirmed.
pub struct Compiled {
    /// The pattern itself.
    pub pattern: Arc<Pattern>,
    /// Its id, shared with events.
    pub id: Arc<str>,
    /// Where it applies.
    pub scope: CompiledScope,
    /// The conditions, of which one suffices; of a correlated pattern, its parts.
    pub alternatives: Vec<Alternative>,
    /// Is it about several records? Then no single one makes it speak.
    pub correlated: bool,
    /// Attributes that must be equal in all its records.
    pub by: Vec<&'static str>,
}

/// One condition, ready to be checked.
pub struct Alternative {
    /// Where it applies, within where the pattern does.
    pub scope: CompiledScope,
    /// Literals that must be there.
    pub all: Vec<LiteralId>,
    /// Expressions that must match: from `all` terms and from `regex`.
    pub regexes: Vec<LazyRegex>,
    /// Of these at least one; absent if the condition has no `any`.
    pub any: Option<Terms>,
    /// Of these none.
    pub none: Terms,
    /// Fields and what they must be.
    pub fields: Vec<(String, FieldTest)>,
    /// How much text it requires, in bytes: the more, the more specific.
    pub weight: usize,
    /// The fragments by which it is found in raw blocks, each with the number of the way that it stands for; empty if no log can be meant.
    pub anchors: Vec<(Vec<u8>, u32)>,
    /// Of each of these, one literal must stand in the record's text: what expressions can't match without.
    pub clauses: Vec<Vec<LiteralId>>,
    /// The literals that the fragments are parts of: one of them makes a record a candidate.
    pub anchor_literals: Vec<LiteralId>,
}

impl Alternative {
    /// The fragments by which it is found in raw blocks.
    pub fn anchors(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.anchors.iter().map(|(anchor, _)| anchor)
    }
}

/// Literals and expressions, side by side.
#[derive(Default)]
pub struct Terms {
    /// By their index in the literal automaton.
    pub literals: Vec<LiteralId>,
    /// Compiled when first needed.
    pub regexes: Vec<LazyRegex>,
}

/// What a field must be.
pub struct FieldTest {
    values: Vec<glob::Pattern>,
}

impl FieldTest {
    fn new(condition: &FieldCondition) -> Self {
        let glob_of = |value: &FieldValue| {
            let text = value.to_string();
            // Only `*` is a wildcard here; two in a row are one, while to `glob` they would be folders.
            let mut parts: Vec<String> = text.split('*').map(glob::Pattern::escape).collect();
            let last = parts.len() - 1;
            let mut place = 0;
            parts.retain(|part| {
                place += 1;
                !part.is_empty() || place == 1 || place > last
            });
            glob::Pattern::new(&parts.join("*")).unwrap_or_default()
        };
        FieldTest { values: condition.values().iter().map(glob_of).collect() }
    }

    /// Is `text` one of the values?
    pub fn holds(&self, text: &str) -> bool {
        self.values.iter().any(|value| value.matches(text))
    }
}

/// An expression that is known to be right and compiled when it is first needed: most never are.
pub struct LazyRegex {
    expression: String,
    compiled: OnceLock<Option<Regex>>,
    captures: Vec<(String, &'static Capture)>,
}

impl LazyRegex {
    fn new(expression: &str) -> Result<(Self, Lines), CompileError> {
        let wrong = |reason| CompileError::Regex { expression: expression.to_owned(), reason };
        let read = known::read(expression).map_err(wrong)?;
        let captures = read
            .groups
            .iter()
            .map(|name| match attributes::capture(name) {
                Some(capture) => Ok((name.clone(), capture)),
                None => Err(CompileError::Capture(name.clone())),
            })
            .collect::<Result<_, _>>()?;
        let lazy = LazyRegex { expression: expression.to_owned(), compiled: OnceLock::new(), captures };
        Ok((lazy, read.lines))
    }

    /// The compiled expression; `None` only if it grew over the size limit, which [`LazyRegex::check`] reports.
    pub fn get(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&self.expression).ok()).as_ref()
    }

    /// Compiles now, for `check` and `lint`.
    pub fn check(&self) -> Result<(), CompileError> {
        let wrong = |reason| CompileError::Regex { expression: self.expression.clone(), reason };
        Regex::check(&self.expression).map_err(wrong)
    }

    /// Its named groups, in the order they stand, and what they become.
    pub fn captures(&self) -> &[(String, &'static Capture)] {
        &self.captures
    }
}

/// What all patterns have in common.
#[derive(Default)]
pub struct Tables {
    /// The literals, each once. An id is a place.
    pub literals: IndexSet<Box<[u8]>>,
    /// Which (pattern, alternative) pairs become candidates when one is seen.
    pub candidates: Vec<(LiteralId, u32, u32)>,
    /// How alternatives are found, by the numbers of the ways.
    pub ways: Vec<Way>,
    /// What must stand beside the ways' anchors.
    pub clauses: Clauses,
}

impl Tables {
    fn id(&mut self, literal: &[u8]) -> LiteralId {
        let known = self.literals.get_index_of(literal);
        // Patterns are files that people write; their literals never come near 2^32.
        known.unwrap_or_else(|| self.literals.insert_full(literal.into()).0) as LiteralId
    }

    /// Takes in how an alternative of a pattern is found; gives its anchors.
    fn add_ways(&mut self, pair: (u32, u32), severity: Severity, ways: Vec<anchors::Way>) -> Vec<(Vec<u8>, u32)> {
        let mut anchors = Vec::new();
        for way in ways {
            let number = self.ways.len() as u32;
            anchors.extend(way.anchors.into_iter().map(|anchor| (anchor, number)));
            self.ways.push(Way { pair, severity, beside: self.clauses.add(&way.beside, way.in_line) });
        }
        anchors
    }
}

/// Compiles one pattern, adding to the tables. `index` is the pattern's own.
pub fn pattern(
    pattern: &Arc<Pattern>,
    index: u32,
    tables: &mut Tables,
    knowledge: Knowledge<'_>,
) -> Result<Compiled, Vec<CompileError>> {
    let mut errors = Vec::new();
    let mut alternatives = Vec::with_capacity(pattern.matches.conditions().len());
    let scope = CompiledScope::new(&pattern.scope).unwrap_or_else(|error| {
        errors.push(error);
        CompiledScope::default()
    });
    for (position, condition) in pattern.matches.conditions().iter().enumerate() {
        match alternative(condition, tables, knowledge) {
            Ok((mut alternative, ways)) => {
                let pair = (index, position as u32);
                if scope.takes_logs() && alternative.scope.takes_logs() {
                    alternative.anchors = tables.add_ways(pair, pattern.severity, ways);
                }
                let found_by = alternative.anchor_literals.iter();
                tables.candidates.extend(found_by.map(|&literal| (literal, pair.0, pair.1)));
                alternatives.push(alternative);
            }
            Err(error) => errors.push(in_part(pattern, position, error)),
        }
    }
    let by = match errors.is_empty() {
        true => by(pattern, &alternatives).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        }),
        false => Vec::new(),
    };
    if errors.is_empty() {
        let correlated = pattern.matches.correlation().is_some();
        let id = pattern.id.as_str().into();
        Ok(Compiled { pattern: pattern.clone(), id, scope, alternatives, correlated, by })
    } else {
        Err(errors)
    }
}

/// Names the part of several records that an error is in.
fn in_part(pattern: &Pattern, position: usize, error: CompileError) -> CompileError {
    match pattern.matches.correlation().and_then(|correlation| correlation.part(position)) {
        Some(part) => CompileError::Part { part, error: Box::new(error) },
        None => error,
    }
}

/// The attributes that `by` names. Every step has to capture each; what denies a match needn't, and then denies it for all.
fn by(pattern: &Pattern, parts: &[Alternative]) -> Result<Vec<&'static str>, CompileError> {
    let Some(correlation) = pattern.matches.correlation() else { return Ok(Vec::new()) };
    let mut by = Vec::new();
    for name in &correlation.by {
        let captured = |part: &Alternative| {
            let mut captures = part.regexes.iter().flat_map(LazyRegex::captures).map(|(_, capture)| *capture);
            captures.find(|capture| capture.group == name || capture.attribute == name)
        };
        let steps = parts.iter().take(correlation.counts.len()).map(captured);
        let missing = steps.clone().position(|capture| capture.is_none());
        if let Some(step) = missing {
            let part = correlation.part(step).unwrap_or_else(|| "the condition".into());
            return Err(CompileError::By { name: name.clone(), part });
        }
        by.extend(steps.flatten().map(|capture| capture.attribute).next());
    }
    Ok(by)
}

/// One condition, and how it is found in raw blocks, in each way in which it can be met.
fn alternative(
    condition: &Condition,
    tables: &mut Tables,
    knowledge: Knowledge<'_>,
) -> Result<(Alternative, Vec<anchors::Way>), CompileError> {
    let mut lines = Lines::new();
    let mut all = Vec::with_capacity(condition.all.len());
    let mut regexes = Vec::with_capacity(condition.regex.as_slice().len());
    for term in &condition.all {
        match term {
            Term::Literal(literal) if literal.is_empty() => return Err(CompileError::EmptyLiteral),
            Term::Literal(literal) => {
                lines.push(vec![vec![literal.as_bytes().to_vec()]]);
                all.push(tables.id(literal.as_bytes()));
            }
            Term::Regex(term) => add_regex(&term.regex, &mut regexes, &mut lines)?,
        }
    }
    for expression in condition.regex.as_slice() {
        add_regex(expression, &mut regexes, &mut lines)?;
    }
    let Any { terms: any, clause, mut choices } = any_of(&condition.any, tables)?;
    choices.iter_mut().for_each(|choice| choice.extend_from_slice(&lines));
    lines.extend(clause.map(|clause| vec![clause]));
    let none = terms(&condition.none, tables)?.0;
    let fields: Vec<_> = condition.fields.iter().map(|(name, test)| (name.clone(), FieldTest::new(test))).collect();
    if all.is_empty() && regexes.is_empty() && any.is_none() && fields.is_empty() {
        return Err(CompileError::Empty);
    }
    let shortest = |clause: &Clause| clause.iter().map(Vec::len).min().unwrap_or(0);
    let scope = CompiledScope::new(&condition.scope)?;
    let beside_text = fields.len() + usize::from(scope.wants_reason());
    let weight = lines.iter().flatten().map(shortest).sum::<usize>() + 8 * beside_text;
    let choices = if choices.is_empty() { std::slice::from_ref(&lines) } else { &choices };
    let (ways, found_by) = ways(choices, knowledge)?;
    let anchor_literals = found_by.iter().map(|literal| tables.id(literal)).collect();
    let telling =
        lines.iter().flatten().filter(|clause| clause.iter().all(|literal| literal.len() >= anchors::MIN_ANCHOR));
    let ids = telling.map(|clause| clause.iter().map(|literal| tables.id(literal)).collect::<Vec<_>>());
    let clauses = ids.filter(|ids| !ids.iter().all(|id| all.contains(id))).collect();
    let anchors = Vec::new();
    Ok((Alternative { scope, all, regexes, any, none, fields, weight, anchors, clauses, anchor_literals }, ways))
}

fn add_regex(expression: &str, regexes: &mut Vec<LazyRegex>, lines: &mut Lines) -> Result<(), CompileError> {
    let (regex, required) = LazyRegex::new(expression)?;
    regexes.push(regex);
    lines.extend(required);
    Ok(())
}

/// How each choice is found in raw blocks, and the literals of which one stands in each text that meets one.
fn ways(choices: &[Lines], knowledge: Knowledge<'_>) -> Result<(Vec<anchors::Way>, Clause), CompileError> {
    let mut literals = Clause::new();
    let mut ways = Vec::with_capacity(choices.len());
    for lines in choices {
        let (clause, way) =
            anchors::choose(lines, knowledge.healthy, knowledge.windows).ok_or(CompileError::NoAnchor)?;
        literals.extend_from_slice(clause);
        ways.push(way);
    }
    Ok((ways, literals))
}

/// An `any` list.
#[derive(Default)]
struct Any {
    /// Its terms; none if the condition has no such list.
    terms: Option<Terms>,
    /// The clause that it makes, if each of its terms has something to look for.
    clause: Option<Clause>,
    /// If expressions are among its terms, what each choice requires. All its literals are one.
    choices: Vec<Lines>,
}

fn any_of(list: &[Term], tables: &mut Tables) -> Result<Any, CompileError> {
    if list.is_empty() {
        return Ok(Any::default());
    }
    let (terms, required) = terms(list, tables)?;
    let mut choices = Vec::new();
    if !terms.regexes.is_empty() {
        let mut plain = Clause::new();
        for (term, lines) in list.iter().zip(&required) {
            match term {
                Term::Literal(literal) => plain.push(literal.as_bytes().to_vec()),
                Term::Regex(_) => choices.push(lines.clone()),
            }
        }
        choices.extend((!plain.is_empty()).then(|| vec![vec![plain]]));
    }
    let strongest: Option<Vec<Clause>> =
        required.into_iter().map(|lines| required::strongest(lines.into_iter().flatten())).collect();
    Ok(Any { terms: Some(terms), clause: strongest.map(|each| each.concat()), choices })
}

/// Terms, and for each the clauses it requires, by line.
fn terms(list: &[Term], tables: &mut Tables) -> Result<(Terms, Vec<Lines>), CompileError> {
    let mut terms = Terms::default();
    let mut required = Vec::new();
    for term in list {
        match term {
            Term::Literal(literal) if literal.is_empty() => return Err(CompileError::EmptyLiteral),
            Term::Literal(literal) => {
                terms.literals.push(tables.id(literal.as_bytes()));
                required.push(vec![vec![vec![literal.as_bytes().to_vec()]]]);
            }
            Term::Regex(term) => {
                let (regex, lines) = LazyRegex::new(&term.regex)?;
                terms.regexes.push(regex);
                required.push(lines);
            }
        }
    }
    Ok((terms, required))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_a_field_value_stands_for_anything() {
        let table = [
            ("error", "error", true),
            ("error", "errors", false),
            ("*reset*", "upstream_reset_before", true),
            ("a**b", "a-b", true),
            ("a*", "a", true),
            ("**", "", true),
            ("[x]?", "[x]?", true),
            ("[x]?", "xy", false),
        ];
        for (value, text, want) in table {
            let test = FieldTest::new(&FieldCondition::One(FieldValue::Text(value.into())));
            assert_eq!(test.holds(text), want, "{value} on {text}");
        }
    }
}
