use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Lines that hardly compress, `length` bytes of them.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend(format!("{:016x}\n", state).bytes());
    }
    bytes.truncate(length);
    bytes
}

/// All from `offset` on, in pieces of `size`, and how it ended.
fn read(bytes: &[u8], mut offset: u64, size: usize, limit: u64) -> (Vec<u8>, Piece) {
    let mut inflater = Inflater::new(file(bytes), limit).unwrap();
    let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
    loop {
        match inflater.read(offset, &mut buffer).unwrap() {
            Piece::Bytes(bytes) => {
                all.extend(&buffer[..bytes]);
                offset += bytes as u64;
            }
            Piece::Skipped => {}
            end => return (all, end),
        }
    }
}

#[test]
fn reading_begins_at_any_place() {
    let content = noise(300_000);
    let bytes = packed(&content);
    for offset in [0, 1, 65_535, 65_536, 65_537, 299_999, 300_000] {
        for size in [1000, 64 << 10, 1 << 20] {
            let (got, end) = read(&bytes, offset, size, u64::MAX);
            assert_eq!(end, Piece::End);
            assert!(got == content[offset as usize..], "{offset} {size}");
        }
    }
    assert_eq!(read(&bytes, 300_001, 100, u64::MAX), (Vec::new(), Piece::End));
    assert_eq!(read(&packed(b""), 0, 100, u64::MAX), (Vec::new(), Piece::End));
}

#[test]
fn a_head_tells_the_first_bytes_and_the_length() {
    let content = noise(5000);
    let bytes = packed(&content);
    let head = Head::of(&file(&bytes)).unwrap();
    assert_eq!((&head.first[..], head.unpacked), (&content[..PREFIX_LIMIT], Some(5000)));
    let head = Head::of(&file(&packed(b"short"))).unwrap();
    assert_eq!((&head.first[..], head.unpacked), (&b"short"[..], Some(5)));

    // A trailer that can't be right is none.
    let mut absurd = bytes.clone();
    let end = absurd.len();
    absurd[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Head::of(&file(&absurd)).unwrap().unpacked, None);
    for nothing in [&b""[..], b"\x1f\x8b", b"this is no gzip at all"] {
        let head = Head::of(&file(nothing)).unwrap();
        assert!(head.first.is_empty(), "{head:?}");
        assert_eq!(read(nothing, 0, 100, u64::MAX), (Vec::new(), Piece::Damaged));
    }
}

#[test]
fn what_comes_before_damage_is_handed_out() {
    let content = noise(400_000);
    let bytes = packed(&content);
    let cut = &bytes[..bytes.len() / 2];
    let (got, end) = read(cut, 0, 777, u64::MAX);
    assert_eq!(end, Piece::Damaged);
    assert!(content.starts_with(&got));
    assert!(got.len() > 180_000, "{}", got.len());

    let mut broken = bytes.clone();
    broken[bytes.len() / 2..].fill(0xff);
    let (got, end) = read(&broken, 1000, 777, u64::MAX);
    assert_eq!(end, Piece::Damaged);
    let same = got.iter().zip(&content[1000..]).take_while(|(one, other)| one == other).count();
    assert!(same > 180_000, "{same}");

    for cut in 1..=TRAILER {
        let (got, end) = read(&bytes[..bytes.len() - cut], 0, 1 << 20, u64::MAX);
        assert_eq!((got.len(), end), (content.len(), Piece::Damaged));
    }
    let mut flipped = bytes.clone();
    let end = flipped.len();
    flipped[end - 8] ^= 1;
    assert_eq!(read(&flipped, 0, 1 << 20, u64::MAX).1, Piece::Damaged);
}

#[test]
fn a_bomb_is_left_at_the_limit() {
    let bytes = packed(&vec![b'x'; 40 << 20]);
    assert!(bytes.len() < 100_000);
    let (got, end) = read(&bytes, 0, 1 << 20, 1 << 20);
    assert_eq!((got.len(), end), (1 << 20, Piece::TooLarge));
}

#[test]
fn skipping_far_comes_back_now_and_then() {
    let bytes = packed(&vec![b'x'; 40 << 20]);
    let mut inflater = Inflater::new(file(&bytes), u64::MAX).unwrap();
    let mut buffer = [0; 10];
    let offset = (40 << 20) - 3;
    let mut skips = 0;
    while inflater.read(offset, &mut buffer).unwrap() == Piece::Skipped {
        skips += 1;
    }
    assert_eq!(skips, 4);
    assert_eq!(inflater.read(offset + 3, &mut buffer).unwrap(), Piece::End);
}
