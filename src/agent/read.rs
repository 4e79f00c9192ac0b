//! The reading side: files tailed, classified, and their positions kept until what they gave is acknowledged.
//!
//! A thread of its own. It never waits for the delivering side: what that can't take stays in the [`Outbox`], and while something is there, nothing is read.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opentelemetry::KeyValue;

use super::Reading;
use super::api_logs::ApiLogs;
use super::cluster::Heard;
use super::metrics::{Metrics, Shared};
use super::outbox::Outbox;
use super::passing::Passing;
use crate::classify::{Counts, Source, Stream};
use crate::event::Event;
use crate::tail::{FileId, Mark, Ready, Tailer, UnitId};

/// How much is read at a time.
const BLOCK: usize = 256 << 10;
/// How many blocks of one file before the others get their turn.
const BLOCKS_PER_TURN: usize = 8;
/// How often checkpoints are written, and numbers for metrics brought up to date.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(1);
/// The longest wait for something to read.
const POLL: Duration = Duration::from_millis(250);
/// How often the delivering side is tried again while it can't take anything.
const PAUSE: Duration = Duration::from_millis(10);

/// What connects the reader with the rest.
pub(super) struct Links {
    /// What the outputs have taken.
    pub acknowledged: Receiver<UnitId>,
    /// What comes from the cluster, if it is asked.
    pub heard: Option<Heard>,
    /// New settings.
    pub settings: Receiver<Reading>,
    /// Read no more.
    pub stopping: Arc<AtomicBool>,
    /// Numbers for whoever asks.
    pub shared: Shared,
    /// Numbers that add up.
    pub metrics: Arc<Metrics>,
}

pub(super) struct Reader {
    reading: Reading,
    tailer: Tailer,
    streams: HashMap<FileId, Stream>,
    /// Files that have ended, but perhaps not their logs.
    passing: Passing,
    api_logs: ApiLogs,
    /// What files are read into, one after the other.
    room: Vec<u8>,
    outbox: Outbox,
    links: Links,
    next_checkpoint: Instant,
}

impl Reader {
    pub(super) fn new(reading: Reading, tailer: Tailer, outbox: Outbox, links: Links) -> Self {
        let next_checkpoint = Instant::now() + CHECKPOINT_PERIOD;
        Reader {
            reading,
            tailer,
            streams: HashMap::new(),
            passing: Passing::default(),
            api_logs: ApiLogs::default(),
            room: Vec::new(),
            outbox,
            links,
            next_checkpoint,
        }
    }

    /// Reads until it is told to stop, or until nobody takes the events any more.
    pub(super) fn run(mut self) {
        while !self.links.stopping.load(Ordering::Relaxed) && !self.outbox.is_closed() {
            if self.outbox.flush() {
                let ready = self.tailer.poll(self.wait());
                self.take_settings();
                for ready in ready {
                    self.turn(&ready);
                    if !self.outbox.is_empty() {
                        break;
                    }
                }
                self.close_old_records();
                self.close_ended_logs();
                self.take_statements();
                self.take_api_logs();
                self.outbox.tick(Instant::now());
            } else {
                self.tailer.tend(PAUSE);
            }
            self.take_acknowledgements();
            self.checkpoint_if_due();
        }
        self.drain();
    }

    /// Until when there is nothing to do unless a file grows.
    fn wait(&self) -> Duration {
        let summary = self.outbox.next_summary().map(|end| end.saturating_duration_since(Instant::now()));
        summary.map_or(POLL, |wait| wait.min(POLL))
    }

