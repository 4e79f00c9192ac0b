//! The deterministic identity of an event.

use xxhash_rust::xxh3::Xxh3;

/// What makes an event the same event when its bytes are read again.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Which source: for a container's log its namespace, pod uid, container and restart, otherwise the path.
    pub source: &'a str,
    /// Byte position, in the source, of the line that identifies the failure.
    pub position: u64,
    /// That line's raw bytes. A rotated log starts again at position 0; its time stamps don't.
    pub line: &'a [u8],
    /// The pattern's id.
    pub pattern: &'a str,
}

impl Identity<'_> {
    /// 32 lower-case hex digits.
    pub fn uid(&self) -> String {
        let mut hasher = Xxh3::new();
        for part in [self.source.as_bytes(), &self.position.to_le_bytes(), self.line, self.pattern.as_bytes()] {
            // The length keeps neighbouring parts apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        format!("{:032x}", hasher.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_nothing_else() {
        let one = Identity { source: "a", position: 1, line: b"bc", pattern: "d" };
        let others = [
            Identity { source: "ab", line: b"c", ..one },
            Identity { position: 2, ..one },
            Identity { line: b"bcd", pattern: "", ..one },
            Identity { pattern: "e", ..one },
        ];
        assert_eq!(one.uid(), one.uid());
        assert_eq!(one.uid().len(), 32);
        assert!(others.iter().all(|other| other.uid() != one.uid()));
    }
}
