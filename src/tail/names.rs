//! What a log file's name says: whether it was rotated away, from what, and which of two files is older.
//!
//! Looks at names only, never at a disk.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How old a file is among those that one live path left behind. Older ones are smaller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// `app.log.2`: the greater the number, the older.
    Numbered(Reverse<u64>),
    /// `0.log.20260203-040506`: the later, the younger.
    Dated(String),
    /// Not rotated.
    Live,
}

/// The place of a file among those of its container: previous runs first, then by rotation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Files with the same group are read one after the other.
    pub group: PathBuf,
    /// The container's restart count, where the name is one.
    restart: u64,
    age: Age,
}

impl Rank {
    /// The rank of a file now at `at` that was, or is, written as `live`.
    pub fn of(live: &Path, at: &Path) -> Rank {
        let compressed = compressed(at);
        let age = match rotated(compressed.as_deref().unwrap_or(at)) {
            Some((of, age)) if of == live => age,
            _ => Age::Live,
        };
        match (restart(live), live.parent()) {
            (Some(restart), Some(folder)) => Rank { group: folder.to_path_buf(), restart, age },
            _ => Rank { group: live.to_path_buf(), restart: 0, age },
        }
    }
}

/// Splits a name such as rotation makes (`<live>.<digits>`, `<live>.<digits>-<digits>`) into the live path and the age.
/// Whether there is such a live file is for the caller to find out: `1.2` also looks like a rotated `1`.
pub fn rotated(path: &Path) -> Option<(PathBuf, Age)> {
    let suffix = path.extension()?.to_str()?;
    let plausible = suffix.len() <= 32
        && suffix.starts_with(|c: char| c.is_ascii_digit())
        && suffix.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'T'));
    if !plausible {
        return None;
    }
    let age = match suffix.parse::<u64>() {
        Ok(number) if suffix.len() < 6 => Age::Numbered(Reverse(number)),
        _ => Age::Dated(suffix.to_string()),
    };
    Some((path.with_extension(""), age))
}

/// Whether the file was rotated by the kubelet (`0.log.20260203-040506`), which always renames. Others may have copied.
pub fn rotated_by_kubelet(path: &Path) -> bool {
    let Some(suffix) = path.extension().and_then(OsStr::to_str) else {
        return false;
    };
    suffix.len() == 15 && suffix.bytes().enumerate().all(|(i, b)| if i == 8 { b == b'-' } else { b.is_ascii_digit() })
}

/// Where a file that the kubelet compressed (`0.log.20260203-040506.gz`) was before, at the rotation before the last.
pub fn compressed(path: &Path) -> Option<PathBuf> {
    let plain = (path.extension()? == "gz").then(|| path.with_extension(""))?;
    rotated_by_kubelet(&plain).then_some(plain)
}

/// The live path of what the kubelet has rotated, compressed or not.
pub fn live_of(path: &Path) -> Option<PathBuf> {
    let plain = compressed(path).unwrap_or_else(|| path.to_path_buf());
    rotated_by_kubelet(&plain).then(|| plain.with_extension(""))
}

/// Names that are never read: what others have compressed, and files that are still being compressed.
pub fn never_tailed(path: &Path) -> bool {
    match path.extension() {
        Some(extension) if extension == "gz" => compressed(path).is_none(),
        Some(extension) => extension == "tmp",
        None => false,
    }
}

fn restart(live: &Path) -> Option<u64> {
    if live.extension()? != "log" {
        return None;
    }
    live.file_stem()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_is_read_from_the_name() {
        let dated = |text: &str| Some(Age::Dated(text.to_string()));
        for (name, live, age) in [
            ("/p/0.log.20260203-040506", "/p/0.log", dated("20260203-040506")),
            ("/d/f-json.log.1", "/d/f-json.log", Some(Age::Numbered(Reverse(1)))),
            ("/a/app.log.20260203", "/a/app.log", dated("20260203")),
            ("/a/app.log.2026-02-03", "/a/app.log", dated("2026-02-03")),
            ("/p/0.log", "", None),
            ("/p/0.log.20260203-040506.gz", "", None),
            ("/p/0.log.bak", "", None),
            ("/p/0.log.-1", "", None),
            ("/p/0", "", None),
        ] {
            let expected = age.map(|age| (PathBuf::from(live), age));
            assert_eq!(rotated(Path::new(name)), expected, "{name}");
        }
        assert!(rotated_by_kubelet(Path::new("/p/0.log.20260203-040506")));
        assert!(!rotated_by_kubelet(Path::new("/p/0.log.20260203")));
        assert!(!rotated_by_kubelet(Path::new("/p/0.log.1")));
    }

    #[test]
    fn older_files_of_a_container_come_first() {
        let rank = |live: &str, at: &str| Rank::of(Path::new(live), Path::new(at));
        let ordered = [
            rank("/p/2.log", "/p/2.log.20260203-040506"),
            rank("/p/2.log", "/p/2.log.20260203-040507.gz"),
            rank("/p/2.log", "/p/2.log.20260203-050607"),
            rank("/p/2.log", "/p/2.log"),
            rank("/p/10.log", "/p/10.log.3"),
            rank("/p/10.log", "/p/10.log.1"),
            rank("/p/10.log", "/p/10.log"),
        ];
        assert!(ordered.is_sorted());
        assert!(ordered.iter().all(|rank| rank.group == Path::new("/p")));
        assert_ne!(rank("/p/a.log", "/p/a.log").group, rank("/p/b.log", "/p/b.log").group);
    }

    #[test]
    fn only_what_the_kubelet_compressed_is_read() {
        for (name, plain, never) in [
            ("/p/0.log.20260203-040506.gz", Some("/p/0.log.20260203-040506"), false),
            ("/p/0.log.gz", None, true),
            ("/p/0.log.1.gz", None, true),
            ("/p/0.log.20260203-040506.gz.tmp", None, true),
            ("/p/0.log.20260203-040506.tmp", None, true),
            ("/p/0.log", None, false),
            ("/p/gz", None, false),
        ] {
            assert_eq!(compressed(Path::new(name)).as_deref(), plain.map(Path::new), "{name}");
            assert_eq!(never_tailed(Path::new(name)), never, "{name}");
        }
    }
}
