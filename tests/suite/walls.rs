//! The walls between the rooms, as ARCHITECTURE.md states them: read off the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms that it may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("yaml", &[]),
    ("frame", &[]),
    ("tail", &[]),
    ("pattern", &["engine", "frame", "yaml"]),
    ("event", &["frame", "pattern"]),
    ("engine", &["event", "pattern"]),
    ("record", &["event", "frame"]),
    ("redact", &["event"]),
    ("classify", &["correlate", "engine", "event", "frame", "pattern", "record", "redact"]),
    ("correlate", &["event", "pattern"]),
    ("export", &["correlate", "event", "pattern"]),
    ("kube", &["classify", "engine", "event", "pattern"]),
    ("agent", &["classify", "correlate", "engine", "event", "frame", "export", "kube", "pattern", "tail", "yaml"]),
    ("cli", &["agent", "classify", "correlate", "engine", "event", "export", "frame", "kube", "pattern", "tail"]),
];

/// Words that only the named rooms may use outside tests.
const RESERVED: &[(&str, &[&str])] = &[
    ("anyhow", &["agent", "cli"]),
    ("tokio::", &["agent", "export", "kube"]),
    ("k8s_openapi", &["kube"]),
    ("tonic::", &["export"]),
    ("inotify::", &["tail"]),
    ("nom::", &["frame", "record"]),
    ("std::fs", &["agent", "cli", "export", "pattern", "tail"]),
    ("Instant::now", &["agent", "export", "kube", "tail"]),
    ("Timestamp::now", &["agent", "cli", "export", "kube", "tail"]),
    ("SystemTime::now", &[]),
    ("println!", &["cli"]),
    ("saphyr", &["yaml"]),
    ("clap::", &["agent", "cli", "frame"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file under a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn is_test(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["tests", "fixture", "check.rs"].iter().any(|word| name.contains(word))
}

/// The text before the tests, without comments.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_room_is_listed() {
    let listed: BTreeSet<&str> = MAY_NAME.iter().map(|(room, _)| *room).collect();
    let there: BTreeSet<String> = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(there.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed);
}

#[test]
fn rooms_name_only_their_neighbours() {
    for (room, allowed) in MAY_NAME {
        for (path, text) in sources(&root().join("src").join(room)).iter().filter(|(path, _)| !is_test(path)) {
            let code = code(text);
            for (other, _) in MAY_NAME.iter().filter(|(other, _)| other != room && !allowed.contains(other)) {
                let names = code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
                assert!(!names, "{}: `{room}` must not know `{other}`", path.display());
            }
        }
    }
}

#[test]
fn some_words_belong_to_some_rooms() {
    for (room, _) in MAY_NAME {
        for (path, text) in sources(&root().join("src").join(room)).iter().filter(|(path, _)| !is_test(path)) {
            for (word, rooms) in RESERVED.iter().filter(|(_, rooms)| !rooms.contains(room)) {
                let used = code(text).contains(word);
                assert!(!used, "{}: `{word}` belongs to {rooms:?}", path.display());
            }
        }
    }
}

#[test]
fn every_module_says_what_it_holds() {
    for (path, text) in sources(&root().join("src")) {
        assert!(text.starts_with("//!") || is_test(&path), "{} begins without a module doc", path.display());
    }
}

#[test]
fn the_map_names_every_room() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, _) in MAY_NAME {
        assert!(map.contains(&format!("`{room}`")), "ARCHITECTURE.md says nothing of `{room}`");
    }
}

/// `unsafe` may stand in the search's byte shuffles, and nowhere else.
#[test]
fn unsafe_code_has_one_place() {
    let root = root().join("src");
    let word = concat!("unsafe", "_code");
    let allows = |text: &str| text.contains(&format!("allow({word})")) || text.contains(&format!("expect({word})"));
    let those: Vec<PathBuf> =
        sources(&root).into_iter().filter(|(_, text)| allows(text)).map(|(path, _)| path).collect();
    assert_eq!(those, [root.join("engine/search/vector.rs")]);
    assert!(fs::read_to_string(root.join("lib.rs")).unwrap().contains(&format!("#![deny({word})]")));
    assert!(!fs::read_to_string(root.join("main.rs")).unwrap().contains("unsafe"));
}