    /// Hangs up, waits for the last acknowledgements, and writes the last checkpoint.
    ///
    /// Records that wait for more lines are left alone: they hold the checkpoint, so the next start reads them whole.
    fn drain(mut self) {
        self.outbox.close();
        while let Ok(unit) = self.links.acknowledged.recv() {
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
        self.take_over(ready.id, &mut stream);
        stream.unpark(std::mem::take(&mut self.room));
        for _ in 0..BLOCKS_PER_TURN {
            if !self.outbox.is_empty() {
                break;
            }
            let read = match self.tailer.read(ready.id, stream.space(BLOCK)) {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(path = %ready.path.display(), %error, "can't read");
                    break;
                }
            };
            let before = low_mark(&mut stream);
            let mut events = Vec::new();
            let now = Timestamp::now();
            if read.truncated {
                // The old positions mean nothing in the new content: nothing is settled by them, and what they still gave
                // holds the new content at its beginning.
                stream.close_file(now, &mut events);
                let room = stream.park();
                let mut earlier = std::mem::replace(&mut stream, self.stream(ready, Mark::BEGINNING));
                stream.go_on_from(&mut earlier, &mut events);
                self.hand_on(ready.id, Mark::BEGINNING, events);
                stream.unpark(room);
                continue;
            }
            if read.ended {
                stream.close_file(now, &mut events);
                if !stream.has_begun() {
                    stream.finish(now, &mut events);
                }
                self.send(ready.id, &mut stream, before, events);
                self.room = stream.park();
                if stream.has_begun() {
                    self.passing.put(ready.id, stream, Instant::now());
                }
                return;
            }
            if read.bytes == 0 {
                break;
            }
            stream.advance(read.bytes, now, &mut events);
            self.send(ready.id, &mut stream, before, events);
            if !read.more {
                break;
            }
        }
        self.room = stream.park();
        self.streams.insert(ready.id, stream);
    }

    /// What has begun in earlier files of the same log goes on in this one.
    fn take_over(&mut self, file: FileId, stream: &mut Stream) {
        for (ended, mut earlier) in self.passing.take(&stream.source().identity) {
            let before = low_mark(&mut earlier);
            let start = low_mark(stream);
            let mut events = Vec::new();
            stream.go_on_from(&mut earlier, &mut events);
            self.hand_on(file, start, events);
            self.send(ended, &mut earlier, before, Vec::new());
        }
    }

    /// Hands what has begun in files that ended to the next file of the log, and decides it if the log doesn't seem to go on anywhere.
    fn close_ended_logs(&mut self) {
        let goes_on = |(id, stream): (&FileId, &Stream)| self.passing.has(&stream.source().identity).then_some(*id);
        let later: Vec<FileId> = self.streams.iter().filter_map(goes_on).collect();
        for id in later {
            let Some(mut stream) = self.streams.remove(&id) else { continue };
            self.take_over(id, &mut stream);
            self.streams.insert(id, stream);
        }
        for (file, mut stream) in self.passing.over(Instant::now()) {
            let before = low_mark(&mut stream);
            let mut events = Vec::new();
            stream.finish(Timestamp::now(), &mut events);
            self.send(file, &mut stream, before, events);
        }
    }

    /// Closes records that have waited long enough, and the oldest ones if too many wait. Tells of the time where that is waited for.
    fn close_old_records(&mut self) {
        let now = Timestamp::now();
        let waits = |(id, stream): (&FileId, &Stream)| stream.waiting_since().map(|since| (since, *id));
        let mut waiting: Vec<(Timestamp, FileId)> = self.streams.iter().filter_map(waits).collect();
        let excess = waiting.len().saturating_sub(self.reading.pending_records);
        if excess > 0 {
            waiting.sort_unstable();
            self.links.metrics.limits.add(excess as u64, &[KeyValue::new("limit", "pending_records")]);
        }
        let only_time = |(_, stream): &(&FileId, &Stream)| stream.waiting_since().is_none() && stream.waits_for_time();
        waiting.extend(self.streams.iter().filter(only_time).map(|(id, _)| (now, *id)));
        for (place, (_, id)) in waiting.into_iter().enumerate() {
            let Some(mut stream) = self.streams.remove(&id) else { continue };
            let before = low_mark(&mut stream);
            let mut events = Vec::new();
            if place < excess {
                stream.flush(now, &mut events);
            } else {
                stream.tick(now, &mut events);
            }
            self.send(id, &mut stream, before, events);
            self.streams.insert(id, stream);
        }
    }

    /// Hands events on, protected by the ledger from their first possible byte, then lets go of what the stream has done with.
    fn send(&mut self, file: FileId, stream: &mut Stream, start: Mark, events: Vec<Event>) {
        self.hand_on(file, start, events);
        let low = low_mark(stream);
        self.tailer.ledger().settle(file, low);
        self.links.metrics.lines.add(low.line.saturating_sub(start.line), &[]);
        self.count(stream.take_counts());
    }

