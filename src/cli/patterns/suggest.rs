//! `faultscope patterns suggest`: drafts of patterns for what none knows, from logs.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::super::load::{PatternArgs, classifier_of, listed};
use super::super::{DONE, USAGE, input};
use crate::classify::neighbours::Neighbours;
use crate::classify::whole::each_record;
use crate::classify::{Classifier, Source, Stream, examples};
use crate::correlate::unclassified::{self, Census, Found};
use crate::frame::Format;
use crate::pattern::model::Severity;
use crate::pattern::scaffold::draft::{self, Kind};
use crate::pattern::sources::PackSource;

#[derive(Debug, clap::Args)]
pub(in super::super) struct Args {
    /// Logs: files, folders or bundles; `-` is standard input, and the default when something is piped in.
    paths: Vec<PathBuf>,
    /// The container that plain input came from. Paths as on a node tell it themselves.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// How lines are framed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only the so-manieth template, the most frequent being the first.
    #[arg(long, value_name = "N")]
    template: Option<usize>,
    /// Draft also of what only generic patterns know, such as any Python traceback.
    #[arg(long)]
    generic: bool,
    /// At most so many patterns.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    patterns: PatternArgs,
    /// Show passwords, tokens and keys as the log has them.
    #[arg(long)]
    no_redact: bool,
}

/// How much is read at a time.
const BLOCK: usize = 256 << 10;
/// So many kinds of failures are told apart.
const TEMPLATES: usize = 1000;

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let mut paths = args.paths;
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            bail!("nothing to read: name files or folders, or pipe a log in (see faultscope patterns suggest --help)");
        }
        paths.push("-".into());
    }
    let classifier = args.patterns.classifier(args.format, Severity::Info, !args.no_redact, true)?;
    let mut logs = Logs {
        classifier,
        container: args.container,
        generic: args.generic,
        census: Census::new(TEMPLATES),
        neighbours: Neighbours::default(),
        status: DONE,
    };
    paths.iter().for_each(|path| logs.path(path));
    let found = logs.census.found();
    let chosen = match args.template {
        Some(number) if !(1..=found.len()).contains(&number) => {
            bail!("there is no template {number}: the logs have {} that no pattern knows", found.len())
        }
        Some(number) => &found[number - 1..number],
        None => &found[..found.len().min(args.top)],
    };
    if chosen.is_empty() {
        eprintln!("faultscope: every error in these logs is known, or there is none");
        return Ok(logs.status);
    }
    let healthy = logs.neighbours.healthy(&logs.classifier);
    let examples: Vec<Example<'_>> = chosen.iter().map(|found| Example::of(found, &logs.classifier)).collect();
    let kinds: Vec<Kind<'_>> = examples.iter().map(|example| example.kind(&healthy)).collect();
    let pack = drafts(&kinds, &args.patterns)?;
    write!(out, "{pack}")?;
    if args.template.is_none() && found.len() > chosen.len() {
        eprintln!("faultscope: these are the {} most frequent of {} templates (--top)", chosen.len(), found.len());
    }
    Ok(logs.status)
}

/// What is read.
struct Logs {
    classifier: Arc<Classifier>,
    container: Option<String>,
    /// What only generic patterns know counts too.
    generic: bool,
    census: Census,
    neighbours: Neighbours,
    status: u8,
}

impl Logs {
    /// Reads everything under a path. What can't be read is told, and the rest goes on.
    fn path(&mut self, path: &Path) {
        let mut complain = |error: &anyhow::Error| eprintln!("faultscope: {error:#}");
        if path.as_os_str() == "-" {
            if let Err(error) = self.read("-", &mut io::stdin().lock()) {
                complain(&error);
                self.status = USAGE;
            }
            return;
        }
        let (files, errors) = input::files(path);
        errors.iter().for_each(&mut complain);
        if files.is_empty() && !errors.is_empty() {
            self.status = USAGE;
        }
        for file in files {
            if let Err(error) = input::open(&file, &mut |input| self.read(&input.name, input.reader)) {
                complain(&error);
            }
        }
    }

