//! Rotated files that the kubelet compressed: read where they weren't read to their end, and only there.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const FIRST: &str = "pod/0.log.20260203-040506";
const SECOND: &str = "pod/0.log.20260203-050607";
const THIRD: &str = "pod/0.log.20260203-060708";

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What the kubelet does at the next rotation.
fn compress(reader: &Reader, name: &str) {
    let content = fs::read(reader.path(name)).unwrap();
    fs::write(reader.path(&format!("{name}.gz")), packed(&content)).unwrap();
    fs::remove_file(reader.path(name)).unwrap();
}

/// A line as a runtime writes it.
fn line(number: usize) -> String {
    format!("2026-02-03T04:05:06.{number:09}Z stdout F line {number}\n")
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(line).collect()
}

#[test]
fn what_was_compressed_during_a_stop_is_read_on_where_its_plain_form_was_left() {
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::End);
    reader.append("pod/0.log", "");
    reader.read_all();
    reader.append("pod/0.log", &lines(0..50));
    reader.read_later();
    reader.checkpoint();
    let identity = reader.tailer.files.values().next().unwrap().identity;

    reader.append("pod/0.log", &lines(50..60));
    reader.rename("pod/0.log", FIRST);
    reader.append("pod/0.log", &lines(60..70));
    reader.rename("pod/0.log", SECOND);
    compress(&reader, FIRST);
    reader.append("pod/0.log", &lines(70..80));
    reader.rename("pod/0.log", THIRD);
    compress(&reader, SECOND);
    reader.append("pod/0.log", &lines(80..90));
    reader.restart();
    reader.tailer.sweep(Instant::now());
    let ready = reader.tailer.ready();
    assert_eq!(ready.len(), 1, "one file of a container at a time");
    assert_eq!((ready[0].identity, ready[0].path.clone()), (identity, reader.path("pod/0.log")));
    reader.read(ready);
    reader.read_later();
    let expected = [lines(50..60), lines(60..70), lines(70..80), lines(80..90)];
    let got: Vec<&str> = reader.streams.values().map(|stream| stream.text.as_str()).collect();
    assert_eq!(got, expected);
    let start = reader.streams.values().next().unwrap().start;
    assert_eq!(start, Mark { offset: lines(0..50).len() as u64, line: 51 });
    assert_eq!(reader.streams.values().map(|stream| stream.ended).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(reader.tailer.stats().lost, Losses::default());

    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert!(reader.streams.is_empty(), "none is read again: {:?}", reader.streams);
}

#[test]
fn a_stop_while_unpacking_goes_on_at_the_first_unacknowledged_byte() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", &line(0));
    reader.read_all();
    reader.checkpoint();
    reader.append("pod/0.log", &lines(1..100));
    reader.rename("pod/0.log", FIRST);
    compress(&reader, FIRST);
    reader.append("pod/0.log", "");
    reader.restart();
    for _ in 0..20 {
        reader.tailer.sweep(Instant::now());
        let ready = reader.tailer.ready();
        reader.read(ready);
    }
    let read = reader.streams.values().next().unwrap().text.len();
    assert!(read > 500 && read < lines(1..100).len());
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    let stream = reader.streams.values().next().unwrap();
    let done = stream.start.line as usize - 1;
    assert!(done > 10);
    assert_eq!(stream.text, lines(done..100));
}

#[test]
fn what_was_finished_or_older_than_we_is_not_read() {
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::End);
    reader.append(FIRST, &lines(0..10));
    compress(&reader, FIRST);
    reader.append("pod/0.log", "");
    reader.read_all();
    reader.append("pod/0.log", &lines(10..20));
    reader.read_later();
    reader.rename("pod/0.log", SECOND);
    reader.append("pod/0.log", &lines(20..30));
    reader.read_later();
    compress(&reader, SECOND);
    let read = reader.tailer.stats().bytes_read;
    reader.read_later();
    for _ in 0..2 {
        reader.checkpoint();
        reader.restart();
        reader.read_later();
        assert!(reader.streams.is_empty(), "{:?}", reader.streams);
    }
    assert_eq!(read, lines(10..30).len() as u64);
}

#[test]
fn a_closed_file_that_is_compressed_while_we_run_is_unpacked() {
    let mut reader = Reader::new(|config| config.max_open_files = 1);
    reader.append("pod/0.log", &lines(0..20));
    reader.read_all();
    reader.append("pod/0.log", &lines(20..40));
    reader.append("a/0.log", &line(0));
    reader.tailer.next_scan = Instant::now();
    reader.tailer.sweep(Instant::now());
    reader.tailer.close_beyond(0);
    reader.rename("pod/0.log", FIRST);
    compress(&reader, FIRST);
    reader.append("pod/0.log", &lines(40..41));
    reader.read_later();
    let texts: Vec<_> = reader.streams.values().map(|stream| stream.text.clone()).collect();
    assert_eq!(texts, [lines(0..40), lines(0..1), lines(40..41)]);
    assert_eq!(reader.tailer.stats().lost, Losses::default());
}

