//! The tailer on real files. Most tests pass the time in, so that a walk happens when the test says so; those that wait for hints loop
//! until a deadline.

mod bounds;
mod compressed;
mod first_start;
mod losses;
mod model;
mod reader;
mod rotation;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use reader::*;

/// Long enough for every grace and for the next walk.
const LATER: Duration = Duration::from_secs(2 * 3600);
const NOW: Timestamp = Timestamp::constant(1_770_000_000, 0);

#[test]
fn growth_and_new_files_are_noticed_by_hints() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\n"));
    assert!(!reader.tailer.stats().polling);
    reader.append("pod/0.log", "two\n");
    reader.append("other/5.log", "new\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\ntwo\n") && reader.text_is("5.log", "new\n"));
    reader.append("other/5.log", "more\n");
    reader.read_until(|reader| reader.text_is("5.log", "new\nmore\n"));
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_known, stats.files_open, stats.bytes_read, stats.lag_bytes), (2, 2, 17, 0));
}

#[test]
fn pods_that_come_in_pieces_are_found_by_hints_alone() {
    let mut reader = Reader::new(|config| config.include[0] = config.include[0].replace("*/*.log", "*/*/*.log"));
    reader.restart();
    let root = reader.path("");
    let pods = 60;
    let making = std::thread::spawn(move || {
        for pod in 0..pods {
            // The folders are found at different moments of their making.
            let pause = || std::thread::sleep(Duration::from_micros(pod * 67 % 3000));
            let folder = root.join(format!("ns_pod-{pod}_uid"));
            fs::create_dir(&folder).unwrap();
            pause();
            fs::create_dir(folder.join("app")).unwrap();
            pause();
            append(&folder.join("app/0.log"), &format!("words of {pod}\n"));
            pause();
        }
    });
    reader
        .read_until(|reader| reader.streams.values().filter(|stream| !stream.text.is_empty()).count() == pods as usize);
    making.join().unwrap();
    // Last words come just before all goes at once; what is open is read to its end.
    for pod in 0..pods {
        reader.append(&format!("ns_pod-{pod}_uid/app/0.log"), "last words\n");
        fs::remove_dir_all(reader.path(&format!("ns_pod-{pod}_uid"))).unwrap();
    }
    reader.read_until(|reader| reader.streams.values().all(|stream| stream.ended));
    assert!(reader.streams.values().all(|stream| stream.text.ends_with("last words\n")));
    reader.checkpoint();
    let stats = reader.tailer.stats();
    assert_eq!((stats.files_open, stats.files_known, stats.lost), (0, 0, Losses::default()));
}

#[test]
fn a_new_pod_whose_log_has_the_inode_of_an_old_one_is_opened_at_once() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod-0/0.log", "words\n");
    reader.read_until(|reader| reader.text_is("0.log", "words\n"));
    let inode =
        |reader: &Reader, pod: usize| Identity::of(&fs::metadata(reader.path(&format!("pod-{pod}/0.log"))).unwrap());
    let first = inode(&reader, 0);
    fs::remove_dir_all(reader.path("pod-0")).unwrap();
    reader.read_until(|reader| reader.streams.values().all(|stream| stream.ended));
    reader.checkpoint();
    // Walks would find it too, so there are none.
    reader.tailer.earliest_scan = Instant::now() + LATER;
    for pod in 1..50 {
        reader.append(&format!("pod-{pod}/0.log"), &format!("words of {pod}\n"));
        if inode(&reader, pod) == first {
            break;
        }
    }
    let last = fs::read_dir(reader.path("")).unwrap().count();
    reader.read_until(|reader| reader.streams.values().any(|stream| stream.text == format!("words of {last}\n")));
}

#[test]
fn hints_arrive_where_the_log_root_is_itself_a_link() {
    let mut reader = Reader::new(|_| {});
    let link = reader.folder.path().join("way-to-the-logs");
    symlink(reader.path(""), &link).unwrap();
    let through_link = link.join("*/*.log").display().to_string();
    reader.config.include.insert(0, through_link);
    reader.restart();
    reader.append("pod/0.log", "one\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\n"));
    reader.append("pod/0.log", "two\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\ntwo\n"));
    assert_eq!(reader.streams.len(), 1);
}

