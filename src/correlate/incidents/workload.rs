//! Whose failure an event is: the workload behind a pod, or the one that a controller speaks of.
//!
//! A pod's name is its owner's with a hash. The parts of an inference service, and its revisions, are one workload: they fail for each other's
//! reasons.

use std::fmt;

use serde::Deserialize;

use crate::correlate::Place;
use crate::event::{Event, Resource, Value};
use crate::pattern::model::Origin;

/// Something that is deployed: a deployment, a job, an inference service; or a source that tells nothing of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Name of the owner, or path of the source.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Attributes that name the owner of a pod, the outermost first. Where the cluster has told none, the pod's name gives the same in most cases.
const OWNERS: [&str; 9] = [
    "faultscope.k8s.inferenceservice.name",
    "faultscope.k8s.seldondeployment.name",
    "faultscope.k8s.knative.service.name",
    "k8s.cronjob.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.job.name",
    "k8s.replicaset.name",
];
/// Captures that name a workload that the line speaks of.
const NAMED: [&str; 4] = ["k8s.pod.name", "k8s.deployment.name", "k8s.job.name", "faultscope.k8s.object.name"];
/// What random parts of names are made of (no vowels, and no digits that look like them).
const RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";
/// Components of an inference service.
const COMPONENTS: [&str; 3] = ["-predictor", "-transformer", "-explainer"];

/// The workload whose log the event was found in.
pub fn own(event: &Event) -> Workload {
    let resource = &event.resource;
    let namespace = resource.text("k8s.namespace.name").map(str::to_owned);
    // Of what has no pod the API speaks by its own name.
    let object = Place::of(resource).object.filter(|_| event.origin != Origin::Log);
    let object = object.as_deref().and_then(|object| object.split_once('/')).map(|(_, name)| name);
    let owned = OWNERS.iter().find_map(|name| resource.text(name)).filter(|_| resource.text("k8s.pod.name").is_some());
    match owned.or_else(|| resource.text("k8s.pod.name")).or(object) {
        Some(name) => Workload { namespace, name: owner(name).to_owned() },
        None => Workload { namespace: None, name: event.source.to_string() },
    }
}

/// The workload that the event speaks of, if it is another than its own.
pub fn named(event: &Event, own: &Workload) -> Option<Workload> {
    let named = told(&event.record).or_else(|| captured(event, &event.resource))?;
    (named != *own).then_some(named)
}

fn captured(event: &Event, resource: &Resource) -> Option<Workload> {
    let capture = |name: &str| {
        event.attributes.iter().find(|a| a.name == name).and_then(|a| match &a.value {
            Value::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    };
    let name = NAMED.iter().find_map(|name| capture(name))?;
    if let Some((namespace, name)) = name.split_once('/') {
        return Some(Workload { namespace: Some(namespace.to_owned()), name: owner(name).to_owned() });
    }
    // A name without a namespace is one of the speaker's own.
    let namespace = capture("k8s.namespace.name").or_else(|| resource.text("k8s.namespace.name"))?;
    Some(Workload { namespace: Some(namespace.to_owned()), name: owner(name).to_owned() })
}

/// Fields by which controllers say what they work on.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "knative.dev/key")]
    key: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

/// The object of a controller's structured line.
fn told(record: &str) -> Option<Workload> {
    if !record.starts_with('{') {
        return None;
    }
    let Told { key, namespace, name } = serde_json::from_str(record).ok()?;
    let of_key = key.as_deref().and_then(|key| key.split_once('/'));
    let (namespace, name) = of_key.or(namespace.as_deref().zip(name.as_deref()))?;
    (!namespace.is_empty() && !name.is_empty())
        .then(|| Workload { namespace: Some(namespace.to_owned()), name: owner(name).to_owned() })
}

/// A name without what Kubernetes, Knative and KServe append to it.
fn owner(name: &str) -> &str {
    let name = match last(name) {
        Some((rest, end)) if end.len() == 5 && is_random(end) => {
            let hash = last(rest).filter(|(_, end)| (6..=10).contains(&end.len()) && is_random(end));
            hash.map_or(rest, |(rest, _)| rest)
        }
        Some((rest, end))
            if (6..=10).contains(&end.len()) && is_random(end) && end.bytes().any(|b| b.is_ascii_digit()) =>
        {
            rest
        }
        _ => name,
    };
    let name = name.strip_suffix("-deployment").filter(|rest| numbered(rest).is_some()).unwrap_or(name);
    let name = numbered(name).unwrap_or(name);
    let name = name.strip_suffix("-default").filter(|rest| component(rest).is_some()).unwrap_or(name);
    component(name).unwrap_or(name)
}

fn component(name: &str) -> Option<&str> {
    COMPONENTS.iter().find_map(|component| name.strip_suffix(component)).filter(|rest| !rest.is_empty())
}

/// Before the number of a replica, a revision, or a run of a cron job.
fn numbered(name: &str) -> Option<&str> {
    last(name).filter(|(_, end)| end.bytes().all(|b| b.is_ascii_digit())).map(|(rest, _)| rest)
}

fn last(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('-').filter(|(rest, end)| !rest.is_empty() && !end.is_empty())
}

fn is_random(text: &str) -> bool {
    text.chars().all(|letter| RANDOM.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_was_appended() {
        let table = [
            ("pear-6c9d7f5b8d-x2vkq", "pear"),
            ("pear-6c9d7f5b8d", "pear"),
            ("pear-0", "pear"),
            ("press-28391820-x2vkq", "press"),
            ("node-agent-x2vkq", "node-agent"),
            ("iris-predictor-00001-deployment-6c9d7f5b8d-x2vkq", "iris"),
            ("iris-predictor-00001", "iris"),
            ("iris-transformer-default-00002", "iris"),
            ("iris-predictor", "iris"),
            ("redis", "redis"),
            ("my-deployment", "my-deployment"),
            ("apple-press", "apple-press"),
            ("-predictor", "-predictor"),
        ];
        for (name, want) in table {
            assert_eq!(owner(name), want, "{name}");
        }
    }

    #[test]
    fn a_controller_says_whom_it_speaks_of() {
        let table = [
            (r#"{"msg":"x","knative.dev/key":"ml/iris-predictor-00001"}"#, Some("ml/iris")),
            (r#"{"msg":"x","namespace":"ml","name":"pear"}"#, Some("ml/pear")),
            (r#"{"msg":"x","name":"uvicorn.error"}"#, None),
            (r#"{"msg":"x","namespace":7,"name":"pear"}"#, None),
            ("namespace ml name pear", None),
        ];
        for (record, want) in table {
            assert_eq!(told(record).map(|workload| workload.to_string()).as_deref(), want, "{record}");
        }
    }
}
