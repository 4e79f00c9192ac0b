//! What to do with a file that was seen: recognise it, go on in it, take it up at its beginning, or leave it alone.
//!
//! Knows nothing of folders or of what becomes of the bytes.

use std::fs::File;
use std::io;

use jiff::Timestamp;

use super::discover::Sighting;
use super::entry::Entry;
use super::file::Followed;
use super::gzip::Head;
use super::handle::{Handle, Packing, open_seen};
use super::identity::{Identity, Prefix};
use super::ledger::Mark;
use super::lines::last_line_boundary;
use super::stats::LossReason;
use super::{FileId, ReadFrom, Tailer, names, since};

/// How far a start at the end looks back for the end of a line.
const LOOK_BACK: u64 = 16 << 20;
/// So many first bytes tell a file from others of its container: a CRI line's time has about as many.
const TELLING: usize = 32;

/// A file that isn't followed and of which we know how far it is done.
#[derive(Debug)]
pub(super) struct Known {
    pub entry: Entry,
    /// Size and inode change time at which it was found to be finished.
    pub finished: Option<(u64, (i64, i64))>,
    /// Seen since the last checkpoint.
    pub seen: bool,
}

impl Known {
    /// Remembered from a run before this one.
    pub fn before(entry: Entry) -> (Identity, Known) {
        (entry.holder(), Known { entry, finished: None, seen: false })
    }
}

/// What is to be done with a file that isn't followed.
enum Taken {
    /// Follow it.
    File(Box<Followed>),
    /// It is followed, as the plain file that it was.
    Followed(FileId),
    /// Remember that there is nothing to be read in it.
    Finished(Box<Entry>),
    /// Leave it alone.
    Nothing,
}

/// What `sighting` looks like as long as nobody touches it.
fn state(sighting: &Sighting) -> Option<(u64, (i64, i64))> {
    Some((sighting.size, sighting.changed))
}

impl Tailer {
    /// Recognises a file, takes it up, or finds that it isn't to be followed.
    pub(super) fn meet(&mut self, sighting: &Sighting, succeeded: bool) -> io::Result<()> {
        if let Some(id) = self.by_holder.get(&sighting.identity)
            && let Some(file) = self.files.get_mut(id)
        {
            if file.ended {
                return Ok(());
            }
            if file.is_same(sighting)? {
                file.place(sighting, succeeded, self.now);
                return Ok(());
            }
            // Its inode was given to another file while it was closed.
            file.give_up(LossReason::Deleted);
            self.by_holder.remove(&sighting.identity);
        }
        if self.is_finished(sighting) {
            return Ok(());
        }
        if self.files.len() >= self.config.max_files {
            let why = format!("{} files are followed already, the most that is allowed", self.config.max_files);
            return Err(io::Error::other(why));
        }
        let taken = match sighting.compressed {
            true => self.take_up_packed(sighting)?,
            false => self.take_up(sighting)?,
        };
        match taken {
            Taken::File(file) => self.follow(*file, sighting, succeeded),
            Taken::Followed(id) => {
                if let Some(file) = self.files.get_mut(&id) {
                    file.place(sighting, succeeded, self.now);
                }
            }
            Taken::Finished(entry) => {
                self.unsaved = true;
                self.known.insert(entry.holder(), Known { entry: *entry, finished: state(sighting), seen: true });
            }
            Taken::Nothing => {}
        }
        Ok(())
    }

    fn follow(&mut self, mut file: Followed, sighting: &Sighting, succeeded: bool) {
        file.place(sighting, succeeded, self.now);
        self.last_id += 1;
        self.clock += 1;
        let id = FileId(self.last_id);
        file.used = self.clock;
        tracing::debug!(?id, path = %sighting.path.display(), offset = file.offset, "following a log file");
        self.known.remove(&sighting.identity);
        self.by_holder.insert(sighting.identity, id);
        self.files.insert(id, file);
        self.close_beyond(self.max_open_files);
    }

