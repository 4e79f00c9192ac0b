//! The typed pattern: what a pack's YAML says, after validation. Shapes only; no matching, no IO.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::correlation::{Correlation, Written};

/// How grave an event of a pattern is. Ordered from least to most grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is broken.
    Info,
    /// Degraded, or about to break.
    Warn,
    /// Something the user asked for does not work.
    Error,
    /// A process or node is gone because of it.
    Fatal,
}

impl Severity {
    /// The OpenTelemetry severity number (log data model: INFO 9, WARN 13, ERROR 17, FATAL 21).
    pub fn number(self) -> i32 {
        match self {
            Severity::Info => 9,
            Severity::Warn => 13,
            Severity::Error => 17,
            Severity::Fatal => 21,
        }
    }

    /// The OpenTelemetry severity text.
    pub fn text(self) -> &'static str {
        match self {
            Severity::Info => "INFO",
            Severity::Warn => "WARN",
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
        }
    }
}

/// What kind of thing went wrong: the controlled vocabulary that alerts are routed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Credentials missing or wrong, permission denied.
    Access,
    /// A quota, limit or pool is used up.
    Capacity,
    /// A certificate or a TLS handshake.
    Certificate,
    /// Somebody configured it wrongly.
    Configuration,
    /// A program ended on a bug of its own.
    Crash,
    /// A database refused, broke or is unreachable.
    Database,
    /// A library, binary, CRD or service that must be there is not.
    Dependency,
    /// GPU, disk or machine.
    Hardware,
    /// Probes and readiness.
    Health,
    /// Container images and registries.
    Image,
    /// A client's request is wrong.
    Input,
    /// Out of memory.
    Memory,
    /// A model can't be loaded or served.
    Model,
    /// Connections, DNS, routing, proxies.
    Network,
    /// No node for a pod.
    Scheduling,
    /// Files, volumes, object stores, disk space.
    Storage,
    /// It took too long.
    Timeout,
    /// Nobody has said yet: of failures that no pattern knows, and of drafts.
    Unknown,
}

impl Category {
    /// The word as written in packs and events.
    pub fn text(self) -> &'static str {
        match self {
            Category::Access => "access",
            Category::Capacity => "capacity",
            Category::Certificate => "certificate",
            Category::Configuration => "configuration",
            Category::Crash => "crash",
            Category::Database => "database",
            Category::Dependency => "dependency",
            Category::Hardware => "hardware",
            Category::Health => "health",
            Category::Image => "image",
            Category::Input => "input",
            Category::Memory => "memory",
            Category::Model => "model",
            Category::Network => "network",
            Category::Scheduling => "scheduling",
            Category::Storage => "storage",
            Category::Timeout => "timeout",
            Category::Unknown => "unknown",
        }
    }
}

/// Where a record stands: in a log, or in what Kubernetes' API says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A container's or a program's log.
    #[default]
    Log,
    /// A Kubernetes event.
    Event,
    /// The status of a container, a pod or another object.
    Status,
    /// A condition of an object.
    Condition,
}

impl Origin {
    /// The word as written in packs and events.
    pub fn text(self) -> &'static str {
        match self {
            Origin::Log => "log",
            Origin::Event => "event",
            Origin::Status => "status",
            Origin::Condition => "condition",
        }
    }
}

/// One pack file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The patterns of this file.
    pub patterns: Vec<Pattern>,
}

/// One known failure: how to recognise it, and what to tell the person who meets it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// `<system>.<area>.<failure>`, lower case, words joined by `-`. Stable; never reused for another failure.
    pub id: String,
    /// One line that names the failure to somebody who has never seen it.
    pub title: String,
    /// How grave it is.
    pub severity: Severity,
    /// What kind of thing went wrong.
    pub category: Category,
    /// Where it can come from. Absent: anywhere.
    #[serde(default, rename = "where")]
    pub scope: Scope,
    /// How it is recognised: one condition, a list of which any one suffices (wordings of different versions), or several records.
    #[serde(rename = "match")]
    pub matches: Matches,
    /// A generic failure (any Python traceback, any Go panic) speaks only when nothing specific did.
    #[serde(default)]
    pub generic: bool,
    /// Why it happens.
    pub cause: String,
    /// What to do, in the order to try it.
    pub fix: Vec<String>,
    /// Where to read more: documentation, source or issue. `https` addresses.
    pub references: Vec<String>,
    /// Ids of the failures that this one causes. Matching the same record, this one speaks for them.
    #[serde(default)]
    pub explains: Vec<String>,
    /// Ids of failures that may be recognised in the same record without either being the cause of the other.
    #[serde(default)]
    pub also: Vec<String>,
    /// The examples that prove it.
    pub tests: Tests,
}

