//! The configuration of `run`: a YAML file, strict, with `${NAME}` expanded from the environment.

mod cluster;
mod expand;
mod groups;
mod limits;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use self::cluster::{Kubernetes, KubernetesEvents, KubernetesLogs, Metadata};
use self::expand::expand;
pub use self::groups::{Incidents, RateLimit, Repeats, Unclassified};
pub use self::limits::Limits;
use self::values::one_or_many;
pub use self::values::{Since, Span};
use crate::export::otlp::{Compression, Explicit, Headers, Protocol};
use crate::frame::{self, Format};
use crate::pattern::Problem;
use crate::tail;
use crate::yaml::{self, Mistake, Node};

/// Everything that can be configured. Every key has a default; an unknown key is an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the checkpoints.
    pub state_dir: PathBuf,
    /// What to read.
    pub sources: Sources,
    /// What Kubernetes is asked beside the sources.
    pub kubernetes: Kubernetes,
    /// Packs and folders of packs beside the built-in ones.
    pub patterns: Vec<PathBuf>,
    /// Use the built-in patterns.
    pub builtin_patterns: bool,
    /// Event sources of community rules, by globs of their names, and the globs of the containers that are such.
    pub event_sources: BTreeMap<String, Vec<String>>,
    /// Passwords, tokens and keys are taken out of events.
    pub redact: bool,
    /// How repeats are folded.
    pub repeats: Repeats,
    /// Failures that no pattern knows.
    pub unclassified: Unclassified,
    /// What is one incident.
    pub incidents: Incidents,
    /// How many events a container may give.
    pub rate_limit: RateLimit,
    /// Where events go; without any exporter: text on standard output.
    pub export: Export,
    /// Where health and metrics are served.
    pub admin: Admin,
    /// faultscope's own metrics, sent.
    pub telemetry: Telemetry,
    /// What bounds memory.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            state_dir: "/var/lib/faultscope".into(),
            sources: Sources::default(),
            kubernetes: Kubernetes::default(),
            patterns: Vec::new(),
            builtin_patterns: true,
            event_sources: BTreeMap::new(),
            redact: true,
            repeats: Repeats::default(),
            unclassified: Unclassified::default(),
            incidents: Incidents::default(),
            rate_limit: RateLimit::default(),
            export: Export::default(),
            admin: Admin::default(),
            telemetry: Telemetry::default(),
            limits: Limits::default(),
        }
    }
}

/// Where health and metrics are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// `address:port`; null: nowhere. Port 0 is any free one; the log says which.
    pub listen: Option<String>,
}

impl Default for Admin {
    fn default() -> Self {
        // What is served names patterns and paths: nobody's business but this machine's, until somebody decides otherwise.
        Admin { listen: Some("127.0.0.1:9464".into()) }
    }
}

/// faultscope's own metrics, sent to an OTLP receiver as well as served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Sends them to the receiver of the first `export.otlp`, by its protocol.
    pub otlp_metrics: bool,
    /// How often.
    pub interval: Span,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry { otlp_metrics: false, interval: Span(Duration::from_secs(60)) }
    }
}

/// What to read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Log files.
    pub files: Files,
    /// What the cluster itself says; absent: it isn't asked.
    pub kubernetes_events: Option<KubernetesEvents>,
    /// Logs by the API; absent: none.
    pub kubernetes_logs: Option<KubernetesLogs>,
}

/// Which log files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Globs.
    pub include: Vec<String>,
    /// Globs of what not to read.
    pub exclude: Vec<String>,
    /// Where files are taken up that are there at a first start.
    pub read_from: ReadFrom,
    /// For `read_from: since`: a time, or so long before the start.
    pub since: Option<Since>,
}

impl Default for Files {
    fn default() -> Self {
        let include = vec!["/var/log/pods/*/*/*.log".into()];
        Files { include, exclude: Vec::new(), read_from: ReadFrom::End, since: None }
    }
}

impl Files {
    /// As `tail` wants it.
    pub fn to_tail(&self, limits: &Limits) -> tail::Config {
        let read_from = match (self.read_from, self.since) {
            (ReadFrom::Beginning, _) => tail::ReadFrom::Beginning,
            (ReadFrom::End, _) => tail::ReadFrom::End,
            (ReadFrom::Since, Some(Since::At(time))) => tail::ReadFrom::Since(time),
            (ReadFrom::Since, since) => {
                let ago = if let Some(Since::Ago(ago)) = since { ago } else { DEFAULT_SINCE };
                // Longer ago than time goes back is the beginning.
                tail::ReadFrom::Since((Timestamp::now() - ago).max(Timestamp::UNIX_EPOCH))
            }
        };
        tail::Config {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            read_from,
            line_time: Some(|line| frame::decode(line, Format::Auto).time),
            max_open_files: limits.open_files,
            max_files: limits.files,
            max_folders: limits.folders,
            max_deleted_bytes: limits.deleted_bytes,
            max_unpacked_bytes: limits.unpacked_bytes,
            ..tail::Config::default()
        }
    }
}

/// What `read_from: since` means without `since`.
const DEFAULT_SINCE: Duration = Duration::from_secs(3600);

/// Where files are taken up that are there at a first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ReadFrom {
    /// At their first byte.
    Beginning,
    /// After their last line.
    End,
    /// At the first line of a time: `sources.files.since`, or an hour before the start.
    Since,
}

/// Where events go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// OTLP receivers: one, or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub otlp: Vec<Otlp>,
    /// Files of JSON lines: one, or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub jsonl: Vec<Jsonl>,
}

