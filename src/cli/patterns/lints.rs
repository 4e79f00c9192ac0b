//! `faultscope patterns lint`: what to mend, what anchors cost on healthy logs, and which patterns overlap.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::super::{DONE, FOUND, input, load};
use super::Selection;
use crate::classify::cross;
use crate::frame::Format;
use crate::pattern::model::Severity;
use crate::pattern::{PatternSet, lint};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Healthy logs, a file or a folder: say how many of their lines hold an anchor, and which anchors do so most. May be given
    /// again.
    #[arg(long, value_name = "PATH")]
    healthy: Vec<PathBuf>,
    /// Say which patterns match each other's firing examples without `explains`, `also` or `generic`.
    #[arg(long)]
    cross: bool,
}

/// What can't be used or has no effect in community rules, and which of them have to look at every line.
fn remarks(set: &PatternSet, out: &mut impl Write) -> Result<usize> {
    let Some(community) = &set.community else { return Ok(0) };
    let unusable = community.check();
    for problem in &unusable {
        writeln!(out, "{problem}")?;
    }
    let mut found = unusable.len();
    for rule in &community.rules {
        for remark in &rule.remarks {
            writeln!(out, "{}:{}: {}: {remark}", rule.file, rule.line, rule.pattern.id)?;
            found += 1;
        }
    }
    let slow = community.without_anchor();
    if !slow.is_empty() {
        writeln!(out, "every line is looked at because of rules without a literal: {}", slow.join(", "))?;
    }
    Ok(found)
}

/// How many anchors are told of.
const WORST: usize = 20;

/// How many patterns are named beside an anchor.
const NAMED: usize = 3;

/// More healthy logs than this tell nothing new. Bytes.
const MAX_HEALTHY: u64 = 256 << 20;

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let (set, chosen) = args.selection.load()?;
    let mut found = 0;
    for problem in lint::lint(&set) {
        let mine = set.patterns.iter().any(|l| chosen(l) && *l.file == *problem.file && l.line == problem.mistake.line);
        if mine {
            writeln!(out, "{problem}")?;
            found += 1;
        }
    }
    found += remarks(&set, out)?;
    if !args.healthy.is_empty() {
        healthy(&set, &args.healthy, out)?;
    }
    let size = set.engine.size();
    let named: BTreeSet<String> = set.patterns.iter().filter(|l| chosen(l)).map(|l| l.pattern.id.clone()).collect();
    if args.cross {
        found += overlaps(set, &named, out)?;
    }
    writeln!(
        out,
        "{found} to mend; {} patterns, {} conditions, {} anchors, {} literals",
        size.patterns, size.alternatives, size.anchors, size.literals
    )?;
    Ok(if found == 0 { DONE } else { FOUND })
}

fn healthy(set: &PatternSet, paths: &[PathBuf], out: &mut impl Write) -> Result<()> {
    let mut text = Vec::new();
    for path in paths {
        read(path, &mut text)?;
    }
    let hits = set.engine.measure(&text).map_err(|reason| anyhow!("the anchors can't be counted: {reason}"))?;
    let share = 100.0 * hits.hit as f64 / hits.lines.max(1) as f64;
    writeln!(out, "{share:.2} % of the healthy lines hold an anchor ({} of {})", hits.hit, hits.lines)?;
    for (count, anchor, patterns) in hits.anchors.iter().take(WORST) {
        let ids: Vec<&str> = patterns.iter().take(NAMED).map(|&index| &*set.patterns[index].pattern.id).collect();
        let more = patterns.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "{count:>7}  `{anchor}`  {}{more}", ids.join(", "))?;
    }
    if hits.anchors.len() > WORST {
        writeln!(out, "         and {} anchors more", hits.anchors.len() - WORST)?;
    }
    Ok(())
}

/// Adds the text of every log under a path.
pub(super) fn read(path: &Path, text: &mut Vec<u8>) -> Result<()> {
    let (files, errors) = input::files(path);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    for file in files {
        input::open(&file, &mut |input| {
            let room = MAX_HEALTHY.saturating_sub(text.len() as u64);
            let read = input.reader.take(room).read_to_end(text);
            read.with_context(|| format!("can't read {}", input.name))?;
            // A log without a last newline doesn't run into the next.
            text.push(b'\n');
            Ok(())
        })?;
    }
    Ok(())
}

/// Tells of every overlap of a pattern that was asked for; gives their number.
fn overlaps(set: PatternSet, named: &BTreeSet<String>, out: &mut impl Write) -> Result<usize> {
    let classifier = load::classifier_of(set, Format::Auto, Severity::Info);
    let mut overlaps = cross::overlaps(&classifier);
    overlaps.retain(|overlap| overlap.ids.iter().any(|id| named.contains(id)));
    for overlap in &overlaps {
        let ([one, other], [of_one, of_other]) = (&overlap.ids, overlap.examples);
        match (overlap.mutual(), of_one > 0) {
            (true, _) => writeln!(out, "{one} and {other} match each other's examples ({of_one} and {of_other})")?,
            (false, true) => writeln!(out, "{other} matches examples of {one} ({of_one})")?,
            (false, false) => writeln!(out, "{one} matches examples of {other} ({of_other})")?,
        }
    }
    Ok(overlaps.len())
}
