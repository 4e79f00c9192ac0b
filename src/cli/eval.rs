//! `faultscope eval`: precision, recall and confusion over labelled logs.
//!
//! A corpus is JSON lines, one labelled log each: `id`, `log`, `failure` (a pattern id, or null for a healthy log),
//! `also` (further right answers), `system` and `container`. Other keys are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::DONE;
use super::load::PatternArgs;
use crate::classify::Classifier;
use crate::classify::examples::events_of;
use crate::classify::whole::each_record;
use crate::engine::Explanation;
use crate::frame::Format;
use crate::pattern::model::Severity;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The labelled logs, one JSON object a line.
    corpus: PathBuf,
    /// Only logs of this system.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Show the log of every miss and false event.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    patterns: PatternArgs,
}

/// A labelled log.
#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    log: String,
    failure: Option<String>,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    system: String,
    #[serde(default)]
    container: Option<String>,
}

/// What the patterns said of a case: ids of events of severity WARN and above, in order.
struct Verdict {
    case: Case,
    said: Vec<String>,
    /// Ids that matched but did not speak.
    besides: Vec<String>,
    /// Of a miss: what kept the label from being said, and what came nearest.
    hints: Vec<String>,
}

impl Verdict {
    fn right(&self, id: &str) -> bool {
        self.case.failure.as_deref() == Some(id) || self.case.also.iter().any(|also| also == id)
    }

    fn recognised(&self) -> bool {
        self.case.failure.as_ref().is_some_and(|failure| self.said.contains(failure))
    }

    fn is_miss(&self) -> bool {
        self.case.failure.is_some() && !self.recognised()
    }
}

/// Counts of one system.
#[derive(Default)]
struct Score {
    failures: usize,
    recognised: usize,
    events: usize,
    right: usize,
    healthy: usize,
    false_alarms: usize,
}

impl Score {
    fn add(&mut self, verdict: &Verdict) {
        self.events += verdict.said.len();
        if verdict.case.failure.is_some() {
            self.failures += 1;
            self.recognised += usize::from(verdict.recognised());
            self.right += verdict.said.iter().filter(|id| verdict.right(id)).count();
        } else {
            self.healthy += 1;
            self.false_alarms += usize::from(!verdict.said.is_empty());
        }
    }
}

pub(super) fn run(args: Args) -> Result<u8> {
    let text = fs::read_to_string(&args.corpus).with_context(|| format!("can't read {}", args.corpus.display()))?;
    let classifier = args.patterns.classifier(Format::Auto, Severity::Warn, false, false)?;
    let mut verdicts = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}:{}: not a labelled log", args.corpus.display(), number + 1);
        let case: Case = serde_json::from_str(line).with_context(place)?;
        if args.system.as_ref().is_some_and(|system| *system != case.system) {
            continue;
        }
        let container = case.container.clone().filter(|name| name != "-");
        let events = events_of(&classifier, &case.log, container.as_deref());
        let said = events.iter().map(|event| event.pattern.id.clone()).collect();
        let besides = events.iter().flat_map(|event| event.also.iter().map(|id| id.to_string())).collect();
        let mut verdict = Verdict { case, said, besides, hints: Vec::new() };
        if verdict.is_miss() {
            verdict.hints = hints(&classifier, &verdict, container.as_deref());
        }
        verdicts.push(verdict);
    }
    report(&verdicts, args.verbose, &mut io::stdout().lock())?;
    Ok(DONE)
}

/// What the label's own pattern lacked, and which pattern that wasn't said came nearest.
fn hints(classifier: &Classifier, verdict: &Verdict, container: Option<&str>) -> Vec<String> {
    let set = &classifier.set;
    let label = verdict.case.failure.as_deref().unwrap_or_default();
    let own = set.patterns.iter().position(|located| located.pattern.id == label);
    let mut of_label: Option<Explanation> = None;
    let mut near: Option<Explanation> = None;
    each_record(verdict.case.log.as_bytes(), classifier.format, &classifier.limits, |part| {
        part.subject(container, |subject| {
            if let Some(own) = own {
                keep_nearer(&mut of_label, set.engine.explain(own, subject));
            }
            let unsaid =
                |e: &Explanation| Some(e.pattern) != own && !verdict.said.contains(&set.patterns[e.pattern].pattern.id);
            if let Some(nearest) = set.engine.nearest(subject, NEAREST).into_iter().find(unsaid) {
                keep_nearer(&mut near, nearest);
            }
        });
    });
    let mut hints = Vec::new();
    match of_label {
        Some(explanation) => hints.push(format!("{label}: {}", lack(&explanation))),
        None => hints.push(format!("{label}: no such pattern")),
    }
    hints.extend(near.map(|e| format!("nearest: {}: {}", set.patterns[e.pattern].pattern.id, lack(&e))));
    hints
}

/// How many of the nearest patterns are looked at for one that wasn't said.
const NEAREST: usize = 8;

