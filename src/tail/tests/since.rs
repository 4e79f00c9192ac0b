use std::io::Write;

use super::*;

/// Lines here begin with seconds: `12 words`.
fn seconds(line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line.split(|byte| *byte == b' ').next()?).ok()?;
    Timestamp::from_second(text.parse().ok()?).ok()
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn found(content: &str, since: i64) -> u64 {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    let plain = in_file(&file, time(since), seconds, u64::MAX).unwrap();

    let mut encoder = flate2::write::GzEncoder::new(tempfile::tempfile().unwrap(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    let mut packed = encoder.finish().unwrap();
    std::io::Seek::rewind(&mut packed).unwrap();
    match in_packed(packed, time(since), seconds, u64::MAX).unwrap() {
        Some(offset) => assert_eq!(offset, plain),
        None => assert_eq!(plain, content.rfind('\n').map_or(0, |at| at as u64 + 1)),
    }
    plain
}

#[test]
fn the_first_line_of_the_time_is_found() {
    let log = "10 one\n20 two\n20 three\n  no time\n30 four\n";
    for (since, offset) in [(5, 0), (10, 0), (11, 7), (20, 7), (21, 33), (30, 33), (31, 41)] {
        assert_eq!(found(log, since), offset, "{since}");
    }
    assert_eq!(found("", 5), 0);
    assert_eq!(found("no\ntimes\nat all\n", 5), 0);
    assert_eq!(found("10 one\n20 half", 15), 7);
    assert_eq!(found("10 one\n20 half", 25), 7);
}

#[test]
fn a_long_file_is_bisected_to_the_same_place() {
    let mut log = String::new();
    let mut starts = Vec::new();
    for second in 0..60_000 {
        starts.push(log.len() as u64);
        log.push_str(&format!("{second} words\n"));
        if second % 7 == 0 {
            log.push_str("  a line of a trace\n");
        }
        if second % 20_000 == 0 {
            log.push_str(&"x".repeat(600_000));
            log.push('\n');
        }
    }
    for second in [0, 1, 2, 12_345, 19_999, 20_000, 20_001, 40_000, 40_001, 59_999] {
        assert_eq!(found(&log, second), starts[second as usize], "{second}");
    }
    assert_eq!(found(&log, 60_000), log.len() as u64);
}
