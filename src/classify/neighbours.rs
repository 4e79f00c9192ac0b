//! Records of a log that are no failures: what patterns drafted from the log must not fire on.

use super::Classifier;
use super::unknown;
use super::whole::each_record;
use crate::redact;

/// So much is kept of each piece of a log, and of all. Bytes.
const OF_PIECE: usize = 64 << 10;
const OF_ALL: usize = 4 << 20;

/// No example is longer. Bytes.
const EXAMPLE: usize = 2 << 10;

/// Lines of logs that are being read, as many as are of use.
#[derive(Debug, Default)]
pub struct Neighbours {
    lines: Vec<u8>,
}

impl Neighbours {
    /// Takes in a piece of a log. Its first line may lack its beginning unless `whole_lines` says otherwise, and its last its end.
    pub fn add(&mut self, piece: &[u8], whole_lines: bool) {
        let from = if whole_lines { Some(0) } else { memchr::memchr(b'\n', piece).map(|newline| newline + 1) };
        let piece = &piece[from.unwrap_or(piece.len())..];
        let room = OF_PIECE.min(OF_ALL.saturating_sub(self.lines.len()));
        let piece = &piece[..piece.len().min(room)];
        let end = memchr::memrchr(b'\n', piece).map_or(0, |newline| newline + 1);
        self.lines.extend_from_slice(&piece[..end]);
    }

    /// Those that neither a pattern knows nor their log calls failures, out of their framing, each once. Secrets are masked if the
    /// classifier masks them.
    pub fn healthy(&self, classifier: &Classifier) -> Vec<String> {
        let mut healthy = Vec::new();
        each_record(&self.lines, classifier.format, &classifier.limits, |part| {
            let known = part.subject(None, |subject| classifier.set.engine.confirm(subject).is_some());
            let shown = part.record.printed();
            if !known && unknown::severity(&part.record).is_none() && shown.len() <= EXAMPLE {
                healthy.push(if classifier.redact { redact::text(&shown).into_owned() } else { shown });
            }
        });
        healthy.sort_unstable();
        healthy.dedup();
        healthy
    }
}
