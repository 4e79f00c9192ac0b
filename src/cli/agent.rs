//! `faultscope run` and `faultscope check`: the agent's configuration from file, flags and environment, then the agent.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::load::{PatternArgs, listed};
use super::{DONE, SeverityArg, USAGE};
use crate::agent::config::{self, Admin, Config, Otlp, ReadFrom};
use crate::agent::log::{self, LogFormat};
use crate::agent::metrics::Push;
use crate::agent::{Counts, Destination, Live, Origin, Output, Plan, Reading, Spec, Wanted};
use crate::classify::Classifier;
use crate::correlate::incidents::causes::Causes;
use crate::export::otlp::{Explicit, Protocol, Settings};
use crate::export::text::Report;
use crate::frame::Format;
use crate::pattern::{PatternSet, Problem};
use crate::tail::Checkpoints;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration; without one the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the checkpoints.
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// A glob of log files to follow, instead of the configured ones. May be given again.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Where files are taken up that are there at a first start.
    #[arg(long, value_enum)]
    read_from: Option<ReadFrom>,
    /// The OTLP receiver to export to.
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Its protocol: grpc, http/protobuf or http/json.
    #[arg(long, value_name = "PROTOCOL")]
    otlp_protocol: Option<Protocol>,
    /// Leave out events of a lesser severity.
    #[arg(long, value_enum, default_value = "info", value_name = "SEVERITY")]
    min_severity: SeverityArg,
    /// The form of faultscope's own log, on standard error. RUST_LOG sets the level.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(flatten)]
    patterns: PatternArgs,
}

/// How long a stop may take before what is undelivered is left for the next start.
const GRACE: Duration = Duration::from_secs(10);

/// Text on standard output is for logs of a terminal's usual width.
const WIDTH: usize = 100;

pub(super) fn run(args: Args) -> Result<u8> {
    log::start(args.log_format);
    let resolved = resolve(&args).map_err(|problems| listed(&problems))?;
    let config = &resolved.config;
    let checkpoints = Checkpoints::open(&config.state_dir).context("state_dir (or --state-dir) can't be used")?;
    if let Some(damage) = checkpoints.damage() {
        tracing::warn!("{damage}");
    }
    let size = resolved.set.engine.size();
    tracing::info!(patterns = size.patterns, anchors = size.anchors, include = ?config.sources.files.include, "starting");
    let push = config.telemetry.otlp_metrics.then(|| resolved.otlp.first()).flatten();
    let push = push.map(|(_, settings)| Push { settings: settings.clone(), interval: config.telemetry.interval.0 });
    let origin = FromArgs { fixed: fixed(config), args: args.clone() };
    let plan = Plan {
        cluster: resolved.wanted.clone(),
        checkpoints,
        admin: config.admin.listen.clone(),
        admin_optional: config.admin == Admin::default(),
        push,
        grace: GRACE,
        origin: Arc::new(origin),
        live: live(resolved, args.min_severity)?,
    };
    crate::agent::run(plan)?;
    Ok(DONE)
}

/// Checks configuration and patterns, and says everything that is wrong with them.
pub(super) fn check(args: Args) -> Result<u8> {
    match resolve(&args) {
        Ok(resolved) => {
            let size = resolved.set.engine.size();
            println!("configuration and patterns are right");
            println!("  patterns  {} ({} anchors)", size.patterns, size.anchors);
            println!("  files     {}", resolved.config.sources.files.include.join(", "));
            println!("  export    {}", describe(&resolved));
            for line in resolved.wanted.describe() {
                println!("  cluster   {line}");
            }
            Ok(DONE)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            eprintln!("{} to mend", problems.len());
            Ok(USAGE)
        }
    }
}

/// Configuration, patterns and receivers that are right.
struct Resolved {
    config: Config,
    /// What Kubernetes is asked.
    wanted: Wanted,
    set: PatternSet,
    /// Receivers, and whether each is required.
    otlp: Vec<(bool, Settings)>,
}

/// Reads everything once more, from where it came from.
struct FromArgs {
    args: Args,
    /// What a running agent can't change, as it was at the start.
    fixed: Vec<(&'static str, String)>,
}

impl Origin for FromArgs {
    fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.args.config.iter().cloned().collect();
        paths.extend(self.args.patterns.paths.iter().cloned());
        if let Some(path) = &self.args.config {
            let (config, _) = config::read(path, &from_environment);
            paths.extend(config.patterns);
            paths.extend(config.export.otlp.iter().flat_map(Otlp::files));
        }
        paths
    }

