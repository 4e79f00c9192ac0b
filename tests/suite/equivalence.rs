//! The engine and the naive reference say the same of every text, in every framing, however the bytes arrive.

use std::sync::{Arc, LazyLock};

use faultscope::classify::{Classifier, Limits};
use faultscope::event::Event;
use faultscope::frame::Format;
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::Severity;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::naive::{self, Said};
use crate::support::{BUILTIN, events};

/// Lines that healthy programs print, and pieces of traces: what stands around the lines that matter.
const FILLER: &[&str] = &[
    "",
    "{\"severity\":\"INFO\",\"timestamp\":\"2026-03-01T10:00:00.1Z\",\"logger\":\"controller\",\"message\":\"Reconcile succeeded\"}",
    "I0301 10:00:00.123456       1 controller.go:42] \"Starting workers\" count=4",
    "2026-03-01 10:00:00.123 1 kserve INFO [storage.py:download():42] Copying contents of s3://bucket/model to local",
    "INFO:     10.0.0.9:41002 - \"POST /v1/models/iris:predict HTTP/1.1\" 200 OK",
    "[2026-03-01T10:00:00.123Z] \"GET /healthz HTTP/1.1\" 200 - via_upstream - \"-\" 0 2 1 0 \"-\" \"kube-probe/1.30\" \"b4c\" \"iris.ml:80\" \"10.4.0.7:8012\" inbound|8012|| - - - - default",
    "time=\"2026-03-01T10:00:00Z\" level=info msg=\"Workflow step group completed\" workflow=train-x2k",
    "Traceback (most recent call last):",
    "  File \"/app/main.py\", line 12, in <module>",
    "    model.load()",
    "    ~~~~~~~~~~^^",
    "ValueError: could not read the header",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "panic: runtime error: index out of range [3] with length 2",
    "goroutine 1 [running]:",
    "main.main()",
    "\t/src/main.go:14 +0x1d",
    "exit status 2",
    "java.lang.IllegalStateException: no broker",
    "\tat org.example.Main.run(Main.java:10)",
    "Caused by: java.net.ConnectException: Connection refused",
    "thread 'main' panicked at src/main.rs:4:5:",
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "TypeError: x is not a function",
    "    at run (/app/index.js:3:9)",
];

#[derive(Clone, Debug)]
enum Framing {
    Text,
    Cri { cut: Option<usize> },
    Docker,
}

#[derive(Clone, Debug)]
struct Sample {
    text: Vec<u8>,
    container: Option<String>,
    pieces: Vec<usize>,
}

/// Which example or filler line to take, and on which stream to print it.
type Choice = (bool, Index, bool);

fn lines_of(choices: &[Choice]) -> Vec<(String, bool)> {
    let examples: Vec<&str> = BUILTIN
        .set
        .patterns
        .iter()
        .flat_map(|located| located.pattern.tests.fires.iter().chain(&located.pattern.tests.silent))
        .map(|example| example.log.as_str())
        .collect();
    let mut lines = Vec::new();
    for (example, index, stderr) in choices {
        let text = if *example { examples[index.index(examples.len())] } else { FILLER[index.index(FILLER.len())] };
        lines.extend(text.lines().map(|line| (line.to_owned(), *stderr)));
    }
    lines
}

fn framed(lines: &[(String, bool)], framing: &Framing) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (line, stderr)) in lines.iter().enumerate() {
        let stream = if *stderr { "stderr" } else { "stdout" };
        let time = format!("2026-03-01T10:00:{:02}.{}+02:00", number % 60, number + 1);
        match framing {
            Framing::Text => out.extend_from_slice(line.as_bytes()),
            Framing::Docker => {
                let object = serde_json::json!({ "log": format!("{line}\n"), "stream": stream, "time": time });
                out.extend_from_slice(object.to_string().as_bytes());
            }
            Framing::Cri { cut } => {
                let mut rest = line.as_bytes();
                while let Some(size) = cut.filter(|&size| rest.len() > size) {
                    out.extend_from_slice(format!("{time} {stream} P ").as_bytes());
                    out.extend_from_slice(&rest[..size]);
                    out.push(b'\n');
                    rest = &rest[size..];
                }
                out.extend_from_slice(format!("{time} {stream} F ").as_bytes());
                out.extend_from_slice(rest);
            }
        }
        out.push(b'\n');
    }
    out
}

fn sample() -> impl Strategy<Value = Sample> {
    let choices = prop::collection::vec((prop::bool::weighted(0.3), any::<Index>(), prop::bool::weighted(0.3)), 1..24);
    let framing = prop_oneof![
        Just(Framing::Text),
        Just(Framing::Docker),
        prop::option::of(5usize..60).prop_map(|cut| Framing::Cri { cut }),
    ];
    let containers =
        ["kserve-container", "storage-initializer", "networking-istio", "istio-proxy", "controller", "manager"];
    let container = prop::option::of(prop::sample::select(containers.to_vec()));
    let pieces = prop::collection::vec(1usize..3000, 1..6);
    (choices, framing, container, pieces).prop_map(|(choices, framing, container, pieces)| Sample {
        text: framed(&lines_of(&choices), &framing),
        container: container.map(str::to_owned),
        pieces,
    })
}