#[test]
fn an_open_file_that_was_compressed_may_be_closed_at_any_moment() {
    let mut reader = Reader::new(|config| config.max_open_files = 1);
    reader.append("pod/0.log", &lines(0..20));
    reader.tailer.sweep(Instant::now());
    reader.rename("pod/0.log", FIRST);
    compress(&reader, FIRST);
    // Each of these takes the only descriptor.
    reader.append("pod/0.log", &line(20));
    reader.append("other/0.log", &line(0));
    reader.read_later();
    assert_eq!(reader.tailer.stats().lost, Losses::default());
    assert_eq!(
        reader.streams.values().map(|stream| stream.text.len()).sum::<usize>(),
        lines(0..21).len() + line(0).len()
    );
}

#[test]
fn of_a_damaged_one_what_can_be_is_read_and_the_rest_counted_once() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", &line(0));
    reader.read_all();
    reader.checkpoint();
    let all = lines(0..20_000);
    let mut bytes = packed(all.as_bytes());
    // The trailer stays, so how much is missing is known.
    let middle = bytes.len() / 2;
    bytes[middle..middle + 1000].fill(0xff);
    fs::write(reader.path(&format!("{FIRST}.gz")), &bytes).unwrap();
    fs::remove_file(reader.path("pod/0.log")).unwrap();
    reader.append("pod/0.log", "");
    reader.buffer = 1 << 16;
    reader.restart();
    reader.read_later();
    let stream = reader.streams.values().next().unwrap();
    assert!(stream.ended);
    assert_eq!(stream.start.line, 2);
    let read = stream.text.len();
    assert!(read > all.len() / 3, "{read}");
    let lost = reader.tailer.stats().lost.of(LossReason::GzipDamaged);
    assert_eq!(lost, Loss::of_file((all.len() - line(0).len() - read) as u64));
    reader.read_later();
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert!(reader.streams.is_empty(), "{:?}", reader.streams);
    assert_eq!(reader.tailer.stats().lost, Losses::default(), "it was said before");
}

#[test]
fn what_unpacks_to_too_much_is_left_at_the_limit() {
    let mut reader = Reader::new(|config| config.max_unpacked_bytes = 100_000);
    reader.append("pod/0.log", &line(0));
    reader.read_all();
    reader.checkpoint();
    let all = format!("{}{}\n", line(0), "x".repeat(10 << 20));
    fs::write(reader.path(&format!("{FIRST}.gz")), packed(all.as_bytes())).unwrap();
    fs::remove_file(reader.path("pod/0.log")).unwrap();
    reader.append("pod/0.log", "");
    reader.buffer = 1 << 16;
    reader.restart();
    reader.read_later();
    let stats = reader.tailer.stats();
    assert!(stats.bytes_read < 200_000);
    let lost = stats.lost.of(LossReason::GzipTooLarge);
    assert_eq!((lost.files, lost.bytes + stats.bytes_read), (1, (all.len() - line(0).len()) as u64));
    assert_eq!(stats.lag_bytes, 0);
}

#[test]
fn few_are_unpacked_at_a_time_and_all_in_the_end() {
    let mut reader = Reader::new(|_| {});
    for pod in 0..30 {
        reader.append(&format!("pod{pod}/0.log"), "");
    }
    reader.read_all();
    reader.checkpoint();
    for pod in 0..30 {
        reader.append(&format!("pod{pod}/0.log.20260203-040506"), &lines(0..20));
        compress(&reader, &format!("pod{pod}/0.log.20260203-040506"));
    }
    reader.restart();
    let mut most = 0;
    reader.tailer.sweep(Instant::now());
    for _ in 0..10_000 {
        reader.tailer.sweep(Instant::now());
        let ready = reader.tailer.ready();
        if ready.is_empty() {
            break;
        }
        reader.read(ready);
        let unpacking = reader.tailer.files.values().filter(|file| file.is_open() && file.is_packed()).count();
        most = most.max(unpacking);
    }
    assert_eq!(most, 8);
    assert_eq!(reader.streams.values().filter(|stream| stream.text == lines(0..20)).count(), 30);
}

#[test]
fn one_that_is_just_being_compressed_is_read_as_the_plain_file() {
    let mut reader = Reader::new(|_| {});
    reader.append(FIRST, &lines(0..5));
    reader.append("pod/0.log", "");
    fs::write(reader.path(&format!("{FIRST}.tmp")), "half").unwrap();
    fs::write(reader.path(&format!("{FIRST}.gz")), packed(lines(0..5).as_bytes())).unwrap();
    reader.read_later();
    fs::remove_file(reader.path(FIRST)).unwrap();
    reader.read_later();
    assert_eq!(reader.texts().iter().filter(|(_, text)| !text.is_empty()).count(), 1);
    assert_eq!(reader.tailer.stats().bytes_read, lines(0..5).len() as u64);
}