#[test]
fn without_inotify_everything_still_arrives() {
    let mut reader = Reader::new(|config| config.rescan = Duration::from_millis(100));
    reader.tailer.watch = Watch::with(|| Err(io::Error::from_raw_os_error(libc::EMFILE)));
    reader.append("pod/0.log", "one\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\n"));
    assert!(reader.tailer.stats().polling);
    reader.append("pod/0.log", "two\n");
    reader.append("pod/1.log", "next\n");
    reader.read_until(|reader| reader.text_is("0.log", "one\ntwo\n") && reader.text_is("1.log", "next\n"));
}

#[test]
fn a_start_at_the_end_begins_after_the_last_whole_line() {
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::End);
    reader.append("pod/0.log", "old\nolder\nhalf");
    reader.append("pod/1.log", "no newline at all");
    reader.append("pod/0.log.20260203-040506", "long gone\n");
    reader.read_all();
    assert_eq!(reader.texts(), pairs(&[("0.log", "half"), ("1.log", "no newline at all")]));
    assert_eq!(reader.streams.values().next().unwrap().start, Mark { offset: 10, line: 3 });
    reader.append("pod/0.log", " and half\n");
    reader.append("pod/2.log", "from its start\n");
    reader.read_later();
    assert!(reader.text_is("0.log", "half and half\n"));
    assert!(reader.text_is("2.log", "from its start\n"));
    assert_eq!(reader.streams.len(), 3, "what was rotated before us stays unread");

    // What grew and what appeared while nobody looked is read whole, whatever read_from says.
    reader.checkpoint();
    reader.append("pod/3.log", "meanwhile\n");
    reader.append("pod/2.log", "more\n");
    reader.restart();
    reader.read_later();
    let expected = [("1.log", "no newline at all"), ("2.log", "more\n"), ("3.log", "meanwhile\n")];
    assert_eq!(reader.texts(), pairs(&expected));
}

#[test]
fn a_restart_goes_on_at_the_first_unacknowledged_byte() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\ntwo\nthree\nfo");
    reader.read_all();
    let id = *reader.streams.keys().next().unwrap();
    reader.checkpoint();
    reader.restart();
    reader.append("pod/0.log", "ur\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "four\n")]));
    assert_eq!(reader.streams[&id].start, Mark { offset: 14, line: 4 });

    // An event that isn't acknowledged holds the place of its record, with its line.
    reader.acknowledge = false;
    reader.append("pod/0.log", "five\nsix\n");
    reader.read_later();
    let unit = reader.tailer.ledger().sent(id, Mark { offset: 19, line: 5 });
    reader.tailer.ledger().settle(id, Mark { offset: 28, line: 7 });
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "five\nsix\n")]));
    assert_eq!(reader.streams[&id].start.line, 5);

    reader.tailer.ledger().done(unit);
    reader.tailer.ledger().settle(id, Mark { offset: 28, line: 7 });
    reader.checkpoint();
    reader.restart();
    reader.read_later();
    assert!(reader.streams.is_empty());
}

#[test]
fn an_inode_with_other_content_is_another_file() {
    let mut reader = Reader::new(|_| {});
    reader.append("pod/0.log", "one\ntwo\n");
    reader.read_all();
    reader.checkpoint();
    // The same inode under the same name, as when a file is deleted and its number handed out again.
    fs::write(reader.path("pod/0.log"), "another program's words\n").unwrap();
    reader.restart();
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "another program's words\n")]));
    reader.checkpoint();
    reader.rename("pod/0.log", "pod/7.log");
    reader.restart();
    reader.read_later();
    assert!(reader.streams.is_empty(), "a new name is not a new file: {:?}", reader.streams);
}

#[test]
fn a_damaged_checkpoint_means_a_first_start() {
    let mut reader = Reader::new(|config| config.read_from = ReadFrom::End);
    reader.append("pod/0.log", "one\n");
    reader.read_all();
    reader.checkpoint();
    fs::write(reader.folder.path().join("state/checkpoints.json"), "{\"version\":1,\"fi").unwrap();
    reader.append("pod/0.log", "two\n");
    reader.restart();
    assert!(reader.tailer.checkpoints.damage().is_some());
    reader.read_later();
    reader.append("pod/0.log", "three\n");
    reader.read_later();
    assert_eq!(reader.texts(), pairs(&[("0.log", "three\n")]));
    assert_eq!(reader.streams.values().next().unwrap().start.line, 3);
}

