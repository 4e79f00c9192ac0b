//! Any order of writing, rotating, reading, checkpointing and crashing: every line arrives, and none twice but for a crash.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Write { restart: u8, lines: u8 },
    Rotate { restart: u8 },
    Read,
    ReadLater,
    Checkpoint,
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..2u8, 1..20u8).prop_map(|(restart, lines)| Act::Write { restart, lines }),
        2 => (0..2u8).prop_map(|restart| Act::Rotate { restart }),
        2 => Just(Act::Read),
        2 => Just(Act::ReadLater),
        2 => Just(Act::Checkpoint),
        1 => Just(Act::Crash),
    ];
    prop::collection::vec(act, 1..40)
}

/// Every line read so far, over all runs.
fn collect(reader: &Reader, lines: &mut Vec<String>) {
    for stream in reader.streams.values() {
        lines.extend(stream.text.lines().map(str::to_string));
    }
}

fn run(acts: &[Act], max_open_files: usize) -> (Vec<String>, Vec<String>, bool) {
    let mut reader = Reader::new(|config| config.max_open_files = max_open_files);
    let (mut written, mut arrived, mut crashed) = (Vec::new(), Vec::new(), false);
    let mut rotations = 0;
    reader.append("pod/0.log", "");
    reader.read_later();
    reader.checkpoint();
    for act in acts {
        match act {
            Act::Write { restart, lines } => {
                for _ in 0..*lines {
                    let line = format!("line {} of run {restart}", written.len());
                    reader.append(&format!("pod/{restart}.log"), &format!("{line}\n"));
                    written.push(line);
                }
            }
            Act::Rotate { restart } => {
                rotations += 1;
                let live = format!("pod/{restart}.log");
                if reader.path(&live).exists() {
                    reader.rename(&live, &format!("{live}.20260203-{rotations:06}"));
                }
            }
            Act::Read => reader.read_all(),
            Act::ReadLater => reader.read_later(),
            Act::Checkpoint => reader.checkpoint(),
            Act::Crash => {
                crashed = true;
                collect(&reader, &mut arrived);
                reader.restart();
            }
        }
    }
    // The runtime reopens in the end.
    reader.append("pod/0.log", "");
    reader.append("pod/1.log", "");
    reader.read_later();
    collect(&reader, &mut arrived);
    (written, arrived, crashed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_line_arrives(acts in acts(), max_open_files in 1..4usize) {
        let (mut written, mut arrived, crashed) = run(&acts, max_open_files);
        written.sort();
        arrived.sort();
        if crashed {
            arrived.dedup();
        }
        prop_assert_eq!(written, arrived);
    }
}
