//! From a file or standard input to what is made of it. Must not know where that goes.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use jiff::Timestamp;

use crate::classify::{Classifier, Source, Stream};
use crate::cli::input::{self, Input};
use crate::event::Event;

/// How much is read at a time.
const BLOCK: usize = 256 << 10;
/// Standard input that brings nothing for this long has paused: what is there is shown.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is told what comes of reading.
pub(super) trait Taker {
    /// A log begins.
    fn begin(&mut self);

    /// So much more was read of it.
    fn read(&mut self, bytes: usize);

    /// What was found in it since. An error ends the reading.
    fn take(&mut self, stream: &mut Stream, events: &mut Vec<Event>) -> Result<()>;

    /// Nothing more comes for now.
    fn pause(&mut self) -> Result<()>;

    /// Something can't be read, and the rest goes on.
    fn complain(&mut self, error: anyhow::Error);
}

/// What all reading has in common.
pub(super) struct Reading {
    pub classifier: Arc<Classifier>,
    pub container: Option<String>,
    pub progress: ProgressBar,
    /// Community rules are left to who takes what is found.
    pub defers_rules: bool,
}

impl Reading {
    pub(super) fn file(&self, path: &Path, taker: &mut impl Taker) -> Result<()> {
        // What is read of a compressed file is more than its size, by which progress counts.
        let mut left = std::fs::metadata(path).map(|meta| meta.len()).unwrap_or(0);
        let result = input::open(path, &mut |input| self.log(input, taker, &mut left));
        self.progress.inc(left);
        result
    }

    fn log(&self, input: Input<'_>, taker: &mut impl Taker, left: &mut u64) -> Result<()> {
        let mut stream = self.stream(&input.name);
        let mut events = Vec::new();
        taker.begin();
        loop {
            let count = match input.reader.read(stream.space(BLOCK)) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // What could be read counts, and so does the next file of a bundle.
                    let what = format!("can't read {} to its end", input.name);
                    taker.complain(anyhow::Error::new(error).context(what));
                    break;
                }
            };
            let counted = (*left).min(count as u64);
            *left -= counted;
            self.progress.inc(counted);
            taker.read(count);
            stream.advance(count, Timestamp::now(), &mut events);
            taker.take(&mut stream, &mut events)?;
        }
        stream.finish(Timestamp::now(), &mut events);
        taker.take(&mut stream, &mut events)
    }

    /// Reads on a thread of its own, so that a pause can be noticed.
    pub(super) fn standard_input(&self, taker: &mut impl Taker) -> Result<()> {
        let (sender, receiver) = mpsc::sync_channel::<io::Result<Vec<u8>>>(4);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut block = vec![0; BLOCK];
                let block = match stdin.read(&mut block) {
                    Ok(0) => return,
                    Ok(count) => {
                        block.truncate(count);
                        Ok(block)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = block.is_err();
                if sender.send(block).is_err() || last {
                    return;
                }
            }
        });
        let mut stream = self.stream("-");
        let mut events = Vec::new();
        taker.begin();
        loop {
            let block = match receiver.recv_timeout(PAUSE) {
                Ok(Ok(block)) => block,
                Ok(Err(error)) => {
                    stream.finish(Timestamp::now(), &mut events);
                    taker.take(&mut stream, &mut events)?;
                    return Err(error).context("can't read standard input to its end");
                }
                Err(RecvTimeoutError::Timeout) => {
                    stream.flush(Timestamp::now(), &mut events);
                    stream.tick(Timestamp::now(), &mut events);
                    taker.take(&mut stream, &mut events)?;
                    taker.pause()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            taker.read(block.len());
            stream.space(block.len())[..block.len()].copy_from_slice(&block);
            stream.advance(block.len(), Timestamp::now(), &mut events);
            taker.take(&mut stream, &mut events)?;
        }
        stream.finish(Timestamp::now(), &mut events);
        taker.take(&mut stream, &mut events)
    }

    fn stream(&self, name: &str) -> Stream {
        let source = Source::named(name, self.container.as_deref());
        let mut stream = Stream::new(self.classifier.clone(), source, 0, 1);
        if self.defers_rules {
            stream.defer_rules();
        }
        stream
    }
}
