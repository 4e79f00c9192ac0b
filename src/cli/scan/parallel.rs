//! Several files at once, told in the order of the files: a thread reads one file after the other, each into a queue of its own, and the queues
//! are emptied in turn. What waits in them is bounded, so a thread that is far ahead stops.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};

use super::Scan;
use super::reading::{Reading, Taker};
use crate::classify::Stream;
use crate::event::Event;

/// So many bytes of events may wait of the file whose turn it is.
const OF_ONE: usize = 16 << 20;
/// So many of all files.
const OF_ALL: usize = 64 << 20;
/// So many go into a queue at once: each time wakes the thread that empties it, in place of one that reads.
const AT_ONCE: usize = 128 << 10;
/// A read of a pipe brings less; one of a file only at its end.
const A_PIPE: usize = 128 << 10;

/// What is told of a file.
enum Piece {
    Began,
    /// So many bytes.
    Read(usize),
    /// Events, and their weight.
    Found(Vec<Event>, usize),
    Complaint(anyhow::Error),
}

/// How much waits.
#[derive(Default)]
struct Waiting {
    /// By file.
    bytes: HashMap<usize, usize>,
    /// In all.
    total: usize,
    /// The file whose turn it is.
    turn: usize,
    /// Nobody takes anything any more.
    over: bool,
}

impl Waiting {
    /// Must a file's reader wait before it adds to it? What comes to an empty queue needn't, be it as much as it likes, or it would for ever.
    fn is_full(&self, file: usize, bytes: usize) -> bool {
        let own = self.bytes.get(&file).copied().unwrap_or(0);
        let full = match file == self.turn {
            true => own > 0 && own + bytes > OF_ONE,
            false => self.total > 0 && self.total + bytes > OF_ALL,
        };
        full && !self.over
    }

    fn add(&mut self, file: usize, bytes: usize) {
        *self.bytes.entry(file).or_default() += bytes;
        self.total += bytes;
    }

    fn take(&mut self, file: usize, bytes: usize) {
        if let Entry::Occupied(mut own) = self.bytes.entry(file) {
            *own.get_mut() -= bytes;
            // There may be many files, of which few have something waiting.
            if *own.get() == 0 {
                own.remove();
            }
        }
        self.total -= bytes;
    }
}

/// Where readers wait for room.
#[derive(Default)]
struct Room {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Room {
    fn add(&self, file: usize, bytes: usize) {
        let waiting = locked(&self.waiting);
        let full = |waiting: &mut Waiting| waiting.is_full(file, bytes);
        let mut waiting = self.changed.wait_while(waiting, full).unwrap_or_else(PoisonError::into_inner);
        waiting.add(file, bytes);
    }

    fn take(&self, file: usize, bytes: usize) {
        self.change(|waiting| waiting.take(file, bytes));
    }

    fn turn_to(&self, file: usize) {
        self.change(|waiting| waiting.turn = file);
    }

    fn close(&self) {
        self.change(|waiting| waiting.over = true);
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut locked(&self.waiting));
        self.changed.notify_all();
    }
}

/// What a thread that panicked left is still a number or a list.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of a queue that a reader has.
struct Putting<'r> {
    pieces: Sender<Piece>,
    room: &'r Room,
    file: usize,
    /// Bytes read that are not told of yet: telling of each block would be a queue of its own size.
    read: usize,
    /// Events that are not in the queue yet, and their weight.
    found: Vec<Event>,
    bytes: usize,
    /// Did the last read bring little? Then what comes next may take long.
    is_slow: bool,
}

impl Putting<'_> {
    fn put(&self, piece: Piece) -> Result<()> {
        self.pieces.send(piece).map_err(|_| anyhow!("nobody takes what is read"))
    }

    fn fill(&mut self, reading: &Reading, path: &Path) {
        if let Err(error) = reading.file(path, self) {
            self.complain(error);
        }
        // Who is gone needn't know.
        let _ = self.put_found();
        let _ = self.put(Piece::Read(self.read));
    }

    fn put_found(&mut self) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        let (found, bytes) = (std::mem::take(&mut self.found), std::mem::take(&mut self.bytes));
        self.room.add(self.file, bytes);
        let read = std::mem::take(&mut self.read);
        self.put(Piece::Read(read))?;
        self.put(Piece::Found(found, bytes))
    }
}

