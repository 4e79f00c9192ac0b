//! Which prefix of each file is done, and so where reading has to begin again after a restart.
//!
//! Pure bookkeeping over numbers: knows nothing of files on a disk, of events, or of how they travel.
//!
//! The **watermark** of a file is the smaller of two places: the first byte that the reader still needs
//! ([`Ledger::settle`]) and the first byte of the foremost unit that was sent and not yet acknowledged
//! ([`Ledger::sent`], [`Ledger::done`]). No operation can move it backwards: a unit can't be opened in front of it,
//! and everything else only takes obstacles away. That is the whole proof.

use std::collections::{BTreeMap, HashMap};

use super::FileId;

/// A place in a file: a byte and the number of the line that begins there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// 1-based number of the line at `offset`.
    pub line: u64,
}

impl Mark {
    /// Where every file begins.
    pub const BEGINNING: Mark = Mark { offset: 0, line: 1 };
}

/// One unit on its way: an event, or whatever the reader wants acknowledged. Give it back to [`Ledger::done`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnitId {
    file: FileId,
    offset: u64,
    number: u64,
}

impl UnitId {
    /// The file that the unit came from.
    pub fn file(&self) -> FileId {
        self.file
    }
}

/// What is on its way and what is done, file by file.
///
/// It holds one small entry for each unit in flight. Whoever sends bounds that: [`Ledger::in_flight`] tells how many there are.
#[derive(Debug, Default)]
pub struct Ledger {
    pages: HashMap<FileId, Page>,
    /// Units ever sent; makes each id unique.
    sent: u64,
    in_flight: usize,
}

#[derive(Debug)]
struct Page {
    /// The first byte that the reader still needs.
    settled: Mark,
    /// Units in flight by their first byte, and the line it is in. Records of two streams interleave in one file,
    /// so units are not sent in the order of their places.
    open: BTreeMap<(u64, u64), u64>,
}

impl Page {
    fn watermark(&self) -> Mark {
        match self.open.first_key_value() {
            Some((&(offset, _), &line)) if offset < self.settled.offset => Mark { offset, line },
            _ => self.settled,
        }
    }
}

impl Ledger {
    /// A unit whose first byte is at `start` goes out. Call it before the [`settle`](Ledger::settle) that lets go of its bytes.
    ///
    /// A `start` in front of the watermark is too late to be protected and counts as being at the watermark. For a file that
    /// isn't followed any more nothing is held.
    pub fn sent(&mut self, file: FileId, start: Mark) -> UnitId {
        self.sent += 1;
        let mut unit = UnitId { file, offset: start.offset, number: self.sent };
        if let Some(page) = self.pages.get_mut(&file) {
            let watermark = page.watermark();
            let start = if start.offset < watermark.offset { watermark } else { start };
            unit.offset = start.offset;
            page.open.insert((unit.offset, unit.number), start.line);
            self.in_flight += 1;
        }
        unit
    }

    /// The unit was delivered, or refused for good and counted. Saying it twice, or after its file was cut off, changes nothing.
    pub fn done(&mut self, unit: UnitId) {
        if let Some(page) = self.pages.get_mut(&unit.file)
            && page.open.remove(&(unit.offset, unit.number)).is_some()
        {
            self.in_flight -= 1;
        }
    }

    /// The reader needs nothing before `low` any more: everything there was sent or gave nothing. Going back is ignored.
    pub fn settle(&mut self, file: FileId, low: Mark) {
        if let Some(page) = self.pages.get_mut(&file)
            && low.offset > page.settled.offset
        {
            page.settled = low;
        }
    }

    /// Where reading begins again if the process stops now. `None` for a file that isn't followed.
    pub fn watermark(&self, file: FileId) -> Option<Mark> {
        self.pages.get(&file).map(Page::watermark)
    }

    /// Units sent and not yet acknowledged, over all files.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Begins (or, after a truncation, begins again) a file at `at`. What was in flight from it holds nothing any more.
    pub(super) fn open(&mut self, file: FileId, at: Mark) {
        self.close(file);
        self.pages.insert(file, Page { settled: at, open: BTreeMap::new() });
    }

    /// Forgets a file.
    pub(super) fn close(&mut self, file: FileId) {
        if let Some(page) = self.pages.remove(&file) {
            self.in_flight -= page.open.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: FileId = FileId(1);

    fn mark(offset: u64) -> Mark {
        Mark { offset, line: offset + 1 }
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.open(FILE, Mark::BEGINNING);
        ledger
    }

    #[test]
    fn the_foremost_open_unit_holds_the_watermark_with_its_line() {
        let mut ledger = ledger();
        let late = ledger.sent(FILE, mark(70));
        let early = ledger.sent(FILE, mark(30));
        ledger.settle(FILE, mark(100));
        assert_eq!(ledger.watermark(FILE), Some(mark(30)));
        ledger.done(early);
        assert_eq!(ledger.watermark(FILE), Some(mark(70)));
        ledger.done(late);
        assert_eq!(ledger.watermark(FILE), Some(mark(100)));
    }

    #[test]
    fn acknowledgements_from_before_a_truncation_change_nothing() {
        let mut ledger = ledger();
        let stale = ledger.sent(FILE, mark(10));
        ledger.open(FILE, Mark::BEGINNING);
        let fresh = ledger.sent(FILE, mark(10));
        ledger.settle(FILE, mark(50));
        ledger.done(stale);
        ledger.done(stale);
        assert_eq!((ledger.watermark(FILE), ledger.in_flight()), (Some(mark(10)), 1));
        ledger.done(fresh);
        assert_eq!((ledger.watermark(FILE), ledger.in_flight()), (Some(mark(50)), 0));
    }

    #[test]
    fn a_file_that_is_not_followed_has_no_watermark() {
        let mut ledger = Ledger::default();
        let unit = ledger.sent(FILE, mark(5));
        ledger.settle(FILE, mark(9));
        ledger.done(unit);
        assert_eq!((ledger.watermark(FILE), ledger.in_flight()), (None, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Sent(u64),
        Done(prop::sample::Index),
        Settle(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..200u64).prop_map(Step::Sent),
            any::<prop::sample::Index>().prop_map(Step::Done),
            (0..200u64).prop_map(Step::Settle),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn whatever_the_order_nothing_unacknowledged_is_passed(steps in steps()) {
            let mut ledger = ledger();
            let mut open: Vec<(UnitId, u64)> = Vec::new();
            let mut low = 0;
            let mut before = 0;
            for step in steps {
                match step {
                    Step::Sent(offset) => open.push((ledger.sent(FILE, mark(offset)), offset.max(before))),
                    Step::Settle(offset) => {
                        ledger.settle(FILE, mark(offset));
                        low = low.max(offset);
                    }
                    Step::Done(index) if !open.is_empty() => {
                        let (unit, _) = open.swap_remove(index.index(open.len()));
                        ledger.done(unit);
                    }
                    Step::Done(_) => {}
                }
                let now = ledger.watermark(FILE).expect("the file is open");
                let expected = open.iter().map(|&(_, start)| start).fold(low, u64::min);
                prop_assert_eq!(now, mark(expected));
                prop_assert!(now.offset >= before, "went back from {} to {}", before, now.offset);
                prop_assert_eq!(ledger.in_flight(), open.len());
                before = now.offset;
            }
            for (unit, _) in open {
                ledger.done(unit);
            }
            ledger.settle(FILE, mark(1000));
            prop_assert_eq!(ledger.watermark(FILE), Some(mark(1000)));
        }
    }
}
