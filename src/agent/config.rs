//! The configuration of `run`: a YAML file, strict, with `${NAME}` expanded from the environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::export::otlp::{Compression, Explicit, Headers, Protocol};
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
    /// Packs and folders of packs beside the built-in ones.
    pub patterns: Vec<PathBuf>,
    /// Use the built-in patterns.
    pub builtin_patterns: bool,
    /// Where events go; without any exporter: text on standard output.
    pub export: Export,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            state_dir: "/var/lib/faultscope".into(),
            sources: Sources::default(),
            patterns: Vec::new(),
            builtin_patterns: true,
            export: Export::default(),
        }
    }
}

/// What to read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Log files.
    pub files: Files,
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
}

impl Default for Files {
    fn default() -> Self {
        Files { include: vec!["/var/log/pods/*/*/*.log".into()], exclude: Vec::new(), read_from: ReadFrom::End }
    }
}

impl Files {
    /// As `tail` wants it.
    pub fn to_tail(&self) -> tail::Config {
        let read_from = match self.read_from {
            ReadFrom::Beginning => tail::ReadFrom::Beginning,
            ReadFrom::End => tail::ReadFrom::End,
        };
        tail::Config {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            read_from,
            ..tail::Config::default()
        }
    }
}

/// Where files are taken up that are there at a first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ReadFrom {
    /// At their first byte.
    Beginning,
    /// After their last line.
    End,
}

/// Where events go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// An OTLP receiver.
    pub otlp: Option<Otlp>,
    /// JSON lines.
    pub jsonl: Option<Jsonl>,
}

/// An OTLP receiver. What is absent comes from `OTEL_EXPORTER_OTLP_*`, then from the specification's defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
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

impl Otlp {
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
        state_dir: default.state_dir,
        sources: section(root, "sources", env).unwrap_or(default.sources),
        patterns: section(root, "patterns", env).unwrap_or(default.patterns),
        builtin_patterns: section(root, "builtin_patterns", env).unwrap_or(default.builtin_patterns),
        export: section(root, "export", env).unwrap_or(default.export),
    }
}

/// A section, if it is right; one with a variable that isn't set would only give the same mistake another name.
fn section<T: DeserializeOwned>(root: &Node, key: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<T> {
    let mut node = root.get(key)?.clone();
    let mut whole = true;
    node.for_each_text(&mut |text, _| whole &= expand(text, env).is_ok());
    if whole { yaml::read(&node).ok() } else { None }
}

/// Puts the environment's values in for `${NAME}` and `${NAME:-default}`; `$${` is a plain `${`.
fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, (String, String)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = reference;
            continue;
        }
        out.push_str(before);
        let Some(end) = reference.find('}') else {
            return Err(("`${` without its `}`".into(), "close it, or write `$${` for a plain `${`".into()));
        };
        let (name, default) = match reference[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&reference[..end], None),
        };
        match env(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => out.push_str(&value),
            None => {
                let hint = format!("set it, or give a default: ${{{name}:-…}}");
                return Err((format!("the environment has no variable `{name}`"), hint));
            }
        }
        rest = &reference[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
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
        assert!(config.builtin_patterns && config.export.otlp.is_none() && config.export.jsonl.is_none());
    }

    #[test]
    fn the_environment_is_expanded() {
        let table = [
            ("http://${HOST}:4317", Ok("http://collector.example:4317")),
            ("${PORT:-4317}", Ok("4317")),
            ("a$${b}", Ok("a${b}")),
            ("$5", Ok("$5")),
            ("${PORT}", Err("the environment has no variable `PORT`")),
            ("${PORT", Err("`${` without its `}`")),
        ];
        for (text, want) in table {
            let got = expand(text, &env).map_err(|(message, _)| message);
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
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
                "3:23: unknown value `start` (one of: beginning, end)",
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
        assert_eq!(config.export.otlp.unwrap().endpoint.as_deref(), Some("http://collector.example:4317"));
    }
}
