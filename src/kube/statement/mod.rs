//! What the API says in one place: an event, a container's status, a condition.
//!
//! Pure: objects in, statements out. The text of a statement is what patterns see. It is laid out as `kubectl get events` does it, so that a
//! pattern written for one of its lines, or for a controller's message, recognises the statement as well:
//!
//! ```text
//! Warning  FailedScheduling  pod/iris-0  0/5 nodes are available: 5 Insufficient nvidia.com/gpu.
//! Terminated  OOMKilled  pod/iris-0  container predictor terminated with exit code 137
//! Ready False  RevisionMissing  configuration/iris-predictor  Configuration "iris-predictor" does not have any ready Revision.
//! ```
//!
//! What is as it should be makes no statement, but for events of type `Normal`, which only say that something happened.

mod condition;
mod event;
mod object;
mod pod;
#[cfg(test)]
mod tests;
mod workflow;

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;

pub use condition::of_object;
pub use event::of_event;
pub use object::Object;
pub use pod::of_pod;

use crate::classify::Classifier;
use crate::classify::statement::{self, Judged, Said};
use crate::event::{Attribute, Resource};
use crate::pattern::model::Origin;

/// One thing that the API says.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Where it stands; never [`Origin::Log`].
    pub origin: Origin,
    /// What it is about.
    pub object: Object,
    /// The container that it is about, if it is about one.
    pub container: Option<String>,
    /// It is the status of an init container, of which `kubectl get pods` says `Init:Error`.
    pub init: bool,
    /// What kind of statement it is, in the API's words: `Warning`, `Waiting`, `Terminated`, `Ready False`.
    pub state: String,
    /// The reason, one word: `FailedScheduling`, `OOMKilled`, `RevisionMissing`. Empty if there is none.
    pub reason: String,
    /// The message; empty if there is none.
    pub message: String,
    /// How grave the API holds it to be.
    pub level: Level,
    /// When it came to be so, or was last seen.
    pub time: Option<Timestamp>,
    /// How often it was seen; one for what has no count.
    pub count: u64,
    /// What it says beside its text, by the names of events' attributes.
    pub attributes: Vec<Attribute>,
    /// What an event of it is about.
    pub resource: Arc<Resource>,
    /// Which place it was read in: the same for whatever that place says later.
    pub identity: String,
}

/// How grave the API holds a statement to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something happened.
    Info,
    /// Not yet, or not any more, as it should be.
    Warn,
    /// It failed.
    Error,
}

impl Level {
    /// The word that patterns compare with.
    pub fn text(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl Statement {
    /// The text that patterns see: `state  reason  kind/name  message`, without what is empty.
    pub fn text(&self) -> String {
        let mut text = self.state.clone();
        let reason = if self.init { format!("Init:{}", self.reason) } else { self.reason.clone() };
        for part in [reason, self.object.to_string(), self.message.clone()] {
            if !part.is_empty() {
                // Writing to a String can't fail.
                let _ = write!(text, "  {part}");
            }
        }
        text
    }

    /// Where it was read, as a person would look it up: `status of pod/iris-0`.
    pub fn place(&self) -> String {
        format!("{} of {}", self.origin.text(), self.object)
    }

    /// Says what it is, at `now`.
    pub fn judge(&self, classifier: &Classifier, now: Timestamp) -> Judged {
        let said = Said {
            text: &self.text(),
            origin: self.origin,
            reason: &self.reason,
            container: self.container.as_deref(),
            field: &|name| self.field(name),
            place: &self.place(),
            identity: &self.identity,
            time: self.time,
            attributes: &self.attributes,
            resource: &self.resource,
            count: self.count,
        };
        statement::judge(classifier, &said, now)
    }

    /// A field of the statement, as patterns name it in `fields`.
    pub fn field(&self, name: &str) -> Option<String> {
        let text = match name {
            "level" => self.level.text(),
            "type" | "state" => &self.state,
            "reason" => &self.reason,
            "message" => &self.message,
            "kind" => &self.object.kind,
            "name" => &self.object.name,
            "namespace" => self.object.namespace.as_deref()?,
            _ => return None,
        };
        Some(text.to_owned())
    }
}
