//! Lines and paths as runtimes and kubelets write them, and what must hold for any bytes.

use proptest::prelude::*;

use super::{path::LogPath, *};

struct Expected {
    time: &'static str,
    stream: Stream,
    partial: bool,
    content: &'static [u8],
}

fn expect(time: &'static str, stream: Stream, partial: bool, content: &'static [u8]) -> Expected {
    Expected { time, stream, partial, content }
}

fn check(line: &[u8], kind: FrameKind, expected: Expected) {
    let frame = decode(line, Format::Auto);
    let shown = String::from_utf8_lossy(line);
    assert_eq!(frame.kind, kind, "{shown}");
    assert_eq!(frame.time, Some(expected.time.parse().unwrap()), "{shown}");
    assert_eq!(frame.stream, Some(expected.stream), "{shown}");
    assert_eq!(frame.partial, expected.partial, "{shown}");
    assert_eq!(frame.content, expected.content, "{shown}");
}

#[test]
fn cri_lines() {
    use Stream::{Stderr, Stdout};
    let table: &[(&[u8], Expected)] = &[
        (
            b"2031-03-09T04:05:06.123456789Z stdout F harvest done",
            expect("2031-03-09T04:05:06.123456789Z", Stdout, false, b"harvest done"),
        ),
        // Trailing zeros of the fraction are not written, all nine if need be.
        (b"2031-03-09T04:05:06.12Z stderr F x", expect("2031-03-09T04:05:06.12Z", Stderr, false, b"x")),
        (b"2031-03-09T04:05:06Z stderr F x", expect("2031-03-09T04:05:06Z", Stderr, false, b"x")),
        // The node's own zone.
        (b"2031-03-09T04:05:06.5+02:00 stdout F x", expect("2031-03-09T02:05:06.5Z", Stdout, false, b"x")),
        (b"2031-03-09T04:05:06.5-03:30 stdout F x", expect("2031-03-09T07:35:06.5Z", Stdout, false, b"x")),
        // A fragment; it may end within a character, and in a `\r` that is not the line's end.
        (b"2031-03-09T04:05:06Z stdout P caf\xc3", expect("2031-03-09T04:05:06Z", Stdout, true, b"caf\xc3")),
        (b"2031-03-09T04:05:06Z stdout P 40%\r", expect("2031-03-09T04:05:06Z", Stdout, true, b"40%\r")),
        (b"2031-03-09T04:05:06Z stdout F 50%\r", expect("2031-03-09T04:05:06Z", Stdout, false, b"50%")),
        // Tags behind the first.
        (b"2031-03-09T04:05:06Z stdout P:later:X=1 x", expect("2031-03-09T04:05:06Z", Stdout, true, b"x")),
        // Empty content, with and without its blank.
        (b"2031-03-09T04:05:06Z stdout F ", expect("2031-03-09T04:05:06Z", Stdout, false, b"")),
        (b"2031-03-09T04:05:06Z stdout F", expect("2031-03-09T04:05:06Z", Stdout, false, b"")),
        (b"2031-03-09T04:05:06Z stdout F:later", expect("2031-03-09T04:05:06Z", Stdout, false, b"")),
        // Blanks at either end are the program's.
        (b"2031-03-09T04:05:06Z stdout F   x  ", expect("2031-03-09T04:05:06Z", Stdout, false, b"  x  ")),
        // Content that looks like an envelope stays as it is.
        (
            b"2031-03-09T04:05:06Z stdout F 2031-03-09T04:05:06Z stderr P x",
            expect("2031-03-09T04:05:06Z", Stdout, false, b"2031-03-09T04:05:06Z stderr P x"),
        ),
    ];
    for (line, expected) in table {
        check(line, FrameKind::Cri, Expected { ..*expected });
    }
}

