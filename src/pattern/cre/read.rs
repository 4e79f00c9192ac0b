//! A document of community rules, read leniently: what isn't needed to run a rule may be missing or new.
//!
//! Keys that are not in the language, and what can't have an effect, become remarks, which `patterns lint` tells.

use std::sync::Arc;

use super::{Rule, category, logic};
use crate::pattern::model::{FieldValue, Matches, Pattern, Scope, Severity, Tests};
use crate::yaml::{Kind, Mistake, Node};

const RULE_KEYS: &[&str] = &["metadata", "cre", "rule"];
const CRE_KEYS: &[&str] = &[
    "id",
    "severity",
    "title",
    "category",
    "author",
    "description",
    "cause",
    "impact",
    "impactScore",
    "mitigation",
    "mitigationScore",
    "tags",
    "references",
    "reports",
    "applications",
    "version",
    "generation",
];

/// Is a document one of community rules? They have `rules` where packs have `patterns`; a footer may be all there is.
pub fn is_document(root: &Node) -> bool {
    root.get("rules").is_some() || root.get("section").is_some() && root.get("patterns").is_none()
}

/// Reads the rules of a document; those that can be run, and what is wrong with the others.
pub fn read(root: &Node, file: &Arc<str>) -> (Vec<Rule>, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let terms = logic::named_terms(root.get("terms"), &mut mistakes);
    let mut rules = Vec::new();
    for node in root.get("rules").map(Node::items).unwrap_or_default() {
        match rule(node, &terms, file) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => mistakes.push(*mistake),
        }
    }
    (rules, mistakes)
}

fn rule(node: &Node, terms: &logic::Named<'_>, file: &Arc<str>) -> Result<Rule, Box<Mistake>> {
    let part = |key: &str| node.get(key).ok_or_else(|| Box::new(node.mistake(format!("the rule has no `{key}`"))));
    let (cre, body) = (part("cre")?, part("rule")?);
    let mut remarks = Vec::new();
    stray(node, RULE_KEYS, "the rule", &mut remarks);
    stray(cre, CRE_KEYS, "`cre`", &mut remarks);
    let logic = logic::read(body, terms, &mut remarks)?;
    let pattern = Arc::new(pattern(cre)?);
    let attributes = attributes(cre, node.get("metadata"), body);
    let (logic, containers) = (Arc::new(logic), Vec::new());
    Ok(Rule { pattern, attributes, logic, file: file.clone(), line: node.line(), containers, remarks })
}

/// Keys that the language doesn't have.
pub(super) fn stray(node: &Node, known: &[&str], what: &str, remarks: &mut Vec<String>) {
    let Kind::Map(entries) = &node.kind else { return };
    let stray = entries.iter().filter_map(|(key, _)| key.text()).filter(|key| !known.contains(key));
    remarks
        .extend(stray.map(|key| format!("{what} has the key `{key}`, which is not in the language and has no effect")));
}

fn text(node: &Node, key: &str) -> Option<String> {
    let text = match &node.get(key)?.kind {
        Kind::Text(text) => text.trim().to_owned(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn number(node: &Node, key: &str) -> Option<i64> {
    match node.get(key)?.kind {
        Kind::Int(number) => Some(number),
        _ => None,
    }
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.text()).map(|text| text.trim().to_owned()).collect()
}

/// What is told of the rule. Only the id is asked for.
fn pattern(cre: &Node) -> Result<Pattern, Box<Mistake>> {
    let id = text(cre, "id").ok_or_else(|| Box::new(cre.mistake("`cre.id` is missing")))?;
    if id.len() < 4 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let at = cre.get("id").unwrap_or(cre);
        let mut mistake = at.mistake(format!("`{id}` is no id of a rule"));
        mistake.hint = Some("four or more letters, digits and `-`, such as CRE-2025-0001".into());
        return Err(Box::new(mistake));
    }
    let severity = match number(cre, "severity") {
        Some(0) => Severity::Fatal,
        Some(3) => Severity::Warn,
        Some(4..) => Severity::Info,
        _ => Severity::Error,
    };
    Ok(Pattern {
        title: text(cre, "title").unwrap_or_else(|| id.clone()),
        severity,
        category: category::nearest(&text(cre, "category").unwrap_or_default()),
        scope: Scope::default(),
        matches: Matches::AnyOf(Vec::new()),
        generic: false,
        cause: text(cre, "cause").or_else(|| text(cre, "description")).unwrap_or_default(),
        fix: text(cre, "mitigation").map(|text| steps(&text)).unwrap_or_default(),
        references: texts(cre, "references"),
        explains: Vec::new(),
        also: Vec::new(),
        tests: Tests { fires: Vec::new(), silent: Vec::new() },
        id,
    })
}

/// A mitigation as steps: the items of its list if it is one, otherwise the whole.
fn steps(mitigation: &str) -> Vec<String> {
    let item = |line: &str| -> Option<String> {
        let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = numbered.strip_prefix(". ").filter(|_| numbered.len() < line.len());
        line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).or(numbered).map(|rest| rest.trim().to_owned())
    };
    let mut steps: Vec<String> = Vec::new();
    for line in mitigation.lines() {
        // Only the outermost items are steps; what is indented belongs to the one before.
        match (item(line), steps.last_mut()) {
            (Some(step), _) => steps.push(step),
            (None, Some(last)) => {
                last.push('\n');
                last.push_str(line.trim_end());
            }
            (None, None) => steps.push(line.trim_end().to_owned()),
        }
    }
    steps.iter().map(|step| step.trim().to_owned()).filter(|step| !step.is_empty()).collect()
}

fn attributes(cre: &Node, metadata: Option<&Node>, body: &Node) -> Vec<(&'static str, FieldValue)> {
    let mut all = Vec::new();
    let mut put = |name, value: Option<String>| all.extend(value.map(|value| (name, FieldValue::Text(value))));
    for (name, key) in [
        ("cre.category", "category"),
        ("cre.author", "author"),
        ("cre.description", "description"),
        ("cre.impact", "impact"),
    ] {
        put(name, text(cre, key));
    }
    put("cre.tags", joined(texts(cre, "tags")));
    let applications = cre.get("applications").map(Node::items).unwrap_or_default();
    put("cre.applications", joined(applications.iter().filter_map(|one| text(one, "name")).collect()));
    put("cre.rule.id", metadata.and_then(|metadata| text(metadata, "id")));
    put("cre.rule.hash", metadata.and_then(|metadata| text(metadata, "hash")));
    let source = ["set", "sequence"].iter().find_map(|kind| text(body.get(kind)?.get("event")?, "source"));
    put("cre.event.source", source);
    for (name, key) in [
        ("cre.severity", "severity"),
        ("cre.impact_score", "impactScore"),
        ("cre.mitigation_score", "mitigationScore"),
        ("cre.reports", "reports"),
    ] {
        all.extend(number(cre, key).map(|value| (name, FieldValue::Int(value))));
    }
    all
}

fn joined(texts: Vec<String>) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join(", "))
}