/// An OTLP receiver. What is absent comes from `OTEL_EXPORTER_OTLP_*`, then from the specification's defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// Nothing counts as done before this receiver has it. Otherwise it gets what it can take, and what it misses is counted.
    pub required: bool,
    endpoint: Option<String>,
    protocol: Option<Protocol>,
    headers: Option<std::collections::BTreeMap<String, String>>,
    compression: Option<Compression>,
    /// Milliseconds, as in `OTEL_EXPORTER_OTLP_TIMEOUT`.
    timeout: Option<u64>,
    certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    insecure: Option<bool>,
}

impl Default for Otlp {
    fn default() -> Self {
        Otlp {
            required: true,
            endpoint: None,
            protocol: None,
            headers: None,
            compression: None,
            timeout: None,
            certificate: None,
            client_key: None,
            client_certificate: None,
            insecure: None,
        }
    }
}

impl Otlp {
    /// The files that it names: they may be exchanged while the agent runs.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        [&self.certificate, &self.client_key, &self.client_certificate].into_iter().flatten().cloned()
    }

    /// As the exporter wants it; the error says which header can't be one.
    pub fn explicit(&self) -> Result<Explicit, String> {
        let headers = self.headers.clone().map(Headers::from_pairs).transpose()?;
        Ok(Explicit {
            endpoint: self.endpoint.clone(),
            protocol: self.protocol,
            headers,
            compression: self.compression,
            timeout: self.timeout.map(Duration::from_millis),
            certificate: self.certificate.clone(),
            client_key: self.client_key.clone(),
            client_certificate: self.client_certificate.clone(),
            insecure: self.insecure,
        })
    }
}

/// JSON lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jsonl {
    /// A file to append to; `-` is standard output.
    pub path: PathBuf,
    /// Nothing counts as done before it is written here.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

/// Reads a configuration file. `env` looks variables up.
///
/// Gives every problem, not just the first, and with them what could be read all the same: enough to check what it names.
pub fn read(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> (Config, Vec<Problem>) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return (Config::default(), vec![Problem::of_file(path, format!("can't be read: {error}"))]),
    };
    let file = path.display().to_string();
    let (config, mistakes) = parse(&text, env);
    (config, mistakes.into_iter().map(|mistake| Problem { file: file.clone(), mistake }).collect())
}

fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> (Config, Vec<Mistake>) {
    let mut root = match yaml::parse(text) {
        Ok(root) => root,
        Err(mistake) => return (Config::default(), vec![mistake]),
    };
    let mut mistakes = Vec::new();
    root.for_each_text(&mut |text, mut place| match expand(text, env) {
        Ok(expanded) => *text = expanded,
        Err((message, hint)) => {
            place.message = message;
            place.hint = Some(hint);
            mistakes.push(place);
        }
    });
    match yaml::read::<Config>(&root) {
        Ok(config) if mistakes.is_empty() => (config, mistakes),
        Ok(_) => (salvage(&root, env), mistakes),
        Err(more) => {
            mistakes.extend(more);
            (salvage(&root, env), mistakes)
        }
    }
}

/// The sections of a faulty configuration that are right by themselves, and defaults for the others.
fn salvage(root: &Node, env: &dyn Fn(&str) -> Option<String>) -> Config {
    let default = Config::default();
    Config {
        sources: section(root, "sources", env).unwrap_or(default.sources),
        kubernetes: section(root, "kubernetes", env).unwrap_or(default.kubernetes),
        patterns: section(root, "patterns", env).unwrap_or(default.patterns),
        builtin_patterns: section(root, "builtin_patterns", env).unwrap_or(default.builtin_patterns),
        export: section(root, "export", env).unwrap_or(default.export),
        limits: section(root, "limits", env).unwrap_or(default.limits),
        ..Config::default()
    }
}

/// A section, if it is right; one with a variable that isn't set would only give the same mistake another name.
fn section<T: DeserializeOwned>(root: &Node, key: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<T> {
    let mut node = root.get(key)?.clone();
    let mut whole = true;
    node.for_each_text(&mut |text, _| whole &= expand(text, env).is_ok());
    if whole { yaml::read(&node).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "HOST").then(|| "collector.example".to_owned())
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let (config, mistakes) = parse("", &env);
        assert_eq!(mistakes, []);
        assert_eq!(config.state_dir, Path::new("/var/lib/faultscope"));
        assert_eq!(config.sources.files.include, ["/var/log/pods/*/*/*.log"]);
        assert_eq!(config.sources.files.read_from, ReadFrom::End);
        assert!(config.builtin_patterns && config.export.otlp.is_empty() && config.export.jsonl.is_empty());
    }

    #[test]
    fn every_mistake_is_told() {
        let text = "state_dirr: /x\nsources:\n  files: { read_from: start }\nexport:\n  otlp: { endpoint: '${NOWHERE}', protocol: grcp }\n";
        let got: Vec<String> = parse(text, &env).1.iter().map(ToString::to_string).collect();
        assert_eq!(
            got,
            [
                "5:21: the environment has no variable `NOWHERE` (set it, or give a default: ${NOWHERE:-…})",
                "1:1: unknown key `state_dirr` (did you mean `state_dir`?)",
                "3:23: unknown value `start` (one of: beginning, end, since)",
                "5:45: unknown value `grcp` (did you mean `grpc`?)",
            ]
        );
    }

    #[test]
    fn what_is_right_by_itself_is_read_beside_mistakes() {
        let text = "nonsense: 1\npatterns: [/packs]\nsources: { files: { include: ['${NOWHERE}/*.log'] } }\nexport: { otlp: { endpoint: 'http://${HOST}:4317' } }\n";
        let (config, mistakes) = parse(text, &env);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert_eq!(config.patterns, [Path::new("/packs")]);
        assert_eq!(config.sources.files.include, Files::default().include);
        assert_eq!(config.export.otlp[0].endpoint.as_deref(), Some("http://collector.example:4317"));
    }
}
