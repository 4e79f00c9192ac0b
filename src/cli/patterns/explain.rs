//! `faultscope patterns explain`: why patterns do or do not fire on a log, told to a person.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::super::DONE;
use super::super::load::PatternArgs;
use super::unknown_id;
use crate::classify::Limits;
use crate::classify::whole::{Part, each_record};
use crate::engine::{Check, Explanation, Requirement, Wording};
use crate::frame::Format;
use crate::pattern::PatternSet;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Patterns to explain; without any, those that come nearest to each record.
    ids: Vec<String>,
    /// The log; - is standard input.
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// The container that the log came from.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    #[command(flatten)]
    patterns: PatternArgs,
}

/// How many patterns are near enough to be told of.
const NEAREST: usize = 3;

/// More than this nobody reads. Bytes.
const MAX_LOG: u64 = 4 << 20;

/// A record's text is cut here when it heads what is said of it. Characters.
const MAX_HEADING: usize = 160;

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let set = args.patterns.load()?;
    let mut asked = Vec::new();
    for id in &args.ids {
        match set.patterns.iter().position(|located| located.pattern.id == *id) {
            Some(index) => asked.push(index),
            None => return Err(unknown_id(&set, id)),
        }
    }
    let text = read(&args.log)?;
    let told = Told { set: &set, asked: &asked, container: args.container.as_deref() };
    let mut result = Ok(());
    each_record(&text, Format::Auto, &Limits::default(), |part| {
        if result.is_ok() {
            result = told.record(part, out);
        }
    });
    result?;
    Ok(DONE)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = || format!("can't read {}", path.display());
    let mut text = Vec::new();
    match path.to_str() {
        Some("-") => io::stdin().lock().take(MAX_LOG + 1).read_to_end(&mut text).with_context(unreadable)?,
        _ => File::open(path)
            .with_context(unreadable)?
            .take(MAX_LOG + 1)
            .read_to_end(&mut text)
            .with_context(unreadable)?,
    };
    if text.len() as u64 > MAX_LOG {
        bail!("{} is longer than {} MiB; give the part in question", path.display(), MAX_LOG >> 20);
    }
    Ok(text)
}

/// What is asked about each record.
struct Told<'a> {
    set: &'a PatternSet,
    /// Indices; none: the nearest.
    asked: &'a [usize],
    container: Option<&'a str>,
}

impl Told<'_> {
    fn record(&self, part: &Part<'_>, out: &mut impl Write) -> io::Result<()> {
        let engine = &self.set.engine;
        let (explanations, speaker) = part.subject(self.container, |subject| {
            let explanations: Vec<Explanation> = match self.asked {
                [] => engine.nearest(subject, NEAREST),
                asked => asked.iter().map(|&pattern| engine.explain(pattern, subject)).collect(),
            };
            (explanations, engine.confirm(subject).map(|finding| finding.pattern))
        });
        if explanations.is_empty() {
            return Ok(());
        }
        writeln!(out, "line {}: {}", part.line, heading(&part.record.printed()))?;
        for explanation in &explanations {
            self.pattern(explanation, speaker, out)?;
        }
        writeln!(out)
    }

    fn pattern(&self, explanation: &Explanation, speaker: Option<usize>, out: &mut impl Write) -> io::Result<()> {
        let id = |pattern: usize| &self.set.patterns[pattern].pattern.id;
        let correlation = self.set.patterns[explanation.pattern].pattern.matches.correlation();
        let verdict = match (explanation.fires(), speaker) {
            (true, _) if correlation.is_some() => "a part of it".into(),
            (false, _) if correlation.is_some() => "no part of it".into(),
            (true, Some(speaker)) if speaker != explanation.pattern => format!("fires, but {} speaks", id(speaker)),
            (true, _) => "fires".into(),
            (false, _) => "does not fire".into(),
        };
        writeln!(out, "  {}: {verdict}", id(explanation.pattern))?;
        if let Some(correlation) = correlation {
            writeln!(out, "    when      {correlation}")?;
        }
        if !explanation.in_scope {
            let globs = self.set.patterns[explanation.pattern].pattern.scope.container.join(", ");
            let container = self.container.unwrap_or_default();
            writeln!(out, "    no   where  container `{container}` is not of {globs}")?;
        }
        let many = explanation.wordings.len() > 1;
        for (number, wording) in explanation.wordings.iter().enumerate() {
            match correlation.map(|correlation| correlation.part(number)) {
                Some(part) => part.map_or(Ok(()), |part| writeln!(out, "    {part}:"))?,
                None if many => writeln!(out, "    wording {}:", number + 1)?,
                None => {}
            }
            wording_text(wording, out)?;
        }
        Ok(())
    }
}

fn wording_text(wording: &Wording, out: &mut impl Write) -> io::Result<()> {
    let found: Vec<String> =
        wording.anchors.iter().filter(|(_, stands)| *stands).map(|(text, _)| format!("{text:?}")).collect();
    let sought: Vec<String> = wording.anchors.iter().map(|(text, _)| format!("{text:?}")).collect();
    match found.is_empty() {
        true => writeln!(out, "    no   anchor {} is not there, so no line is looked at", sought.join(" or "))?,
        false => writeln!(out, "    yes  anchor {} stands there", found.join(", "))?,
    }
    for check in &wording.checks {
        writeln!(out, "    {}  {}", if check.holds { "yes" } else { "no " }, visible(&check.to_string()))?;
        if let Check { requirement: Requirement::Any(terms), holds: true } = check {
            let missing: Vec<String> =
                terms.iter().filter(|(_, stands)| !stands).map(|(term, _)| term.to_string()).collect();
            if !missing.is_empty() {
                writeln!(out, "                (not there: {})", visible(&missing.join(", ")))?;
            }
        }
    }
    Ok(())
}

/// The first line of a record, cut to a heading.
fn heading(record: &str) -> String {
    let first = record.lines().next().unwrap_or_default();
    let mut heading: String = visible(first).chars().take(MAX_HEADING).collect();
    if first.chars().count() > MAX_HEADING {
        heading.push('…');
    }
    match record.lines().count() {
        0 | 1 => heading,
        lines => format!("{heading}  (+{} lines)", lines - 1),
    }
}

/// Log text may hold what drives a terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
