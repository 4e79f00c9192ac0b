use super::*;

use crate::tail::identity::{Identity, Prefix};
use crate::tail::ledger::Mark;

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn entry(inode: u64, offset: u64, seen: i64) -> Entry {
    let identity = Identity { dev: 7, inode };
    let prefix = Prefix { len: 3, hash: u64::MAX - inode };
    let mut entry = Entry::new(Path::new("/logs/0.log"), identity, prefix, Mark { offset, line: 4 });
    entry.see(time(seen));
    entry
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// What stands in the file, whoever has the folder.
fn saved(folder: &Path) -> Vec<Entry> {
    read(&folder.join(NAME)).unwrap().map_or(Vec::new(), |json| parse(&json).unwrap())
}

fn reopened(folder: &Path) -> Vec<Entry> {
    Checkpoints::open(folder).unwrap().take_entries()
}

#[test]
fn version_1_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), include_str!("../../../tests/data/checkpoints/version-1.json")).unwrap();
    let mut checkpoints = Checkpoints::open(folder.path()).unwrap();
    assert!(!checkpoints.fresh());
    let entries = checkpoints.take_entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].path, "/var/log/pods/shop_cart-7d9f_3c1e/app/0.log");
    assert_eq!(entries[0].identity(), Identity { dev: 66305, inode: 1311 });
    assert_eq!(entries[0].prefix(), Prefix { len: 1024, hash: 0x00f3_a1b2_c4d5_e6f7 });
    assert_eq!(entries[0].mark(), Mark { offset: 52113, line: 407 });
    assert_eq!(entries[1].prefix(), Prefix::default());
    assert!(entries.iter().all(|entry| !entry.done && entry.holder() == entry.identity() && entry.unread() == 0));
}

#[test]
fn version_2_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), include_str!("../../../tests/data/checkpoints/version-2.json")).unwrap();
    let mut checkpoints = Checkpoints::open(folder.path()).unwrap();
    let entries = checkpoints.take_entries();
    let [followed, unfinished, finished] = &entries[..] else {
        panic!("{entries:?}");
    };
    assert_eq!((followed.mark(), followed.unread()), (Mark { offset: 52113, line: 407 }, 7887));
    assert!(followed.was_followed());
    assert_eq!(followed.holder(), followed.identity());
    assert_eq!(unfinished.identity(), Identity { dev: 66305, inode: 1309 });
    assert_eq!(unfinished.holder(), Identity { dev: 66305, inode: 1320 });
    assert_eq!((unfinished.prefix().len, unfinished.unread(), unfinished.done), (1024, 200, false));
    assert!(finished.done && !finished.was_followed());
    // What is written is what was read.
    let written: serde_json::Value = serde_json::from_slice(&entry::to_json(entries).unwrap()).unwrap();
    let fixture = include_str!("../../../tests/data/checkpoints/version-2.json");
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(fixture).unwrap());
}

#[test]
fn what_is_saved_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("not/there/yet");
    let mut checkpoints = Checkpoints::open(&state).unwrap();
    assert!(checkpoints.fresh());
    let files = vec![entry(1, u64::MAX, 3600), entry(2, 0, 7200)];
    checkpoints.save(files.clone(), time(7200)).unwrap();
    assert!(checkpoints.age().is_some());
    drop(checkpoints);
    assert_eq!(reopened(&state), files);
    assert_eq!(names(&state), [NAME, LOCK], "nothing else stays behind");
}

#[test]
fn an_unchanged_state_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::open(folder.path()).unwrap();
    checkpoints.save(vec![entry(1, 10, 7200)], time(7200)).unwrap();
    fs::remove_file(folder.path().join(NAME)).unwrap();
    checkpoints.save(vec![entry(1, 10, 7300)], time(7300)).unwrap();
    assert!(saved(folder.path()).is_empty());
    checkpoints.save(vec![entry(1, 11, 7300)], time(7300)).unwrap();
    assert_eq!(saved(folder.path()).len(), 1);
}

