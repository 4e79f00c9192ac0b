//! The search against the naive search, and each way of filtering against the portable one.

use proptest::prelude::*;

use super::masks::Masks;
use super::place::{Window, Windows, choose, gram_at};
use super::vector::Scan;
use super::*;

/// Text of few letters, so that anchors and near misses abound.
fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![8 => prop::sample::select(b"abcd 0".to_vec()), 1 => Just(b'\n'), 1 => any::<u8>()],
        length,
    )
}

fn anchors() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let anchor = prop::collection::vec(prop::sample::select(b"abcd 07".to_vec()), 3..9);
    prop::collection::btree_set(anchor, 0..40).prop_map(|set| set.into_iter().collect())
}

fn naive(anchors: &[Vec<u8>], block: &[u8], from: usize) -> Option<usize> {
    let finds = anchors.iter().filter_map(|anchor| memchr::memmem::find(block.get(from..)?, anchor));
    finds.min().map(|at| from + at)
}

/// The line that a position is in, from `from` on.
fn line_of(block: &[u8], from: usize, at: usize) -> usize {
    block[from..at].iter().filter(|&&byte| byte == b'\n').count()
}

/// Training chose nothing.
fn none() -> Windows {
    Windows::none(Search::filter())
}

fn candidates(scan: Scan, masks: &Masks, table: &Table, text: &[u8], from: usize) -> Vec<usize> {
    let mut all = Vec::new();
    let mut sieve = Sieve::<MANY>::new();
    sieve.skip_to(from);
    scan.candidates(masks, table, text, &mut sieve, |at| {
        all.push(at);
        false
    });
    all
}

fn find(search: &Search, block: &[u8], from: usize) -> Option<usize> {
    search.finder().next(block, from, |_, _| true)
}

proptest! {
    /// In the first line that holds an anchor, one is found where one stands; in no other case is any.
    #[test]
    fn as_the_naive_search(anchors in anchors(), block in text(0..400), from in 0usize..420, some in any::<u16>()) {
        let healthy = Healthy::of(b"abcd abc dab 00 cad");
        let trained = windows_of(&anchors[..usize::from(some) % (anchors.len() + 1)], &healthy, Search::filter());
        let search = Search::new(&anchors, &trained, &healthy);
        let (got, want) = (find(&search, &block, from), naive(&anchors, &block, from));
        prop_assert_eq!(got.is_some(), want.is_some());
        if let (Some(got), Some(want)) = (got, want) {
            prop_assert!(got >= from && anchors.iter().any(|anchor| block[got..].starts_with(anchor)));
            prop_assert_eq!(line_of(&block, from, got), line_of(&block, from, want));
        }
    }

    /// Going from anchor to anchor finds, line by line, those lines that the naive search finds, and in them only what is wanted.
    #[test]
    fn from_line_to_line(anchors in anchors(), block in text(0..2000), unwanted in any::<prop::sample::Index>()) {
        let search = Search::new(&anchors, &none(), &Healthy::default());
        let unwanted = if anchors.is_empty() { 0 } else { unwanted.index(anchors.len()) };
        let rest: Vec<&Vec<u8>> = anchors.iter().enumerate().filter(|(at, _)| *at != unwanted).map(|(_, anchor)| anchor).collect();
        let (mut finder, mut at, mut start) = (search.finder(), 0, 0);
        for line in block.split_inclusive(|&byte| byte == b'\n') {
            let end = start + line.len();
            if rest.iter().any(|anchor| memchr::memmem::find(line, anchor).is_some()) {
                let found = finder.next(&block, at, |anchor, _| anchor != unwanted);
                prop_assert!(found.is_some_and(|found| (start..end).contains(&found)), "{:?} in {}..{}", found, start, end);
                at = end;
            }
            start = end;
        }
        prop_assert_eq!(finder.next(&block, at, |anchor, _| anchor != unwanted), None);
    }

    /// Every anchor in a block is come by, one behind the other.
    #[test]
    fn every_start_of_one_anchor(anchor in prop::collection::vec(prop::sample::select(b"ab".to_vec()), 3..7), block in text(0..1500)) {
        let search = Search::new(std::slice::from_ref(&anchor), &none(), &Healthy::default());
        let (mut finder, mut from) = (search.finder(), 0);
        let mut found = Vec::new();
        while let Some(at) = finder.next(&block, from, |_, _| true) {
            found.push(at);
            from = at + 1;
        }
        let want: Vec<usize> = (0..block.len()).filter(|at| block[*at..].starts_with(&anchor)).collect();
        prop_assert_eq!(found, want);
    }

    /// Whatever the processor, all windows are candidates, in order, and the search stops where it is told to.
    #[test]
    fn every_way_passes_all_windows(anchors in anchors(), block in text(0..400), from in 0usize..420, stop in 0usize..20, skipped in 0usize..100) {
        for (scan, filter) in Scan::all().into_iter().flat_map(|scan| [(scan, Filter::Halves), (scan, Filter::Pairs)]) {
            let windows = choose(&anchors, &Windows::none(filter), &Healthy::default());
            let (masks, table) = (Masks::new(&windows), Table::new(&anchors, &windows));
            let is_window = |at: &usize| table.is_window(&block, *at);
            let want: Vec<usize> = (from..block.len()).filter(is_window).collect();
            let all = candidates(scan, &masks, &table, &block, from);
            prop_assert!(all.is_sorted(), "{:?}", scan);
            prop_assert_eq!(&all.iter().copied().filter(is_window).collect::<Vec<_>>(), &want, "{:?}", scan);
            let mut sieve = Sieve::<FEW>::new();
            sieve.skip_to(from);
            let take = |sieve: &mut Sieve<FEW>, most: usize| {
                let mut taken = Vec::new();
                scan.candidates(&masks, &table, &block, sieve, |at| {
                    taken.push(at);
                    taken.len() >= most
                });
                taken
            };
            prop_assert_eq!(&take(&mut sieve, stop + 1), &all[..all.len().min(stop + 1)], "{:?}", scan);
            // It goes on where it stopped, or behind what is skipped.
            let mut next = all.get(stop).map_or(block.len(), |at| at + skipped);
            sieve.skip_to(next);
            let rest: Vec<usize> = all.iter().copied().filter(|at| *at >= next).collect();
            prop_assert_eq!(&take(&mut sieve, 2), &rest[..rest.len().min(2)], "{:?}", scan);
            next = rest.get(1).map_or(block.len(), |at| at + skipped);
            sieve.skip_to(next);
            let rest: Vec<usize> = all.iter().copied().filter(|at| *at >= next).collect();
            prop_assert_eq!(&take(&mut sieve, usize::MAX), &rest, "{:?}", scan);
        }
    }

    /// No window is ever filtered out, wherever it stands, and whatever stands around it.
    #[test]
    fn a_window_passes(mut block in text(4..300), at in any::<prop::sample::Index>(), window in any::<[u8; WINDOW]>(), bucket in 0..BUCKETS as u8) {
        let at = at.index(block.len() - WINDOW + 1);
        block[at..at + WINDOW].copy_from_slice(&window);
        let windows = [Window::of(&window, 0, bucket)];
        let (masks, table) = (Masks::new(&windows), Table::new(&[window.to_vec()], &windows));
        for scan in Scan::all() {
            prop_assert!(candidates(scan, &masks, &table, &block, 0).contains(&at), "{:?}", scan);
        }
    }
}