    fn read(&self) -> Result<Live, Vec<String>> {
        let resolved =
            resolve(&self.args).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        for ((key, before), (_, now)) in self.fixed.iter().zip(fixed(&resolved.config)) {
            if *before != now {
                tracing::warn!(key, in_use = before, new = now, "this takes effect at the next start");
            }
        }
        live(resolved, self.args.min_severity).map_err(|error| vec![format!("{error:#}")])
    }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a running agent can't change.
fn fixed(config: &Config) -> Vec<(&'static str, String)> {
    vec![
        ("state_dir", config.state_dir.display().to_string()),
        ("admin", format!("{:?}", config.admin)),
        ("telemetry", format!("{:?}", config.telemetry)),
        ("kubernetes", format!("{:?}", config.kubernetes)),
        ("sources.kubernetes_events", format!("{:?}", config.sources.kubernetes_events)),
        ("sources.kubernetes_logs", format!("{:?}", config.sources.kubernetes_logs)),
        ("limits.open_files", config.limits.open_files.to_string()),
        ("limits.repeats", config.limits.repeats.to_string()),
        ("limits.incidents", config.limits.incidents.to_string()),
        ("limits.templates", config.limits.templates.to_string()),
    ]
}

/// Configuration, patterns and OTLP receivers: all problems of all three at once.
fn resolve(args: &Args) -> Result<Resolved, Vec<Problem>> {
    let (mut config, mut problems) = match args.config.as_deref() {
        None => (Config::default(), Vec::new()),
        Some(path) => config::read(path, &from_environment),
    };
    let origin = args.config.clone().unwrap_or_else(|| "the command line and the environment".into());
    if let Some(folder) = &args.state_dir {
        config.state_dir.clone_from(folder);
    }
    if !args.include.is_empty() {
        config.sources.files.include.clone_from(&args.include);
    }
    if let Some(from) = args.read_from {
        config.sources.files.read_from = from;
    }
    let flags = Explicit { endpoint: args.otlp_endpoint.clone(), protocol: args.otlp_protocol, ..Explicit::default() };
    let otlp = otlp_settings(&config, &flags, &from_environment).unwrap_or_else(|messages| {
        problems.extend(messages.into_iter().map(|message| Problem::of_file(&origin, message)));
        Vec::new()
    });
    problems.extend(config.limits.check().into_iter().map(|message| Problem::of_file(&origin, message)));
    if let Err(error) = config.sources.files.to_tail(&config.limits).check() {
        problems.push(Problem::of_file(&origin, error.to_string()));
    }
    let sources = &config.sources;
    if sources.files.include.is_empty() && sources.kubernetes_events.is_none() && sources.kubernetes_logs.is_none() {
        let hint = "give sources.files.include at least one glob, such as /var/log/pods/*/*/*.log";
        problems.push(Problem::of_file(&origin, format!("nothing is to be read: {hint}")));
    }
    let wanted = wanted(&config).unwrap_or_else(|messages| {
        problems.extend(messages.into_iter().map(|message| Problem::of_file(&origin, message)));
        Wanted::default()
    });
    let mut patterns = args.patterns.clone();
    patterns.paths.extend(config.patterns.iter().cloned());
    patterns.no_builtin_patterns |= !config.builtin_patterns;
    patterns.event_sources.extend(config.event_sources.iter().map(|(source, globs)| (source.clone(), globs.clone())));
    let read = patterns.read_to_run(config.unclassified.enabled);
    match read {
        Ok(set) => {
            let unusable = set.engine.check();
            problems.extend(unusable.iter().map(|(index, error)| Problem::of_pattern(&set.patterns[*index], error)));
            problems.extend(set.community.iter().flat_map(|community| community.check()));
            if problems.is_empty() { Ok(Resolved { config, wanted, set, otlp }) } else { Err(problems) }
        }
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// What Kubernetes is to be asked.
fn wanted(config: &Config) -> Result<Wanted, Vec<String>> {
    let mut problems = Vec::new();
    let sources = &config.sources;
    let wanted = Wanted {
        metadata: told(config.kubernetes.metadata.as_ref().map(|metadata| metadata.to_choice()), &mut problems),
        events: told(sources.kubernetes_events.as_ref().map(|events| events.to_choice()), &mut problems),
        logs: told(sources.kubernetes_logs.as_ref().map(|logs| logs.to_choice()), &mut problems),
    };
    if problems.is_empty() { Ok(wanted) } else { Err(problems) }
}

/// What is right; what is wrong goes to `problems`.
fn told<T>(read: Option<Result<T, Vec<String>>>, problems: &mut Vec<String>) -> Option<T> {
    read?.map_err(|more| problems.extend(more)).ok()
}

/// The OTLP receivers: those that are configured, or one that is named by a flag or set in the environment. Flags concern the first.
fn otlp_settings(
    config: &Config,
    flags: &Explicit,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(bool, Settings)>, Vec<String>> {
    let named = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let by_flag = flags.endpoint.is_some() || flags.protocol.is_some();
    let by_environment = named("OTEL_EXPORTER_OTLP_ENDPOINT") || named("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
    let implied = by_flag || (by_environment && config.export.jsonl.is_empty());
    let configured = match config.export.otlp.as_slice() {
        [] if implied => vec![Otlp::default()],
        receivers => receivers.to_vec(),
    };
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for (place, receiver) in configured.iter().enumerate() {
        let flags = if place == 0 { flags.clone() } else { Explicit::default() };
        let explicit = receiver.explicit().map_err(|message| vec![format!("export.otlp.headers: {message}")]);
        let resolved = explicit.and_then(|configured| {
            let settings = Settings::resolve(&flags.or(configured), env);
            settings.map_err(|errors| errors.iter().map(ToString::to_string).collect())
        });
        match resolved {
            Ok(settings) => all.push((receiver.required, settings)),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// Everything that a running agent can take over.
fn live(resolved: Resolved, min_severity: SeverityArg) -> Result<Live> {
    let outputs = outputs(&resolved)?;
    let Resolved { config, set, .. } = resolved;
    let classifier = Classifier {
        set,
        format: Format::Auto,
        limits: config.limits.to_classify(),
        min_severity: min_severity.into(),
        redact: config.redact,
    };
    let reading = Reading {
        classifier: Arc::new(classifier),
        files: config.sources.files.to_tail(&config.limits),
        repeats: config.repeats.window.0,
        repeats_limit: config.limits.repeats,
        unclassified: config.unclassified.interval.0,
        templates_limit: config.limits.templates,
        incidents: config.incidents.window.0,
        incidents_limit: config.limits.incidents,
        rate: config.rate_limit.to_rate(),
        attribute_bytes: config.limits.attribute_bytes,
        pending_records: config.limits.pending_records,
    };
    Ok(Live { reading, outputs })
}

fn outputs(resolved: &Resolved) -> Result<Vec<Output>> {
    let limits = resolved.config.limits.to_delivery();
    let mut all = Vec::new();
    for (required, settings) in &resolved.otlp {
        let spec = Spec {
            name: format!("otlp {}", settings.endpoint),
            required: *required,
            otlp: Some((settings.clone(), limits)),
            files: settings.files_hash(),
        };
        all.push(output(spec, Destination::Otlp(Box::new(settings.clone()), limits)));
    }
    for jsonl in &resolved.config.export.jsonl {
        let name = format!("jsonl {}", jsonl.path.display());
        let out: Box<dyn Write + Send> = match jsonl.path.as_os_str().to_str() {
            Some("-") => Box::new(standard_output()?),
            _ => {
                let file = append_to(&jsonl.path);
                Box::new(file.with_context(|| format!("export.jsonl.path: can't write {}", jsonl.path.display()))?)
            }
        };
        all.push(output(Spec { name, required: jsonl.required, otlp: None, files: 0 }, Destination::Jsonl(out)));
    }
    if all.is_empty() {
        let spec = Spec { name: "text".into(), required: true, otlp: None, files: 0 };
        let out = Box::new(anstream::AutoStream::auto(io::stdout()));
        all.push(output(spec, Destination::Text(Box::new(Report::new(WIDTH, Causes::default())), out)));
    }
    Ok(all)
}

fn output(spec: Spec, destination: Destination) -> Output {
    Output { spec, destination, counts: Arc::new(Counts::default()) }
}

/// Standard output without a buffer: what is written is there, or known not to be.
fn standard_output() -> Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned().context("standard output can't be used")?))
}

/// Opens a file of lines for appending. A last line that a kill cut off is ended, so that it doesn't spoil the next one.
fn append_to(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > 0 {
        let mut last = [0];
        File::open(path)?.read_exact_at(&mut last, metadata.len() - 1)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn describe(resolved: &Resolved) -> String {
    let optional = |required: bool| if required { "" } else { " (not required)" };
    let otlp = resolved.otlp.iter().map(|(required, s)| format!("OTLP to {}{}", s.endpoint, optional(*required)));
    let jsonl = resolved.config.export.jsonl.iter();
    let jsonl = jsonl.map(|jsonl| format!("JSON lines to {}{}", jsonl.path.display(), optional(jsonl.required)));
    let all: Vec<String> = otlp.chain(jsonl).collect();
    if all.is_empty() { "text on standard output".into() } else { all.join(", ") }
}
