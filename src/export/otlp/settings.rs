//! Where and how to send: what the user wrote, over what the `OTEL_EXPORTER_OTLP_*` environment says, over the
//! specification's defaults. Must not read the process environment.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::endpoint::{self, Form};
use super::headers::Headers;

/// The wire protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// Protobuf over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// JSON over HTTP.
    #[serde(rename = "http/json")]
    HttpJson,
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "grpc" => Ok(Protocol::Grpc),
            "http/protobuf" => Ok(Protocol::HttpProtobuf),
            "http/json" => Ok(Protocol::HttpJson),
            _ => Err(format!("{text:?} is no protocol; write grpc, http/protobuf or http/json")),
        }
    }
}

/// How request bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By gzip.
    Gzip,
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Compression::None),
            "gzip" => Ok(Compression::Gzip),
            _ => Err(format!("{text:?} is no compression; write none or gzip")),
        }
    }
}

/// What the user wrote in the configuration or as flags. Each value that is there goes before the environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explicit {
    /// The receiver: a base to which HTTP appends `/v1/logs`, unless it ends so already.
    pub endpoint: Option<String>,
    /// The wire protocol.
    pub protocol: Option<Protocol>,
    /// Headers of each request; these replace the environment's, they don't add to them.
    pub headers: Option<Headers>,
    /// Compression of request bodies.
    pub compression: Option<Compression>,
    /// The longest that one attempt may take. Zero: no limit.
    pub timeout: Option<Duration>,
    /// PEM file of the certificates to trust, instead of the system's.
    pub certificate: Option<PathBuf>,
    /// PEM file of the client's key.
    pub client_key: Option<PathBuf>,
    /// PEM file of the client's certificate chain.
    pub client_certificate: Option<PathBuf>,
    /// Without a scheme in a gRPC endpoint: plain text rather than TLS.
    pub insecure: Option<bool>,
}

impl Explicit {
    /// These values, and those of `other` where this has none: `flags.or(config)`.
    #[must_use]
    pub fn or(self, other: Explicit) -> Explicit {
        Explicit {
            endpoint: self.endpoint.or(other.endpoint),
            protocol: self.protocol.or(other.protocol),
            headers: self.headers.or(other.headers),
            compression: self.compression.or(other.compression),
            timeout: self.timeout.or(other.timeout),
            certificate: self.certificate.or(other.certificate),
            client_key: self.client_key.or(other.client_key),
            client_certificate: self.client_certificate.or(other.client_certificate),
            insecure: self.insecure.or(other.insecure),
        }
    }
}

/// The client's certificate chain and its key, both PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Everything that a client needs, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The wire protocol.
    pub protocol: Protocol,
    /// The full address, scheme included; for HTTP the path of the logs too. Never holds a password.
    pub endpoint: String,
    /// Headers of each request.
    pub headers: Headers,
    /// Compression of request bodies.
    pub compression: Compression,
    /// The longest that one attempt may take, at most a day; `None`: no limit.
    pub timeout: Option<Duration>,
    /// PEM file of the certificates to trust; `None`: the system's.
    pub certificate: Option<PathBuf>,
    /// What the client proves itself with.
    pub identity: Option<Identity>,
}

impl Settings {
    /// A hash of what the files of TLS hold now; it changes when they are exchanged.
    pub fn files_hash(&self) -> u64 {
        let identity = self.identity.iter().flat_map(|identity| [&identity.certificate, &identity.key]);
        let files = self.certificate.iter().chain(identity);
        let contents: Vec<Vec<u8>> = files.map(|file| std::fs::read(file).unwrap_or_default()).collect();
        xxhash_rust::xxh3::xxh3_64(&contents.join(&0))
    }
}

/// One setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value that can't be read.
    #[error("{key}: {problem}")]
    Value {
        /// The environment variable or configuration key.
        key: String,
        /// What is wrong with it, and how to mend it. Secrets are not quoted.
        problem: String,
    },
    /// A client certificate without its key, or the other way round.
    #[error("{key} is set but {missing} is not: a client's certificate and key go together; set both or neither")]
    HalfIdentity {
        /// The one that is there.
        key: String,
        /// The one that is missing.
        missing: String,
    },
}

/// 10 seconds, as the specification says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A longer timeout counts as this: it is as good as none, and transports can't count for ever.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Where the keys of explicit values stand in the configuration.
const CONFIG_KEYS: &str = "export.otlp.";

