//! Any order of what a node does to log files and what an agent does in between, against a model of what must come out.
//!
//! Real files, the real tailer, real time but for the graces (those are skipped by handing in a later time), and mostly looks instead of
//! hints, so that a failing case fails again. [`node`] does what containers, runtime and kubelet do and remembers every byte ever written;
//! [`reading`] reads, acknowledges, checkpoints and crashes as the agent does, and holds each byte against the node's memory:
//! - every byte that the node held until it was read arrives, at the position at which it was written, and no other does;
//! - none arrives twice in one run, and none again that lies before a checkpoint;
//! - the checkpoint is exactly the end of the longest acknowledged prefix;
//! - after a restart the files of a container are read in the order in which they were written;
//! - nothing is reported as lost if nothing was destroyed;
//! - once everything is read and written down, a restart reads nothing.
//!
//! `PROPTEST_CASES=5000 cargo test --lib tail::tests::model` runs it for longer.

mod node;
mod reading;

use proptest::prelude::*;

use super::*;
use node::Node;
use reading::Reading;

/// Containers that logs are written for.
const CONTAINERS: usize = 3;

#[derive(Clone, Debug)]
enum Act {
    /// Lines, each of some length.
    Write {
        container: usize,
        lines: usize,
        length: usize,
    },
    /// The first half of a line; the next write begins with the other.
    WriteHalf {
        container: usize,
    },
    /// The kubelet renames the live file. The runtime writes on to it.
    Rename {
        container: usize,
    },
    /// The runtime makes a new live file.
    Reopen {
        container: usize,
    },
    /// Reopening failed, and the kubelet renames the file back.
    RenameBack {
        container: usize,
    },
    /// The kubelet compresses all rotated files but the newest. Perhaps it is caught before it removes the last plain one.
    Compress {
        container: usize,
        caught: bool,
    },
    /// The kubelet deletes the oldest rotated file.
    DropOldest {
        container: usize,
    },
    /// Somebody copies the live file and truncates it.
    Truncate {
        container: usize,
    },
    /// The live file is deleted and another made, with the same inode if the file system can be brought to do so.
    Recreate {
        container: usize,
    },
    /// The container ends and is started again.
    Restart {
        container: usize,
    },
    /// The pod goes with all its logs, and another comes.
    DeletePod {
        container: usize,
    },
    /// So many rounds of reading, after a walk or not, after all graces or not.
    Read {
        rounds: usize,
        walk: bool,
        later: bool,
    },
    /// Reading until nothing is left.
    ReadAll,
    /// The exporter doesn't acknowledge any more, or does so again.
    Pause(bool),
    /// The exporter acknowledges one unit out of order.
    AcknowledgeOne(prop::sample::Index),
    Checkpoint,
    /// The agent dies and is started again.
    Crash,
    /// The agent reads, delivers and writes down what it can, and is started again.
    Stop,
}

fn act() -> impl Strategy<Value = Act> {
    let on = || 0..CONTAINERS;
    prop_oneof![
        8 => (on(), 1..12usize, 0..400usize).prop_map(|(container, lines, length)| Act::Write { container, lines, length }),
        2 => on().prop_map(|container| Act::WriteHalf { container }),
        4 => on().prop_map(|container| Act::Rename { container }),
        4 => on().prop_map(|container| Act::Reopen { container }),
        1 => on().prop_map(|container| Act::RenameBack { container }),
        4 => (on(), any::<bool>()).prop_map(|(container, caught)| Act::Compress { container, caught }),
        1 => on().prop_map(|container| Act::DropOldest { container }),
        1 => on().prop_map(|container| Act::Truncate { container }),
        1 => on().prop_map(|container| Act::Recreate { container }),
        1 => on().prop_map(|container| Act::Restart { container }),
        1 => on().prop_map(|container| Act::DeletePod { container }),
        6 => (1..6usize, any::<bool>(), any::<bool>()).prop_map(|(rounds, walk, later)| Act::Read { rounds, walk, later }),
        2 => Just(Act::ReadAll),
        2 => any::<bool>().prop_map(Act::Pause),
        2 => any::<prop::sample::Index>().prop_map(Act::AcknowledgeOne),
        3 => Just(Act::Checkpoint),
        2 => Just(Act::Crash),
        1 => Just(Act::Stop),
    ]
}

/// Most sequences leave files whole, so that losing anything in them is wrong.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let destroys = |act: &Act| {
        matches!(act, Act::DropOldest { .. } | Act::Truncate { .. } | Act::Recreate { .. } | Act::DeletePod { .. })
    };
    (any::<bool>(), prop::collection::vec(act(), 1..60)).prop_map(move |(gentle, mut acts)| {
        acts.retain(|act| !(gentle && destroys(act)));
        acts
    })
}

fn perform(act: &Act, node: &mut Node, reading: &mut Reading) {
    match *act {
        Act::Write { container, lines, length } => node.write(container, lines, length),
        Act::WriteHalf { container } => node.write_half(container),
        Act::Rename { container } => node.rename(container),
        Act::Reopen { container } => node.reopen(container),
        Act::RenameBack { container } => node.rename_back(container),
        Act::Compress { container, caught } => node.compress(container, caught),
        Act::DropOldest { container } => node.drop_oldest(container, reading),
        Act::Truncate { container } => node.truncate(container),
        Act::Recreate { container } => node.recreate(container, reading),
        Act::Restart { container } => node.restart(container),
        Act::DeletePod { container } => node.delete_pod(container, reading),
        Act::Read { rounds, walk, later } => reading.read(node, rounds, walk, later),
        Act::ReadAll => reading.read_all(node),
        Act::Pause(paused) => reading.pause(node, paused),
        Act::AcknowledgeOne(index) => reading.acknowledge_one(node, index),
        Act::Checkpoint => reading.checkpoint(node),
        Act::Crash => reading.crash(node),
        Act::Stop => {
            reading.read_all(node);
            reading.pause(node, false);
            reading.checkpoint(node);
            reading.crash(node);
        }
    }
}

fn run(acts: &[Act], max_open_files: usize, buffer: usize, hints: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new(folder.path());
    let mut reading = Reading::new(folder.path(), max_open_files, buffer, hints);
    for act in acts {
        perform(act, &mut node, &mut reading);
    }
    reading.pause(&mut node, false);
    node.settle();
    reading.read_all(&mut node);
    node.all_arrived();
    let stats = reading.stats();
    assert_eq!((stats.lag_bytes, stats.lag), (0, Duration::ZERO));
    if !node.destroyed() {
        assert_eq!(reading.lost(), Loss::default(), "nothing was destroyed");
    }
    reading.checkpoint(&mut node);
    reading.crash(&mut node);
    reading.read_all(&mut node);
    assert_eq!(reading.stats().bytes_read, 0, "everything had been read");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
    ) })]

    #[test]
    fn every_line_that_the_node_held_arrives(
        acts in acts(),
        max_open_files in prop_oneof![1..4usize, Just(64)],
        buffer in prop_oneof![Just(100usize), Just(1000), Just(100_000)],
        hints in prop::bool::weighted(0.2),
    ) {
        run(&acts, max_open_files, buffer, hints);
    }
}