impl Taker for Putting<'_> {
    fn begin(&mut self) {
        let _ = self.put(Piece::Began);
    }

    fn read(&mut self, bytes: usize) {
        self.read += bytes;
        self.is_slow = bytes < A_PIPE;
    }

    fn take(&mut self, _: &mut Stream, events: &mut Vec<Event>) -> Result<()> {
        self.bytes += events.iter().map(weight).sum::<usize>();
        self.found.append(events);
        if self.bytes >= AT_ONCE || self.is_slow { self.put_found() } else { Ok(()) }
    }

    fn pause(&mut self) -> Result<()> {
        self.put_found()
    }

    fn complain(&mut self, error: anyhow::Error) {
        // What was found before is told before; who is gone needn't know.
        let _ = self.put_found();
        let _ = self.put(Piece::Complaint(error));
    }
}

/// About what an event takes in memory.
fn weight(event: &Event) -> usize {
    size_of::<Event>() + event.body.len() + 2 * event.record.len()
}

/// Reads the files with so many threads. Only an output that can't be written ends it early.
pub(super) fn read(reading: &Reading, files: &[PathBuf], threads: usize, scan: &mut Scan) -> Result<()> {
    let room = Room::default();
    let next = Mutex::new(files.iter().enumerate());
    let (queues, in_order) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queues, next, room) = (queues.clone(), &next, &room);
            scope.spawn(move || {
                while let Some((path, mut putting)) = take_file(next, &queues, room) {
                    putting.fill(reading, path);
                }
            });
        }
        drop(queues);
        let result = in_order.iter().enumerate().try_for_each(|(file, queue)| {
            room.turn_to(file);
            empty(queue, |bytes| room.take(file, bytes), scan)
        });
        // Whoever waits goes on, and finds that nobody takes anything.
        drop(in_order);
        room.close();
        result
    })
}

/// The next file and where to put what is in it.
fn take_file<'f, 'r>(
    next: &Mutex<impl Iterator<Item = (usize, &'f PathBuf)>>,
    queues: &Sender<Receiver<Piece>>,
    room: &'r Room,
) -> Option<(&'f Path, Putting<'r>)> {
    // Under the lock, so that queues come in the order of the files.
    let mut next = locked(next);
    let (file, path) = next.next()?;
    let (pieces, taking) = mpsc::channel();
    queues.send(taking).ok()?;
    Some((path, Putting { pieces, room, file, read: 0, found: Vec::new(), bytes: 0, is_slow: false }))
}

fn empty(queue: Receiver<Piece>, taken: impl Fn(usize), scan: &mut Scan) -> Result<()> {
    for piece in queue {
        match piece {
            Piece::Began => scan.begin(),
            Piece::Read(bytes) => scan.read(bytes),
            Piece::Complaint(error) => scan.complain(error),
            Piece::Found(mut events, bytes) => {
                taken(bytes);
                scan.tell(&mut events)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_ahead_waits_and_whose_turn_it_is_goes_on() {
        let mut waiting = Waiting { turn: 3, ..Waiting::default() };
        assert!(!waiting.is_full(3, 2 * OF_ONE) && !waiting.is_full(4, 2 * OF_ALL), "nothing waits");
        waiting.add(4, OF_ALL);
        assert!(waiting.is_full(4, 1) && waiting.is_full(5, 1));
        assert!(!waiting.is_full(3, OF_ONE), "however much the others have put in");
        waiting.add(3, OF_ONE);
        assert!(waiting.is_full(3, 1));
        waiting.take(4, OF_ALL);
        assert!(waiting.is_full(3, 1) && !waiting.is_full(4, 1));
        waiting.take(3, OF_ONE);
        assert!(waiting.bytes.is_empty() && waiting.total == 0);
        waiting.add(3, OF_ONE);
        waiting.over = true;
        assert!(!waiting.is_full(3, 1));
    }
}
