//! Lines in an open file: how many there are before a place, and where the last one ends.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use flate2::bufread::GzDecoder;

/// Newlines in a range of bytes.
///
/// # Errors
/// Those of reading.
pub fn newlines_between(file: &File, range: Range<u64>) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let (mut offset, mut lines) = (range.start, 0);
    while offset < range.end {
        let wanted = buffer.len().min(usize::try_from(range.end - offset).unwrap_or(usize::MAX));
        let bytes = read_at(file, &mut buffer[..wanted], offset)?;
        if bytes == 0 {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..bytes]).count() as u64;
        offset += bytes as u64;
    }
    Ok(lines)
}

/// Newlines in the first `end` bytes of what a compressed file unpacks to, as far as it does.
///
/// A damaged one isn't counted to its end; whoever reads it says so.
pub fn newlines_in(file: File, end: u64) -> u64 {
    let mut unpacking = GzDecoder::new(BufReader::new(file)).take(end);
    let mut buffer = vec![0; 64 << 10];
    let mut lines = 0;
    while let Ok(bytes @ 1..) = unpacking.read(&mut buffer) {
        lines += memchr::memchr_iter(b'\n', &buffer[..bytes]).count() as u64;
    }
    lines
}

/// The byte after the last newline, looking back some `limit` bytes: the start of the file if it has no newline,
/// its end if there is none so near.
///
/// # Errors
/// Those of reading.
pub fn last_line_boundary(file: &File, limit: u64) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let mut buffer = vec![0; 64 << 10];
    let mut end = size;
    while end > 0 && size - end < limit {
        let begin = end.saturating_sub(buffer.len() as u64);
        // The difference is at most the buffer's length, so it fits.
        let chunk = &mut buffer[..(end - begin) as usize];
        let mut filled = 0;
        while filled < chunk.len() {
            match read_at(file, &mut chunk[filled..], begin + filled as u64)? {
                0 => return Ok(size),
                bytes => filled += bytes,
            }
        }
        if let Some(newline) = memchr::memrchr(b'\n', chunk) {
            return Ok(begin + newline as u64 + 1);
        }
        end = begin;
    }
    Ok(if end == 0 { 0 } else { size })
}

/// One read at a place, repeated if a signal interrupts it.
///
/// # Errors
/// Those of reading.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_counted_and_the_last_boundary_found() {
        let long = "x".repeat(200_000);
        let cases = [
            ("", 0, 0),
            ("no newline", 0, 0),
            ("one\n", 4, 1),
            ("one\ntwo\nthr", 8, 2),
            (&format!("\n{long}"), 1, 1),
            (&format!("{long}\n{long}\n"), 400_002, 2),
        ];
        for (content, boundary, count) in cases {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            assert_eq!(last_line_boundary(&file, u64::MAX).unwrap(), boundary);
            assert_eq!(newlines_between(&file, 0..boundary).unwrap(), count);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(format!("\n{long}").as_bytes()).unwrap();
        assert_eq!(last_line_boundary(&file, 1000).unwrap(), 200_001, "too far back");
    }
}