    /// Whether nothing has changed in it since it was found to be finished.
    fn is_finished(&mut self, sighting: &Sighting) -> bool {
        self.known.get_mut(&sighting.identity).is_some_and(|known| {
            known.seen = true;
            sighting.rotated() && known.finished == state(sighting)
        })
    }

    /// A plain file.
    fn take_up(&mut self, sighting: &Sighting) -> io::Result<Taken> {
        let known = self.known.get(&sighting.identity).map(|known| known.entry.clone());
        if known.is_none() && !sighting.included && !names::rotated_by_kubelet(&sighting.path) {
            // Rotated away before we came; unless the kubelet did it, it may well be a copy of what is being read.
            return Ok(Taken::Nothing);
        }
        let file = open_seen(&sighting.path, sighting.identity)?;
        let prefix = Prefix::take(&file)?;
        let start = match known {
            Some(entry) if sighting.size >= entry.offset && entry.prefix().holds(&file)? => {
                if sighting.rotated() && sighting.size == entry.offset {
                    return Ok(Taken::Finished(Box::new(entry)));
                }
                entry.mark()
            }
            Some(entry) => {
                self.displaced.push((entry, sighting.live.clone()));
                Mark::BEGINNING
            }
            None => match self.first_mark(sighting, &file)? {
                Some(mark) => mark,
                None => {
                    let mark = Mark { offset: sighting.size, line: 0 };
                    let mut entry = Entry::new(&sighting.live, sighting.identity, prefix, mark);
                    entry.done = true;
                    return Ok(Taken::Finished(Box::new(entry)));
                }
            },
        };
        let file = Followed::new(sighting, sighting.identity, Handle::plain(file), prefix, start);
        Ok(Taken::File(Box::new(file)))
    }

    /// Where a file is taken up of which nothing is known; `None`: nowhere, as it was rotated away before our first start.
    fn first_mark(&self, sighting: &Sighting, file: &File) -> io::Result<Option<Mark>> {
        if self.scanned || !self.checkpoints.fresh() {
            return Ok(Some(Mark::BEGINNING));
        }
        // Its lines are counted when it first grows, so that a start doesn't read the whole disk.
        let at = |offset| Ok(Some(Mark { offset, line: 0 }));
        match self.config.read_from {
            ReadFrom::Beginning => Ok(Some(Mark::BEGINNING)),
            ReadFrom::Since(since) if modified_since(sighting, since) => match self.config.line_time {
                Some(line_time) => at(since::in_file(file, since, line_time, LOOK_BACK)?),
                None => Ok(Some(Mark::BEGINNING)),
            },
            ReadFrom::End | ReadFrom::Since(_) if !sighting.included => Ok(None),
            ReadFrom::End | ReadFrom::Since(_) => at(last_line_boundary(file, LOOK_BACK)?),
        }
    }

    /// A file that the kubelet has compressed. If its plain form was read to its end, nothing is left to do.
    fn take_up_packed(&mut self, sighting: &Sighting) -> io::Result<Taken> {
        let file = open_seen(&sighting.path, sighting.identity)?;
        let head = Head::of(&file)?;
        if let Some(id) = self.go_on_packed(sighting, &head) {
            return Ok(Taken::Followed(id));
        }
        let prefix = Prefix::of(&head.first);
        let (identity, start) = match self.take_known_packed(sighting, &head) {
            Some(entry) if is_read(&entry, sighting, &head) => {
                let mut entry = entry.held_by(sighting.identity);
                entry.done = true;
                return Ok(Taken::Finished(Box::new(entry)));
            }
            Some(entry) => (entry.identity(), entry.mark()),
            None => match self.first_mark_packed(sighting, file)? {
                Some(mark) => (sighting.identity, mark),
                None => {
                    let mark = Mark { offset: head.unpacked.unwrap_or(0), line: 0 };
                    let mut entry = Entry::new(&sighting.live, sighting.identity, prefix, mark);
                    entry.done = true;
                    return Ok(Taken::Finished(Box::new(entry)));
                }
            },
        };
        let packing = Packing { unpacked: head.unpacked, limit: self.config.max_unpacked_bytes };
        let file = Followed::new(sighting, identity, Handle::packed(packing), prefix, start);
        Ok(Taken::File(Box::new(file)))
    }