/// Where a pattern, or one wording of it, can come from. Every key that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Logs, or what Kubernetes' API says. Absent: any of them.
    pub source: Vec<Origin>,
    /// Reasons of Kubernetes' events, statuses and conditions, as globs. A log has none, so it doesn't pass.
    pub reason: Vec<String>,
    /// Container names, as globs (`*`, `?`, `[ab]`). What comes from a container that is not known, or from none, passes.
    pub container: Vec<String>,
}

impl Scope {
    /// What is asked for, a part for each key: `source status`, `reason OOMKilled, Error`. Empty for anywhere.
    pub fn parts(&self) -> Vec<String> {
        let sources: Vec<&str> = self.source.iter().map(|origin| origin.text()).collect();
        let texts = |list: &[String]| list.join(", ");
        let parts =
            [("source", sources.join(", ")), ("reason", texts(&self.reason)), ("container", texts(&self.container))];
        parts.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| format!("{key} {list}")).collect()
    }
}

/// One condition, alternatives of which any one suffices, or several records together.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Matches {
    /// The only condition.
    One(Condition),
    /// Alternatives; the first that holds gives the captures.
    AnyOf(Vec<Condition>),
    /// Records that make one failure together.
    Correlated(#[schemars(with = "Written")] Correlation),
}

impl Matches {
    /// The conditions, one or more: alternatives, or the parts of a correlation.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Matches::One(condition) => std::slice::from_ref(condition),
            Matches::AnyOf(conditions) => conditions,
            Matches::Correlated(correlation) => correlation.conditions(),
        }
    }

    /// How records are put together, if it takes several or the absence of some.
    pub fn correlation(&self) -> Option<&Correlation> {
        match self {
            Matches::Correlated(correlation) => Some(correlation),
            Matches::One(_) | Matches::AnyOf(_) => None,
        }
    }
}

/// A condition over one decoded record; every key that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Where this wording can come from, within where the pattern can. Absent: anywhere.
    #[serde(rename = "where")]
    pub scope: Scope,
    /// Each of these stands in the record.
    pub all: Vec<Term>,
    /// At least one of these stands in the record.
    pub any: Vec<Term>,
    /// None of these stands in the record.
    pub none: Vec<Term>,
    /// Regular expressions that all match; their named groups become attributes.
    pub regex: OneOrMany,
    /// Fields of the log's own structure (`level`, `logger`, `error`, `response_code`, …) and what each must be.
    pub fields: BTreeMap<String, FieldCondition>,
}

impl Condition {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.all, &self.any, &self.none];
        lists.iter().all(|list| list.is_empty()) && self.regex.as_slice().is_empty() && self.fields.is_empty()
    }
}

/// A piece of text: a literal, or a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Term {
    /// Stands in the record as written; case counts.
    Literal(String),
    /// Matches somewhere in the record.
    Regex(RegexTerm),
}

impl fmt::Display for Term {
    /// `"literal"` or `/expression/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Literal(literal) => write!(f, "{literal:?}"),
            Term::Regex(term) => write!(f, "/{}/", term.regex),
        }
    }
}

/// `{ regex: … }` in a list of terms.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegexTerm {
    /// The expression (syntax of the `regex` crate; `^` and `$` match at line ends, ASCII classes).
    pub regex: String,
}

/// One string or a list of strings.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Any number.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        OneOrMany::Many(Vec::new())
    }
}

impl OneOrMany {
    /// As a slice.
    pub fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

/// What a field must be: a value or a list of values, any of which will do. Strings may hold `*`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum FieldCondition {
    /// This value.
    One(FieldValue),
    /// Any of these values.
    AnyOf(Vec<FieldValue>),
}

impl FieldCondition {
    /// The values, any of which will do.
    pub fn values(&self) -> &[FieldValue] {
        match self {
            FieldCondition::One(one) => std::slice::from_ref(one),
            FieldCondition::AnyOf(many) => many,
        }
    }
}

impl fmt::Display for FieldValue {
    /// The text that a field's is compared with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Bool(value) => value.fmt(f),
            FieldValue::Int(value) => value.fmt(f),
            FieldValue::Text(text) => f.write_str(text),
        }
    }
}

/// A value to compare a field with; numbers and booleans compare with their text.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum FieldValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text; `*` stands for any characters.
    Text(String),
}

/// The examples that prove a pattern.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    /// Logs in which it must be recognised.
    pub fires: Vec<Example>,
    /// Logs that look alike and must stay silent.
    pub silent: Vec<Example>,
}

/// One example: a log, or a statement of Kubernetes' API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The text as the container printed it, one line or several.
    pub log: String,
    /// The container it came from; unknown if absent.
    #[serde(default)]
    pub container: Option<String>,
    /// Where it stood, a log if absent. What isn't a log is one statement, with `log` as its text.
    #[serde(default)]
    pub source: Origin,
    /// The reason that a statement gives.
    #[serde(default)]
    pub reason: Option<String>,
    /// Attributes that the event must carry, by their full name. Only for firing examples.
    #[serde(default)]
    pub attributes: BTreeMap<String, FieldValue>,
}
