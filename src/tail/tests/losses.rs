//! What can't be read any more is counted, with its reason, and only that.

use super::*;

fn lost(reader: &Reader) -> Vec<(LossReason, u64, u64)> {
    let each = reader.tailer.stats().lost.each().collect::<Vec<_>>();
    each.into_iter().filter(|(_, loss)| loss.files > 0).map(|(reason, loss)| (reason, loss.files, loss.bytes)).collect()
}

#[test]
fn what_rotation_deletes_while_we_are_closed_or_away() {
    let mut reader = Reader::new(|config| config.max_open_files = 1);
    reader.append("pod/0.log", "one\n");
    reader.append("pod/0.log", "unread\n");
    reader.append("q/0.log", "one\n");
    reader.tailer.sweep(Instant::now());
    reader.tailer.close_beyond(0);
    let _keeps_the_inode = fs::File::open(reader.path("pod/0.log")).unwrap();
    fs::remove_file(reader.path("pod/0.log")).unwrap();
    reader.append("pod/0.log", "new\n");
    reader.read_later();
    assert_eq!(lost(&reader), [(LossReason::RotatedAway, 1, 11)]);
}

#[test]
fn what_vanished_during_a_stop_is_counted_once() {
    let mut reader = Reader::new(|_| {});
    for pod in ["gone", "rotated", "read", "kept"] {
        reader.append(&format!("{pod}/0.log"), "one\n");
    }
    reader.read_all();
    reader.acknowledge = false;
    for pod in ["gone", "rotated"] {
        reader.append(&format!("{pod}/0.log"), "not acknowledged\n");
    }
    reader.read_later();
    reader.checkpoint();
    for pod in ["gone", "read"] {
        fs::remove_dir_all(reader.path(pod)).unwrap();
    }
    let _keeps_the_inode = fs::File::open(reader.path("rotated/0.log")).unwrap();
    fs::remove_file(reader.path("rotated/0.log")).unwrap();
    reader.append("rotated/0.log", "new\n");
    reader.restart();
    reader.acknowledge = true;
    reader.read_later();
    assert_eq!(lost(&reader), [(LossReason::RotatedAway, 1, 17), (LossReason::Deleted, 1, 17)]);
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert_eq!(lost(&reader), []);
}

#[test]
fn what_a_truncation_cut_off() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    reader.append("pod/0.log", "never read\n");
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    fs::write(reader.path("pod/0.log"), "2\n").unwrap();
    reader.read_later();
    assert_eq!(lost(&reader), [(LossReason::Truncated, 1, 11)]);
    fs::write(reader.path("pod/0.log"), "").unwrap();
    reader.read_later();
    assert_eq!(lost(&reader), [(LossReason::Truncated, 1, 11)], "all of that had been read");
    assert_eq!(reader.tailer.stats().truncations, 2);
}

#[test]
fn lag_is_told_in_bytes_and_in_seconds() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.append("pod/0.log.20260203-040506", "older\n");
    let written = std::time::SystemTime::now() - Duration::from_secs(1000);
    let file = OpenOptions::new().append(true).open(reader.path("pod/0.log.20260203-040506")).unwrap();
    file.set_modified(written).unwrap();
    reader.tailer.sweep(Instant::now());
    let stats = reader.tailer.stats();
    assert_eq!((stats.lag_bytes, stats.rotated_unread_bytes, stats.rotated_unread_files), (10, 6, 1));
    assert!(stats.lag >= Duration::from_secs(1000) && stats.lag < Duration::from_secs(2000), "{stats:?}");
    assert_eq!(stats.checkpoint_age, None);
    reader.read_all();
    let stats = reader.tailer.stats();
    assert_eq!((stats.lag_bytes, stats.rotated_unread_files, stats.lag), (0, 0, Duration::ZERO));
    reader.checkpoint();
    assert!(reader.tailer.stats().checkpoint_age.is_some());
}
