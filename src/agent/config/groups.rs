//! What is done with many events: repeats folded, incidents found, noisy containers held back.

use std::time::Duration;

use serde::Deserialize;

use super::Span;
use crate::correlate::rate::Rate;

/// How repeats are folded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repeats {
    /// Repeats of a failure within this time become one event with a count; `0s`: every occurrence is its own event.
    pub window: Span,
}

impl Default for Repeats {
    fn default() -> Self {
        Repeats { window: Span(Duration::from_secs(60)) }
    }
}

/// Failures that no pattern knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unclassified {
    /// Records that their log calls errors, and exceptions, are told of even if no pattern knows them.
    pub enabled: bool,
    /// Those that are alike are told of once, and then at most once in this time, with their number; `0s`: each of them.
    pub interval: Span,
}

impl Default for Unclassified {
    fn default() -> Self {
        // A summary holds the checkpoint, so a longer time would have a killed agent read more again.
        Unclassified { enabled: false, interval: Span(Duration::from_secs(600)) }
    }
}

/// What is one incident.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Incidents {
    /// Failures of a workload that explain each other belong together within this time of the log; `0s`: never.
    pub window: Span,
}

impl Default for Incidents {
    fn default() -> Self {
        Incidents { window: Span(Duration::from_secs(600)) }
    }
}

/// How many events a container may give; what is beyond is counted and dropped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Events of one container; 0: no limit.
    pub events: u32,
    /// In which time.
    pub period: Span,
}

impl Default for RateLimit {
    fn default() -> Self {
        RateLimit { events: 0, period: Span(Duration::from_secs(60)) }
    }
}

impl RateLimit {
    /// As `correlate` wants it.
    pub fn to_rate(&self) -> Rate {
        Rate { events: self.events, period: self.period.0 }
    }
}
