//! The one check of the grammars' tables.

use super::{Assembler, Step, may_continue};

/// How the lines of `text` group: one number per record, its count of lines.
///
/// On the way it checks that nothing joins or is held where `may_continue` denies it.
pub(super) fn groups(lines: &[&[u8]]) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let size = record_len(&lines[at..]);
        sizes.push(size);
        at += size;
    }
    sizes
}

fn record_len(lines: &[&[u8]]) -> usize {
    let Some(mut assembler) = Assembler::start(lines[0]) else {
        return 1;
    };
    let mut size = 1;
    for (at, pair) in lines.windows(2).enumerate() {
        let step = assembler.push(pair[1]);
        if step == Step::Closed {
            break;
        }
        let shown = |line| String::from_utf8_lossy(line).into_owned();
        assert!(
            may_continue(pair[0], pair[1]),
            "{step:?} but may not continue: {:?} {:?}",
            shown(pair[0]),
            shown(pair[1])
        );
        assert!(at + 2 - size <= 3, "more than two lines held before {:?}", shown(pair[1]));
        if step == Step::Joined {
            size = at + 2;
        } else {
            assert!(Assembler::start(pair[1]).is_none(), "held, but a start: {:?}", shown(pair[1]));
        }
    }
    size
}

/// Checks each `(name, lines, sizes of the records)`.
pub(super) fn check(rows: &[(&str, &str, &[usize])]) {
    for (name, text, expected) in rows {
        let lines: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
        assert_eq!(groups(&lines), *expected, "{name}:\n{text}");
    }
}