/// What a check says is cut here. Characters.
const MAX_HINT: usize = 140;

fn keep_nearer(kept: &mut Option<Explanation>, other: Explanation) {
    if kept.as_ref().is_none_or(|kept| other.nearness() > kept.nearness()) {
        *kept = Some(other);
    }
}

/// The first thing that didn't hold.
fn lack(explanation: &Explanation) -> String {
    if explanation.fires() {
        return "matches, but does not speak or is less than a warning".into();
    }
    let wording = explanation.nearest_wording().map_or(&[][..], |wording| &wording.misses);
    if let Some(key) = explanation.misses.iter().chain(wording).next() {
        return format!("not from this {key}");
    }
    let text = explanation.first_failed().map(ToString::to_string).unwrap_or_default();
    // The key is padded for lists; here it stands alone.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_HINT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn report(verdicts: &[Verdict], verbose: bool, out: &mut impl Write) -> Result<()> {
    let mut systems: BTreeMap<&str, Score> = BTreeMap::new();
    let mut total = Score::default();
    for verdict in verdicts {
        systems.entry(&verdict.case.system).or_default().add(verdict);
        total.add(verdict);
    }
    misses(verdicts, verbose, out)?;
    false_alarms(verdicts, verbose, out)?;
    confusions(verdicts, out)?;
    writeln!(
        out,
        "{:<20} {:>8} {:>7} {:>8} {:>9} {:>12}",
        "system", "failures", "recall", "events", "precision", "false alarms"
    )?;
    for (name, score) in &systems {
        row(name, score, out)?;
    }
    row("all", &total, out)
}

fn row(name: &str, score: &Score, out: &mut impl Write) -> Result<()> {
    let share =
        |part: usize, whole: usize| if whole == 0 { "-".into() } else { format!("{:.3}", part as f64 / whole as f64) };
    let recall = share(score.recognised, score.failures);
    let precision = share(score.right, score.events);
    let alarms = format!("{}/{}", score.false_alarms, score.healthy);
    writeln!(out, "{name:<20} {:>8} {recall:>7} {:>8} {precision:>9} {alarms:>12}", score.failures, score.events)?;
    Ok(())
}

fn misses(verdicts: &[Verdict], verbose: bool, out: &mut impl Write) -> Result<()> {
    let missed: Vec<&Verdict> = verdicts.iter().filter(|v| v.is_miss()).collect();
    if missed.is_empty() {
        return Ok(());
    }
    writeln!(out, "Missed ({})", missed.len())?;
    for verdict in missed {
        let failure = verdict.case.failure.as_deref().unwrap_or_default();
        let instead = match (verdict.said.is_empty(), verdict.besides.iter().any(|id| id == failure)) {
            (true, _) => "nothing".to_owned(),
            (false, true) => format!("{}, which outspeaks it", verdict.said.join(", ")),
            (false, false) => verdict.said.join(", "),
        };
        writeln!(out, "  {:<16} {failure}: said {instead}", verdict.case.id)?;
        for hint in &verdict.hints {
            writeln!(out, "      {hint}")?;
        }
        show_log(verdict, verbose, out)?;
    }
    writeln!(out)?;
    Ok(())
}

fn false_alarms(verdicts: &[Verdict], verbose: bool, out: &mut impl Write) -> Result<()> {
    let alarmed: Vec<&Verdict> = verdicts.iter().filter(|v| v.case.failure.is_none() && !v.said.is_empty()).collect();
    if alarmed.is_empty() {
        return Ok(());
    }
    writeln!(out, "False alarms on healthy logs ({})", alarmed.len())?;
    for verdict in alarmed {
        writeln!(out, "  {:<16} {}", verdict.case.id, verdict.said.join(", "))?;
        show_log(verdict, verbose, out)?;
    }
    writeln!(out)?;
    Ok(())
}

/// What was said beside or instead of the label, most often first.
fn confusions(verdicts: &[Verdict], out: &mut impl Write) -> Result<()> {
    let mut pairs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for verdict in verdicts {
        let Some(failure) = &verdict.case.failure else { continue };
        for said in verdict.said.iter().filter(|id| !verdict.right(id)) {
            pairs.entry((failure, said)).or_default().insert(&verdict.case.id);
        }
    }
    if pairs.is_empty() {
        return Ok(());
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    writeln!(out, "Said beside or instead of the label ({} pairs)", pairs.len())?;
    for ((failure, said), cases) in pairs {
        let cases: Vec<&str> = cases.into_iter().take(4).collect();
        writeln!(out, "  {failure} → {said}  ({})", cases.join(", "))?;
    }
    writeln!(out)?;
    Ok(())
}

fn show_log(verdict: &Verdict, verbose: bool, out: &mut impl Write) -> Result<()> {
    if verbose {
        writeln!(out, "      {}", verdict.case.log.replace('\n', "\n      "))?;
    }
    Ok(())
}
