//! Community rules over their own logs: those of the project, and the public ones where they lie beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faultscope::classify::merged::Merged;
use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::frame::Format;
use faultscope::pattern::model::Severity;
use faultscope::pattern::sources;
use faultscope::pattern::{PatternSet, Problem};
use jiff::Timestamp;

/// The folders of a suite: `rule.yaml`, `test.log`, and `test-fp.log` where something must stay silent.
fn folders(suite: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(suite).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.join("rule.yaml").is_file()).collect();
    folders.sort();
    folders
}

fn load(packs: &[PathBuf]) -> Result<PatternSet, Vec<Problem>> {
    let mut all = Vec::new();
    for pack in packs {
        all.extend(sources::read(pack)?);
    }
    PatternSet::load(&all)
}

/// What is found in a log that is read in pieces of this size, the source at rest between them.
fn found(classifier: &Arc<Classifier>, log: &[u8], piece: usize) -> Vec<(String, String)> {
    let now = Timestamp::from_second(1_900_000_000).unwrap();
    let mut stream = Stream::new(classifier.clone(), Source::named("x.log", None), 0, 1);
    let mut events = Vec::new();
    for bytes in log.chunks(piece) {
        stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        stream.advance(bytes.len(), now, &mut events);
        let room = stream.park();
        stream.unpark(room);
    }
    stream.finish(now, &mut events);
    let mut told: Vec<_> = events.into_iter().map(|event| (event.pattern.id.clone(), event.uid)).collect();
    told.sort();
    told
}

/// The same if it is to be merged with others, of which there are none.
fn found_merged(classifier: &Arc<Classifier>, log: &[u8]) -> Vec<(String, String)> {
    let now = Timestamp::from_second(1_900_000_000).unwrap();
    let mut stream = Stream::new(classifier.clone(), Source::named("x.log", None), 0, 1);
    stream.defer_rules();
    let mut events = Vec::new();
    stream.space(log.len())[..log.len()].copy_from_slice(log);
    stream.advance(log.len(), now, &mut events);
    stream.finish(now, &mut events);
    let mut merged = Merged::default();
    merged.take(&mut stream);
    events.extend(merged.finish(classifier, now));
    let mut told: Vec<_> = events.into_iter().map(|event| (event.pattern.id.clone(), event.uid)).collect();
    told.sort();
    told
}

/// What is wrong with one folder.
fn trouble(folder: &Path) -> Option<String> {
    let name = folder.file_name().unwrap().to_string_lossy();
    let set = match load(&[folder.join("rule.yaml")]) {
        Ok(set) => set,
        Err(problems) => return Some(format!("{name}: {}", problems[0])),
    };
    let ids: Vec<String> =
        set.community.iter().flat_map(|all| &all.rules).map(|rule| rule.pattern.id.clone()).collect();
    let classifier = Arc::new(Classifier {
        set,
        format: Format::Auto,
        limits: Limits::default(),
        min_severity: Severity::Info,
        redact: true,
    });
    let log = fs::read(folder.join("test.log")).unwrap();
    let whole = found(&classifier, &log, log.len().max(1));
    if ids.is_empty() || !ids.iter().all(|id| whole.iter().any(|(found, _)| found == id)) {
        return Some(format!("{name}: not detected"));
    }
    if found(&classifier, &log, 1000) != whole {
        return Some(format!("{name}: it makes a difference how the log arrives"));
    }
    let merged = found_merged(&classifier, &log);
    if !ids.iter().all(|id| merged.iter().any(|(found, _)| found == id)) {
        return Some(format!("{name}: not detected once merged"));
    }
    let silent = fs::read(folder.join("test-fp.log")).unwrap_or_default();
    let invented = [found(&classifier, &silent, silent.len().max(1)), found_merged(&classifier, &silent)].concat();
    (!invented.is_empty()).then(|| format!("{name}: speaks in test-fp.log"))
}

fn troubles(suite: &Path) -> (usize, Vec<String>) {
    let folders = folders(suite);
    (folders.len(), folders.iter().filter_map(|folder| trouble(folder)).collect())
}

#[test]
fn rules_of_our_own_detect_their_logs() {
    let (count, troubles) = troubles(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/community"));
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
    assert!(count >= 5);
}

#[test]
fn public_rules_detect_their_logs() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cre-suite");
    let (count, troubles) = troubles(&suite);
    assert!(troubles.is_empty(), "{} of {count} fail:\n{}", troubles.len(), troubles.join("\n"));
    if count == 0 {
        eprintln!("SKIPPED: no public rules lie beside the project");
    }
}

#[test]
fn rules_stand_beside_packs() {
    let community = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/community");
    let mut all = sources::builtin();
    all.extend(sources::read(&community).unwrap());
    let set = PatternSet::load(&all).unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert!(set.patterns.len() > 500 && set.community.is_some_and(|all| all.rules.len() >= 5));
}

/// The rules of a folder, named by the binary's own `--event-source`.
fn scan(args: &[&str], input: &Path) -> (Option<i32>, String, String) {
    let community = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/community");
    let mut command = crate::support::faultscope();
    command.arg("scan").arg("--no-builtin-patterns").arg("--patterns").arg(community).args(["--output", "jsonl"]);
    let output = command.args(args).arg(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn rules_are_held_to_the_containers_of_their_event_source() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/community/out-of-oil/test.log");
    let table: &[(&[&str], bool)] = &[
        (&[], true),
        (&["--container", "saw"], true),
        (&["--container", "saw", "--event-source", "cre.log.pump=pump*,press"], false),
        (&["--container", "press", "--event-source", "cre.log.pump=pump*,press"], true),
        // A container that isn't known may be any.
        (&["--event-source", "cre.log.pump=pump*"], true),
    ];
    for (args, speaks) in table {
        let (status, out, error) = scan(args, &log);
        assert_eq!((status, error.as_str()), (Some(0), ""));
        assert_eq!(!out.is_empty(), *speaks, "{args:?}: {out}");
    }
    let wrong = [
        ("cre.log.pmup=pump", "no rule has the event source `cre.log.pmup`"),
        ("cre.log.pump=[", "`[` is no glob"),
        ("cre.log.pump", "written as SOURCE=GLOB, such as cre.log.redis=redis*"),
    ];
    for (given, want) in wrong {
        let (status, _, error) = scan(&["--event-source", given], &log);
        assert!(status == Some(2) && error.contains(want), "{given}: {error}");
    }
}

#[test]
fn inputs_are_one_log_if_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/community/valve-then-burst/test.log"),
    );
    // Each entry in a file of its own, the last one read first. What is indented belongs to the line before.
    let entries = log.unwrap().replace("\n ", "\r ");
    for (number, entry) in entries.lines().enumerate() {
        let entry = entry.replace('\r', "\n");
        fs::write(folder.path().join(format!("{:03}.log", 900 - number)), format!("{entry}\n")).unwrap();
    }
    let (status, out, _) = scan(&[], folder.path());
    assert_eq!((status, out.as_str()), (Some(0), ""));
    let (status, out, error) = scan(&["--cre-compat"], folder.path());
    assert_eq!((status, error.as_str()), (Some(0), ""));
    assert!(out.lines().count() == 1 && out.contains("CRE-"), "{out}");
}