#[test]
fn a_line_beside_one_that_is_known() {
    let known = b"2031-03-09T04:05:06.5Z stdout F x";
    let table: &[(&[u8], Option<Stream>)] = &[
        (b"2031-03-09T04:05:59.123456789Z stderr F y", Some(Stream::Stderr)),
        (b"2031-03-09T04:05:00Z stdout P y", Some(Stream::Stdout)),
        (b"2031-03-09T04:06:00Z stdout F y", None),
        (b"2031-03-09T04:05:60Z stdout F y", None),
        (b"2031-03-09T04:05:07+02:00 stdout F y", None),
        (b"2031-03-09T04:05:07Z stdout X y", None),
        (b"2031-03-09T04:05:07Z no envelope", None),
        (b"2031-03-09T04:05:", None),
    ];
    for (line, want) in table {
        assert_eq!(stream_beside(known, line), *want, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn docker_lines() {
    use Stream::{Stderr, Stdout};
    let table: &[(&[u8], Expected)] = &[
        (
            br#"{"log":"harvest done\n","stream":"stdout","time":"2031-03-09T04:05:06.123456789Z"}"#,
            expect("2031-03-09T04:05:06.123456789Z", Stdout, false, b"harvest done"),
        ),
        (
            br#"{"time":"2031-03-09T04:05:06Z","attrs":{"tag":"x","n":[1]},"stream":"stderr","log":"a \"b\"\tc\r\n"}"#,
            expect("2031-03-09T04:05:06Z", Stderr, false, b"a \"b\"\tc"),
        ),
        (
            r#"{"log":"caf\u00e9 \ud83c\udf50","stream":"stdout","time":"2031-03-09T04:05:06+01:00"}"#.as_bytes(),
            expect("2031-03-09T03:05:06Z", Stdout, true, "café 🍐".as_bytes()),
        ),
        (
            br#"{"log":"\n","stream":"stdout","time":"2031-03-09T04:05:06Z"}"#,
            expect("2031-03-09T04:05:06Z", Stdout, false, b""),
        ),
    ];
    for (line, expected) in table {
        check(line, FrameKind::Docker, Expected { ..*expected });
    }
    let plain = decode(br#"{"log":"no escapes here","stream":"stdout"}"#, Format::Docker);
    assert!(matches!(plain.content, Cow::Borrowed(b"no escapes here")), "nothing to decode, nothing to copy");
    assert_eq!((plain.time, plain.kind), (None, FrameKind::Docker));
}

#[test]
fn what_is_in_no_envelope_is_text() {
    let table: &[&[u8]] = &[
        b"",
        b"plain words",
        b"2031-03-09T04:05:06Z a program's own time",
        b"2031-03-09T04:05:06Z stdout X tag that no runtime writes",
        b"2031-03-09T04:05:06Z stdout Full",
        b"2031-03-09T04:05:06Z stdin F x",
        b"2031-03-09 04:05:06Z stdout F x",
        b"2031-03-09T04:05:06 stdout F no zone",
        b"2031-02-30T04:05:06Z stdout F no such day",
        b"2031-03-09T04:05:06.Z stdout F x",
        br#"{"log":"an application's own key"}"#,
        br#"{"log":{"level":"info"},"stream":"stdout"}"#,
        br#"{"log":"x","stream":"orders","time":"yesterday"}"#,
        br#"{"msg":"x","stream":"stdout","time":"2031-03-09T04:05:06Z"}"#,
        br#"{"log":"cut off","stream":"std"#,
    ];
    for line in table {
        for format in [Format::Auto, Format::Cri, Format::Docker, Format::Text] {
            let frame = decode(line, format);
            assert_eq!((frame.kind, frame.content.as_ref()), (FrameKind::Text, *line));
            assert_eq!((frame.time, frame.stream, frame.partial), (None, None, false));
        }
    }
    assert_eq!(decode(b"from Windows\r", Format::Auto).content.as_ref(), b"from Windows");
}

#[test]
fn a_forced_format_is_the_only_one_tried() {
    let cri = b"2031-03-09T04:05:06Z stdout F x";
    let docker = br#"{"log":"x\n","stream":"stdout","time":"2031-03-09T04:05:06Z"}"#;
    assert_eq!(decode(cri, Format::Cri).kind, FrameKind::Cri);
    assert_eq!(decode(cri, Format::Docker).kind, FrameKind::Text);
    assert_eq!(decode(docker, Format::Docker).kind, FrameKind::Docker);
    assert_eq!(decode(docker, Format::Cri).kind, FrameKind::Text);
    assert_eq!(decode(cri, Format::Text).kind, FrameKind::Text);
}

fn log_path(pod: &str, uid: Option<&str>, restart: Option<u32>, rotated: bool, id: Option<&str>) -> LogPath {
    LogPath {
        namespace: "orchard".into(),
        pod: pod.into(),
        uid: uid.map(Into::into),
        container: "cider-press".into(),
        restart,
        rotated,
        container_id: id.map(Into::into),
    }
}

#[test]
fn paths() {
    const UID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    const HASH: &str = "00112233445566778899aabbccddeeff";
    let id = "0123456789abcdef".repeat(4);
    let folder = format!("orchard_pear.0_{UID}/cider-press");
    let live = log_path("pear.0", Some(UID), Some(0), false, None);
    let rotated = log_path("pear.0", Some(UID), Some(12), true, None);
    let table = [
        (format!("/var/log/pods/{folder}/0.log"), live.clone()),
        (format!("bundle/node-3/pods/{folder}/0.log"), live.clone()),
        (format!("{folder}/0.log"), live),
        (format!("/var/log/pods/{folder}/12.log.20310309-040506"), rotated.clone()),
        (format!("/var/log/pods/{folder}/12.log.20310309-040506.gz"), rotated.clone()),
        (format!("/copied/{folder}/12.log.gz"), rotated),
        (
            format!("/var/log/pods/orchard_pear-node1_{HASH}/cider-press/3.log"),
            log_path("pear-node1", Some(HASH), Some(3), false, None),
        ),
        (
            format!("/var/log/containers/pear.0_orchard_cider-press-{id}.log"),
            log_path("pear.0", None, None, false, Some(&id)),
        ),
    ];
    for (path, expected) in table {
        assert_eq!(path::parse(&path), Some(expected), "{path}");
    }
}

#[test]
fn a_symlink_name_cut_by_the_limit_has_no_id() {
    let pod = "p".repeat(190);
    let stem = format!("{pod}_orchard_cider-press-");
    let name = format!("{stem}{}.log", "a".repeat(255 - 4 - stem.len()));
    assert_eq!(path::parse(&name), Some(log_path(&pod, None, None, false, None)));
}

#[test]
fn paths_of_something_else() {
    let table = [
        "",
        "/",
        "0.log",
        "cider-press/0.log",
        "/var/log/syslog",
        "/var/log/pods/orchard_pear_short/cider-press/0.log",
        "/var/log/pods/orchard_pear_extra_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/cider-press/0.log",
        "/var/log/pods/orchard_pear_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/cider-press/x.log",
        "/var/log/pods/orchard_pear_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/cider-press/+1.log",
        "/var/log/pods/orchard_pear_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/cider-press/0.log.20310309",
        "/var/log/pods/orchard_pear_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/cider-press/99999999999.log",
        "/var/log/pods/orchard_pear_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/../0.log",
        "/var/log/containers/pear_orchard_cider-press-0123456789abcdef.log",
    ];
    for path in table {
        assert_eq!(path::parse(path), None, "{path}");
    }
}

proptest! {
    #[test]
    fn a_line_is_never_lost(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Auto, Format::Cri, Format::Docker, Format::Text] {
            let frame = decode(&line, format);
            if frame.kind == FrameKind::Text {
                prop_assert_eq!(frame.content.as_ref(), without_return(&line));
            }
        }
    }

    #[test]
    fn cri_gives_back_what_was_put_in(
        content in proptest::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n' && *byte != b'\r'), 0..80),
        nanosecond in 0..1_000_000_000_i32,
        partial: bool,
    ) {
        let time = Timestamp::new(1_930_000_000, nanosecond).unwrap();
        let mut line = format!("{time} stderr {} ", if partial { 'P' } else { 'F' }).into_bytes();
        line.extend_from_slice(&content);
        let frame = decode(&line, Format::Auto);
        prop_assert_eq!(frame.kind, FrameKind::Cri);
        prop_assert_eq!((frame.time, frame.partial), (Some(time), partial));
        prop_assert_eq!(frame.content.as_ref(), content.as_slice());
        let marked = CRI_PARTIAL_MARKS.iter().any(|mark| line.windows(mark.len()).any(|window| window == *mark));
        prop_assert!(marked || !partial, "a fragment carries the mark");
    }

    #[test]
    fn what_a_line_beside_tells_is_what_decoding_tells(
        known in "(2031-03-09|2031-13-09|9999-12-31)T(04:05|23:59|24:00):[0-6][0-9](\\.[0-9]{1,10})?(Z|\\+02:00|z) std(out|err) [FP] x",
        time in "((2031-03-09|2031-13-09|9999-12-31)T(04:05|23:59|24:00):)?[0-6][0-9](\\.[0-9]{0,11})?(Z|\\+02:00|z)?",
        rest in " ?(stdout|stderr|stdin) ?[FPX]?[ :]?.{0,6}",
    ) {
        let line = format!("{time}{rest}");
        if let Some(stream) = stream_beside(known.as_bytes(), line.as_bytes())
            && decode(known.as_bytes(), Format::Cri).kind == FrameKind::Cri
        {
            prop_assert_eq!(decode(line.as_bytes(), Format::Cri).stream, Some(stream), "{} beside {}", line, known);
        }
    }

    #[test]
    fn docker_gives_back_what_was_put_in(content in "[^\r\n]{0,60}", partial: bool) {
        let end = if partial { "" } else { "\n" };
        let object = serde_json::json!({"log": format!("{content}{end}"), "stream": "stdout", "time": "2031-03-09T04:05:06Z"});
        let line = object.to_string();
        let frame = decode(line.as_bytes(), Format::Auto);
        prop_assert_eq!((frame.kind, frame.partial), (FrameKind::Docker, partial));
        prop_assert_eq!(frame.content.as_ref(), content.as_bytes());
    }

    #[test]
    fn any_path_is_read_or_refused(path in ".{0,80}") {
        if let Some(read) = path::parse(&path) {
            prop_assert!(path.contains(&read.container));
        }
    }
}