#[test]
fn excluded_compressed_and_unmatched_files_are_left_alone() {
    let mut reader = Reader::new(|config| config.include[0] = config.include[0].replace("*/*.log", "**/*.[lgt]*"));
    reader.config.exclude = vec![reader.path("noisy*/**").display().to_string(), "/**/1.log".to_string()];
    reader.restart();
    for name in [
        "a/0.log",
        "a/1.log",
        "noisy/0.log",
        "noisy/b/0.log",
        "a/0.log.gz",
        "a/0.log.tmp",
        "a/0.txt",
        "a/b/c/3.log",
        "a/0.out",
    ] {
        reader.append(name, "words\n");
    }
    reader.read_all();
    let mut names: Vec<_> = reader.texts().into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["0.log", "0.txt", "3.log"]);
}

#[test]
fn links_are_followed_inside_the_log_folders_only() {
    let mut reader = Reader::new(|_| {});
    let outside = reader.folder.path().join("secret");
    append(&outside.join("0.log"), "secret\n");
    reader.append("real/data.txt", "words\n");
    fs::create_dir(reader.path("links")).unwrap();
    symlink(reader.path("real/data.txt"), reader.path("links/good.log")).unwrap();
    symlink(reader.path("real/data.txt"), reader.path("links/same.log")).unwrap();
    symlink(outside.join("0.log"), reader.path("links/bad.log")).unwrap();
    symlink(reader.path("nowhere"), reader.path("links/dangling.log")).unwrap();
    symlink(&outside, reader.path("folder")).unwrap();
    symlink(reader.path(""), reader.path("links/folder.log")).unwrap();
    reader.read_all();
    reader.read_later();
    let texts = reader.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(texts[0].1, "words\n");
    assert_eq!(reader.tailer.stats().refused, 2);
}

#[test]
fn few_descriptors_are_enough_for_many_files() {
    let mut reader = Reader::new(|config| config.max_open_files = 2);
    let names: Vec<String> = (0..6).map(|number| format!("pod{number}/0.log")).collect();
    for round in 0..3 {
        for name in &names {
            reader.append(name, &format!("{name} {round}\n"));
        }
        reader.read_later();
        assert!(reader.tailer.stats().files_open <= 2);
    }
    for (stream, name) in reader.streams.values().zip(&names) {
        assert_eq!(stream.text, format!("{name} 0\n{name} 1\n{name} 2\n"));
    }
    assert_eq!(reader.streams.len(), names.len());
}

#[test]
fn idle_files_give_up_their_descriptor_before_those_with_something_to_read() {
    let mut reader = Reader::new(|config| config.max_open_files = 2);
    reader.append("a/0.log", "one\n");
    reader.append("b/0.log", "two\n");
    reader.read_all();
    reader.append("a/0.log", "saved\n");
    reader.append("c/0.log", "");
    reader.tailer.sweep(Instant::now() + LATER);
    fs::remove_dir_all(reader.path("a")).unwrap();
    reader.read_later();
    assert!(reader.text_is("0.log", "one\nsaved\n"));
    assert_eq!(reader.tailer.stats().lost, Losses::default());
}

#[test]
fn an_inode_handed_on_while_its_file_was_closed_is_another_file() {
    let mut reader = Reader::new(|config| config.max_open_files = 1);
    reader.append("a/0.log", "one\n");
    reader.append("b/0.log", "two\n");
    reader.read_all();
    reader.rename("a/0.log", "b/9.log");
    fs::write(reader.path("b/9.log"), "another program's words\n").unwrap();
    reader.read_later();
    assert!(reader.text_is("0.log", "one\n"));
    assert!(reader.text_is("9.log", "another program's words\n"));
}

#[test]
fn globs_that_cannot_work_are_refused() {
    for (include, exclude) in
        [(&["/logs/[*.log"][..], &[][..]), (&["/logs/**"], &[]), (&["/"], &[]), (&["/l/*"], &["/**a"])]
    {
        let own = |globs: &[&str]| globs.iter().map(|glob| glob.to_string()).collect::<Vec<_>>();
        assert!(Globs::new(&own(include), &own(exclude)).is_err(), "{include:?} {exclude:?}");
    }
}
