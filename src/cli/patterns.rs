//! `faultscope patterns`: browse, validate, test and document the packs, and help to write them.

mod docs;
mod explain;
mod lints;
mod new;
mod suggest;
mod train;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Subcommand;

use super::load::PatternArgs;
use super::{DONE, FOUND};
use crate::classify::examples;
use crate::frame::Format;
use crate::pattern::cre::Rule;
use crate::pattern::model::{Pattern, Severity};
use crate::pattern::{self, Located, PatternSet};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the patterns: id, severity, category and title.
    List {
        /// Only ids that begin with this, such as `kserve` or `kserve.storage`.
        prefix: Option<String>,
        #[command(flatten)]
        patterns: PatternArgs,
    },
    /// Show one pattern: what it is, why it happens, how to fix it.
    Show {
        /// The pattern's id.
        id: String,
        #[command(flatten)]
        patterns: PatternArgs,
    },
    /// Say what is unwise in patterns, and what they cost to look for.
    Lint(lints::Args),
    /// Run the examples that patterns carry.
    Test(Selection),
    /// Print the JSON Schema of a pack.
    Schema,
    /// Write a page for each system into a folder, and an index.
    Docs(docs::Args),
    /// Learn from healthy logs what to look for in raw bytes, for the binary to be built with; or measure what was learned.
    Train(train::Args),
    /// Print a new pattern's scaffold from a log on standard input.
    New(new::Args),
    /// Draft patterns, with tests, for errors in logs that no pattern knows.
    Suggest(suggest::Args),
    /// Say why patterns do or do not fire on a log.
    Explain(explain::Args),
}

/// Which patterns to lint or test.
#[derive(Debug, clap::Args)]
struct Selection {
    /// Packs or folders; without any, the built-in patterns and those of --patterns.
    paths: Vec<PathBuf>,
    #[command(flatten)]
    patterns: PatternArgs,
}

impl Selection {
    /// The set with everything in it, and a filter for what was asked for. A pack that is named is seen among the others,
    /// since patterns of one set outspeak each other.
    fn load(self) -> Result<(PatternSet, impl Fn(&Located) -> bool)> {
        let named = !self.paths.is_empty();
        let mut patterns = self.patterns;
        patterns.paths.extend(self.paths);
        Ok((patterns.check()?, move |located: &Located| !named || !located.builtin))
    }
}

pub(super) fn run(args: Args) -> Result<u8> {
    let mut out = io::stdout().lock();
    match args.verb {
        Verb::List { prefix, patterns } => list(&patterns.load()?, prefix.as_deref().unwrap_or(""), &mut out),
        Verb::Show { id, patterns } => show(&patterns.load()?, &id, &mut out),
        Verb::Lint(args) => lints::run(args, &mut out),
        Verb::Test(selection) => run_tests(selection, &mut out),
        Verb::Schema => {
            writeln!(out, "{:#}", pattern::schema())?;
            Ok(DONE)
        }
        Verb::Docs(args) => docs::run(args, &mut out),
        Verb::Train(args) => train::run(args, &mut out),
        Verb::New(args) => new::run(args, &mut out),
        Verb::Suggest(args) => suggest::run(args, &mut out),
        Verb::Explain(args) => explain::run(args, &mut out),
    }
}

/// There is no such pattern; the nearest id is.
fn unknown_id(set: &PatternSet, id: &str) -> anyhow::Error {
    let near = set.patterns.iter().min_by_key(|l| strsim::damerau_levenshtein(&l.pattern.id, id));
    let hint = near.map(|l| format!("; did you mean `{}`?", l.pattern.id)).unwrap_or_default();
    anyhow!("there is no pattern `{id}`{hint}")
}

fn list(set: &PatternSet, prefix: &str, out: &mut impl Write) -> Result<u8> {
    let rules = set.community.iter().flat_map(|community| &community.rules).map(|rule| &rule.pattern);
    let all = set.patterns.iter().map(|located| &located.pattern).chain(rules);
    for pattern in all.filter(|pattern| pattern.id.starts_with(prefix)) {
        let (severity, category) = (pattern.severity.text(), pattern.category.text());
        writeln!(out, "{:<52} {severity:<5} {category:<13} {}", pattern.id, pattern.title)?;
    }
    Ok(DONE)
}

fn show(set: &PatternSet, id: &str, out: &mut impl Write) -> Result<u8> {
    let Some(located) = set.get(id) else {
        let rule = set.community.as_ref().and_then(|community| community.get(id));
        return rule.map_or_else(|| Err(unknown_id(set, id)), |rule| show_rule(rule, out));
    };
    let Pattern { id, title, severity, category, cause, fix, references, explains, also, .. } = &*located.pattern;
    writeln!(out, "{id}\n{title}\n\nseverity  {}\ncategory  {}", severity.text(), category.text())?;
    let parts = located.pattern.scope.parts();
    if !parts.is_empty() {
        writeln!(out, "where     {}", parts.join("; "))?;
    }
    if let Some(correlation) = located.pattern.matches.correlation() {
        writeln!(out, "when      {correlation}")?;
    }
    writeln!(out, "written   {}:{}\n\nWhy\n  {}\n\nFix", located.file, located.line, cause.trim())?;
    for (number, step) in fix.iter().enumerate() {
        writeln!(out, "  {}. {}", number + 1, step.trim())?;
    }
    for (heading, items) in [("Explains", explains), ("May stand beside", also), ("References", references)] {
        if !items.is_empty() {
            writeln!(out, "\n{heading}\n  {}", items.join("\n  "))?;
        }
    }
    writeln!(out, "\nRecognised in")?;
    for example in &located.pattern.tests.fires {
        writeln!(out, "  {}", example.log.trim_end().replace('\n', "\n  "))?;
    }
    Ok(DONE)
}

fn show_rule(rule: &Rule, out: &mut impl Write) -> Result<u8> {
    let Pattern { id, title, severity, category, cause, fix, .. } = &*rule.pattern;
    writeln!(out, "{id}\n{title}\n\nseverity  {}\ncategory  {}", severity.text(), category.text())?;
    writeln!(out, "written   {}:{}\n\nWhy\n  {}\n\nFix", rule.file, rule.line, cause.trim())?;
    for (number, step) in fix.iter().enumerate() {
        writeln!(out, "  {}. {step}", number + 1)?;
    }
    for (name, value) in &rule.attributes {
        writeln!(out, "\n{name}\n  {value}")?;
    }
    Ok(DONE)
}

fn run_tests(selection: Selection, out: &mut impl Write) -> Result<u8> {
    let (set, chosen) = selection.load()?;
    let classifier = super::load::classifier_of(set, Format::Auto, Severity::Info);
    let (mut passed, mut failed) = (0, 0);
    for located in classifier.set.patterns.iter().filter(|located| chosen(located)) {
        let failures = examples::run(&classifier, located);
        let tests = &located.pattern.tests;
        failed += failures.len();
        passed += (tests.fires.len() + tests.silent.len()).saturating_sub(failures.len());
        for failure in failures {
            let (file, line, id) = (&located.file, located.line, &located.pattern.id);
            writeln!(out, "{file}:{line}: {id}: {} example {}: {}", failure.list, failure.number, failure.failure)?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { DONE } else { FOUND })
}
