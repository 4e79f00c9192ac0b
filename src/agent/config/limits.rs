//! The bounds: their keys, their defaults, which are the other rooms' own, and what makes no sense.

use serde::Deserialize;

use super::Span;
use crate::classify;
use crate::export::delivery;
use crate::tail;

/// What bounds memory. What goes beyond a bound is counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A line longer than this is cut here and goes on as another line.
    pub line_bytes: usize,
    /// A record is closed at this many bytes.
    pub record_bytes: usize,
    /// A record is closed at this many lines.
    pub record_lines: usize,
    /// A record that waits for more lines is closed after this time.
    pub record_wait: Span,
    /// Records that wait for more lines at once; beyond it those that have waited longest are closed.
    pub pending_records: usize,
    /// A record, and each attribute, of an event is cut to so many bytes.
    pub attribute_bytes: usize,
    /// Events in one request.
    pub request_events: usize,
    /// Bytes of one request, before compression.
    pub request_bytes: usize,
    /// Log files held open; beyond it those idle longest are closed and opened again when they grow.
    pub open_files: usize,
    /// Log files followed at once; beyond it others are taken up when some are gone.
    pub files: usize,
    /// Folders walked and watched; what is beyond is not read.
    pub folders: usize,
    /// Bytes of deleted files that are kept on the disk because they are being read; beyond it those deleted first are given up.
    pub deleted_bytes: u64,
    /// Bytes that one rotated and compressed file may unpack to.
    pub unpacked_bytes: u64,
    /// Failures whose repeats are folded at once; beyond it summaries come early.
    pub repeats: usize,
    /// Incidents that are open at once; beyond it the one that has been quiet longest is over.
    pub incidents: usize,
    /// Templates of failures that no pattern knows; beyond it the one seen longest ago is forgotten.
    pub templates: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let (classify, delivery, tail) =
            (classify::Limits::default(), delivery::Limits::default(), tail::Config::default());
        Limits {
            line_bytes: classify.line_bytes,
            record_bytes: classify.record_bytes,
            record_lines: classify.record_lines,
            record_wait: Span(classify.record_age),
            pending_records: 1000,
            attribute_bytes: 16 << 10,
            request_events: delivery.events,
            request_bytes: delivery.bytes,
            open_files: tail.max_open_files,
            files: tail.max_files,
            folders: tail.max_folders,
            deleted_bytes: tail.max_deleted_bytes,
            unpacked_bytes: tail.max_unpacked_bytes,
            repeats: 4096,
            incidents: 4096,
            templates: 1000,
        }
    }
}

impl Limits {
    /// Those of a record.
    pub fn to_classify(&self) -> classify::Limits {
        classify::Limits {
            line_bytes: self.line_bytes,
            record_bytes: self.record_bytes,
            record_lines: self.record_lines,
            record_age: self.record_wait.0,
            ..classify::Limits::default()
        }
    }

    /// Those of a request.
    pub fn to_delivery(&self) -> delivery::Limits {
        delivery::Limits { events: self.request_events, bytes: self.request_bytes }
    }

    /// What is too small or too large to work with, each with its key.
    pub fn check(&self) -> Vec<String> {
        let mib = 1 << 20;
        let table = [
            ("line_bytes", self.line_bytes, 1 << 10, 16 * mib),
            ("record_bytes", self.record_bytes, 1 << 10, 16 * mib),
            ("record_lines", self.record_lines, 1, 100_000),
            ("pending_records", self.pending_records, 1, 1_000_000),
            ("attribute_bytes", self.attribute_bytes, 64, mib),
            ("request_events", self.request_events, 1, 100_000),
            ("request_bytes", self.request_bytes, 64 << 10, 64 * mib),
            ("open_files", self.open_files, 1, 1_000_000),
            ("files", self.files, 1, 10_000_000),
            ("folders", self.folders, 1, 10_000_000),
            ("repeats", self.repeats, 1, 1_000_000),
            ("incidents", self.incidents, 1, 1_000_000),
            ("templates", self.templates, 1, 100_000),
        ];
        let outside = table.into_iter().filter(|(_, value, least, most)| !(*least..=*most).contains(value));
        outside
            .map(|(key, value, least, most)| format!("limits.{key}: {value} is not from {least} to {most}"))
            .collect()
    }
}
