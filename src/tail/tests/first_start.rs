//! Where files are taken up that are there at a first start.

use super::*;

const ROTATED: &str = "pod/0.log.20260203-040506";

/// Lines here begin with seconds: `12 words`.
fn seconds(line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line.split(|byte| *byte == b' ').next()?).ok()?;
    Timestamp::from_second(text.parse().ok()?).ok()
}

fn modify(reader: &Reader, name: &str, second: i64) {
    let file = OpenOptions::new().append(true).open(reader.path(name)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(second.unsigned_abs());
    file.set_modified(time).unwrap();
}

fn written(reader: &Reader) {
    reader.append("pod/0.log.20260203-030405", "10 one\n");
    modify(reader, "pod/0.log.20260203-030405", 10);
    reader.append(ROTATED, "20 two\n30 three\n");
    modify(reader, ROTATED, 30);
    reader.append("pod/0.log", "40 four\n50 five\n");
    modify(reader, "pod/0.log", 50);
    reader.append("old/0.log", "10 old\n");
    modify(reader, "old/0.log", 10);
}

#[test]
fn at_the_beginning_is_also_what_the_kubelet_still_keeps() {
    let mut reader = Reader::new(|_| {});
    written(&reader);
    reader.read_later();
    let expected = [
        ("0.log", "10 old\n"),
        ("0.log", "10 one\n"),
        ("0.log", "20 two\n30 three\n"),
        ("0.log", "40 four\n50 five\n"),
    ];
    assert_eq!(reader.texts(), pairs(&expected));
}

#[test]
fn since_a_time_is_from_the_first_line_of_it() {
    let since = |second| ReadFrom::Since(Timestamp::from_second(second).unwrap());
    let mut reader = Reader::new(|config| {
        config.read_from = since(25);
        config.line_time = Some(seconds);
    });
    written(&reader);
    reader.read_later();
    let expected = [("0.log", ""), ("0.log", "30 three\n"), ("0.log", "40 four\n50 five\n")];
    assert_eq!(
        reader.texts().into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>(),
        pairs(&expected[1..])
    );
    let start = reader.streams.values().find(|stream| stream.text == "30 three\n").unwrap().start;
    assert_eq!(start, Mark { offset: 7, line: 2 });
    // It was a first start only once.
    reader.append("old/0.log", "60 new\n");
    reader.read_later();
    assert!(reader.text_is("0.log", "60 new\n"));
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert!(reader.streams.is_empty());
}

#[test]
fn since_a_time_without_times_in_the_lines_is_whole_files() {
    let since = Timestamp::from_second(25).unwrap();
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::Since(since));
    written(&reader);
    reader.read_later();
    let texts = reader.texts().into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>();
    assert_eq!(texts, pairs(&[("0.log", "20 two\n30 three\n"), ("0.log", "40 four\n50 five\n")]));
}