    fn read(&mut self, name: &str, reader: &mut dyn Read) -> Result<()> {
        let source = Source::named(name, self.container.as_deref());
        let mut stream = Stream::new(self.classifier.clone(), source, 0, 1);
        let mut block = vec![0; BLOCK];
        let mut events = Vec::new();
        let mut whole_lines = true;
        loop {
            let count = match reader.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(anyhow::Error::new(error).context(format!("can't read {name} to its end"))),
            };
            let piece = &block[..count];
            self.neighbours.add(piece, whole_lines);
            whole_lines = piece.ends_with(b"\n");
            stream.space(count)[..count].copy_from_slice(piece);
            stream.advance(count, Timestamp::now(), &mut events);
            self.count(&mut events);
        }
        stream.finish(Timestamp::now(), &mut events);
        self.count(&mut events);
        Ok(())
    }

    fn count(&mut self, events: &mut Vec<crate::event::Event>) {
        let generic = self.generic;
        for event in events.drain(..).filter(|event| unclassified::is(event) || (generic && event.pattern.generic)) {
            // What has to make room was rarer than what is drafted.
            self.census.observe(event);
        }
    }
}

/// A template's first record.
struct Example<'f> {
    found: &'f Found,
    about: String,
    text: String,
    level: Option<String>,
}

impl<'f> Example<'f> {
    fn of(found: &'f Found, classifier: &Classifier) -> Example<'f> {
        let event = &found.event;
        let source = if &*event.source == "-" { "standard input" } else { &event.source };
        let records = if found.count == 1 { "record" } else { "records" };
        let about = format!("{} {records}, the first in {source}:{}", found.count, event.line);
        let (mut text, mut level) = (None, None);
        each_record(event.record.as_bytes(), Format::Text, &classifier.limits, |part| {
            text.get_or_insert_with(|| String::from_utf8_lossy(part.record.text()).into_owned());
            level = level.take().or_else(|| part.record.field("level"));
        });
        Example { found, about, text: text.unwrap_or_default(), level }
    }

    fn kind<'a>(&'a self, healthy: &'a [String]) -> Kind<'a> {
        let event = &self.found.event;
        Kind {
            template: &self.found.template,
            found: &self.about,
            log: &event.record,
            text: &self.text,
            container: event.resource.text("k8s.container.name"),
            severity: event.pattern.severity,
            level: self.level.as_deref(),
            healthy,
        }
    }
}

/// A pack whose tests pass beside the other patterns. What can't be drafted, or is recognised by another draft too, is left out, and told.
fn drafts(kinds: &[Kind<'_>], patterns: &PatternArgs) -> Result<String> {
    let mut drafted: Vec<(&Kind<'_>, String)> = Vec::new();
    for kind in kinds {
        match draft::draft(kind) {
            Some(text) => drafted.push((kind, text)),
            None => eprintln!("faultscope: no pattern of `{}`: it has no words to be known by", kind.template),
        }
    }
    loop {
        let all: Vec<(&Kind<'_>, &str)> = drafted.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        let (pack, ids) = draft::pack(&all);
        if ids.is_empty() {
            return Ok(String::new());
        }
        let source = PackSource { name: "the drafts".into(), text: pack.clone().into(), builtin: false };
        let set = patterns.read_with(source).map_err(|problems| listed(&problems))?;
        let classifier = classifier_of(set, Format::Auto, Severity::Info);
        // One at a time: what another draft outspeaks may speak once that is gone.
        let failing = ids.iter().enumerate().rev().find_map(|(place, id)| {
            let failed = examples::run(&classifier, classifier.set.get(id)?).into_iter().next()?;
            Some((place, failed.failure))
        });
        let Some((place, failure)) = failing else { return Ok(pack) };
        let (kind, _) = drafted.remove(place);
        eprintln!("faultscope: no pattern of `{}`: its example {failure}", kind.template);
    }
}
