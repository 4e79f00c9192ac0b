//! The reading side: files tailed, classified, and their positions kept until what they gave is acknowledged.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;

use super::Unit;
use crate::classify::{Classifier, Source, Stream};
use crate::event::Event;
use crate::tail::{FileId, Mark, Ready, Tailer, UnitId};

/// How much is read at a time.
const BLOCK: usize = 256 << 10;
/// How many blocks of one file before the others get their turn.
const BLOCKS_PER_TURN: usize = 8;
/// How often checkpoints are written.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(1);
/// The longest wait for something to read.
const POLL: Duration = Duration::from_millis(250);

pub(super) struct Reader {
    classifier: Arc<Classifier>,
    tailer: Tailer,
    streams: HashMap<FileId, Stream>,
    units: Sender<Unit>,
    acknowledged: Receiver<UnitId>,
    stopping: Arc<AtomicBool>,
    next_checkpoint: Instant,
}

impl Reader {
    pub(super) fn new(
        classifier: Arc<Classifier>,
        tailer: Tailer,
        units: Sender<Unit>,
        acknowledged: Receiver<UnitId>,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        let next_checkpoint = Instant::now() + CHECKPOINT_PERIOD;
        Reader { classifier, tailer, streams: HashMap::new(), units, acknowledged, stopping, next_checkpoint }
    }

    /// Reads until it is told to stop, or until nobody takes the events any more.
    pub(super) fn run(mut self) {
        while !self.stopping.load(Ordering::Relaxed) && !self.units.is_closed() {
            for ready in self.tailer.poll(POLL) {
                self.turn(&ready);
            }
            self.close_old_records();
            self.take_acknowledgements();
            self.checkpoint_if_due();
        }
        self.drain();
    }

    /// Hangs up, waits for the last acknowledgements, and writes the last checkpoint.
    ///
    /// Records that wait for more lines are left alone: they hold the checkpoint, so the next start reads them whole.
    fn drain(mut self) {
        drop(self.units);
        while let Ok(unit) = self.acknowledged.recv() {
            self.tailer.ledger().done(unit);
        }
        if let Err(error) = self.tailer.checkpoint(Timestamp::now()) {
            tracing::error!(%error, "the last checkpoint can't be written; the next start repeats some events");
        }
    }

    /// One file's turn: some blocks, then the next file.
    fn turn(&mut self, ready: &Ready) {
        let mut stream = match self.streams.remove(&ready.id) {
            Some(stream) if !ready.new => stream,
            _ => self.stream(ready, Mark { offset: ready.offset, line: ready.line }),
        };
        for _ in 0..BLOCKS_PER_TURN {
            let read = match self.tailer.read(ready.id, stream.space(BLOCK)) {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(path = %ready.path.display(), %error, "can't read");
                    break;
                }
            };
            let before = stream.watermark();
            let mut events = Vec::new();
            let now = Timestamp::now();
            if read.truncated {
                // The old positions mean nothing in the new content: nothing is settled by them, and what they still gave
                // holds the new content at its beginning.
                stream.finish(now, &mut events);
                self.hand_on(ready.id, Mark::BEGINNING, events);
                stream = self.stream(ready, Mark::BEGINNING);
                continue;
            }
            if read.ended {
                stream.finish(now, &mut events);
                self.send(ready.id, &mut stream, before, events);
                return;
            }
            if read.bytes == 0 {
                break;
            }
            stream.advance(read.bytes, now, &mut events);
            self.send(ready.id, &mut stream, before, events);
        }
        stream.park();
        self.streams.insert(ready.id, stream);
    }

    fn close_old_records(&mut self) {
        let now = Timestamp::now();
        let waiting: Vec<FileId> =
            self.streams.iter().filter(|(_, stream)| stream.is_waiting()).map(|(id, _)| *id).collect();
        for id in waiting {
            let Some(mut stream) = self.streams.remove(&id) else { continue };
            let before = stream.watermark();
            let mut events = Vec::new();
            stream.tick(now, &mut events);
            self.send(id, &mut stream, before, events);
            self.streams.insert(id, stream);
        }
    }

    /// Hands events on, protected by the ledger from their first possible byte, then lets go of what the stream has done with.
    fn send(&mut self, file: FileId, stream: &mut Stream, before: u64, events: Vec<Event>) {
        let start = Mark { offset: before, line: stream.line_at(before) };
        self.hand_on(file, start, events);
        let low = stream.watermark();
        let line = stream.line_at(low);
        self.tailer.ledger().settle(file, Mark { offset: low, line });
    }

    /// Hands events on; until they are acknowledged, the checkpoint of their file stays at `start` or before it.
    fn hand_on(&mut self, file: FileId, start: Mark, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let id = self.tailer.ledger().sent(file, start);
        // A closed channel means that the process ends; what is not acknowledged is read again.
        let _ = self.units.blocking_send(Unit { id, events });
    }

    fn take_acknowledgements(&mut self) {
        loop {
            match self.acknowledged.try_recv() {
                Ok(unit) => self.tailer.ledger().done(unit),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn checkpoint_if_due(&mut self) {
        let now = Instant::now();
        if now < self.next_checkpoint {
            return;
        }
        self.next_checkpoint = now + CHECKPOINT_PERIOD;
        if let Err(error) = self.tailer.checkpoint(Timestamp::now()) {
            tracing::warn!(%error, "can't write the checkpoint; a restart would repeat events");
        }
    }

    fn stream(&self, ready: &Ready, from: Mark) -> Stream {
        let source = Source::named(&ready.path.display().to_string(), None);
        Stream::new(self.classifier.clone(), source, from.offset, from.line)
    }
}