    /// Counts what a stream did beside its events.
    fn count(&self, counts: Counts) {
        let metrics = &self.links.metrics;
        for (count, counter, label) in [
            (counts.redacted, &metrics.redacted, None),
            (counts.lines_cut, &metrics.limits, Some(("limit", "line_bytes"))),
            (counts.records_cut, &metrics.limits, Some(("limit", "record_bytes"))),
            (counts.entries_evicted, &metrics.dropped, Some(("reason", "rule_entries"))),
            (counts.parts_evicted, &metrics.dropped, Some(("reason", "sequence_records"))),
        ] {
            if count > 0 {
                counter.add(count, label.map(|(key, name)| KeyValue::new(key, name)).as_slice());
            }
        }
    }

    /// Hands events on; until they are acknowledged, the checkpoint of their file stays at `start` or before it.
    fn hand_on(&mut self, file: FileId, start: Mark, events: Vec<Event>) {
        if !events.is_empty() {
            self.outbox.put(self.tailer.ledger(), file, start, events, Instant::now());
        }
    }

    fn take_acknowledgements(&mut self) {
        loop {
            match self.links.acknowledged.try_recv() {
                Ok(unit) => self.tailer.ledger().done(unit),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Judges what the cluster has said, as far as the outbox takes it.
    fn take_statements(&mut self) {
        while self.outbox.is_empty() {
            let Some(Ok(statements)) = self.links.heard.as_mut().map(|heard| heard.said.try_recv()) else { return };
            let now = Timestamp::now();
            let mut events = Vec::new();
            for statement in statements {
                let judged = statement.judge(&self.reading.classifier, now);
                self.links.metrics.redacted.add(judged.redacted, &[]);
                events.extend(judged.event.into_iter().chain(judged.effects));
            }
            self.hand_on(FileId::NONE, Mark::BEGINNING, events);
        }
    }

    /// Classifies what has come of logs by the API, as far as the outbox takes what they give.
    fn take_api_logs(&mut self) {
        while self.outbox.is_empty() {
            let Some(Ok(piece)) = self.links.heard.as_mut().map(|heard| heard.logs.try_recv()) else { break };
            let (events, counts) = self.api_logs.take(&piece, &self.reading.classifier, Timestamp::now());
            self.count(counts);
            self.hand_on(FileId::NONE, Mark::BEGINNING, events);
        }
        let events = self.api_logs.tick(Timestamp::now());
        self.hand_on(FileId::NONE, Mark::BEGINNING, events);
    }

    /// Goes over to new settings, if there are any. What is being read is read on with them.
    fn take_settings(&mut self) {
        let Ok(reading) = self.links.settings.try_recv() else { return };
        let streams = self.streams.values_mut().chain(self.passing.streams_mut());
        streams.for_each(|stream| stream.set_classifier(reading.classifier.clone()));
        self.api_logs.set_classifier(&reading.classifier);
        self.outbox.set(&reading);
        if let Err(error) = self.tailer.set_globs(&reading.files.include, &reading.files.exclude) {
            tracing::error!(%error, "the new globs can't be used; the ones from before stay");
        }
        self.reading = reading;
    }

    fn checkpoint_if_due(&mut self) {
        let now = Instant::now();
        if now < self.next_checkpoint {
            return;
        }
        self.next_checkpoint = now + CHECKPOINT_PERIOD;
        let saved = self.tailer.checkpoint(Timestamp::now());
        let trouble = saved.err().map(|error| {
            self.links.metrics.checkpoint_failures.add(1, &[]);
            tracing::warn!(%error, "can't write the checkpoint; a restart would repeat events");
            error.to_string()
        });
        let files = self.tailer.stats();
        let waiting = self.streams.values().filter(|stream| stream.is_waiting()).count();
        self.links.shared.with(|state| {
            state.files = files;
            state.started = true;
            state.checkpoint_trouble = trouble;
            state.repeats_followed = self.outbox.followed() as u64;
            state.templates = self.outbox.templates() as u64;
            state.incidents_open = self.outbox.open_incidents() as u64;
            state.records_waiting = waiting as u64;
        });
    }

    fn stream(&self, ready: &Ready, from: Mark) -> Stream {
        let source = Source::named(&ready.path.display().to_string(), None);
        Stream::new(self.reading.classifier.clone(), source, from.offset, from.line)
    }
}

/// The first byte that the stream still needs, and its line.
fn low_mark(stream: &mut Stream) -> Mark {
    let offset = stream.watermark();
    Mark { offset, line: stream.line_at(offset) }
}
