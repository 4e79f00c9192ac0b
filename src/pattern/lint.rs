//! What is legal in a pattern but unwise. [`PatternSet::load`] refuses what is wrong; this tells what to mend.

use super::model::{Category, Origin, Pattern, Scope};
use super::scaffold::draft::{self, BLANK};
use super::set::{Located, PatternSet, Problem};
use crate::engine::Healthy;

/// Titles stand in lists and alerts.
const MAX_TITLE: usize = 100;

/// An anchor less rare than this, a power of two in bytes, stands in many healthy lines.
const MIN_RARITY: f32 = 16.0;

/// Everything to mend, by pattern.
pub fn lint(set: &PatternSet) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        set.engine.check().iter().map(|(index, error)| Problem::of_pattern(&set.patterns[*index], error)).collect();
    for (index, located) in set.patterns.iter().enumerate() {
        let messages = blanks(located)
            .into_iter()
            .chain(text(located))
            .chain(relations(set, located))
            .chain(anchors(set, index))
            .chain(regexes(located));
        problems.extend(messages.map(|message| Problem::of_pattern(located, message)));
    }
    problems
}

fn text(located: &Located) -> Vec<String> {
    let pattern = &located.pattern;
    let mut messages = Vec::new();
    if pattern.title.len() > MAX_TITLE {
        messages.push(format!("the title has {} bytes; {MAX_TITLE} fit into a list", pattern.title.len()));
    }
    if pattern.title.ends_with('.') {
        messages.push("the title is a headline; leave out the full stop".into());
    }
    let bad = pattern.references.iter().filter(|r| !r.starts_with("https://") && !r.starts_with(BLANK));
    messages.extend(bad.map(|reference| format!("`{reference}` is no https address")));
    let scopes = pattern.matches.conditions().iter().map(|condition| &condition.scope).chain([&pattern.scope]);
    let never = |scope: &&Scope| !scope.reason.is_empty() && scope.source == [Origin::Log];
    messages.extend(scopes.filter(never).map(|_| "`where` wants a reason, which no log has".to_owned()));
    let silent_attributes = pattern.tests.silent.iter().any(|example| !example.attributes.is_empty());
    if silent_attributes {
        messages.push("a silent example has no event, so no `attributes`".into());
    }
    messages
}

/// What a draft leaves to its author.
fn blanks(located: &Located) -> Vec<String> {
    let pattern = &located.pattern;
    let mut messages = Vec::new();
    if pattern.id.split('.').next() == Some(draft::SYSTEM) {
        messages.push("the id is a draft's; call it <system>.<area>.<failure>".into());
    }
    if pattern.category == Category::Unknown {
        messages.push("the category `unknown` routes no alert; choose one".into());
    }
    let is_blank = |text: &str| text.trim_start().starts_with(BLANK);
    let examples = pattern.tests.silent.iter().map(|example| ("tests.silent", &example.log));
    let lists =
        pattern.fix.iter().map(|text| ("fix", text)).chain(pattern.references.iter().map(|text| ("references", text)));
    let texts = [("title", &pattern.title), ("cause", &pattern.cause)].into_iter().chain(lists).chain(examples);
    messages.extend(texts.filter(|(_, text)| is_blank(text)).map(|(key, _)| format!("`{key}` is to be filled in")));
    messages
}

fn relations(set: &PatternSet, located: &Located) -> Vec<String> {
    let Pattern { id: own, explains, also, .. } = &*located.pattern;
    let named = explains.iter().map(|id| ("explains", id)).chain(also.iter().map(|id| ("also", id)));
    let wrong = named.filter_map(|(key, id)| match set.get(id) {
        None => Some(format!("{key} `{id}`, which no pattern has")),
        Some(_) if id == own => Some(format!("{key} itself")),
        Some(_) => None,
    });
    wrong.collect()
}

fn anchors(set: &PatternSet, index: usize) -> Vec<String> {
    let weak = set.engine.anchors_of(index).filter(|anchor| Healthy::builtin().rarity(anchor) < MIN_RARITY);
    weak.map(|anchor| {
        let anchor = String::from_utf8_lossy(anchor);
        format!("has to look for `{anchor}`, which stands in many healthy lines; require a longer or rarer text")
    })
    .collect()
}

fn regexes(located: &Located) -> Vec<String> {
    let expressions = located.pattern.matches.conditions().iter().flat_map(|condition| condition.regex.as_slice());
    let useless = expressions.filter(|expression| expression.starts_with(".*") || expression.ends_with(".*"));
    useless.map(|expression| format!("`{expression}`: `.*` at an end of an expression only costs time")).collect()
}
