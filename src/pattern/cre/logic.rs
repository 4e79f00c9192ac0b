//! The `rule` of a community rule: its set or sequence, terms, windows and negations.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;

use super::read::stray;
use super::{Logic, MAX_TERMS, Negation, Step, Term, duration};
use crate::yaml::{Kind, Mistake, Node};

const BODY_KEYS: &[&str] = &["window", "event", "match", "order", "negate", "correlations"];
const TERM_KEYS: &[&str] = &["value", "regex", "jq", "field", "count", "set", "sequence", "promql", "extract"];
const NEGATE_KEYS: &[&str] = &["value", "regex", "jq", "field", "count", "window", "slide", "anchor", "absolute"];

/// Terms that have a name, which a term's value may be.
pub(super) type Named<'n> = HashMap<String, &'n Node>;

type Read<T> = Result<T, Box<Mistake>>;

fn wrong<T>(node: &Node, message: impl Into<String>) -> Read<T> {
    Err(Box::new(node.mistake(message)))
}

/// The `terms` of a document.
pub(super) fn named_terms<'n>(terms: Option<&'n Node>, mistakes: &mut Vec<Mistake>) -> Named<'n> {
    match terms.map(|node| (&node.kind, node)) {
        Some((Kind::Map(entries), _)) => {
            entries.iter().filter_map(|(name, term)| Some((name.text()?.to_owned(), term))).collect()
        }
        Some((Kind::Null, _)) | None => Named::new(),
        Some((_, node)) => {
            mistakes.push(node.mistake("`terms` is a mapping of names to terms"));
            Named::new()
        }
    }
}

/// Reads a rule's logic.
pub(super) fn read(rule: &Node, named: &Named<'_>, remarks: &mut Vec<String>) -> Read<Logic> {
    stray(rule, &["set", "sequence"], "`rule`", remarks);
    let (sequence, set) = (rule.get("sequence"), rule.get("set"));
    if sequence.is_some() && set.is_some() {
        remarks.push("`set` stands beside `sequence` and has no effect".into());
    }
    let (body, ordered) = match (sequence, set) {
        (Some(body), _) => (body, true),
        (None, Some(body)) => (body, false),
        (None, None) => return wrong(rule, "the rule has neither `set` nor `sequence`"),
    };
    let key = if ordered { "order" } else { "match" };
    stray(body, BODY_KEYS, if ordered { "`sequence`" } else { "`set`" }, remarks);
    let mut steps = Vec::new();
    for node in body.get(key).map(Node::items).unwrap_or_default() {
        add(step(node, named, remarks)?, ordered, &mut steps);
    }
    if steps.is_empty() {
        return wrong(body, format!("`{key}` has no terms"));
    }
    let window = window(body, &steps)?;
    let mut negations = Vec::new();
    for node in body.get("negate").map(Node::items).unwrap_or_default() {
        negations.push(negation(node, named, &steps, ordered, remarks)?);
    }
    if steps.len() + negations.len() > MAX_TERMS {
        return wrong(body, format!("more than {MAX_TERMS} terms"));
    }
    if body.get("correlations").is_some_and(|node| !node.items().is_empty()) {
        remarks.push("`correlations` has no effect: a rule's entries are those of one container".into());
    }
    Ok(Logic { ordered, steps, window, negations })
}

/// Equal terms are one step of a greater count: in a set all of them, in a sequence those that follow each other.
fn add(step: Step, ordered: bool, steps: &mut Vec<Step>) {
    let same = match ordered {
        true => steps.last_mut().filter(|last| last.term == step.term),
        false => steps.iter_mut().find(|other| other.term == step.term),
    };
    match same {
        Some(same) => same.count += step.count,
        None => steps.push(step),
    }
}

fn window(body: &Node, steps: &[Step]) -> Read<Option<Duration>> {
    let several = steps.iter().map(|step| step.count).sum::<usize>() > 1;
    match body.get("window") {
        None if several => wrong(body, "`window` is missing: two or more terms want one, such as `window: 30s`"),
        None => Ok(None),
        Some(node) => match duration(node)?.try_into() {
            Ok(window) => Ok(Some(window)),
            Err(_) => wrong(node, "a window can't be negative"),
        },
    }
}

