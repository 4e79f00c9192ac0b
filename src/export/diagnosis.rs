//! A diagnosis of one object for a person: what the API says of it, root causes with their fix, the chain from each to what is seen, and what
//! was looked at. The failures look as in the report of a scan. Must not know how any of it was found.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use super::text::{BOLD, DIM, Report, colour, counted, position, visible};
use super::{json, jsonl};
use crate::correlate::incidents::causes::Causes;
use crate::correlate::tally::{Failure, Group, Tally};
use crate::event::Event;
use crate::pattern::model::Origin;

/// What is said of the object, and of the rest, at most.
const SAID: usize = 8;

/// Everything that there is to tell.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// `inferenceservice/iris`.
    pub object: String,
    /// Its namespace.
    pub namespace: String,
    /// It is as it should be, or isn't; none if it doesn't say.
    pub ready: Option<bool>,
    /// What the API says of it that isn't as it should be.
    pub said: Vec<String>,
    /// What was recognised, each with its incident.
    pub events: Vec<Event>,
    /// What the API says that isn't as it should be and that no pattern knows: the place, and its words.
    pub unknown: Vec<(String, String)>,
    /// The last lines of logs that report an error and that no pattern knows: the place, and the line.
    pub lines: Vec<(String, String)>,
    /// What was looked at.
    pub looked_at: Vec<String>,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// A group of failures, with the events that show them best.
struct Told<'d> {
    group: Group,
    /// By pattern id.
    evidence: BTreeMap<String, &'d Event>,
}

impl Diagnosis {
    /// Writes it for a terminal of `width` columns.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn text(&self, width: usize, causes: impl Fn() -> Causes, out: &mut dyn Write) -> io::Result<()> {
        self.heading(out)?;
        let tally = self.tally(causes());
        let told = self.told(&tally);
        if told.is_empty() {
            self.nothing_known(out)?;
        }
        let report = Report::new(width, causes());
        for told in &told {
            for failure in roots(&tally, &told.group) {
                if let Some(event) = told.evidence.get(&failure.pattern.id) {
                    writeln!(out)?;
                    report.event_alone(event, out)?;
                }
            }
            chain(&tally, told, out)?;
        }
        writeln!(out, "\n{DIM}Looked at {}.{DIM:#}", visible(&self.looked_at.join(", "), usize::MAX))?;
        if !self.gaps.is_empty() {
            writeln!(out, "{BOLD}Not everything could be read:{BOLD:#}")?;
            for gap in &self.gaps {
                writeln!(out, "  {}", visible(gap, usize::MAX))?;
            }
        }
        Ok(())
    }

    fn heading(&self, out: &mut dyn Write) -> io::Result<()> {
        let state = match self.ready {
            Some(true) => "is ready",
            Some(false) => "is not ready",
            None => "is not ready yet",
        };
        let (object, namespace) = (visible(&self.object, usize::MAX), visible(&self.namespace, usize::MAX));
        writeln!(out, "{BOLD}{object} in namespace {namespace} {state}{BOLD:#}")?;
        few(self.said.iter().map(String::as_str), out)
    }

    /// What a person would look for next.
    fn nothing_known(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{BOLD}No known failure was recognised.{BOLD:#}")?;
        for (heading, list) in [("Not as it should be", &self.unknown), ("Last errors in the logs", &self.lines)] {
            if !list.is_empty() {
                writeln!(out, "\n{heading}")?;
                let mut place = None;
                for (of, words) in list {
                    if place.replace(of) != Some(of) {
                        writeln!(out, "  {DIM}{}{DIM:#}", visible(of, usize::MAX))?;
                    }
                    writeln!(out, "    {}", visible(&words.replace('\n', " "), 400))?;
                }
            }
        }
        Ok(())
    }

    /// Writes it as one JSON object on one line.
    pub fn json(&self, causes: Causes, out: &mut Vec<u8>) {
        let tally = self.tally(causes);
        let incidents = self.told(&tally).into_iter().map(|told| Incident::of(&tally, &told)).collect();
        let pairs = |list: &[(String, String)]| -> Vec<Line> {
            list.iter().map(|(place, text)| Line { source: place.clone(), text: text.clone() }).collect()
        };
        let whole = Whole {
            object: &self.object,
            namespace: &self.namespace,
            ready: self.ready,
            said: &self.said,
            incidents,
            unknown: pairs(&self.unknown),
            error_lines: pairs(&self.lines),
            looked_at: &self.looked_at,
            not_read: &self.gaps,
        };
        json::line(&whole, out);
    }

    fn tally(&self, causes: Causes) -> Tally {
        let mut tally = Tally::new(causes);
        for event in &self.events {
            tally.observe(event);
        }
        tally
    }

    /// The groups, those first that show in the object's state: what only logs tell of may have been long ago, or be harmless.
    fn told(&self, tally: &Tally) -> Vec<Told<'_>> {
        let mut all: Vec<Told<'_>> = tally
            .groups()
            .into_iter()
            .map(|group| {
                let evidence = group.failures.iter().filter_map(|failure| {
                    let id = &failure.pattern.id;
                    let events = self.events.iter().filter(|event| event.pattern.id == *id);
                    Some((id.clone(), events.min_by_key(|event| rank(event))?))
                });
                Told { evidence: evidence.collect(), group }
            })
            .collect();
        let ids = |group: &Group| -> Vec<String> { group.failures.iter().map(|one| one.pattern.id.clone()).collect() };
        all.sort_by_cached_key(|told| {
            let ids = ids(&told.group);
            let in_state = |event: &&Event| event.origin != Origin::Log && ids.contains(&event.pattern.id);
            !self.events.iter().any(|event| in_state(&event))
        });
        all
    }
}

