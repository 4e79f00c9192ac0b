//! What a decoded record is: all conditions of all candidates, and which pattern speaks.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::compile::{Alternative, LazyRegex, LiteralId, Terms};
use super::literals::LiteralSearch;
use super::regexes::Groups;
use super::{Clues, Engine};
use crate::event::attributes::Kind;
use crate::event::{self, Attribute, Value};
use crate::pattern::model::Origin;

/// A decoded record, as the engine sees it.
pub struct Subject<'a> {
    /// The record's text: its lines joined by newlines, escapes of structured logs undone.
    pub text: &'a [u8],
    /// A log, or what Kubernetes' API says.
    pub origin: Origin,
    /// The reason that the API gives; none for a log.
    pub reason: Option<&'a str>,
    /// The container it came from, if known.
    pub container: Option<&'a str>,
    /// A field of the log's own structure, by its dotted path.
    pub field: &'a dyn Fn(&str) -> Option<String>,
}

/// What a record is.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// Index of the pattern that speaks.
    pub pattern: usize,
    /// Indices of what else matched, in the order of the patterns.
    pub also: Vec<usize>,
    /// What the named groups of the speaking pattern caught.
    pub captures: Vec<Attribute>,
    /// The part of the text by which the speaking pattern was recognised.
    pub evidence: Range<usize>,
}

/// A record that meets the condition of a part of a correlated pattern.
#[derive(Debug, PartialEq)]
pub struct Part {
    /// Index of the pattern.
    pub pattern: usize,
    /// Which of its parts: its steps by their place, then what denies it.
    pub part: usize,
    /// What the named groups of the part caught.
    pub captures: Vec<Attribute>,
    /// The piece of the text by which it was recognised.
    pub evidence: Range<usize>,
}

/// Everything that patterns have to do with a record.
#[derive(Debug, Default, PartialEq)]
pub struct Judgement {
    /// What it is by itself, if any pattern knows it.
    pub finding: Option<Finding>,
    /// What it may be a part of, in the order of the patterns and of their parts.
    pub parts: Vec<Part>,
}

/// The literals that stand in a text, each looked for when it is first asked for: few of all ever are.
pub(super) struct Seen<'e> {
    literals: &'e LiteralSearch,
    text: &'e [u8],
    /// A bit for each literal, by its id: was it looked for, and does it stand there?
    known: Vec<Cell<(u64, u64)>>,
}

impl<'e> Seen<'e> {
    pub(super) fn new(literals: &'e LiteralSearch, text: &'e [u8]) -> Seen<'e> {
        Seen { literals, text, known: vec![Cell::default(); literals.count().div_ceil(64)] }
    }

    pub(super) fn has(&self, literal: LiteralId) -> bool {
        let (known, bit) = (&self.known[literal as usize / 64], 1u64 << (literal % 64));
        let (asked, there) = known.get();
        if asked & bit != 0 {
            return there & bit != 0;
        }
        let is_there = self.position(literal).is_some();
        known.set((asked | bit, if is_there { there | bit } else { there }));
        is_there
    }

    /// Where a literal stands first.
    fn position(&self, literal: LiteralId) -> Option<usize> {
        self.literals.first(literal, self.text)
    }
}

/// One pattern whose condition holds.
struct Match<'e, 't> {
    pattern: usize,
    alternative: &'e Alternative,
    /// By the alternative's expressions.
    groups: Vec<Groups<'e, 't>>,
}

impl Engine {
    /// Says what a record is by itself, if any pattern knows it.
    pub fn confirm(&self, subject: &Subject<'_>) -> Option<Finding> {
        self.judge(subject).finding
    }

    /// Says what a record is by itself, and what it may be a part of.
    pub fn judge(&self, subject: &Subject<'_>) -> Judgement {
        self.judge_those(self.candidates(subject), subject)
    }

    /// The same of a log's record that is one raw line, of which that has told these clues.
    ///
    /// Whatever a record's text holds by which it may be found, its raw lines have an anchor on its behalf.
    pub fn judge_line(&self, subject: &Subject<'_>, clues: &Clues) -> Judgement {
        self.judge_those(self.pairs(clues), subject)
    }

    fn judge_those(&self, candidates: Vec<(u32, u32)>, subject: &Subject<'_>) -> Judgement {
        let seen = Seen::new(&self.literals, subject.text);
        let mut matches: Vec<Match<'_, '_>> = Vec::new();
        let mut parts = Vec::new();
        let mut counted = None;
        for (pattern, position) in candidates {
            let pattern = pattern as usize;
            if matches.last().is_some_and(|last| last.pattern == pattern) {
                continue;
            }
            let compiled = &self.patterns[pattern];
            let alternative = &compiled.alternatives[position as usize];
            if !alternative.anchor_literals.iter().any(|&literal| seen.has(literal)) {
                continue;
            }
            if counted.replace(pattern) != Some(pattern) {
                self.counts[pattern].candidates.fetch_add(1, Relaxed);
            }
            if !compiled.scope.takes(subject) {
                continue;
            }
            let Some(groups) = caught(alternative, subject, &seen) else { continue };
            self.counts[pattern].confirmations.fetch_add(1, Relaxed);
            if compiled.correlated {
                let (captures, evidence) = evidence(alternative, &groups, &seen, self);
                parts.push(Part { pattern, part: position as usize, captures, evidence });
            } else {
                matches.push(Match { pattern, alternative, groups });
            }
        }
        Judgement { finding: self.finding(&matches, subject, &seen), parts }
    }

