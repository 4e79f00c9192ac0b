//! `faultscope patterns new`: a scaffold from a log on standard input.

use std::io::{self, Read, Write};

use anyhow::{Context, Result, bail};

use super::super::DONE;
use super::super::load::{PatternArgs, classifier_of};
use crate::classify::examples::events_of;
use crate::classify::whole::{Part, each_record};
use crate::frame::Format;
use crate::pattern::model::Severity;
use crate::pattern::scaffold::{Seed, scaffold};
use crate::pattern::well_formed;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The new pattern's id: `<system>.<area>.<failure>`.
    id: String,
    /// The container that the log came from.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    #[command(flatten)]
    patterns: PatternArgs,
}

/// An example is some lines, not a log.
const MAX_LOG: u64 = 64 << 10;

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let Args { id, container, patterns } = args;
    if !well_formed(&id) {
        bail!(
            "`{id}` is no pattern id (<system>.<area>.<failure>: lower-case words joined by `-`, three parts joined by `.`)"
        );
    }
    let set = patterns.load()?;
    if let Some(taken) = set.get(&id) {
        bail!("the id `{id}` is taken already, by {}:{}", taken.file, taken.line);
    }
    let mut text = Vec::new();
    io::stdin().lock().take(MAX_LOG + 1).read_to_end(&mut text).context("can't read standard input")?;
    if text.len() as u64 > MAX_LOG {
        bail!("the log is longer than {} KiB; give the lines that show the failure", MAX_LOG >> 10);
    }
    let classifier = classifier_of(set, Format::Auto, Severity::Info);
    for event in events_of(&classifier, &String::from_utf8_lossy(&text), container.as_deref()) {
        eprintln!("faultscope: line {} is known already, as {}", event.line, event.pattern.id);
    }
    let mut shown = Shown::default();
    each_record(&text, Format::Auto, &classifier.limits, |part| shown.add(part));
    if shown.log.is_empty() {
        bail!("there is no log on standard input");
    }
    let Shown { log, severity, message, text, .. } = shown;
    let severity = severity.unwrap_or(Severity::Error);
    write!(
        out,
        "{}",
        scaffold(&Seed {
            id: &id,
            log: &log,
            container: container.as_deref(),
            severity,
            message: &message,
            text: &text
        })
    )?;
    Ok(DONE)
}

/// What was found in the log so far: all of it, and the record that shows the failure best.
#[derive(Default)]
struct Shown {
    log: String,
    rank: usize,
    severity: Option<Severity>,
    message: String,
    text: String,
}

impl Shown {
    /// An exception tells most, then the gravest level; of equals the first.
    fn add(&mut self, part: &Part<'_>) {
        if !self.log.is_empty() {
            self.log.push('\n');
        }
        self.log.push_str(&part.record.printed());
        let exception = part.record.exception();
        let severity = part.record.field("level").and_then(|level| severity_of(&level));
        let rank = match (&exception, severity) {
            (Some(_), _) => 10,
            (None, Some(severity)) => 2 + severity as usize,
            (None, None) => 1,
        };
        if rank <= self.rank {
            return;
        }
        let text = String::from_utf8_lossy(part.record.text()).into_owned();
        let message = part.record.field("message").filter(|_| exception.is_none());
        self.message = match exception.and_then(|exception| exception.kind) {
            Some(kind) => line_with(&text, &kind),
            None => message.as_deref().unwrap_or(&text).lines().next().unwrap_or_default().to_owned(),
        };
        (self.rank, self.severity, self.text) = (rank, severity, text);
    }
}

/// The line of a trace that names its exception.
fn line_with(text: &str, kind: &str) -> String {
    let mut lines = text.lines().rev();
    lines.find(|line| line.contains(kind)).or(text.lines().last()).unwrap_or_default().to_owned()
}

fn severity_of(level: &str) -> Option<Severity> {
    match level {
        "trace" | "debug" | "info" => Some(Severity::Info),
        "warn" => Some(Severity::Warn),
        "error" => Some(Severity::Error),
        "fatal" => Some(Severity::Fatal),
        _ => None,
    }
}
