//! Events to whoever wants them: JSON lines, OTLP over gRPC and HTTP, the OTLP file form.
//!
//! Holds the encodings, the OTLP client and the rules of delivery (batches, retries, splitting). Must not know of
//! files being tailed, of how patterns match, or of the command line.

use std::time::Duration;

use crate::event::Event;

mod attributes;
pub mod delivery;
pub mod diagnosis;
#[cfg(test)]
pub(crate) mod fixture;
mod json;
pub mod jsonl;
pub mod otlp;
pub mod otlp_json;
pub mod text;

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has all of it.
    Delivered,
    /// The receiver answered for good and lost some or all of it. Sending it again is forbidden.
    Rejected {
        /// How many records are lost. 0: all were taken, and `reason` is a warning.
        records: u64,
        /// What the receiver said. One line, bounded, without control characters.
        reason: String,
    },
    /// It did not get through; the same request may be sent again.
    Retry {
        /// How long the receiver asks to wait; never more than [`MAX_SERVER_WAIT`].
        after: Option<Duration>,
        /// What went wrong. One line, bounded, without control characters.
        reason: String,
    },
    /// The receiver does not take a request of this size: split it and try again.
    TooLarge,
}

/// The longest wait that a receiver may ask for. A larger one is cut to this, so that a nonsensical answer can't
/// stop an agent for days.
pub const MAX_SERVER_WAIT: Duration = Duration::from_secs(3600);

/// Something that sends events and says what became of them.
pub trait Exporter {
    /// Sends the events in one request, once.
    fn export(&mut self, events: &[Event]) -> impl Future<Output = Outcome> + Send;
}
