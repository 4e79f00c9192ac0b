//! Where in a file the lines of a given time begin.
//!
//! Knows nothing of framing: what a line's time is, it is told. Times are taken to ascend, as those that a runtime writes do.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use jiff::Timestamp;

use super::config::LineTime;
use super::lines::{last_line_boundary, read_at};

/// Stretches up to this many bytes are read line by line; in longer ones the place is bisected.
const STRETCH: u64 = 256 << 10;
/// Bytes of a line that are looked at.
const LINE_LIMIT: u64 = 256 << 10;

/// What lines tell.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A line of the wanted time, or later, begins here.
    At(u64),
    /// All lines that have a time are older.
    AllOlder,
    /// No line has a time.
    NoTimes,
}

/// The start of the first line whose time is `since` or later: the end of the last whole line, looking back some `look_back`
/// bytes, if all are older; 0 if no line has a time.
///
/// # Errors
/// Those of reading.
pub fn in_file(file: &File, since: Timestamp, line_time: LineTime, look_back: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while high - low > STRETCH {
        let middle = low + (high - low) / 2;
        match timed_line_after(file, middle, high, line_time)? {
            Some((start, time)) if time < since => low = start,
            _ => high = middle,
        }
    }
    match first(BufReader::new(From { file, offset: low }), low, since, line_time)? {
        Found::At(offset) => Ok(offset),
        Found::AllOlder => last_line_boundary(file, look_back),
        Found::NoTimes => Ok(low),
    }
}

/// The same for a compressed file of which at most `limit` bytes are unpacked. `None`: all lines are older.
///
/// # Errors
/// Those of reading. Damage ends the search.
pub fn in_packed(file: File, since: Timestamp, line_time: LineTime, limit: u64) -> io::Result<Option<u64>> {
    let lines = BufReader::new(GzDecoder::new(BufReader::new(file)).take(limit));
    Ok(match first(lines, 0, since, line_time) {
        Ok(Found::At(offset)) => Some(offset),
        Ok(Found::AllOlder) => None,
        Ok(Found::NoTimes) | Err(_) => Some(0),
    })
}

/// The first line that begins after `middle` and has a time, if that is within a stretch and before `end`.
fn timed_line_after(file: &File, middle: u64, end: u64, line_time: LineTime) -> io::Result<Option<(u64, Timestamp)>> {
    let stretch = From { file, offset: middle }.take(STRETCH.min(end - middle));
    let mut lines = Lines::new(BufReader::new(stretch), middle);
    // Most likely it is the rest of a line.
    lines.next()?;
    while let Some((start, line)) = lines.next()? {
        if let Some(time) = line_time(line) {
            return Ok(Some((start, time)));
        }
    }
    Ok(None)
}

/// The first of the lines from `offset` on whose time is `since` or later.
fn first(input: impl BufRead, offset: u64, since: Timestamp, line_time: LineTime) -> io::Result<Found> {
    let mut lines = Lines::new(input, offset);
    let mut found = Found::NoTimes;
    while let Some((start, line)) = lines.next()? {
        match line_time(line) {
            Some(time) if time >= since => return Ok(Found::At(start)),
            Some(_) => found = Found::AllOlder,
            None => {}
        }
    }
    Ok(found)
}

/// A file read from some place on.
struct From<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = read_at(self.file, buffer, self.offset)?;
        self.offset += bytes as u64;
        Ok(bytes)
    }
}

/// Lines with their places, in bounded memory: of a long one only the beginning is given.
struct Lines<R> {
    input: R,
    next: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(input: R, next: u64) -> Lines<R> {
        Lines { input, next, line: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        let start = self.next;
        self.line.clear();
        self.next += (&mut self.input).take(LINE_LIMIT).read_until(b'\n', &mut self.line)? as u64;
        if self.next == start {
            return Ok(None);
        }
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            self.next += self.input.skip_until(b'\n')? as u64;
        }
        Ok(Some((start, &self.line)))
    }
}

#[cfg(test)]
#[path = "tests/since.rs"]
mod tests;
