//! What holds for any sequence of lines.

use proptest::prelude::*;

use super::check::groups;
use super::exception::tests::asked_of_all;
use super::run::Grammar;
use super::words::Words;
use super::{Assembler, Step, dotnet, exception, go, java, may_continue, node, python, rust};

/// Lines of traces, and lines that only look like some.
const TRACE: [&str; 62] = [
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in f",
    "File \"a.py\", line 1, in f",
    "  File \"a.py\", line 3",
    "    go(x)",
    "        y)",
    "go(x)",
    "    ~~^^^",
    "  [Previous line repeated 9 more times]",
    "ValueError: bad",
    "acme.Boom",
    "  Value error, too small",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "\"\"\"",
    "  + Exception Group Traceback (most recent call last):",
    "  | ExceptionGroup: two",
    "  +-+---------------- 1 ----------------",
    "Exception in thread Thread-1:",
    "[SQL: SELECT 1]",
    "...",
    "panic: boom",
    "panic: boom [recovered]",
    "\tpanic: bang",
    "fatal error: all goroutines are asleep - deadlock!",
    "runtime: out of memory",
    "http: panic serving 10.1.2.3:45: boom",
    "SIGSEGV: segmentation violation",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x5]",
    "goroutine 1 [running]:",
    "main.main()",
    "\t/srv/main.go:7 +0x1d",
    "created by main.main",
    "rax    0x0",
    "exit status 2",
    "Exception in thread \"main\" java.io.IOException: shut",
    "java.lang.NullPointerException",
    "org.acme.FarException: far; nested exception is:",
    "\tjava.io.IOException: shut",
    "\tat a.B.c(B.java:1)",
    "at a.B.c(B.java:1)",
    "Caused by: java.io.IOException: shut",
    "\t... 12 more",
    "Unhandled exception. System.IO.IOException: shut",
    " ---> System.IO.IOException: inner",
    "   --- End of inner exception stack trace ---",
    "thread 'main' panicked at src/main.rs:4:5:",
    "thread 'main' panicked at 'no', src/main.rs:4:5",
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "stack backtrace:",
    "   0: acme::main",
    "Caused by:",
    "/srv/app.js:10",
    "   ^",
    "Error: no",
    "Error: no {",
    "    at f (/srv/a.js:1:2)",
    "    at f (/srv/a.js:1:2) {",
    "  code: 'X'",
    "}",
    "Node.js v20.1.0",
    "Require stack:",
];

const PLAIN: [&str; 6] = ["", "  ", "listening", "at last it runs", "  indented", "Config: loaded"];

const PREFIXES: [&str; 12] = [
    "",
    "    ",
    "[rank0]: ",
    "[rank11]: ",
    "(Core_0 pid=12) ERROR 05-04 00:26:01 [core.py:586] ",
    "(Core_1 pid=7) ERROR 05-04 00:26:02 [core.py:12] ",
    "app-1  | ",
    "2031-02-03T04:05:06.7Z ",
    "2031-02-03 04:05:06 ERROR    ",
    "2031-02-03 04:05:06 ERROR ",
    "INFO:     ",
    "ERROR:root:",
];

/// Log lines with headers of their own.
const HEADED: [&str; 23] = [
    "2031-02-03 04:05:06.429 uvicorn.access INFO:     10.1.2.3:4567 - \"POST / HTTP/1.1\" 500 Internal Server Error",
    "2031-02-03 04:05:06.429 uvicorn.error ERROR:    Exception in ASGI application",
    "2031-02-03 04:05:06,279 ERROR - /mnt/fs failed with status 32:",
    "2031-02-03T04:05:06.000001Z     info    ads     push: ok",
    "2031-02-03T04:05:06.000002Z     warn    Epoch 0: starting",
    "2031-02-03 04:05:06,279 ERROR - us-east-1b.fs.example.com:/",
    "2031-02-03 04:05:06,279 ERROR - mount.nfs4: Failed to resolve server",
    "I0203 04:05:06.000007       1 main.go:8] \"Started\" pod=\"a/b\"",
    "E0203 04:05:06.000007       1 main.go:9] failed: no such host",
    "{\"level\":\"info\",\"ts\":1,\"msg\":\"Started\"}",
    "{\"level\":\"error\",\"ts\":1,\"msg\":\"Reconciler error\",\"error\":\"x\"}",
    "2031-02-03 04:05:06 INFO acme: started",
    "2031-02-03 04:05:06,789 - acme - ERROR - failed: Config: bad",
    "INFO:     10.1.2.3:4567 - \"GET / HTTP/1.1\" 200 OK",
    "INFO:     Application startup complete.",
    "ERROR:    Exception in ASGI application",
    "[2031-02-03T04:05:06.789Z] \"GET / HTTP/1.1\" 200 - via_upstream - \"-\" 0 2 1 1 \"-\"",
    "[2031-02-03T04:05:06.789Z] \"GET / HTTP/1.1\" 503 UF upstream_reset - \"-\" 0 2 1 1 \"-\"",
    "(Core_0 pid=12) INFO 05-04 00:26:01 [core.py:586] Loading: weights",
    "(Core_0 pid=12) INFO 05-04 00:26:02 [core.py:590] done",
    "time=\"2031-02-03T04:05:06Z\" level=info msg=\"started\"",
    "2031-02-03T04:05:06.000001Z  INFO acme::main: started",
    "2031-02-03T04:05:06Z\tINFO\tsetup\tstarting manager",
];

