//! Numbers for metrics and health, and the reasons for which bytes are lost.

use std::time::Duration;

/// Why bytes were never read. A fixed list: each has its own counter from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossReason {
    /// Rotation put another file in its place and deleted it.
    RotatedAway,
    /// It was deleted, alone or with its pod.
    Deleted,
    /// Its content was cut off or replaced.
    Truncated,
    /// It could not be read as long as it was there.
    Unreadable,
    /// It was compressed before it was read to its end, and doesn't unpack.
    GzipDamaged,
    /// It was compressed before it was read to its end, and unpacks to more than is allowed.
    GzipTooLarge,
    /// It was deleted and too many, or too large, deleted files were still held open for reading.
    GivenUp,
}

impl LossReason {
    /// Every reason.
    pub const ALL: [LossReason; 7] = [
        LossReason::RotatedAway,
        LossReason::Deleted,
        LossReason::Truncated,
        LossReason::Unreadable,
        LossReason::GzipDamaged,
        LossReason::GzipTooLarge,
        LossReason::GivenUp,
    ];

    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            LossReason::RotatedAway => "rotated_away",
            LossReason::Deleted => "deleted",
            LossReason::Truncated => "truncated",
            LossReason::Unreadable => "unreadable",
            LossReason::GzipDamaged => "gzip_damaged",
            LossReason::GzipTooLarge => "gzip_too_large",
            LossReason::GivenUp => "given_up",
        }
    }
}

/// How much was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Files of which something was lost. Counted even where the bytes aren't known.
    pub files: u64,
    /// Bytes that are known to be lost; of a compressed file, unpacked ones.
    pub bytes: u64,
    /// Lines in these bytes, of files that could still be looked at when they were given up. Of the others nobody has seen the lines.
    pub lines: u64,
}

impl Loss {
    /// Of one file, whose lines nobody has seen.
    pub fn of_file(bytes: u64) -> Loss {
        Loss { files: 1, bytes, lines: 0 }
    }
}

impl std::ops::AddAssign for Loss {
    fn add_assign(&mut self, other: Loss) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.lines += other.lines;
    }
}

/// Losses by reason, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses([Loss; LossReason::ALL.len()]);

impl Losses {
    /// Those for one reason.
    pub fn of(&self, reason: LossReason) -> Loss {
        self.0[reason as usize]
    }

    /// Each reason with its losses.
    pub fn each(&self) -> impl Iterator<Item = (LossReason, Loss)> {
        LossReason::ALL.into_iter().zip(self.0)
    }

    /// For whatever reason.
    pub fn total(&self) -> Loss {
        let mut total = Loss::default();
        self.0.iter().for_each(|loss| total += *loss);
        total
    }

    pub(super) fn add(&mut self, reason: LossReason, loss: Loss) {
        self.0[reason as usize] += loss;
    }
}

/// Numbers for metrics and health. What counts up counts from the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files held open.
    pub files_open: usize,
    /// Files followed.
    pub files_known: usize,
    /// Bytes read; of compressed files, unpacked ones.
    pub bytes_read: u64,
    /// Bytes there and not read.
    pub lag_bytes: u64,
    /// How long ago the oldest byte that is there and not read was noticed, or, for what was there before the file was first looked
    /// at, how long ago the file was last written to. Zero without lag.
    pub lag: Duration,
    /// Those of `lag_bytes` in files that were rotated away or deleted: in danger.
    pub rotated_unread_bytes: u64,
    /// Files with such bytes.
    pub rotated_unread_files: usize,
    /// What vanished before it could be read.
    pub lost: Losses,
    /// Files whose content was replaced.
    pub truncations: u64,
    /// Paths that can't be read, lead out of the log folders, or are beyond a bound.
    pub refused: usize,
    /// Inotify doesn't cover all folders, so sizes are looked at every second.
    pub polling: bool,
    /// Since checkpoints were last written, or found to need no writing. `None` before the first time.
    pub checkpoint_age: Option<Duration>,
    /// Times that writing them failed.
    pub checkpoint_failures: u64,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        let mut losses = Losses::default();
        for (bytes, reason) in (1..).zip(LossReason::ALL) {
            losses.add(reason, Loss { files: 1, bytes, lines: 2 });
        }
        for (bytes, (reason, loss)) in (1..).zip(losses.each()) {
            assert_eq!(loss, Loss { files: 1, bytes, lines: 2 }, "{reason:?}");
            assert_eq!(losses.of(reason), loss);
        }
        assert_eq!(losses.total(), Loss { files: 7, bytes: 28, lines: 14 });
        assert_eq!(LossReason::ALL.map(LossReason::name).into_iter().collect::<BTreeSet<_>>().len(), 7);
    }
}
