//! What an event knows of the incident that it belongs to. Holds the shape alone; `correlate` decides.

use std::sync::Arc;

/// Failures of one workload that explain each other, as far as they were known when the event went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Deterministic from the workload and the first event: reading the same log from there gives the same one. Lower-case hex, 32 digits.
    pub id: Arc<str>,
    /// `namespace/name` of the workload, or the source's path.
    pub workload: Arc<str>,
    /// Ids of the patterns from the root cause to this event's own, which is the last.
    pub chain: Arc<[String]>,
    /// Uids of earlier events that went out as root causes and, now that this one is known, are none.
    pub corrects: Vec<String>,
    /// Ids of incidents that this event shows to be part of this one.
    pub merges: Vec<String>,
}

impl Incident {
    /// Nothing that was seen explains the event.
    pub fn root_cause(&self) -> bool {
        self.chain.len() <= 1
    }
}