fn line() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        12 => prop::sample::select(&TRACE[..]),
        4 => prop::sample::select(&PLAIN[..]),
        2 => prop::sample::select(&HEADED[..]),
    ];
    let trimmed = prop::bool::weighted(0.1);
    (prop::sample::select(&PREFIXES[..]), text, trimmed).prop_map(|(prefix, text, trimmed)| {
        let line = format!("{prefix}{text}");
        if trimmed { line.trim_end().to_owned() } else { line }
    })
}

/// Lines that mostly have one prefix, so that it repeats.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let alike = (prop::sample::select(&PREFIXES[..]), prop::collection::vec(prop::sample::select(&TRACE[..]), 1..30))
        .prop_map(|(prefix, texts)| texts.into_iter().map(|text| format!("{prefix}{text}")).collect());
    let blanks = (prop::sample::select(&PREFIXES[..]), prop::collection::vec(0..TRACE.len() + 20, 1..30)).prop_map(
        |(prefix, picks)| {
            let text = |at: usize| TRACE.get(at).copied().unwrap_or_default();
            picks.into_iter().map(|at| format!("{prefix}{}", text(at))).collect()
        },
    );
    prop_oneof![prop::collection::vec(line(), 1..40), alike, blanks]
}

/// First and last line of the record that holds line `at`, found by walking back and then forward.
fn around(lines: &[&[u8]], at: usize) -> (usize, usize) {
    let mut from = at;
    while from > 0 && may_continue(lines[from - 1], lines[from]) {
        from -= 1;
    }
    let mut start = from;
    for size in groups(&lines[from..]) {
        if start + size > at {
            return (start, start + size);
        }
        start += size;
    }
    unreachable!("the groups cover every line")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// `groups` itself checks that whatever joins or is held may continue.
    #[test]
    fn walking_back_finds_what_walking_forward_does(texts in lines()) {
        let lines: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let mut start = 0;
        for size in groups(&lines) {
            for at in start..start + size {
                prop_assert_eq!(around(&lines, at), (start, start + size), "line {} of {:?}", at, texts);
            }
            start += size;
        }
    }

    #[test]
    fn any_bytes_are_taken(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..12)) {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(groups(&lines).iter().sum::<usize>(), lines.len());
    }

    #[test]
    fn an_exception_is_a_part_of_its_record(texts in lines()) {
        let text = texts.join("\n");
        if let Some(found) = exception(text.as_bytes()) {
            let size = [&found.kind, &found.message, &found.stacktrace].map(|field| field.as_ref().map_or(0, String::len));
            prop_assert!(size.iter().sum::<usize>() > 0 && size.iter().all(|size| *size <= text.len()));
        }
    }

    /// The words decide whom to ask, never what the answer is.
    #[test]
    fn no_trace_begins_without_its_words(text in line()) {
        fn holds<G: Grammar>(line: &[u8]) -> bool {
            G::may_start(line, Words::of(line)) || G::start(line).is_none()
        }
        let line = text.as_bytes();
        prop_assert!(holds::<python::Python>(line) && holds::<go::Go>(line) && holds::<java::Java>(line), "{}", text);
        prop_assert!(holds::<dotnet::DotNet>(line) && holds::<rust::Rust>(line) && holds::<node::Node>(line), "{}", text);
    }

    #[test]
    fn no_exception_is_told_of_without_its_words(texts in lines()) {
        let text = texts.join("\n");
        prop_assert_eq!(exception(text.as_bytes()), asked_of_all(text.as_bytes()));
    }

    #[test]
    fn headed_lines_end_a_record(texts in lines(), headed in prop::sample::select(&HEADED[..])) {
        let lines: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        if let Some(mut assembler) = Assembler::start(lines[0]) {
            let open = lines[1..].iter().all(|line| assembler.push(line) != Step::Closed);
            // What repeats the record's own prefix to the letter, as each line of a record below `INFO:     ` does, is one of its lines.
            let repeats = |prefix: &&str| !prefix.is_empty() && texts[0].starts_with(*prefix) && headed.starts_with(*prefix);
            let own = PREFIXES.iter().any(repeats);
            prop_assert!(!open || own || assembler.push(headed.as_bytes()) == Step::Closed);
        }
    }
}

#[test]
fn a_time_is_no_prefix_where_a_padded_level_follows_it() {
    for level in ["  INFO acme::main: started", "     info    ads     push: ok"] {
        let mut assembler = Assembler::start(b"2031-02-03T04:05:06.7Z java.io.IOException: shut").unwrap();
        assert_eq!(assembler.push(format!("2031-02-03T04:05:06.8Z{level}").as_bytes()), Step::Closed);
    }
}

#[test]
fn ordinary_lines_never_continue_one_another() {
    for prev in HEADED {
        for line in HEADED {
            assert!(!may_continue(prev.as_bytes(), line.as_bytes()), "{prev}\n{line}");
        }
    }
}