fn duration(node: &Node) -> Read<SignedDuration> {
    let read = match &node.kind {
        Kind::Text(text) => duration::parse(text.trim()),
        Kind::Int(0) => Some(SignedDuration::ZERO),
        _ => None,
    };
    read.map_or_else(|| wrong(node, "no duration; it is written as `30s`, `5m` or `1h30m`"), Ok)
}

fn step(node: &Node, named: &Named<'_>, remarks: &mut Vec<String>) -> Read<Step> {
    let node = resolve(node, named);
    let count = match node.get("count").map(|count| (&count.kind, count)) {
        None => 1,
        Some((Kind::Int(count @ 1..=1000), _)) => *count as usize,
        Some((_, count)) => return wrong(count, "`count` is a number from 1 to 1000"),
    };
    if node.text().is_none() {
        stray(node, TERM_KEYS, "a term", remarks);
    }
    Ok(Step { term: term(node, named, remarks)?, count })
}

/// A term by its name stands for what is written under that name.
fn resolve<'n>(node: &'n Node, named: &Named<'n>) -> &'n Node {
    let name = node.text().or_else(|| node.get("value").and_then(Node::text));
    name.and_then(|name| named.get(name)).copied().unwrap_or(node)
}

fn term(node: &Node, named: &Named<'_>, remarks: &mut Vec<String>) -> Read<Term> {
    let node = resolve(node, named);
    let text = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    for key in ["set", "sequence", "promql"] {
        if let Some(nested) = node.get(key) {
            return wrong(
                nested,
                format!("`{key}` inside a term needs the vendor's own platform and can't be run here"),
            );
        }
    }
    for key in ["field", "extract"] {
        if node.get(key).is_some() {
            remarks.push(format!("`{key}` has no effect: the whole entry is looked at"));
        }
    }
    match (node.text().filter(|text| !text.is_empty()).or(text("value")), text("regex"), text("jq")) {
        (Some(value), None, None) => Ok(Term::Value(value.to_owned())),
        (None, Some(regex), None) => Ok(Term::Regex(regex.to_owned())),
        (None, None, Some(jq)) => Ok(Term::Jq(jq.trim().to_owned())),
        (None, None, None) => wrong(node, "a term wants `value`, `regex` or `jq`, as text"),
        _ => wrong(node, "a term has one of `value`, `regex` and `jq`, not several"),
    }
}

fn negation(
    node: &Node,
    named: &Named<'_>,
    steps: &[Step],
    ordered: bool,
    remarks: &mut Vec<String>,
) -> Read<Negation> {
    if node.text().is_none() {
        stray(node, NEGATE_KEYS, "a negative term", remarks);
    }
    if node.get("count").is_some_and(|count| !matches!(count.kind, Kind::Int(1))) {
        return wrong(node, "a negative term can't be counted");
    }
    let length = |key: &str| node.get(key).map_or(Ok(SignedDuration::ZERO), duration);
    let (window, slide) = (length("window")?, length("slide")?);
    let entries: usize = steps.iter().map(|step| step.count).sum();
    let anchor = match node.get("anchor").map(|anchor| (&anchor.kind, anchor)) {
        None => 0,
        Some((Kind::Int(anchor), _)) if (0..entries as i64).contains(anchor) => *anchor as usize,
        Some((_, anchor)) => return wrong(anchor, format!("`anchor` is a number below {entries}: one of the entries")),
    };
    if ordered && anchor > 0 && counted(steps, anchor) {
        return wrong(node, "an `anchor` other than 0 can't be one of several entries of the same term");
    }
    let absolute = match node.get("absolute").map(|absolute| &absolute.kind) {
        None | Some(Kind::Bool(false)) => false,
        Some(Kind::Bool(true)) => true,
        Some(_) => return wrong(node, "`absolute` is true or false"),
    };
    let instant = entries == 1 && window.is_zero() && slide.is_zero();
    if instant {
        remarks.push(
            "a negative term without window and slide, of a rule of one entry, is asked of that entry's instant only"
                .into(),
        );
    }
    if absolute && !window.is_positive() {
        remarks.push("an absolute negative term without a window can only act at one instant".into());
    }
    Ok(Negation { term: term(node, named, remarks)?, window, slide, anchor, absolute })
}

/// Is the entry at `anchor` one of several of its step?
fn counted(steps: &[Step], anchor: usize) -> bool {
    let mut before = 0;
    let of = steps.iter().find(|step| {
        before += step.count;
        anchor < before
    });
    of.is_some_and(|step| step.count > 1)
}