#[test]
fn the_text_ends_wherever_it_likes() {
    let healthy = Healthy::default();
    let search = Search::new(&[b"abc".to_vec(), b"needle".to_vec()], &none(), &healthy);
    for length in 0..200 {
        let mut block = vec![b'.'; length];
        assert_eq!(find(&search, &block, 0), None);
        block.extend_from_slice(b"abc");
        assert_eq!(find(&search, &block, 0), Some(length));
        assert_eq!(find(&search, &block, length + 1), None);
        block.truncate(length);
        block.extend_from_slice(b"needl");
        assert_eq!(find(&search, &block, 0), None);
        block.push(b'e');
        assert_eq!(find(&search, &block, 0), Some(length));
    }
}

#[test]
fn without_anchors_nothing_is_found() {
    let search = Search::new(&[], &none(), &Healthy::default());
    assert_eq!(find(&search, &[b'x'; 1000], 0), None);
    assert_eq!(search.effort(&[b'x'; 1000]), Effort::default());
}

#[test]
fn a_gram_behind_the_end_is_zeros() {
    assert_eq!(gram_at(b"ab", 1), u32::from_le_bytes(*b"b\0\0\0"));
    assert_eq!(gram_at(b"ab", 2), 0);
}

#[test]
fn windows_as_text_and_back() {
    let anchors: Vec<Vec<u8>> =
        ["connection refused", "no such file", "a||b|c", "  : x", "EOF"].map(|a| a.as_bytes().to_vec()).into();
    let windows = windows_of(&anchors, &Healthy::of(b"connection closed, file found"), Filter::Halves);
    assert!(windows.len() >= 3 && anchors.iter().all(|anchor| windows.cover(anchor)));
    assert_eq!(Windows::parse(&windows.to_text(), Filter::Halves), windows);
    assert!(Windows::parse("24|abcd|\nnonsense\n|abcd|\n3|ab|\n", Filter::Halves).is_empty());
}

/// What training is for: on the text that it was trained on, fewer positions pass.
#[test]
fn training_lets_less_pass() {
    let text = "the quick server answered all requests in time and went on to the next of them\n".repeat(50);
    let healthy = Healthy::of(text.as_bytes());
    let anchors: Vec<Vec<u8>> =
        ["the quorum was lost", "requests in vain", "no answer", "next of kin"].map(|a| a.as_bytes().to_vec()).into();
    for scan in Scan::all() {
        let passing = |windows: &[Window]| {
            candidates(scan, &Masks::new(windows), &Table::new(&anchors, windows), text.as_bytes(), 0).len()
        };
        let first: Vec<Window> = anchors.iter().map(|anchor| Window::of(anchor, 0, 0)).collect();
        let filter = scan.filter();
        let trained = choose(&anchors, &windows_of(&anchors, &healthy, filter), &healthy);
        assert!(passing(&trained) == 0 && passing(&first) > 0, "{scan:?}");
    }
}

#[test]
fn what_stands_in_another_is_told() {
    let anchors = ["abcd", "xabcdx", "xabcdxx", "none", "abc"].map(|anchor| anchor.as_bytes().to_vec());
    assert_eq!(innermost(&anchors), [4, 4, 4, 3, 4]);
}
