//! The examples that patterns carry, run as a user's log would be.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::statement::{self, Said};
use super::{Classifier, Source, Stream};
use crate::event::{Event, Value};
use crate::pattern::Located;
use crate::pattern::model::{Example, Origin};

/// What is wrong with an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It should fire and nothing did.
    Missing,
    /// It should fire, and another pattern speaks instead of this one. The other's id.
    Outspoken(String),
    /// It should be silent and fired.
    Noisy,
    /// An attribute isn't as it should be.
    Wrong {
        /// The attribute's name.
        name: String,
        /// What the example says.
        wanted: String,
        /// What the event says.
        got: Option<String>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Missing => f.write_str("should fire, and nothing did"),
            Failure::Outspoken(other) => write!(f, "should fire, and {other} speaks instead"),
            Failure::Noisy => f.write_str("should be silent, and fired"),
            Failure::Wrong { name, wanted, got } => {
                let got = got.as_deref().unwrap_or("not there");
                write!(f, "the attribute {name} should be `{wanted}`, and is `{got}`")
            }
        }
    }
}

/// One example that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// `fires` or `silent`.
    pub list: &'static str,
    /// 1-based place in its list.
    pub number: usize,
    /// What is wrong.
    pub failure: Failure,
}

/// Classifies a whole text at once.
pub fn events_of(classifier: &Arc<Classifier>, log: &str, container: Option<&str>) -> Vec<Event> {
    let source = Source::named("-", container);
    let mut stream = Stream::new(classifier.clone(), source, 0, 1);
    let mut events = Vec::new();
    stream.space(log.len())[..log.len()].copy_from_slice(log.as_bytes());
    stream.advance(log.len(), Timestamp::UNIX_EPOCH, &mut events);
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    events
}

/// Classifies an example as what it is: a log, or a statement.
pub fn events_of_example(classifier: &Arc<Classifier>, example: &Example) -> Vec<Event> {
    let container = example.container.as_deref();
    if example.source == Origin::Log {
        return events_of(classifier, &example.log, container);
    }
    let reason = example.reason.as_deref().unwrap_or_default();
    let said = Said {
        text: example.log.trim_end(),
        origin: example.source,
        reason,
        container,
        field: &|name| (name == "reason").then(|| reason.to_owned()),
        place: "-",
        identity: "-",
        time: None,
        attributes: &[],
        resource: &Arc::default(),
        count: 1,
    };
    statement::judge(classifier, &said, Timestamp::UNIX_EPOCH).event.into_iter().collect()
}

/// Runs the examples of one pattern of the classifier's set.
pub fn run(classifier: &Arc<Classifier>, located: &Located) -> Vec<Failed> {
    let tests = &located.pattern.tests;
    let id = located.pattern.id.as_str();
    let fires = tests.fires.iter().enumerate().flat_map(|(at, example)| {
        let failures = fires(classifier, id, example);
        failures.into_iter().map(move |failure| Failed { list: "fires", number: at + 1, failure })
    });
    let silent = tests.silent.iter().enumerate().filter_map(|(at, example)| {
        let events = events_of_example(classifier, example);
        let noisy = events.iter().any(|event| names(event, id));
        noisy.then_some(Failed { list: "silent", number: at + 1, failure: Failure::Noisy })
    });
    fires.chain(silent).collect()
}

fn names(event: &Event, id: &str) -> bool {
    event.pattern.id == id || event.also.iter().any(|also| &**also == id)
}

fn fires(classifier: &Arc<Classifier>, id: &str, example: &Example) -> Vec<Failure> {
    let events = events_of_example(classifier, example);
    let Some(event) = events.iter().find(|event| event.pattern.id == id) else {
        // Being outspoken by the failure that explains it is as it should be.
        let speaker = events.iter().find(|event| names(event, id)).map(|event| &event.pattern);
        return match speaker {
            Some(speaker) if speaker.explains.iter().any(|explained| explained == id) => Vec::new(),
            Some(speaker) => vec![Failure::Outspoken(speaker.id.clone())],
            None => vec![Failure::Missing],
        };
    };
    let wrong = example.attributes.iter().filter_map(|(name, wanted)| {
        let wanted = wanted.to_string();
        let got =
            event.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| match &attribute.value {
                Value::Text(text) => text.clone(),
                Value::Int(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
            });
        (got.as_ref() != Some(&wanted)).then_some(Failure::Wrong { name: name.clone(), wanted, got })
    });
    wrong.collect()
}
