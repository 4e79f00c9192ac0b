//! What is asked of Kubernetes: keys, defaults, and what makes no sense.

use std::time::Duration;

use serde::Deserialize;

use super::Span;
use crate::kube::logs;
use crate::kube::metadata::Choice;
use crate::kube::source::{self, lease};

/// What the cluster is asked beside the sources.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kubernetes {
    /// Events are told what the cluster knows of their pods; absent: they aren't.
    pub metadata: Option<Metadata>,
}

/// What events are told of their pods.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The node that this is: its pods are watched.
    pub node: String,
    /// Globs of labels to take over.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Globs of annotations to take over.
    #[serde(default)]
    pub annotations: Vec<String>,
    /// How long a deleted pod is remembered: its log may be read for longer than it lives.
    #[serde(default = "ten_minutes")]
    pub remember: Span,
}

fn ten_minutes() -> Span {
    Span(Duration::from_secs(600))
}

impl Metadata {
    /// As the room wants it; the errors name the keys.
    pub fn to_choice(&self) -> Result<Choice, Vec<String>> {
        let mut errors = Vec::new();
        if self.node.is_empty() {
            errors.push(
                "kubernetes.metadata.node: it is empty; set it to this node's name (${NODE_NAME} by the downward API)"
                    .to_owned(),
            );
        }
        let mut globs = |key: &str, texts: &[String]| globs(&format!("kubernetes.metadata.{key}"), texts, &mut errors);
        let (labels, annotations) = (globs("labels", &self.labels), globs("annotations", &self.annotations));
        let choice = Choice { node: self.node.clone(), labels, annotations, remember: self.remember.0 };
        if errors.is_empty() { Ok(choice) } else { Err(errors) }
    }
}

/// What the cluster itself says: events, statuses of containers, conditions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesEvents {
    /// Of these namespaces; empty: of all.
    pub namespaces: Vec<String>,
    /// Which of several replicas reads; absent: this one does.
    pub lease: Option<Lease>,
}

/// A Lease of coordination.k8s.io.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Its name.
    #[serde(default = "lease_name")]
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What this replica is called.
    pub identity: String,
}

fn lease_name() -> String {
    "faultscope-events".to_owned()
}

impl KubernetesEvents {
    /// As the room wants it; the errors name the keys.
    pub fn to_choice(&self) -> Result<source::Choice, Vec<String>> {
        let lease =
            self.lease.clone().map(|Lease { name, namespace, identity }| lease::Choice { name, namespace, identity });
        let parts = lease
            .iter()
            .flat_map(|lease| [("name", &lease.name), ("namespace", &lease.namespace), ("identity", &lease.identity)]);
        let empty = parts.filter(|(_, value)| value.is_empty());
        let errors: Vec<String> =
            empty.map(|(key, _)| format!("sources.kubernetes_events.lease.{key}: it is empty; the downward API gives POD_NAME and POD_NAMESPACE")).collect();
        if errors.is_empty() { Ok(source::Choice { namespaces: self.namespaces.clone(), lease }) } else { Err(errors) }
    }
}

/// Logs by the API, where no file of the node may be read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesLogs {
    /// The namespace of the pods.
    pub namespace: String,
    /// A label selector that takes them; or
    #[serde(default)]
    pub selector: Option<String>,
    /// one pod's name.
    #[serde(default)]
    pub pod: Option<String>,
    /// Globs of containers; empty: all but faultscope's own.
    #[serde(default)]
    pub containers: Vec<String>,
}

impl KubernetesLogs {
    /// As the room wants it; the errors name the keys.
    pub fn to_choice(&self) -> Result<logs::Choice, Vec<String>> {
        let mut errors = Vec::new();
        if self.namespace.is_empty() {
            errors.push(
                "sources.kubernetes_logs.namespace: it is empty; the downward API gives POD_NAMESPACE".to_owned(),
            );
        }
        let select = match (&self.selector, &self.pod) {
            (Some(labels), None) if !labels.is_empty() => Some(logs::Select::Labels(labels.clone())),
            (None, Some(pod)) if !pod.is_empty() => Some(logs::Select::Pod(pod.clone())),
            _ => None,
        };
        if select.is_none() {
            let hint = "give one of them: a label selector such as app=iris, or a pod's name";
            errors.push(format!("sources.kubernetes_logs: neither or both of `selector` and `pod` are set ({hint})"));
        }
        let containers = globs("sources.kubernetes_logs.containers", &self.containers, &mut errors);
        match select {
            Some(select) if errors.is_empty() => {
                Ok(logs::Choice { namespace: self.namespace.clone(), select, containers })
            }
            _ => Err(errors),
        }
    }
}

/// Globs of a key; what is wrong with them goes to `errors`.
fn globs(key: &str, texts: &[String], errors: &mut Vec<String>) -> Vec<glob::Pattern> {
    let mut globs = Vec::new();
    for text in texts {
        match glob::Pattern::new(text) {
            Ok(glob) => globs.push(glob),
            Err(error) => errors.push(format!("{key}: the glob `{text}` can't be read: {error}")),
        }
    }
    globs
}
