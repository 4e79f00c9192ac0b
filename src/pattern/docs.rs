//! The patterns as Markdown pages, for people who read them in a browser: one page a system, and an index.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::{Example, Pattern};
use super::set::PatternSet;

/// The first line of every page: what tells a page of ours from somebody's own.
pub const MARK: &str = "<!-- Written by `faultscope patterns docs`; edit the packs instead. -->";

/// The index.
pub const INDEX: &str = "README.md";

/// The pages by file name. The same patterns always give the same pages.
pub fn pages(set: &PatternSet) -> BTreeMap<String, String> {
    let mut by_system: BTreeMap<&str, Vec<&Pattern>> = BTreeMap::new();
    for located in &set.patterns {
        by_system.entry(system(&located.pattern.id)).or_default().push(&located.pattern);
    }
    let links = Links::of(set);
    let mut pages: BTreeMap<String, String> =
        by_system.iter().map(|(system, patterns)| (page_of(system), page(system, patterns, &links))).collect();
    pages.insert(INDEX.into(), index(&by_system));
    pages
}

fn system(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

fn page_of(system: &str) -> String {
    format!("{system}.md")
}

/// Who explains whom, who may stand beside whom, and how each is called.
struct Links<'s> {
    titles: BTreeMap<&'s str, &'s str>,
    causes: BTreeMap<&'s str, BTreeSet<&'s str>>,
    beside: BTreeMap<&'s str, BTreeSet<&'s str>>,
}

impl<'s> Links<'s> {
    fn of(set: &'s PatternSet) -> Self {
        let mut links = Links { titles: BTreeMap::new(), causes: BTreeMap::new(), beside: BTreeMap::new() };
        for located in &set.patterns {
            let pattern = &located.pattern;
            links.titles.insert(&pattern.id, &pattern.title);
            for explained in &pattern.explains {
                links.causes.entry(explained).or_default().insert(&pattern.id);
            }
            for other in &pattern.also {
                links.beside.entry(other).or_default().insert(&pattern.id);
                links.beside.entry(&pattern.id).or_default().insert(other);
            }
        }
        links
    }

    /// A link to a pattern's place; the bare id where no such pattern is known.
    fn to(&self, id: &str) -> String {
        match self.titles.get(id) {
            Some(title) => format!("[{}]({}#{id})", prose(title), page_of(system(id))),
            None => format!("`{id}`"),
        }
    }
}

// Writing to a String can't fail, so what `write!` gives is left alone in what follows.

fn index(by_system: &BTreeMap<&str, Vec<&Pattern>>) -> String {
    let count: usize = by_system.values().map(Vec::len).sum();
    let mut out = format!("{MARK}\n\n# Known failures\n\n{count} patterns, by the system whose log shows them.\n");
    for (system, patterns) in by_system {
        let _ = writeln!(out, "\n## [{system}]({})\n", page_of(system));
        for pattern in patterns {
            let (page, severity) = (page_of(system), pattern.severity.text().to_lowercase());
            let _ = writeln!(
                out,
                "- [{}]({page}#{}): {severity}, {}",
                prose(&pattern.title),
                pattern.id,
                pattern.category.text()
            );
        }
    }
    out
}

fn page(system: &str, patterns: &[&Pattern], links: &Links<'_>) -> String {
    let mut out = format!("{MARK}\n\n# {system}\n\n[All systems]({INDEX})\n");
    for pattern in patterns {
        section(&mut out, pattern, links);
    }
    out
}

