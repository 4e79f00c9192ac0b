//! `faultscope run` and `faultscope check`: the agent's configuration from file, flags and environment, then the agent.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tracing_subscriber::EnvFilter;

use super::load::{PatternArgs, classifier_of, listed};
use super::{DONE, SeverityArg, USAGE};
use crate::agent::config::{self, Config, ReadFrom};
use crate::agent::{Destination, Plan};
use crate::export::otlp::{Explicit, Protocol, Settings};
use crate::export::text::Report;
use crate::frame::Format;
use crate::pattern::{PatternSet, Problem};
use crate::tail::Checkpoints;

#[derive(Debug, clap::Args)]
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

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// How long a stop may take before what is undelivered is left for the next start.
const GRACE: Duration = Duration::from_secs(10);

/// Text on standard output is for logs of a terminal's usual width.
const WIDTH: usize = 100;

pub(super) fn run(args: Args) -> Result<u8> {
    log_to_stderr(args.log_format);
    let min_severity = args.min_severity.into();
    let (config, set, otlp) = resolve(args).map_err(|problems| listed(&problems))?;
    let checkpoints = Checkpoints::open(&config.state_dir)
        .with_context(|| "can't keep checkpoints; set state_dir (or --state-dir) to a folder that can be written")?;
    if let Some(damage) = checkpoints.damage() {
        tracing::warn!("{damage}");
    }
    let size = set.engine.size();
    tracing::info!(patterns = size.patterns, anchors = size.anchors, include = ?config.sources.files.include, "starting");
    let plan = Plan {
        classifier: classifier_of(set, Format::Auto, min_severity),
        files: config.sources.files.to_tail(),
        checkpoints,
        exporters: destinations(&config, otlp)?,
        grace: GRACE,
    };
    crate::agent::run(plan)?;
    Ok(DONE)
}

/// Checks configuration and patterns, and says everything that is wrong with them.
pub(super) fn check(args: Args) -> Result<u8> {
    match resolve(args) {
        Ok((config, set, otlp)) => {
            let size = set.engine.size();
            println!("configuration and patterns are right");
            println!("  patterns  {} ({} anchors)", size.patterns, size.anchors);
            println!("  files     {}", config.sources.files.include.join(", "));
            println!("  export    {}", describe(&config, otlp.as_ref()));
            Ok(DONE)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            eprintln!("{} to mend", problems.len());
            Ok(USAGE)
        }
    }
}

/// Configuration, patterns and the OTLP receiver: all problems of all three at once.
fn resolve(args: Args) -> Result<(Config, PatternSet, Option<Settings>), Vec<Problem>> {
    let env = |name: &str| std::env::var(name).ok();
    let (mut config, mut problems) = match args.config.as_deref() {
        None => (Config::default(), Vec::new()),
        Some(path) => config::read(path, &env),
    };
    let origin = args.config.clone().unwrap_or_else(|| "the command line and the environment".into());
    if let Some(folder) = args.state_dir {
        config.state_dir = folder;
    }
    if !args.include.is_empty() {
        config.sources.files.include = args.include;
    }
    if let Some(from) = args.read_from {
        config.sources.files.read_from = from;
    }
    let flags = Explicit { endpoint: args.otlp_endpoint, protocol: args.otlp_protocol, ..Explicit::default() };
    let otlp = otlp_settings(&config, flags, &env).unwrap_or_else(|messages| {
        problems.extend(messages.into_iter().map(|message| Problem::of_file(&origin, message)));
        None
    });
    if let Err(error) = config.sources.files.to_tail().check() {
        problems.push(Problem::of_file(&origin, error.to_string()));
    }
    let mut patterns = args.patterns;
    patterns.paths.extend(config.patterns.iter().cloned());
    patterns.no_builtin_patterns |= !config.builtin_patterns;
    match patterns.read() {
        Ok(set) => {
            let unusable = set.engine.check();
            problems.extend(unusable.iter().map(|(index, error)| Problem::of_pattern(&set.patterns[*index], error)));
            if problems.is_empty() { Ok((config, set, otlp)) } else { Err(problems) }
        }
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// The OTLP receiver, if one is configured, named by a flag, or set in the environment.
fn otlp_settings(
    config: &Config,
    flags: Explicit,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Settings>, Vec<String>> {
    let named = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let by_flag = flags.endpoint.is_some() || flags.protocol.is_some();
    let by_environment = named("OTEL_EXPORTER_OTLP_ENDPOINT") || named("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
    let configured = match &config.export.otlp {
        Some(otlp) => otlp.explicit().map_err(|message| vec![format!("export.otlp.headers: {message}")])?,
        None if by_flag || (by_environment && config.export.jsonl.is_none()) => Explicit::default(),
        None => return Ok(None),
    };
    let settings = Settings::resolve(&flags.or(configured), env);
    settings.map(Some).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn destinations(config: &Config, otlp: Option<Settings>) -> Result<Vec<Destination>> {
    let mut all: Vec<Destination> = otlp.map(|settings| Destination::Otlp(Box::new(settings))).into_iter().collect();
    if let Some(jsonl) = &config.export.jsonl {
        all.push(Destination::Jsonl(if jsonl.path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let file = append_to(&jsonl.path);
            Box::new(file.with_context(|| format!("export.jsonl.path: can't write {}", jsonl.path.display()))?)
        }));
    }
    if all.is_empty() {
        all.push(Destination::Text(Report::new(WIDTH), Box::new(anstream::AutoStream::auto(io::stdout()))));
    }
    Ok(all)
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

fn describe(config: &Config, otlp: Option<&Settings>) -> String {
    let otlp = otlp.map(|settings| format!("OTLP to {}", settings.endpoint));
    let jsonl = config.export.jsonl.as_ref().map(|jsonl| format!("JSON lines to {}", jsonl.path.display()));
    let all: Vec<String> = otlp.into_iter().chain(jsonl).collect();
    if all.is_empty() { "text on standard output".into() } else { all.join(", ") }
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    let set = match format {
        LogFormat::Text => builder.try_init().map_err(|error| anyhow!(error)),
        LogFormat::Json => builder.json().try_init().map_err(|error| anyhow!(error)),
    };
    // Only a second call in one process can fail, and then there is a log already.
    drop(set);
}
