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
}

impl Place {
    /// The place of a resource.
    pub fn of(resource: &Resource) -> Self {
        let text = |name| resource.text(name).map(str::to_owned);
        Place {
            namespace: text("k8s.namespace.name"),
            pod: text("k8s.pod.name"),
            container: text("k8s.container.name"),
        }
    }
}