fn section(out: &mut String, pattern: &Pattern, links: &Links<'_>) {
    let Pattern { id, title, severity, category, scope, cause, fix, references, explains, tests, .. } = pattern;
    let _ = writeln!(out, "\n## <a id=\"{id}\"></a>{}\n", prose(title));
    let severity = severity.text().to_lowercase();
    let mut facts = vec![format!("`{id}`"), format!("Severity: {severity}"), format!("Category: {}", category.text())];
    if !scope.container.is_empty() {
        let globs: Vec<String> = scope.container.iter().map(|glob| format!("`{glob}`")).collect();
        facts.push(format!("Where: container {}", globs.join(", ")));
    }
    facts.extend(pattern.matches.correlation().map(|correlation| format!("When: {correlation}")));
    // Two spaces at a line's end break it.
    let _ = writeln!(out, "{}", facts.join("  \n"));
    if let Some(example) = tests.fires.first() {
        let _ = writeln!(out, "\n### What it looks like\n\n{}", fenced(example));
    }
    let _ = writeln!(out, "\n### Why\n\n{}", prose(cause));
    let _ = writeln!(out, "\n### Fix\n");
    for (number, step) in fix.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", number + 1, prose(step));
    }
    let links_to =
        |ids: &mut dyn Iterator<Item = &str>| ids.map(|id| format!("- {}", links.to(id))).collect::<Vec<_>>();
    let (causes, beside) = (links.causes.get(id.as_str()), links.beside.get(id.as_str()));
    let lists = [
        ("Explains", links_to(&mut explains.iter().map(String::as_str))),
        ("Explained by", links_to(&mut causes.into_iter().flatten().copied())),
        ("May stand beside", links_to(&mut beside.into_iter().flatten().copied())),
        ("References", references.iter().map(|reference| format!("- <{reference}>")).collect()),
    ];
    for (heading, items) in lists.iter().filter(|(_, items)| !items.is_empty()) {
        let _ = writeln!(out, "\n### {heading}\n\n{}", items.join("\n"));
    }
}

/// An example between fences longer than any it holds. Control characters would vanish or worse.
fn fenced(example: &Example) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    let text: String = example.log.trim_end().chars().map(shown).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// A person's sentence as Markdown: on one line, code between backticks as it is, and nothing else read as markup.
fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let paired = text.matches('`').count() % 2 == 0;
    let mut out = String::with_capacity(text.len());
    let (mut code, mut before) = (false, ' ');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word =
            c == '_' && before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '`' if paired => code = !code,
            '`' | '\\' | '<' | '>' | '*' | '_' | '[' | ']' | '~' if !code && !inside_word => out.push('\\'),
            _ => {}
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::sources::PackSource;

    #[test]
    fn prose_is_no_markup() {
        let table = [
            ("Run `kubectl get <pod> *` in\n  the namespace", "Run `kubectl get <pod> *` in the namespace"),
            ("the <pod>'s max_model_len * _2_", r"the \<pod\>'s max_model_len \* \_2\_"),
            ("one ` alone [x]", r"one \` alone \[x\]"),
        ];
        for (text, want) in table {
            assert_eq!(prose(text), want);
        }
    }

    const PACK: &str = r#"patterns:
  - id: web.proxy.lost
    title: "The <proxy> is lost"
    severity: error
    category: network
    where: { container: [proxy, 'web-*'] }
    match: { all: ['proxy lost'] }
    cause: "It went away."
    fix: ["Look for it.", "Ask `kubectl get pod <name>`."]
    references: ['https://example.com/lost']
    explains: [app.main.alone, app.main.unheard]
    tests: { fires: [{ log: "```\nproxy lost \e[0m" }], silent: [{ log: 'proxy found' }] }
  - id: app.main.alone
    title: "The app is alone"
    severity: warn
    category: health
    match: { all: ['all alone'], count: 3, within: 10m }
    also: [web.proxy.lost]
    cause: "Its proxy is lost."
    fix: ["Wait."]
    references: ['https://example.com/alone']
    tests: { fires: [{ log: "all alone\nall alone" }], silent: [{ log: 'all together' }] }
"#;

    #[test]
    fn one_page_a_system_and_an_index() {
        let source = PackSource { name: "p.yaml".into(), text: PACK.into(), builtin: false };
        let set = PatternSet::load(&[source]).map_err(|problems| problems.len()).unwrap();
        let pages = pages(&set);
        assert_eq!(pages.keys().collect::<Vec<_>>(), ["README.md", "app.md", "web.md"]);
        assert!(pages.values().all(|page| page.starts_with(MARK) && page.ends_with('\n')));
        insta::assert_snapshot!(pages.values().cloned().collect::<Vec<_>>().join("\n=====\n"));
    }
}