    fn finding(&self, matches: &[Match<'_, '_>], subject: &Subject<'_>, seen: &Seen<'_>) -> Option<Finding> {
        let speaker = self.speaker(matches, subject.container)?;
        let also = matches.iter().map(|m| m.pattern).filter(|&pattern| pattern != speaker.pattern).collect();
        let (captures, evidence) = evidence(speaker.alternative, &speaker.groups, seen, self);
        Some(Finding { pattern: speaker.pattern, also, captures, evidence })
    }

    /// The (pattern, alternative) pairs that a text may be of, in order: all of which one of the literals stands there that they are
    /// found by, and some more.
    ///
    /// Wherever such a literal stands in a text, so does one of the anchors that are looked for in logs on its behalf.
    fn candidates(&self, subject: &Subject<'_>) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        if subject.origin == Origin::Log {
            self.search.any_anchor(subject.text, 0, |anchor, at| {
                let owners = self.meanings[anchor].owners(subject.text, at);
                pairs.extend(owners.flat_map(|owners| &owners.ways).map(|&way| self.ways[way as usize].pair));
                false
            });
        } else {
            self.literals.find(subject.text).for_each(|(literal, _)| {
                let from = self.candidates.partition_point(|(id, ..)| (*id as usize) < literal);
                let of_it = self.candidates[from..].iter().take_while(|(id, ..)| *id as usize == literal);
                pairs.extend(of_it.map(|&(_, pattern, position)| (pattern, position)));
            });
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Of the patterns that matched, the one that speaks: specific before generic, a cause before what it explains, one
    /// whose scope is known to hold before one that passes because the container isn't known, then the one that requires most text.
    /// A cause of which only presumption says that it concerns this container doesn't go before what concerns any.
    fn speaker<'m, 'e, 't>(&self, matches: &'m [Match<'e, 't>], container: Option<&str>) -> Option<&'m Match<'e, 't>> {
        if let [only] = matches {
            return Some(only);
        }
        let pattern_of = |m: &Match<'_, '_>| &self.patterns[m.pattern].pattern;
        let presumed = |m: &Match<'_, '_>| {
            let scopes = [&self.patterns[m.pattern].scope, &m.alternative.scope];
            container.is_none() && scopes.iter().any(|scope| scope.wants_container())
        };
        let explained = |m: &Match<'_, '_>| {
            let id = &pattern_of(m).id;
            matches.iter().any(|other| {
                let cause = pattern_of(other);
                let may_speak = (!cause.generic || pattern_of(m).generic) && (!presumed(other) || presumed(m));
                may_speak && cause.explains.contains(id) && !pattern_of(m).explains.contains(&cause.id)
            })
        };
        matches.iter().min_by_key(|m| {
            let weight = std::cmp::Reverse(m.alternative.weight);
            (pattern_of(m).generic, explained(m), presumed(m), weight, m.pattern)
        })
    }
}

/// What the expressions of an alternative caught, if its condition holds. They are run once: that one matches, and what it caught, are found together.
fn caught<'e, 't>(alternative: &'e Alternative, subject: &Subject<'t>, seen: &Seen<'_>) -> Option<Vec<Groups<'e, 't>>> {
    let is_seen = |id: &LiteralId| seen.has(*id);
    let matches = |regex: &LazyRegex| regex.get().is_some_and(|regex| regex.is_match(subject.text));
    let one_of = |terms: &Terms| terms.literals.iter().any(is_seen) || terms.regexes.iter().any(matches);
    let may_hold = alternative.scope.takes(subject)
        && alternative.all.iter().all(is_seen)
        && !alternative.none.literals.iter().any(is_seen)
        && alternative.any.as_ref().is_none_or(one_of)
        && alternative.clauses.iter().all(|clause| clause.iter().any(is_seen))
        && alternative.fields.iter().all(|(name, test)| (subject.field)(name).is_some_and(|text| test.holds(&text)));
    if !may_hold {
        return None;
    }
    let groups: Option<Vec<Groups<'e, 't>>> =
        alternative.regexes.iter().map(|regex| regex.get()?.captures(subject.text)).collect();
    groups.filter(|_| !alternative.none.regexes.iter().any(matches))
}

/// Captures, and the part of the text to show: the first expression's match, else the longest literal seen.
fn evidence(
    alternative: &Alternative,
    groups: &[Groups<'_, '_>],
    seen: &Seen<'_>,
    engine: &Engine,
) -> (Vec<Attribute>, Range<usize>) {
    let mut captures: Vec<Attribute> = Vec::new();
    let shown = groups.first().and_then(Groups::whole);
    for (lazy, groups) in alternative.regexes.iter().zip(groups) {
        for ((_, capture), group) in lazy.captures().iter().zip(groups.named()) {
            let Some(group) = group else { continue };
            if captures.iter().all(|known| known.name != capture.attribute) {
                captures.push(Attribute { name: capture.attribute, value: value(group, capture.kind) });
            }
        }
    }
    let any = alternative.any.iter().flat_map(|terms| &terms.literals);
    let literals = alternative.all.iter().chain(any);
    let longest = literals
        .filter_map(|&id| seen.position(id).map(|at| (engine.literals.length(id), at)))
        .max_by_key(|&(length, at)| (length, std::cmp::Reverse(at)))
        .map(|(length, at)| at..at + length);
    (captures, shown.or(longest).unwrap_or(0..0))
}

fn value(text: &[u8], kind: Kind) -> Value {
    let text = event::text(text);
    match (kind, text.parse()) {
        (Kind::Int, Ok(number)) => Value::Int(number),
        _ => Value::Text(text.into_owned()),
    }
}
