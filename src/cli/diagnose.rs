//! `faultscope diagnose`: ask a cluster why one workload is not ready.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use jiff::Timestamp;

use super::load::PatternArgs;
use super::output::{INCIDENTS, width};
use super::{DONE, FOUND, SeverityArg};
use crate::classify::whole::each_record;
use crate::classify::{Classifier, Source, Stream};
use crate::correlate::incidents::Incidents;
use crate::correlate::incidents::causes::Causes;
use crate::correlate::incidents::workload::Workload;
use crate::event::Event;
use crate::export::diagnosis::Diagnosis;
use crate::export::text::counted;
use crate::frame::Format;
use crate::kube::client::Choice;
use crate::kube::diagnose::{self, Case, KINDS, Kind, Log, Options};
use crate::kube::statement::{Level, Statement};
use crate::pattern::model::{Origin, Severity};

/// Why one workload is not ready: its status and conditions, its events and its logs together, down to its pods.
///
/// The exit status is 0 when the workload could be looked at, whatever was found; 1 with --exit-code if it isn't ready or a failure was
/// recognised; 2 if the cluster could not be asked, or has no such workload.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to diagnose, as KIND/NAME or KIND NAME: isvc, ksvc, sdep, deploy, pod, workflow, or what these are made into.
    #[arg(required = true, num_args = 1..=2, value_name = "KIND/NAME")]
    object: Vec<String>,
    /// Its namespace; the context's, unless given.
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig to use.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How many lines of each log to read, from its end; -1 for all (4 MiB of each at most).
    #[arg(long, default_value_t = 2000, value_name = "LINES", allow_negative_numbers = true)]
    tail: i64,
    /// Only read what was logged since, such as 10m or 2h.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// How the diagnosis is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    patterns: PatternArgs,
    /// Leave out failures of a lesser severity.
    #[arg(long, value_enum, default_value = "info", value_name = "SEVERITY")]
    min_severity: SeverityArg,
    /// Show passwords, tokens and keys as they are.
    #[arg(long)]
    no_redact: bool,
    /// Exit with status 1 if it isn't ready or a failure was recognised.
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Error lines of one log that are shown when nothing was recognised.
const LINES: usize = 3;

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| "wants a number and a unit, such as 10m or 2h".to_owned())?;
    Duration::try_from(span).map_err(|_| "can't be negative".to_owned())
}

pub(super) fn run(args: Args) -> Result<u8> {
    let (kind, name) = object(&args.object)?;
    let classifier = args.patterns.classifier(Format::Cri, args.min_severity.into(), !args.no_redact, false)?;
    let options = Options {
        choice: Choice { kubeconfig: args.kubeconfig, context: args.context },
        namespace: args.namespace,
        tail: Some(args.tail).filter(|lines| *lines >= 0),
        since: args.since,
    };
    let case = diagnose::collect(kind, name, &options)?;
    let causes = || Causes::of(classifier.set.patterns.iter().map(|located| &*located.pattern));
    let diagnosis = judged(&classifier, &case, causes());
    let mut out: BufWriter<Box<dyn Write>> = match args.output {
        Form::Text => BufWriter::new(Box::new(anstream::AutoStream::auto(io::stdout()))),
        Form::Json => BufWriter::new(Box::new(io::stdout())),
    };
    match args.output {
        Form::Text => diagnosis.text(width(), causes, &mut out)?,
        Form::Json => {
            let mut line = Vec::new();
            diagnosis.json(causes(), &mut line);
            out.write_all(&line)?;
        }
    }
    out.flush()?;
    let trouble = case.ready == Some(false) || !diagnosis.events.is_empty();
    Ok(if args.exit_code && trouble { FOUND } else { DONE })
}

/// The kind and the name of `KIND/NAME`, or of `KIND NAME`.
fn object(words: &[String]) -> Result<(&'static Kind, &str)> {
    let (kind, name) = match words {
        [kind, name] if !kind.contains('/') => (kind.as_str(), name.as_str()),
        [one] if one.contains('/') => one.split_once('/').unwrap_or((one, "")),
        _ => bail!("say what to diagnose as KIND/NAME, such as isvc/iris (see faultscope diagnose --help)"),
    };
    if name.is_empty() || name.contains('/') {
        bail!("`{name}` is no name of an object: say KIND/NAME, such as isvc/iris");
    }
    Kind::named(kind).map(|kind| (kind, name)).ok_or_else(|| unknown_kind(kind))
}

fn unknown_kind(kind: &str) -> anyhow::Error {
    let wanted = kind.to_lowercase();
    if matches!(wanted.as_str(), "service" | "services" | "svc") {
        return anyhow!(
            "`{kind}` has no state to diagnose; a Knative service is a `ksvc`, what runs behind a service a `deploy`"
        );
    }
    let names = KINDS.iter().flat_map(Kind::names);
    let near = names.map(|name| (strsim::damerau_levenshtein(&name, &wanted), name)).min();
    let hint = match near {
        Some((distance, name)) if distance <= 2 => format!("; did you mean `{name}`?"),
        _ => {
            let all: Vec<&str> = KINDS.iter().map(|kind| kind.short.first().copied().unwrap_or(kind.plural)).collect();
            format!("; it can be one of {}", all.join(", "))
        }
    };
    anyhow!("`{kind}` is no kind that can be diagnosed{hint}")
}