impl Settings {
    /// Decides every setting. An explicit value goes before `OTEL_EXPORTER_OTLP_LOGS_*`, this before
    /// `OTEL_EXPORTER_OTLP_*`, this before the default; an empty variable counts as unset. `env` looks a variable up.
    ///
    /// # Errors
    /// Every wrong value, not just the first. A value that another one overrides is not looked at.
    pub fn resolve(explicit: &Explicit, env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Vec<SettingError>> {
        let mut lookup = Lookup { env, errors: Vec::new() };
        let protocol = lookup.pick(explicit.protocol, "PROTOCOL", str::parse).unwrap_or_default();
        let insecure = lookup.pick(explicit.insecure, "INSECURE", boolean).unwrap_or(false);
        let timeout = lookup.pick(explicit.timeout, "TIMEOUT", milliseconds).unwrap_or(DEFAULT_TIMEOUT);
        let settings = Settings {
            protocol,
            endpoint: lookup.endpoint(explicit, protocol, insecure),
            headers: lookup.pick(explicit.headers.clone(), "HEADERS", headers).unwrap_or_default(),
            compression: lookup.pick(explicit.compression, "COMPRESSION", str::parse).unwrap_or_default(),
            timeout: Some(timeout.min(MAX_TIMEOUT)).filter(|timeout| !timeout.is_zero()),
            certificate: lookup.pick(explicit.certificate.clone(), "CERTIFICATE", path),
            identity: lookup.identity(explicit),
        };
        if lookup.errors.is_empty() { Ok(settings) } else { Err(lookup.errors) }
    }
}

/// Looks values up and keeps what was wrong.
struct Lookup<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<SettingError>,
}

/// A variable that is set.
struct Variable {
    name: String,
    value: String,
    of_logs: bool,
}

impl Lookup<'_> {
    /// The variable that counts for this suffix: the logs' own form, or else the general one.
    fn variable(&self, suffix: &str) -> Option<Variable> {
        [("OTEL_EXPORTER_OTLP_LOGS_", true), ("OTEL_EXPORTER_OTLP_", false)].into_iter().find_map(
            |(prefix, of_logs)| {
                let name = format!("{prefix}{suffix}");
                let value = (self.env)(&name)?.trim().to_owned();
                (!value.is_empty()).then_some(Variable { name, value, of_logs })
            },
        )
    }

    /// The explicit value, or the variable's as `read` understands it. What can't be read is noted and counts as unset.
    fn pick<T>(&mut self, explicit: Option<T>, suffix: &str, read: fn(&str) -> Result<T, String>) -> Option<T> {
        if explicit.is_some() {
            return explicit;
        }
        let variable = self.variable(suffix)?;
        read(&variable.value).map_err(|problem| self.wrong(variable.name, problem)).ok()
    }

    fn endpoint(&mut self, explicit: &Explicit, protocol: Protocol, insecure: bool) -> String {
        let (key, text, form) = match (&explicit.endpoint, self.variable("ENDPOINT")) {
            (Some(text), _) => (format!("{CONFIG_KEYS}endpoint"), text.clone(), Form::Either),
            (None, Some(variable)) => {
                (variable.name, variable.value, if variable.of_logs { Form::Logs } else { Form::Base })
            }
            (None, None) => (String::new(), default_endpoint(protocol).into(), Form::Base),
        };
        endpoint::resolve(&text, protocol, form, insecure).unwrap_or_else(|problem| {
            self.wrong(key, problem);
            text
        })
    }

    fn identity(&mut self, explicit: &Explicit) -> Option<Identity> {
        let (certificate, certificate_key) = self.file(explicit.client_certificate.as_ref(), "CLIENT_CERTIFICATE");
        let (key, key_key) = self.file(explicit.client_key.as_ref(), "CLIENT_KEY");
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (None, None) => None,
            (Some(_), None) => self.half(certificate_key, key_key),
            (None, Some(_)) => self.half(key_key, certificate_key),
        }
    }

    /// A file's path, and the key that set it or, without one, that would.
    fn file(&self, explicit: Option<&PathBuf>, suffix: &str) -> (Option<PathBuf>, String) {
        match (explicit, self.variable(suffix)) {
            (Some(path), _) => (Some(path.clone()), format!("{CONFIG_KEYS}{}", suffix.to_ascii_lowercase())),
            (None, Some(variable)) => (Some(variable.value.into()), variable.name),
            (None, None) => (None, format!("OTEL_EXPORTER_OTLP_{suffix}")),
        }
    }

    fn half(&mut self, key: String, missing: String) -> Option<Identity> {
        self.errors.push(SettingError::HalfIdentity { key, missing });
        None
    }

    fn wrong(&mut self, key: String, problem: String) {
        self.errors.push(SettingError::Value { key, problem });
    }
}

fn default_endpoint(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "http://localhost:4317",
        Protocol::HttpProtobuf | Protocol::HttpJson => "http://localhost:4318",
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    text.to_ascii_lowercase().parse().map_err(|_| format!("{text:?} is neither true nor false; write one of these"))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_millis).map_err(|_| {
        format!("{text:?} is no whole number of milliseconds; write 10000 for ten seconds, 0 for no limit")
    })
}

fn headers(text: &str) -> Result<Headers, String> {
    Headers::parse(text)
        .map_err(|problem| format!("{problem}; write name=value,name2=value2 with values percent-encoded"))
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