/// Windows as narrow as they can be while no text of these tests reaches a bound of the records.
static NARROW: LazyLock<Arc<Classifier>> = LazyLock::new(|| {
    let set = PatternSet::builtin().unwrap_or_else(|problems| panic!("{problems:?}"));
    let limits = Limits { lookback_bytes: 2 << 10, ..Limits::default() };
    Arc::new(Classifier { set, format: Format::Auto, limits, min_severity: Severity::Info, redact: false })
});

/// Healthy stretches between the lines that matter, longer than what is looked back on.
fn long_sample() -> impl Strategy<Value = Sample> {
    (prop::collection::vec(sample(), 2..5), prop::collection::vec(100usize..3000, 1..6)).prop_map(
        |(samples, pieces)| {
            let mut text = Vec::new();
            for sample in &samples {
                text.extend_from_slice(&sample.text);
                (0..30).for_each(|number| {
                    text.extend_from_slice(format!("{}{}\n", FILLER[4], number).repeat(2).as_bytes())
                });
            }
            Sample { text, container: samples[0].container.clone(), pieces }
        },
    )
}

fn engine_says(text: &[u8], container: Option<&str>, pieces: &[usize]) -> Vec<Said> {
    said(events(&BUILTIN, text, container, pieces, |_, _| {}))
}

fn said(events: Vec<Event>) -> Vec<Said> {
    // The reference says nothing of what takes several records.
    let alone = |event: &Event| event.pattern.matches.correlation().is_none();
    let mut said: Vec<Said> = events
        .into_iter()
        .filter(alone)
        .map(|event| Said {
            line: event.line,
            last_line: event.last_line,
            stream: event.stream,
            pattern: event.pattern.id.clone(),
            also: event.also.iter().map(|id| id.to_string()).collect(),
        })
        .collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Much more text than a window holds, the window given back after each piece: what was let go of is not missed.
    #[test]
    fn windows_roll_without_a_trace(sample in long_sample()) {
        let container = sample.container.as_deref();
        let want = naive::classify(&NARROW, &sample.text, container);
        let got = said(events(&NARROW, &sample.text, container, &sample.pieces, |stream, events| {
            // Nothing is old enough for a tick to close it.
            stream.tick(Timestamp::UNIX_EPOCH, events);
            stream.park();
        }));
        prop_assert_eq!(got, want);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_says_what_the_naive_reference_says(sample in sample()) {
        let container = sample.container.as_deref();
        let want = naive::classify(&BUILTIN, &sample.text, container);
        let got = engine_says(&sample.text, container, &sample.pieces);
        prop_assert_eq!(got, want, "{}", String::from_utf8_lossy(&sample.text));
    }

    /// A pause may tear a record in two, but gives no line to two records, and leaves nothing waiting.
    #[test]
    fn a_pause_does_nothing_but_close(sample in sample()) {
        let mut got = said(events(&BUILTIN, &sample.text, sample.container.as_deref(), &sample.pieces, |stream, events| {
            stream.flush(Timestamp::UNIX_EPOCH, events);
            assert!(!stream.is_waiting());
        }));
        got.sort_by_key(|said| (said.stream, said.line));
        let twice = got.windows(2).find(|pair| pair[0].stream == pair[1].stream && pair[0].last_line >= pair[1].line);
        prop_assert!(twice.is_none(), "{:?}", twice);
    }

    #[test]
    fn random_bytes_are_no_trouble(
        text in prop::collection::vec(prop_oneof![3 => 0x20u8..0x7f, 1 => any::<u8>(), 1 => Just(b'\n')], 0..2000),
        pieces in prop::collection::vec(1usize..300, 1..4),
    ) {
        prop_assert_eq!(engine_says(&text, None, &pieces), naive::classify(&BUILTIN, &text, None));
    }
}

/// Every firing example of every pattern, one after the other, in every framing.
#[test]
fn real_text_in_every_framing() {
    let examples = BUILTIN.set.patterns.iter().flat_map(|located| &located.pattern.tests.fires);
    let all: Vec<(String, bool)> = examples
        .flat_map(|example| {
            example.log.lines().map(|line| (line.to_owned(), false)).chain([(FILLER[2].to_owned(), false)])
        })
        .collect();
    for chunk in all.chunks(40) {
        for framing in [Framing::Text, Framing::Cri { cut: None }, Framing::Cri { cut: Some(16) }, Framing::Docker] {
            let text = framed(chunk, &framing);
            let want = naive::classify(&BUILTIN, &text, None);
            assert_eq!(engine_says(&text, None, &[text.len()]), want, "{framing:?}");
            assert_eq!(engine_says(&text, None, &[97]), want, "{framing:?} in pieces");
        }
    }
}

/// A literal that a docker fragment cuts in two is found in the joined line.
#[test]
fn a_literal_across_docker_fragments_is_found() {
    let probe = "RuntimeError: Failed to fetch model. The path or model gs://b/m does not exist.";
    for cut in 1..probe.len() {
        let filler = "x".repeat(16384 - cut);
        let mut text = Vec::new();
        for piece in [format!("{filler}{}", &probe[..cut]), format!("{}\n", &probe[cut..])] {
            let object = serde_json::json!({ "log": piece, "stream": "stderr", "time": "2026-03-01T10:00:00Z" });
            text.extend_from_slice(format!("{object}\n").as_bytes());
        }
        let want = naive::classify(&BUILTIN, &text, None);
        assert!(!want.is_empty());
        assert_eq!(engine_says(&text, None, &[5000]), want, "cut at {cut}");
    }
}