/// What is made of a case.
fn judged(classifier: &Arc<Classifier>, case: &Case, causes: Causes) -> Diagnosis {
    let now = Timestamp::now();
    let (mut events, mut unknown) = (Vec::new(), Vec::new());
    for statement in &case.statements {
        let judged = statement.judge(classifier, now);
        if judged.event.is_none() && statement.level > Level::Info {
            unknown.push((statement.place(), statement.text()));
        }
        events.extend(judged.event.into_iter().chain(judged.effects));
    }
    let names: BTreeSet<&str> = case.objects.iter().map(|object| object.name.as_str()).collect();
    let namespace = case.object.namespace.clone().unwrap_or_default();
    for log in &case.logs {
        let mut found = of_log(classifier, log, now);
        if log.controller {
            found.retain(|event| concerns(event, &names, &namespace));
        }
        events.extend(found);
    }
    let workload = Workload { namespace: case.object.namespace.clone(), name: case.object.to_string() };
    let mut incidents = Incidents::new(causes, Duration::MAX, INCIDENTS);
    // Only when all are known is each told of its chain.
    events.iter().for_each(|event| drop(incidents.observe_of(event, &workload, now)));
    events.iter_mut().for_each(|event| event.incident = incidents.observe_of(event, &workload, now));
    let own = |statement: &&Statement| {
        statement.object == case.object && statement.level > Level::Info && statement.origin != Origin::Event
    };
    let lines = if events.is_empty() {
        case.logs.iter().flat_map(|log| error_lines(classifier, log)).collect()
    } else {
        Vec::new()
    };
    Diagnosis {
        object: case.object.to_string(),
        namespace,
        ready: case.ready,
        said: case.statements.iter().filter(own).map(Statement::text).collect(),
        events,
        unknown,
        lines,
        looked_at: looked_at(case),
        gaps: case.gaps.clone(),
    }
}

fn of_log(classifier: &Arc<Classifier>, log: &Log, now: Timestamp) -> Vec<Event> {
    let source = Source {
        name: log.place().into(),
        identity: log.identity.clone(),
        container: Some(log.container.clone()),
        resource: log.resource.clone(),
    };
    let mut stream = Stream::new(classifier.clone(), source, 0, 1);
    let mut events = Vec::new();
    let text = log.text.as_bytes();
    stream.space(text.len())[..text.len()].copy_from_slice(text);
    stream.advance(text.len(), now, &mut events);
    stream.finish(now, &mut events);
    // The API doesn't say which stream a line came by.
    events.iter_mut().for_each(|event| event.stream = None);
    events
}

/// Does what a controller says concern the object? It works on many others. What ends it concerns all of them.
fn concerns(event: &Event, names: &BTreeSet<&str>, namespace: &str) -> bool {
    event.pattern.severity == Severity::Fatal
        || (stands(&event.record, namespace) && names.iter().any(|name| stands(&event.record, name)))
}

/// Does the name stand in the text, and not as a part of a longer one?
fn stands(text: &str, name: &str) -> bool {
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
}

/// The last lines of a log that report an error; of a run that ended and says none, its last lines.
fn error_lines(classifier: &Classifier, log: &Log) -> Vec<(String, String)> {
    if log.controller {
        return Vec::new();
    }
    let (mut errors, mut all) = (Vec::new(), Vec::new());
    each_record(log.text.as_bytes(), Format::Cri, &classifier.limits, |part| {
        let text = part.record.told().unwrap_or_else(|| part.record.printed());
        let level = part.record.field("level");
        if matches!(level.as_deref(), Some("error" | "fatal")) || part.record.exception().is_some() {
            errors.push(text.clone());
        }
        all.push(text);
    });
    let lines = if errors.is_empty() { all } else { errors };
    let skipped = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(skipped).map(|line| (log.place(), line)).collect()
}

fn looked_at(case: &Case) -> Vec<String> {
    let mut all: Vec<String> = case.objects.iter().map(ToString::to_string).collect();
    let events: u64 = case.statements.iter().filter(|one| one.origin == Origin::Event).map(|one| one.count).sum();
    let bytes: usize = case.logs.iter().map(|log| log.text.len()).sum();
    all.push(counted(events, "event"));
    all.push(format!("{} ({} kB)", counted(case.logs.len() as u64, "log"), bytes.div_ceil(1000)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_kubectl_names_them() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            object(&words).map(|(kind, name)| (kind.kind, name.to_owned())).map_err(|error| error.to_string())
        };
        let named = |kind, name: &str| Ok((kind, name.to_owned()));
        assert_eq!(read(&["isvc/iris"]), named("InferenceService", "iris"));
        assert_eq!(read(&["pods", "iris-0"]), named("Pod", "iris-0"));
        for (words, want) in [
            (&["iris"][..], "KIND/NAME"),
            (&["isvc/"], "`` is no name"),
            (&["isvc/a/b"], "`a/b` is no name"),
            (&["isvc/a", "b"], "KIND/NAME"),
            (&["isvcs/iris"], "did you mean `isvc`?"),
            (&["service/iris"], "a Knative service is a `ksvc`"),
            (&["quince/iris"], "it can be one of isvc, ksvc, sdep, deploy, po, wf"),
        ] {
            let error = read(words).unwrap_err();
            assert!(error.contains(want), "{words:?}: {error}");
        }
    }

    #[test]
    fn a_name_stands_whole() {
        let table = [
            ("Probing of http://iris-predictor.ml.example.com:80/", "iris-predictor", true),
            (r#"{"key":"ml/iris"}"#, "iris", true),
            ("ml/iris-predictor", "iris", false),
            ("irises", "iris", false),
        ];
        for (text, name, want) in table {
            assert_eq!(stands(text, name), want, "{text} {name}");
        }
    }
}
