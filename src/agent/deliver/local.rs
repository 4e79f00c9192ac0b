//! Outputs of this machine: standard output and files. Writing may block, so it is done aside; a full disk is waited out.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::worker::told;
use crate::event::Event;
use crate::export::{delivery, jsonl, text};

/// How long a failed write is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A file, or standard output.
pub(super) struct Local {
    writer: Arc<Mutex<Writer>>,
    counts: Arc<delivery::Counts>,
}

struct Writer {
    form: Form,
    out: Box<dyn Write + Send>,
    /// A failed write has left the beginning of a line behind.
    torn: bool,
}

enum Form {
    Jsonl(jsonl::Writer),
    Text(Box<text::Report>),
}

impl Local {
    pub fn jsonl(out: Box<dyn Write + Send>, counts: Arc<delivery::Counts>) -> Local {
        Local::new(Form::Jsonl(jsonl::Writer::default()), out, counts)
    }

    pub fn text(report: text::Report, out: Box<dyn Write + Send>, counts: Arc<delivery::Counts>) -> Local {
        Local::new(Form::Text(Box::new(report)), out, counts)
    }

    fn new(form: Form, out: Box<dyn Write + Send>, counts: Arc<delivery::Counts>) -> Local {
        Local { writer: Arc::new(Mutex::new(Writer { form, out, torn: false })), counts }
    }

    /// Writes the events, as often as it takes. `false`: told to stop before that.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub async fn deliver(&self, events: &Arc<Vec<Event>>, stop: &mut watch::Receiver<bool>) -> Result<bool> {
        let mut from = 0;
        while from < events.len() {
            let (writer, batch) = (self.writer.clone(), events.clone());
            // Aside, because a pipe that nobody empties would keep everything else from running, a stop included.
            let writing = spawn_blocking(move || {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.write(&batch[from..])
            });
            let (written, result) = tokio::select! {
                biased;
                done = writing => done?,
                () = told(stop) => return Ok(false),
            };
            from += written;
            self.counts.settled(written as u64, 0);
            let Err(error) = result else { continue };
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Err(error.into());
            }
            tracing::warn!(%error, "events could not be written; they are tried again");
            self.counts.retried(&error.to_string());
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = told(stop) => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Writer {
    /// Writes events. Gives how many are there, whole, beside what went wrong.
    fn write(&mut self, events: &[Event]) -> (usize, io::Result<()>) {
        let (text, ends) = self.encode(events);
        let mut written = 0;
        while written < text.len() {
            match self.out.write(&text[written..]) {
                Ok(0) => return self.failed(&ends, written, io::ErrorKind::WriteZero.into()),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.failed(&ends, written, error),
            }
        }
        self.torn = false;
        (events.len(), self.out.flush())
    }

    /// The events in their form, and where each ends. After a torn line they begin on a new one.
    fn encode(&mut self, events: &[Event]) -> (Vec<u8>, Vec<usize>) {
        let mut text = if self.torn { vec![b'\n'] } else { Vec::new() };
        let mut ends = Vec::with_capacity(events.len());
        for event in events {
            match &mut self.form {
                Form::Jsonl(writer) => writer.write(event, &mut text),
                // Into memory: that can't fail.
                Form::Text(report) => {
                    let _ = report.event(event, &mut text);
                }
            }
            ends.push(text.len());
        }
        (text, ends)
    }

    fn failed(&mut self, ends: &[usize], written: usize, error: io::Error) -> (usize, io::Result<()>) {
        let whole = ends.partition_point(|end| *end <= written);
        let boundary = whole.checked_sub(1).map_or(0, |last| ends[last]);
        self.torn = written > boundary || (written == 0 && self.torn);
        (whole, Err(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture;

    /// Takes so many bytes, then says that the disk is full, once; in pieces of at most 100 bytes.
    struct Disk {
        room: usize,
        content: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.room = usize::MAX;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.room).min(100);
            self.room -= taken;
            self.content.lock().unwrap().extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn wherever_the_disk_is_full_every_event_gets_a_line_of_its_own() {
        let events: Vec<Event> = (0..3).map(|number| Event { body: number.to_string(), ..fixture::plain() }).collect();
        let mut line = Vec::new();
        jsonl::Writer::default().write(&events[0], &mut line);
        for room in 0..3 * line.len() {
            let content = Arc::new(Mutex::new(Vec::new()));
            let out = Box::new(Disk { room, content: content.clone() });
            let mut writer = Writer { form: Form::Jsonl(jsonl::Writer::default()), out, torn: false };
            let (written, result) = writer.write(&events);
            assert_eq!((written, result.is_err()), (room / line.len(), true), "room for {room} bytes");
            assert_eq!(writer.write(&events[written..]).0, 3 - written);
            let text = String::from_utf8(content.lock().unwrap().clone()).unwrap();
            let whole = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let mut bodies: Vec<String> = whole.map(|event| event["body"].as_str().unwrap().to_owned()).collect();
            // One that lacked but its newline comes again.
            bodies.dedup();
            assert_eq!(bodies, ["0", "1", "2"], "room for {room} bytes");
        }
    }
}
