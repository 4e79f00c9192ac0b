//! Logs that come by the API: one stream each, as files have. They have no checkpoint, so nothing here holds one.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::classify::{Classifier, Counts, Source, Stream};
use crate::event::Event;
use crate::event::uid::Identity;
use crate::kube::logs::Piece;

/// The streams of the logs that are being read.
#[derive(Default)]
pub(super) struct ApiLogs {
    streams: HashMap<Arc<str>, Stream>,
}

impl ApiLogs {
    /// Takes in what came of a log; gives what it tells, and what was counted.
    pub fn take(&mut self, piece: &Piece, classifier: &Arc<Classifier>, now: Timestamp) -> (Vec<Event>, Counts) {
        let stream = self
            .streams
            .entry(piece.log.clone())
            .or_insert_with(|| Stream::new(classifier.clone(), Source::named(&piece.log, None), 0, 1));
        let mut events = Vec::new();
        if !piece.bytes.is_empty() {
            stream.space(piece.bytes.len())[..piece.bytes.len()].copy_from_slice(&piece.bytes);
            stream.advance(piece.bytes.len(), now, &mut events);
            // What it has room for beyond what it needs is given up.
            drop(stream.park());
        }
        if piece.ended {
            stream.finish(now, &mut events);
        }
        let counts = stream.take_counts();
        as_of_the_api(stream.source(), &mut events);
        if piece.ended {
            self.streams.remove(&piece.log);
        }
        (events, counts)
    }

    /// Closes the records that have waited long enough.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Event> {
        let mut all = Vec::new();
        for stream in self.streams.values_mut().filter(|stream| stream.is_waiting()) {
            let mut events = Vec::new();
            stream.tick(now, &mut events);
            as_of_the_api(stream.source(), &mut events);
            all.extend(events);
        }
        all
    }

    /// From here on with these patterns.
    pub fn set_classifier(&mut self, classifier: &Arc<Classifier>) {
        self.streams.values_mut().for_each(|stream| stream.set_classifier(classifier.clone()));
    }
}

/// The API doesn't tell where a line stands in its log, nor whether it was printed as an error: its time takes the place of the position.
fn as_of_the_api(source: &Source, events: &mut [Event]) {
    for event in events {
        let position = event.time.and_then(|time| u64::try_from(time.as_nanosecond()).ok()).unwrap_or_default();
        let (line, pattern) = (event.body.as_bytes(), &event.pattern.id);
        event.uid = Identity { source: &source.identity, position, line, pattern }.uid();
        event.stream = None;
    }
}
