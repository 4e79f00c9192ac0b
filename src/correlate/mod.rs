//! What events have to do with each other: repeats of one failure, and which failure explains which.
//!
//! Holds counts, bounded: places here, the tally of a scan in [`tally`], sets and sequences of entries in [`steps`] and of records in [`follow`], incidents in [`incidents`], the folding of repeats in [`repeats`], the rate of each container in [`rate`],
//! messages alike in [`templates`], what no pattern knows in [`unclassified`]. Knows
//! nothing of IO or clocks; the time of an event is in the event, and any other an argument.

pub mod follow;
pub mod incidents;
pub mod rate;
pub mod repeats;
pub mod steps;
pub mod tally;
pub mod templates;
pub mod unclassified;

use crate::event::Resource;

/// Where a failure happens, as far as its repeats are concerned: the container, whichever its restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Pod name.
    pub pod: Option<String>,
    /// Container name.
    pub container: Option<String>,
    /// What isn't in a pod, and of what kind it is: `InferenceService/iris`.
    pub object: Option<String>,
}

/// Names of what is deployed, other than pods, and of what kind each is.
const OBJECTS: [(&str, &str); 7] = [
    ("Deployment", "k8s.deployment.name"),
    ("StatefulSet", "k8s.statefulset.name"),
    ("DaemonSet", "k8s.daemonset.name"),
    ("ReplicaSet", "k8s.replicaset.name"),
    ("Job", "k8s.job.name"),
    ("CronJob", "k8s.cronjob.name"),
    ("Node", "k8s.node.name"),
];

fn object(resource: &Resource) -> Option<String> {
    if let Some(name) = resource.text("faultscope.k8s.object.name") {
        let kind = resource.text("faultscope.k8s.object.kind").unwrap_or_default();
        return Some(format!("{kind}/{name}"));
    }
    OBJECTS.iter().find_map(|(kind, attribute)| resource.text(attribute).map(|name| format!("{kind}/{name}")))
}

impl Place {
    /// The place of a resource.
    pub fn of(resource: &Resource) -> Self {
        let text = |name| resource.text(name).map(str::to_owned);
        Place {
            namespace: text("k8s.namespace.name"),
            pod: text("k8s.pod.name"),
            container: text("k8s.container.name"),
            object: object(resource).filter(|_| resource.text("k8s.pod.name").is_none()),
        }
    }
}