#[test]
fn old_entries_go_and_the_number_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::open(folder.path()).unwrap();
    let now = 100 * KEEP_SECONDS;
    checkpoints.save(vec![entry(1, 1, now), entry(2, 2, now - KEEP_SECONDS - 3600)], time(now)).unwrap();
    assert_eq!(saved(folder.path()), [entry(1, 1, now)]);

    let many = (0..ENTRY_LIMIT as u64).map(|inode| entry(inode, 0, now - 7200));
    checkpoints.save(many.chain([entry(u64::MAX, 5, now)]).collect(), time(now)).unwrap();
    let kept = saved(folder.path());
    assert_eq!(kept.len(), ENTRY_LIMIT);
    assert!(kept.contains(&entry(u64::MAX, 5, now)));
}

#[test]
fn damaged_files_are_set_aside_one_by_one() {
    let sane = r#"{"path":"/a","dev":1,"inode":2,"prefix_len":3,"prefix_hash":"4","offset":5,"line":6,"seen":7}"#;
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        String::new(),
        "{\"version\":1,\"files\":[{".to_string(),
        "\u{0}\u{0}\u{0}".to_string(),
        format!("{{\"version\":0,\"files\":[{sane}]}}"),
        format!("{{\"version\":3,\"files\":[{sane}]}}"),
        format!("{{\"version\":1,\"files\":[{}]}}", sane.replace("\"4\"", "\"zz\"")),
        format!("{{\"version\":1,\"files\":[{}]}}", sane.replace("\"prefix_len\":3", "\"prefix_len\":2000")),
        format!("{{\"version\":1,\"files\":[{}]}}", sane.replace("\"offset\":5", "\"offset\":-5")),
    ];
    for (number, content) in (1..).zip(&cases) {
        fs::write(folder.path().join(NAME), content).unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        let damage = checkpoints.damage().expect(content);
        assert_eq!(damage.aside, folder.path().join(format!("checkpoints.json.damaged-{number}")));
        assert_eq!(&fs::read_to_string(&damage.aside).unwrap(), content);
        assert!(checkpoints.fresh());
    }
    fs::write(folder.path().join(NAME), format!("{{\"version\":1,\"files\":[{sane}]}}")).unwrap();
    assert_eq!(reopened(folder.path()).len(), 1);
}

#[test]
fn damaged_files_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..DAMAGED_LIMIT + 5 {
        fs::write(folder.path().join(NAME), "?").unwrap();
        Checkpoints::open(folder.path()).unwrap();
    }
    assert_eq!(names(folder.path()).len(), DAMAGED_LIMIT as usize + 1);
}

#[test]
fn a_state_folder_that_cannot_be_used_says_which_and_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    fs::write(&file, "").unwrap();
    let error = Checkpoints::open(&file.join("inner")).unwrap_err();
    assert!(matches!(error, CheckpointError::Unwritable { .. }));
    let text = error.to_string();
    assert!(text.contains(&file.join("inner").display().to_string()), "{text}");
    assert!(text.contains("state_dir"), "{text}");

    fs::create_dir(folder.path().join(NAME)).unwrap();
    let error = Checkpoints::open(folder.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::Unreadable { .. }), "{error}");
}

#[test]
fn a_second_agent_is_told_which_folder_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let first = Checkpoints::open(folder.path()).unwrap();
    let error = Checkpoints::open(folder.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    drop(first);
    Checkpoints::open(folder.path()).unwrap();
}

#[test]
fn on_a_full_disk_the_checkpoints_written_before_stay_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::open(folder.path()).unwrap();
    checkpoints.save(vec![entry(1, 10, 7200)], time(7200)).unwrap();
    // Every write to this device fails as on a full disk.
    std::os::unix::fs::symlink("/dev/full", temporary(folder.path())).unwrap();
    let error = checkpoints.save(vec![entry(1, 11, 7200)], time(7200)).unwrap_err();
    let CheckpointError::Unsaved { source, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains(&folder.path().join(NAME).display().to_string()), "{error}");
    assert_eq!(checkpoints.failures(), 1);
    assert_eq!(saved(folder.path()), [entry(1, 10, 7200)]);
    assert_eq!(names(folder.path()), [NAME, LOCK], "half a file would only take up space");

    // There is space again: what couldn't be written is, though it hasn't changed since.
    checkpoints.save(vec![entry(1, 11, 7200)], time(7200)).unwrap();
    assert_eq!(saved(folder.path()), [entry(1, 11, 7200)]);
}
