//! What is held at once has a bound, and beyond it something is said.

use super::*;

#[test]
fn deleted_files_are_given_up_when_they_hold_too_much() {
    let mut reader = Reader::new(|config| config.max_deleted_bytes = 15);
    for (pod, text) in [("a", "0123456789\n"), ("b", "0123456789\n"), ("c", "012\n")] {
        reader.append(&format!("{pod}/0.log"), text);
    }
    reader.tailer.sweep(Instant::now());
    fs::remove_dir_all(reader.path("a")).unwrap();
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    assert_eq!(reader.tailer.stats().files_open, 3);
    for pod in ["b", "c"] {
        fs::remove_dir_all(reader.path(pod)).unwrap();
    }
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    assert_eq!(reader.tailer.stats().files_open, 2, "the one deleted first is given up");
    reader.read_later();
    let stats = reader.tailer.stats();
    assert_eq!(stats.lost.of(LossReason::GivenUp), Loss { files: 1, bytes: 11, lines: 1 });
    assert_eq!((stats.lost.total().files, stats.bytes_read, stats.files_known), (1, 15, 0));
}

#[test]
fn deleted_files_do_not_take_up_all_descriptors() {
    let mut reader = Reader::new(|config| config.max_open_files = 3);
    for pod in 0..3 {
        reader.append(&format!("{pod}/0.log"), "words\n");
    }
    reader.tailer.sweep(Instant::now());
    for pod in 0..3 {
        fs::remove_dir_all(reader.path(&pod.to_string())).unwrap();
    }
    reader.append("new/0.log", "words\n");
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    reader.read_later();
    let stats = reader.tailer.stats();
    assert!(stats.files_open <= 3);
    assert_eq!(stats.bytes_read + stats.lost.of(LossReason::GivenUp).bytes, 24);
    assert!(reader.texts().iter().any(|(_, text)| *text == "words\n"));
}

#[test]
fn files_beyond_the_bound_are_refused_until_others_are_gone() {
    let mut reader = Reader::new(|config| config.max_files = 2);
    for pod in 0..4 {
        reader.append(&format!("{pod}/0.log"), "words\n");
    }
    reader.read_later();
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_known, stats.refused, stats.bytes_read), (2, 2, 12));
    fs::remove_dir_all(reader.path("0")).unwrap();
    fs::remove_dir_all(reader.path("1")).unwrap();
    reader.read_later();
    reader.read_later();
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_known, stats.refused, stats.bytes_read), (2, 0, 24));
}

#[test]
fn folders_beyond_the_bound_are_refused() {
    let mut reader = Reader::new(|config| config.max_folders = 3);
    for pod in 0..4 {
        reader.append(&format!("{pod}/0.log"), "words\n");
    }
    reader.read_later();
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_known, stats.refused), (2, 1), "the root and two pods");
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut reader = Reader::new(|config| config.max_entries = 3);
    for pod in 0..6 {
        reader.append(&format!("{pod}/0.log"), "words\n");
    }
    reader.read_later();
    for pod in 0..6 {
        fs::remove_dir_all(reader.path(&pod.to_string())).unwrap();
    }
    reader.read_later();
    reader.checkpoint();
    assert_eq!((reader.tailer.known.len(), reader.tailer.files.len()), (3, 0));
}
