//! Drafts of patterns for failures that none knows: a pack that loads and whose tests pass, from what is known of their records.
//!
//! What only a person can say holds [`BLANK`], and `lint` tells of each place.

use std::collections::HashSet;
use std::fmt::Write;

use super::{MAX_LITERALS, MIN_RARITY, category, log, quoted};
use crate::engine::{Healthy, anchor_fragments};
use crate::pattern::model::{Category, Severity};

/// Begins a text that is to be filled in.
pub const BLANK: &str = "FILL IN";

/// The first part of a draft's id.
pub const SYSTEM: &str = "draft";

/// Stands for what varies in a template.
const WILD: &str = "<*>";

/// What a title, and the last part of an id, may have. Bytes.
const TITLE: usize = 90;
const NAME: usize = 48;

/// What is known of records that no pattern knows and that are alike.
#[derive(Clone, Debug)]
pub struct Kind<'a> {
    /// What they have in common: words, with `<*>` for those that vary.
    pub template: &'a str,
    /// How many they are, and where the first stands.
    pub found: &'a str,
    /// One of them, out of its framing: the firing example.
    pub log: &'a str,
    /// The same, decoded: what literals must stand in.
    pub text: &'a str,
    /// The container it came from.
    pub container: Option<&'a str>,
    /// How grave the log says it is.
    pub severity: Severity,
    /// The level in its header, by its common name.
    pub level: Option<&'a str>,
    /// Records of the same log that are no failures.
    pub healthy: &'a [String],
}

/// The pattern of a kind, but for its id; none if nothing in it could tell it from other records.
pub fn draft(kind: &Kind<'_>) -> Option<String> {
    let (literals, weak) = literals(kind.template, kind.text)?;
    let all: Vec<String> = literals.iter().map(|literal| quoted(literal)).collect();
    let category = category(kind.text).unwrap_or(Category::Unknown);
    let silent = neighbour(kind, &literals)
        .map_or_else(|| quoted(&blank("a healthy line that looks alike")), |line| log(line, 10));
    let mut out = format!(
        "    title: {}\n    severity: {}\n",
        quoted(&title(kind.template)),
        kind.severity.text().to_lowercase()
    );
    // Writing to a String can't fail.
    let _ = writeln!(out, "    category: {}", category.text());
    if let Some(container) = kind.container {
        let _ = writeln!(out, "    where: {{ container: [{}] }}", quoted(&glob::Pattern::escape(container)));
    }
    let _ = writeln!(out, "    match:\n      all: [{}]", all.join(", "));
    if let Some(level) = kind.level.filter(|_| weak) {
        let _ = writeln!(out, "      fields: {{ level: {level} }}");
    }
    let (cause, fix, reference) =
        (blank("why it happens"), blank("what to do, the likeliest first"), blank("https://…"));
    let _ = write!(
        out,
        "    cause: {}\n    fix:\n      - {}\n    references:\n      - {}\n",
        quoted(&cause),
        quoted(&fix),
        quoted(&reference)
    );
    let _ = write!(out, "    tests:\n      fires:\n        - log: {}", log(kind.log, 10));
    if let Some(container) = kind.container {
        let _ = write!(out, "\n          container: {}", quoted(container));
    }
    let _ = write!(out, "\n      silent:\n        - log: {silent}\n");
    Some(out)
}