/// What shows a failure best: the program's own words, then what was seen from outside, nearest first.
fn rank(event: &Event) -> (u8, bool) {
    let origin = match event.origin {
        Origin::Log => 0,
        Origin::Status => 1,
        Origin::Event => 2,
        Origin::Condition => 3,
    };
    (origin, event.attributes.is_empty())
}

fn roots<'g>(tally: &Tally, group: &'g Group) -> Vec<&'g Failure> {
    group.failures.iter().filter(|failure| tally.causes(failure, group).is_empty()).collect()
}

/// From the root cause to what is seen, a failure after those that explain it.
fn chain(tally: &Tally, told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let failures = &told.group.failures;
    if failures.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}From the cause to what is seen{BOLD:#}")?;
    for failure in failures {
        let (colour, severity) = (colour(failure.pattern.severity), failure.pattern.severity.text());
        let times = format!("{}×", failure.occurrences);
        writeln!(out, "{times:>6}  {colour}{severity:<5}{colour:#} {}", failure.pattern.title)?;
        if let Some(event) = told.evidence.get(&failure.pattern.id) {
            writeln!(out, "{:>14}{DIM}{}{DIM:#}", "", visible(&position(event), usize::MAX))?;
        }
        let causes = tally.causes(failure, &told.group);
        let titles: Vec<&str> = causes.iter().map(|cause| cause.pattern.title.as_str()).collect();
        match titles.as_slice() {
            [] => writeln!(out, "{:>14}{BOLD}← root cause: start here{BOLD:#}", "")?,
            titles => writeln!(out, "{:>14}{DIM}explained by: {}{DIM:#}", "", titles.join("; "))?,
        }
    }
    Ok(())
}

/// The first lines of a list, and how many more there are.
fn few<'a>(texts: impl ExactSizeIterator<Item = &'a str>, out: &mut dyn Write) -> io::Result<()> {
    let more = texts.len().saturating_sub(SAID);
    for text in texts.take(SAID) {
        writeln!(out, "  {}", visible(&text.replace('\n', " "), 400))?;
    }
    if more > 0 {
        writeln!(out, "  {DIM}and {} more{DIM:#}", counted(more as u64, "statement"))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Whole<'a> {
    object: &'a str,
    namespace: &'a str,
    ready: Option<bool>,
    said: &'a [String],
    incidents: Vec<Incident>,
    unknown: Vec<Line>,
    error_lines: Vec<Line>,
    looked_at: &'a [String],
    not_read: &'a [String],
}

#[derive(Serialize)]
struct Line {
    source: String,
    text: String,
}

/// Failures that hang together, root causes first.
#[derive(Serialize)]
struct Incident {
    failures: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    pattern: String,
    title: String,
    severity: &'static str,
    root_cause: bool,
    explained_by: Vec<String>,
    occurrences: u64,
    /// The event that shows it best, as `--output jsonl` of a scan has it.
    event: Option<Box<RawValue>>,
}

fn as_line(event: &Event) -> Option<Box<RawValue>> {
    let mut line = Vec::new();
    jsonl::Writer::default().write(event, &mut line);
    String::from_utf8(line).ok().and_then(|line| RawValue::from_string(line).ok())
}

impl Incident {
    fn of(tally: &Tally, told: &Told<'_>) -> Incident {
        let shown = |failure: &Failure| {
            let causes = tally.causes(failure, &told.group);
            let event = told.evidence.get(&failure.pattern.id).and_then(|event| as_line(event));
            Shown {
                pattern: failure.pattern.id.clone(),
                title: failure.pattern.title.clone(),
                severity: failure.pattern.severity.text(),
                root_cause: causes.is_empty(),
                explained_by: causes.iter().map(|cause| cause.pattern.id.clone()).collect(),
                occurrences: failure.occurrences,
                event,
            }
        };
        Incident { failures: told.group.failures.iter().map(shown).collect() }
    }
}
