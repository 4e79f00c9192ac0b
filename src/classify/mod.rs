//! A source's bytes in, classified events out: the room that joins `engine`, `frame` and `record`.
//!
//! A [`Stream`] holds what one source needs between reads: a window of its latest bytes, how far they are scanned, and records that wait for
//! more lines. It knows nothing of files or transports; time is an argument.
//!
//! The way of a block: the engine scans the raw bytes that are new; for each line that holds an anchor the record around it is
//! assembled (back in the window, forward until it is closed) and confirmed. Lines without an anchor are only walked over when
//! they are neighbours of one that has.

mod assemble;
pub mod cross;
mod entries;
#[cfg(test)]
mod entries_tests;
pub mod examples;
mod lines;
pub mod merged;
#[cfg(test)]
mod merged_tests;
pub mod neighbours;
mod series;
#[cfg(test)]
mod series_tests;
pub mod statement;
mod stream;
#[cfg(test)]
mod tests;
pub mod unknown;
pub mod whole;

use std::sync::Arc;
use std::time::Duration;

pub use stream::{Counts, Stream};

use crate::event::{Resource, resource};
use crate::frame::{Format, path};
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;

/// What bounds one record and one line, so that no log can make faultscope grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A line longer than this is cut here, and goes on as another line. Bytes.
    pub line_bytes: usize,
    /// How far back the beginning of a record is looked for. Bytes.
    pub lookback_bytes: usize,
    /// A record is closed where the source goes on so far behind its first byte, other streams' lines included. Bytes.
    pub record_bytes: usize,
    /// A record is closed at this many lines.
    pub record_lines: usize,
    /// A record that waits for more lines is closed after this time.
    pub record_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            line_bytes: 256 << 10,
            lookback_bytes: 64 << 10,
            record_bytes: 256 << 10,
            record_lines: 1024,
            record_age: Duration::from_millis(1000),
        }
    }
}

/// What all streams share.
pub struct Classifier {
    /// The patterns.
    pub set: PatternSet,
    /// How lines are framed.
    pub format: Format,
    /// Bounds.
    pub limits: Limits,
    /// Events of a lesser severity are not made.
    pub min_severity: Severity,
    /// Secrets are taken out of events.
    pub redact: bool,
}

/// Where a stream's bytes come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path, or `-`.
    pub name: Arc<str>,
    /// What stays the same when the bytes are read again elsewhere (see [`crate::event::uid::Identity`]).
    pub identity: String,
    /// The container, if known: patterns are scoped by it.
    pub container: Option<String>,
    /// What events of this source are about.
    pub resource: Arc<Resource>,
}

impl Source {
    /// The source that a log of this name is. A pod's log tells its container by its path; of any other, `container` is
    /// all that is known. Whoever reads the same log gets the same source, and so the same uids.
    pub fn named(name: &str, container: Option<&str>) -> Source {
        let (identity, container, resource) = match path::parse(name) {
            Some(log) => (log.identity(), Some(log.container.clone()), resource::resource(&log)),
            None => (name.to_owned(), container.map(str::to_owned), resource::of_container(container)),
        };
        Source { name: name.into(), identity, container, resource: Arc::new(resource) }
    }
}