    /// Where a compressed file is taken up of whose plain form nothing is known; `None`: nowhere.
    fn first_mark_packed(&self, sighting: &Sighting, file: File) -> io::Result<Option<Mark>> {
        if self.scanned || !self.checkpoints.fresh() {
            return Ok(Some(Mark::BEGINNING));
        }
        match self.config.read_from {
            ReadFrom::Beginning => Ok(Some(Mark::BEGINNING)),
            ReadFrom::Since(since) if modified_since(sighting, since) => match self.config.line_time {
                Some(line_time) => {
                    let offset = since::in_packed(file, since, line_time, self.config.max_unpacked_bytes)?;
                    Ok(offset.map(|offset| Mark { offset, line: 0 }))
                }
                None => Ok(Some(Mark::BEGINNING)),
            },
            ReadFrom::End | ReadFrom::Since(_) => Ok(None),
        }
    }

    /// The followed file whose content the compressed one has is read from there when it is gone.
    fn go_on_packed(&mut self, sighting: &Sighting, head: &Head) -> Option<FileId> {
        let same = |file: &mut Followed| {
            if file.live != sighting.live || file.holder != file.identity {
                return false;
            }
            // What was written since it was last read may be all that there is to know it by.
            file.learn_beginning();
            // Of a file that was empty when it was closed any content may be; nothing is skipped in it.
            file.is_gone_unseen() || (file.prefix.len > 0 && is_beginning_of(file.prefix, head))
        };
        let same = self.files.iter_mut().filter_map(|(id, file)| same(file).then_some((id, file)));
        let (&id, file) = same.max_by_key(|(_, file)| file.prefix.len)?;
        if self.by_holder.get(&file.holder) == Some(&id) {
            self.by_holder.remove(&file.holder);
        }
        file.prefix = Prefix::of(&head.first);
        file.pack(sighting, head.unpacked, self.config.max_unpacked_bytes);
        self.by_holder.insert(file.holder, id);
        Some(id)
    }

    /// Takes out what is remembered of a compressed file, or of the plain one whose content it has.
    fn take_known_packed(&mut self, sighting: &Sighting, head: &Head) -> Option<Entry> {
        let path = sighting.live.to_string_lossy();
        if let Some(known) = self.known.remove(&sighting.identity) {
            if known.entry.path == path && is_beginning_of(known.entry.prefix(), head) {
                return Some(known.entry);
            }
            self.displaced.push((known.entry, sighting.live.clone()));
        }
        let same = |entry: &Entry| {
            entry.path == path
                && entry.holder() == entry.identity()
                && entry.prefix().len > 0
                && is_beginning_of(entry.prefix(), head)
        };
        if let Some(at) = self.displaced.iter().position(|(entry, _)| same(entry)) {
            return Some(self.displaced.swap_remove(at).0);
        }
        let same = self.known.iter().filter(|(_, known)| same(&known.entry));
        let holder = *same.max_by_key(|(_, known)| known.entry.prefix().len)?.0;
        self.known.remove(&holder).map(|known| known.entry)
    }
}

/// Whether what begins so is what the compressed file unpacks to. Too little to go by is no: better to read something twice.
fn is_beginning_of(prefix: Prefix, head: &Head) -> bool {
    (prefix.len >= TELLING || prefix.len == head.first.len()) && prefix.holds_in(&head.first)
}

/// Whether nothing is left to be read in a compressed file. What its own end says counts for more than that its plain form seemed to
/// be finished: something may have come after that.
fn is_read(entry: &Entry, sighting: &Sighting, head: &Head) -> bool {
    let own = entry.holder() == sighting.identity;
    head.unpacked == Some(entry.offset)
        || (entry.done && (own || head.unpacked.is_none_or(|unpacked| unpacked < entry.offset)))
}

fn modified_since(sighting: &Sighting, since: Timestamp) -> bool {
    let modified = sighting.modified.and_then(|modified| Timestamp::try_from(modified).ok());
    modified.is_none_or(|modified| modified >= since)
}