/// A pack of such patterns, each with an id of its own and a comment. Gives the pack and the ids.
pub fn pack(drafts: &[(&Kind<'_>, &str)]) -> (String, Vec<String>) {
    let mut out = String::from("# Drafts. `faultscope patterns lint` says what is to be filled in.\npatterns:\n");
    let mut ids: Vec<String> = Vec::new();
    for (kind, draft) in drafts {
        let area = kind.container.map(|name| words(name, NAME)).filter(|area| !area.is_empty());
        let name = Some(words(&kind.template.replace(WILD, " "), NAME)).filter(|name| !name.is_empty());
        let id =
            format!("{SYSTEM}.{}.{}", area.as_deref().unwrap_or("unclassified"), name.as_deref().unwrap_or("failure"));
        let taken = |id: &String| ids.contains(id);
        let id = if taken(&id) { (2..).map(|n| format!("{id}-{n}")).find(|id| !taken(id)).unwrap_or(id) } else { id };
        let found: String = kind.found.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Writing to a String can't fail.
        let _ = write!(out, "  # {found}\n  - id: {id}\n{draft}");
        ids.push(id);
    }
    (out, ids)
}

fn blank(what: &str) -> String {
    format!("{BLANK}: {what}")
}

/// The rarest of what the template requires, in its order; and whether even these stand in many healthy lines.
fn literals(template: &str, text: &str) -> Option<(Vec<String>, bool)> {
    let healthy = Healthy::builtin();
    let rarity = |run: &str| Some(healthy.rarity(anchor_fragments(run.as_bytes(), healthy)?.first()?));
    let mut runs: Vec<(usize, f32, String)> = Vec::new();
    for run in constant(template) {
        for literal in standing(&run, text) {
            if let Some(rarity) = rarity(&literal)
                && runs.iter().all(|(_, _, known)| *known != literal)
            {
                runs.push((runs.len(), rarity, literal));
            }
        }
    }
    runs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let rare = runs.iter().filter(|(_, rarity, _)| *rarity >= MIN_RARITY).count();
    // Common words may together say what one of them doesn't.
    runs.truncate(if rare > 0 { rare.min(MAX_LITERALS) } else { MAX_LITERALS });
    runs.sort_by_key(|(place, ..)| *place);
    (!runs.is_empty()).then(|| (runs.into_iter().map(|(_, _, literal)| literal).collect(), rare == 0))
}

/// The stretches of words that don't vary.
fn constant(template: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = template.split_whitespace().collect();
    words.split(|word| word.contains(WILD)).filter(|run| !run.is_empty()).map(<[&str]>::to_vec).collect()
}

/// A stretch of words as it stands in the text: whole, or in pieces as long as may be, for a message is put together from several fields,
/// and its blanks are made one.
fn standing(run: &[&str], text: &str) -> Vec<String> {
    let trim = |piece: &str| piece.trim_matches(|c: char| c.is_whitespace() || "([{,;:".contains(c)).to_owned();
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < run.len() {
        let whole = |end: &usize| text.contains(&run[from..*end].join(" "));
        let end = (from + 1..=run.len()).take_while(whole).last().unwrap_or(from);
        // The next word may only lack what clings to its end.
        let more = trim(&run[from..(end + 1).min(run.len())].join(" "));
        let (piece, next) = if end < run.len() && text.contains(&more) {
            (more, end + 1)
        } else {
            (trim(&run[from..end].join(" ")), end)
        };
        if !piece.is_empty() {
            pieces.push(piece);
        }
        from = next.max(from + 1);
    }
    pieces
}

/// The healthy record that has most words in common with the template and lacks one of the literals.
fn neighbour<'k>(kind: &Kind<'k>, literals: &[String]) -> Option<&'k str> {
    fn words(text: &str) -> HashSet<&str> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
    }
    let of_template = words(kind.template);
    let common = |line: &str| words(line).intersection(&of_template).count();
    let silent = kind.healthy.iter().filter(|line| literals.iter().any(|literal| !line.contains(literal.as_str())));
    // Of equals the first.
    silent.rev().max_by_key(|line| common(line)).map(String::as_str)
}

/// A headline from a template.
fn title(template: &str) -> String {
    let mut title = template.replace(WILD, "…");
    if title.len() > TITLE {
        let cut = title.floor_char_boundary(TITLE);
        title.truncate(title[..cut].rfind(' ').unwrap_or(cut));
        title.push('…');
    }
    let title = title.trim_end_matches(['.', ':', ',', ';', ' ']);
    let mut rest = title.chars();
    match rest.next() {
        // The name of an exception is written as it is.
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(rest).collect(),
        Some(_) => title.to_owned(),
        None => "A failure without words".into(),
    }
}

/// The letters and digits of a text as words of an id.
fn words(text: &str, bytes: usize) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    for word in lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if out.len() + word.len() > bytes {
            break;
        }
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests;
