//! Streams of files that have ended while something had begun in them: the container's log may go on in another file, whose stream takes over.
//!
//! Time is an argument.

use std::time::{Duration, Instant};

use crate::classify::Stream;
use crate::tail::FileId;

/// How long the next file is waited for. Rotation makes it at once; a container that is gone has none.
const PASSING: Duration = Duration::from_secs(10);
/// So many files may be waiting; beyond it those that have waited longest are over.
const MOST: usize = 1024;

/// Streams whose file has ended.
#[derive(Default)]
pub(super) struct Passing {
    streams: Vec<(FileId, Stream, Instant)>,
}

impl Passing {
    /// A file has ended. Its stream has no more to read.
    pub fn put(&mut self, file: FileId, stream: Stream, now: Instant) {
        self.streams.push((file, stream, now));
    }

    /// Is there an ended file of this source?
    pub fn has(&self, source: &str) -> bool {
        self.streams.iter().any(|(_, stream, _)| stream.source().identity == source)
    }

    /// The streams of earlier files of a source, in the order in which they ended.
    pub fn take(&mut self, source: &str) -> Vec<(FileId, Stream)> {
        let of_source = self.streams.extract_if(.., |(_, stream, _)| stream.source().identity == source);
        of_source.map(|(file, stream, _)| (file, stream)).collect()
    }

    /// Those for which no other file came.
    pub fn over(&mut self, now: Instant) -> Vec<(FileId, Stream)> {
        let excess = self.streams.len().saturating_sub(MOST);
        let mut place = 0;
        let over = self.streams.extract_if(.., |(_, _, since)| {
            place += 1;
            place <= excess || now.duration_since(*since) >= PASSING
        });
        over.map(|(file, stream, _)| (file, stream)).collect()
    }

    /// All of them.
    pub fn streams_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.streams.iter_mut().map(|(_, stream, _)| stream)
    }
}
