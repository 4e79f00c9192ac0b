//! Files renamed, deleted, truncated and replaced while, and before, they are read.

use super::*;

const FIRST: &str = "pod/0.log.20260203-040506";
const SECOND: &str = "pod/0.log.20260203-050607";

fn ended(reader: &Reader) -> Vec<bool> {
    reader.streams.values().map(|stream| stream.ended).collect()
}

#[test]
fn a_renamed_file_is_read_to_its_end_and_its_successor_after_it() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    reader.rename("pod/0.log", FIRST);
    reader.append(FIRST, "written between rename and reopen\n");
    reader.read_all();
    assert_eq!(reader.texts(), pairs(&[("0.log", "one\nwritten between rename and reopen\n")]));
    assert_eq!(ended(&reader), [false], "nothing has taken its place yet");

    reader.append("pod/0.log", "new\n");
    reader.append(FIRST, "late\n");
    reader.read_all();
    assert_eq!(ended(&reader), [false, false]);
    reader.read_later();
    let expected = [("0.log", "one\nwritten between rename and reopen\nlate\n"), ("0.log", "new\n")];
    assert_eq!(reader.texts(), pairs(&expected));
    assert_eq!(ended(&reader), [true, false]);
    assert_eq!(reader.tailer.stats().files_known, 1);
}

#[test]
fn rotation_is_noticed_by_hints() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\n"));
    reader.rename("pod/0.log", FIRST);
    reader.append(FIRST, "two\n");
    reader.append("pod/0.log", "three\n");
    reader.read_until(|reader| ended(reader) == [true, false] && reader.text_is("0.log", "three\n"));
    assert!(reader.text_is("0.log", "one\ntwo\n"));
}

#[test]
fn a_renamed_file_without_a_successor_ends_after_a_while() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    fs::rename(reader.path("pod/0.log"), reader.folder.path().join("moved")).unwrap();
    reader.read_all();
    append(&reader.folder.path().join("moved"), "two\n");
    reader.read_all();
    assert_eq!((ended(&reader), reader.text_is("0.log", "one\ntwo\n")), (vec![false], true));
    reader.read_later();
    assert_eq!(ended(&reader), [true]);
}

#[test]
fn a_rotation_that_is_undone_changes_nothing() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    reader.rename("pod/0.log", FIRST);
    reader.read_all();
    reader.rename(FIRST, "pod/0.log");
    reader.append("pod/0.log", "two\n");
    reader.read_later();
    assert_eq!((ended(&reader), reader.texts()), (vec![false], pairs(&[("0.log", "one\ntwo\n")])));
}

#[test]
fn what_is_written_after_the_end_is_read_all_the_same() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    reader.rename("pod/0.log", FIRST);
    reader.append("pod/0.log", "new\n");
    reader.read_later();
    assert_eq!(ended(&reader), [true, false]);
    reader.read_later();
    reader.append(FIRST, "very late\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "one\n"), ("0.log", "new\n"), ("0.log", "very late\n")]));
    assert_eq!(reader.streams.values().last().unwrap().start, Mark { offset: 4, line: 2 });
}

#[test]
fn a_deleted_file_is_drained_and_closed() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    let mut writer = OpenOptions::new().append(true).open(reader.path("pod/0.log")).unwrap();
    fs::remove_dir_all(reader.path("pod")).unwrap();
    writer.write_all(b"last words\n").unwrap();
    reader.read_until(|reader| ended(reader) == [true]);
    assert_eq!(reader.texts(), pairs(&[("0.log", "one\nlast words\n")]));
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_open, stats.lost), (0, Losses::default()));
    reader.append("pod/0.log", "again\n");
    reader.read_until(|reader| reader.text_is("0.log", "again\n"));
}

#[test]
fn an_unread_file_that_vanishes_while_closed_is_counted_as_lost() {
    let mut reader = Reader::new(|config| config.max_open_files = 1);
    reader.append("a/0.log", "one\n");
    reader.append("b/0.log", "two\n");
    reader.tailer.sweep(Instant::now());
    assert_eq!(reader.tailer.stats().lag_bytes, 8);
    fs::remove_dir_all(reader.path("a")).unwrap();
    fs::remove_dir_all(reader.path("b")).unwrap();
    reader.read_later();
    assert_eq!(reader.tailer.stats().lost.of(LossReason::Deleted), Loss::of_file(4));
}

#[test]
fn truncation_and_replacement_begin_again() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\ntwo\n");
    reader.read_all();
    fs::write(reader.path("pod/0.log"), "1\n").unwrap();
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "1\n")]));
    fs::write(reader.path("pod/0.log"), "a longer text than there was\n").unwrap();
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "a longer text than there was\n")]));
    assert_eq!((reader.streams.values().next().unwrap().truncated, reader.tailer.stats().truncations), (2, 2));
    reader.checkpoint();
    reader.append("pod/0.log", "more\n");
    reader.restart();
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "more\n")]));
}

#[test]
fn a_copy_made_before_a_truncation_is_not_read_twice() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/app.log", "one\n");
    reader.read_all();
    fs::copy(reader.path("pod/app.log"), reader.path("pod/app.log.1")).unwrap();
    fs::write(reader.path("pod/app.log"), "").unwrap();
    reader.read_later();
    reader.append("pod/app.log", "two\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("app.log", "two\n")]));
}

#[test]
fn rotations_during_a_stop_are_caught_up_in_order() {
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::End);
    reader.append("pod/0.log.20260101-000000", "before us\n");
    reader.append("pod/0.log", "");
    reader.read_all();
    reader.append("pod/0.log", "1\n2\n");
    reader.read_later();
    reader.checkpoint();

    reader.append("pod/0.log", "3\n");
    reader.rename("pod/0.log", FIRST);
    reader.append("pod/0.log", "4\n");
    reader.rename("pod/0.log", SECOND);
    reader.append("pod/0.log", "5\n");
    reader.append("pod/1.log", "6\n");
    reader.restart();
    reader.buffer = 1;
    let mut order = Vec::new();
    while order.last().is_none_or(|name| name != "6") {
        reader.tailer.sweep(Instant::now());
        let ready = reader.tailer.ready();
        assert_eq!(ready.len(), 1, "one file of a container at a time");
        reader.read(ready);
        order = reader.texts().into_iter().map(|(_, text)| text.trim().to_string()).collect();
    }
    assert_eq!(order, ["3", "4", "5", "6"]);
    assert_eq!(reader.streams.values().next().unwrap().start, Mark { offset: 4, line: 3 });
    reader.read_later();
    assert_eq!(ended(&reader), [true, true, false, false]);
    assert!(reader.streams.values().all(|stream| !stream.path.ends_with(FIRST)));
}

#[test]
fn a_stop_between_rename_and_reopen_loses_nothing() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "1\n");
    reader.read_all();
    reader.checkpoint();
    reader.append("pod/0.log", "2\n");
    reader.rename("pod/0.log", FIRST);
    reader.restart();
    reader.read_all();
    assert_eq!(reader.texts(), pairs(&[("0.log", "2\n")]));
    reader.append(FIRST, "3\n");
    reader.append("pod/0.log", "4\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "2\n3\n"), ("0.log", "4\n")]));
}

#[test]
fn two_rotations_between_two_looks_lose_nothing() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "1\n");
    reader.read_all();
    reader.rename("pod/0.log", FIRST);
    reader.append("pod/0.log", "2\n");
    reader.rename("pod/0.log", SECOND);
    reader.append("pod/0.log", "3\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "1\n"), ("0.log", "2\n"), ("0.log", "3\n")]));
}
