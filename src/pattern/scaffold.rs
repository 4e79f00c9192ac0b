//! A new pattern's YAML, made from a log that shows the failure: what can be read off the log is filled in, and the rest is
//! left blank in a way that loading refuses.

pub mod draft;

use std::fmt::Write;

use super::model::{Category, Severity};
use crate::engine::{Healthy, anchor_fragments};

/// What is known of the failure.
pub struct Seed<'a> {
    /// The pattern's id, well formed.
    pub id: &'a str,
    /// The log, out of its framing: the firing example.
    pub log: &'a str,
    /// The container it came from.
    pub container: Option<&'a str>,
    /// How grave its header says it is.
    pub severity: Severity,
    /// The line by which the failure is to be known, behind its header.
    pub message: &'a str,
    /// The decoded record that the line is from: each literal must stand in it.
    pub text: &'a str,
}

/// A fragment less rare than this, a power of two in bytes, stands in many healthy lines.
const MIN_RARITY: f32 = 18.0;

/// More literals than this tie a pattern to one version's wording.
const MAX_LITERALS: usize = 3;

/// The pattern as a pack of its own.
pub fn scaffold(seed: &Seed<'_>) -> String {
    let category = category(seed.text).map_or("''", Category::text);
    let literals: Vec<String> = literals(seed.message, seed.text).into_iter().map(quoted).collect();
    let literals = if literals.is_empty() { "''".into() } else { literals.join(", ") };
    let mut out = format!("patterns:\n  - id: {}\n    title: ''\n", seed.id);
    // Writing to a String can't fail.
    let _ = writeln!(out, "    severity: {}\n    category: {category}", seed.severity.text().to_lowercase());
    if let Some(container) = seed.container {
        let _ = writeln!(out, "    where: {{ container: [{}] }}", quoted(container));
    }
    let _ = writeln!(
        out,
        "    match:\n      all: [{literals}]\n    cause: ''\n    fix:\n      - ''\n    references:\n      - ''"
    );
    let _ = write!(out, "    tests:\n      fires:\n        - log: {}", log(seed.log, 10));
    if let Some(container) = seed.container {
        let _ = write!(out, "\n          container: {}", quoted(container));
    }
    out.push_str("\n      silent:\n        - log: ''\n");
    out
}

/// Words by which a failure's kind can be guessed, in small letters; the first row that has one in the log decides.
const KINDS: &[(Category, &[&str])] = &[
    (Category::Memory, &["out of memory", "outofmemory", "oomkilled", "cannot allocate memory", "memoryerror"]),
    (Category::Certificate, &["x509", "certificate", "tls handshake", "ssl:"]),
    (
        Category::Access,
        &[
            "forbidden",
            "unauthorized",
            "unauthenticated",
            "permission denied",
            "access denied",
            "accessdenied",
            "credential",
        ],
    ),
    (Category::Storage, &["no space left", "no such file", "read-only file system", "volume", "bucket", "mount"]),
    (Category::Image, &["manifest unknown", "pulling image", "pull image", "imagepull", "registry"]),
    (Category::Scheduling, &["insufficient cpu", "insufficient memory", "nodes are available", "unschedulable"]),
    (Category::Capacity, &["quota", "too many", "limit exceeded", "rate limit", "throttl", "exhausted"]),
    (Category::Timeout, &["timed out", "timeout", "deadline exceeded"]),
    (
        Category::Network,
        &[
            "connection refused",
            "connection reset",
            "no such host",
            "unreachable",
            "broken pipe",
            "dial tcp",
            "name resolution",
        ],
    ),
    (Category::Database, &["sqlstate", "deadlock", "database"]),
    (Category::Hardware, &["cuda", "xid", "nvlink", "ecc error"]),
    (Category::Health, &["probe failed", "unhealthy", "not ready", "readiness", "liveness"]),
    (
        Category::Dependency,
        &["modulenotfounderror", "no module named", "no matches for kind", "command not found", "shared object"],
    ),
    (Category::Model, &["load model", "loading model", "model"]),
    (Category::Configuration, &["invalid", "unknown flag", "missing required", "must be", "not supported"]),
    (Category::Crash, &["panic:", "segmentation fault", "traceback", "panicked at"]),
];

fn category(log: &str) -> Option<Category> {
    let log = log.to_lowercase();
    KINDS.iter().find(|(_, words)| words.iter().any(|word| log.contains(word))).map(|(category, _)| *category)
}

/// The rarest runs of fixed words, in the order they stand.
fn literals<'m>(message: &'m str, text: &str) -> Vec<&'m str> {
    let healthy = Healthy::builtin();
    let rarity = |run: &str| anchor_fragments(run.as_bytes(), healthy).map_or(0.0, |found| healthy.rarity(&found[0]));
    let mut runs: Vec<(usize, &str)> = fixed_runs(message).into_iter().enumerate().collect();
    runs.retain(|(_, run)| rarity(run) >= MIN_RARITY && text.contains(run));
    runs.sort_by(|a, b| rarity(b.1).total_cmp(&rarity(a.1)).then(a.0.cmp(&b.0)));
    runs.truncate(MAX_LITERALS);
    runs.sort_unstable();
    let mut literals: Vec<&str> = runs.into_iter().map(|(_, run)| run).collect();
    literals.dedup();
    literals
}

/// What stays of a line when all that varies is taken out: the stretches of words between.
fn fixed_runs(line: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let space = rest.len() - rest.trim_start().len();
        let word_at = at + space;
        let word = line[word_at..].split(char::is_whitespace).next().unwrap_or_default();
        let quote = quoted_end(&line[word_at..]);
        at = word_at + quote.unwrap_or(word.len());
        let fixed = quote.is_none() && !word.is_empty() && !varies(word);
        match (&mut open, fixed) {
            (Some(run), true) => run.1 = at,
            (None, true) => open = Some((word_at, at)),
            (_, false) => runs.extend(open.take()),
        }
    }
    runs.extend(open);
    // Punctuation at the ends joins what varies.
    let trim =
        |(from, to): (usize, usize)| line[from..to].trim_matches(|c: char| c.is_whitespace() || "([{,;".contains(c));
    runs.into_iter().map(trim).filter(|run| !run.is_empty()).collect()
}

/// The length of a quoted name that begins here, with what clings to its end.
fn quoted_end(rest: &str) -> Option<usize> {
    let opened = rest.trim_start_matches(['(', '[', '{']);
    let quote = opened.chars().next().filter(|c| "\"'`".contains(*c))?;
    let inside = rest.len() - opened.len() + 1;
    let close = inside + rest[inside..].find(quote)? + 1;
    let clinging = rest[close..].find(char::is_whitespace).unwrap_or(rest.len() - close);
    Some(close + clinging)
}

/// Numbers, ids, times, paths, addresses, names with a domain, pairs: words that are another log's own.
fn varies(word: &str) -> bool {
    let inner = word.trim_end_matches(['.', ':', ',', ';', '!', '?', ')', ']', '}']);
    let digits = inner.bytes().any(|byte| byte.is_ascii_digit());
    let holds = inner.contains(['/', '=', '@', '\\', '"', '`', '{', '}', '<', '>', '|', '%', '$']);
    let dotted = inner.contains('.') || inner.contains("::");
    let long_hex = inner.len() >= 12 && inner.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    // An exception's name is the program's own, wherever its module is.
    let exception = ["Error", "Exception", "Warning"].iter().any(|end| inner.ends_with(end));
    (digits || holds || dotted || long_hex || !inner.is_ascii()) && !(exception && !digits && !holds)
}

fn quoted(text: &str) -> String {
    match plain(text) && !text.contains('\n') {
        true => format!("'{}'", text.replace('\'', "''")),
        false => escaped(text),
    }
}

/// Nothing that YAML wants escaped?
fn plain(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | ' '..='~' | '…') || (c > '\u{a0}' && c.is_alphanumeric()))
}

/// Between double quotes, on one line.
fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        // Writing to a String can't fail.
        let _ = match c {
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '"' | '\\' => write!(out, "\\{c}"),
            ' '..='~' => write!(out, "{c}"),
            _ => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('"');
    out
}

/// A log as a value behind its key: one line between quotes, several as a block whose lines are indented by `indent`.
fn log(log: &str, indent: usize) -> String {
    let log = log.trim_end_matches('\n');
    // A block can't tell a first line of spaces from its own indentation, nor keep an empty one at its end.
    let block = log.contains('\n') && plain(log) && log.lines().all(|line| line.is_empty() || !line.trim().is_empty());
    if !block || log.starts_with([' ', '\n']) {
        return quoted(log);
    }
    let pad = " ".repeat(indent);
    let lines: Vec<String> =
        log.lines().map(|line| if line.is_empty() { String::new() } else { format!("{pad}  {line}") }).collect();
    format!("|-\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::PatternSet;
    use crate::pattern::sources::PackSource;

    fn load(text: &str) -> Result<PatternSet, Vec<String>> {
        let source = PackSource { name: "p.yaml".into(), text: text.to_owned().into(), builtin: false };
        PatternSet::load(&[source]).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn seed<'a>(log: &'a str, message: &'a str) -> Seed<'a> {
        Seed { id: "web.proxy.lost", log, container: Some("web-1"), severity: Severity::Error, message, text: log }
    }

    /// Whole lines, so that the log stays as it is.
    fn fill(text: &str) -> String {
        let blanks = [
            ("    title: ''", "    title: t"),
            ("    category: ''", "    category: crash"),
            ("      all: ['']", "      all: ['anything at all']"),
            ("    cause: ''", "    cause: c"),
            ("      - ''", "      - f"),
            ("        - log: ''", "        - log: x"),
        ];
        let fill = |line: &str| {
            blanks.iter().find(|(blank, _)| *blank == line).map_or(line.to_owned(), |(_, full)| (*full).into())
        };
        text.split('\n').map(fill).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_varies_is_taken_out() {
        let table: &[(&str, &[&str])] = &[
            (
                "Probing of http://iris.ml:80/ failed, unexpected status code: want [200]",
                &["Probing of", "failed, unexpected status code: want"],
            ),
            (
                "secret \"s3-creds\" (in 'ml') can't be found by its owner",
                &["secret", "in", "can't be found by its owner"],
            ),
            (
                "botocore.exceptions.NoCredentialsError: Unable to locate credentials",
                &["botocore.exceptions.NoCredentialsError: Unable to locate credentials"],
            ),
            ("pod 4f9c0b7e-aaaa-bbbb took 3.5s, gave up at 10:04", &["pod", "took", "gave up at"]),
            ("'unclosed quote stays words", &["'unclosed quote stays words"]),
            ("", &[]),
            ("   12 ", &[]),
        ];
        for (line, want) in table {
            assert_eq!(&fixed_runs(line), want, "{line}");
        }
    }

    #[test]
    fn the_rarest_words_are_proposed() {
        let line = "error: volume pvc-19 attachment watchdog expired, node n-4 unresponsive, kubelet heartbeat missing, lease 7 renewal abandoned";
        assert_eq!(
            literals(line, line),
            [
                "attachment watchdog expired, node",
                "unresponsive, kubelet heartbeat missing, lease",
                "renewal abandoned"
            ]
        );
        assert!(literals("error", "error").is_empty());
        assert!(literals("renewal abandoned", "something else").is_empty());
    }

    #[test]
    fn what_is_printed_loads_once_the_blanks_are_filled() {
        let table = [
            ("E: proxy \"p-1\" lost its upstream listener", "proxy \"p-1\" lost its upstream listener"),
            ("it's: 'quoted' # and - odd: {", "it's: 'quoted' # and - odd: {"),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1\n\n# x\nValueError: pears unripe",
                "ValueError: pears unripe",
            ),
            ("  led by spaces\nand more", "led by spaces"),
            ("\u{1b}[31mred\u{1b}[0m\tlantern — ünlit \u{feff}\u{85}", "red lantern"),
            ("12", "12"),
        ];
        for (log, message) in table {
            let text = scaffold(&seed(log, message));
            assert!(load(&text).is_err(), "{text}");
            // A blank kind hides the other blanks.
            let refused = load(&text.replace("category: ''", "category: crash")).map(|_| ()).unwrap_err();
            for key in ["title", "cause", "fix", "references", "tests.silent"] {
                assert!(refused.iter().any(|problem| problem.contains(&format!("`{key}`"))), "{key}: {refused:?}");
            }
            let set = load(&fill(&text)).map_err(|problems| format!("{problems:?}\n{text}")).unwrap();
            let pattern = &set.patterns[0].pattern;
            assert_eq!(pattern.tests.fires[0].log, log, "{text}");
            assert_eq!(pattern.scope.container, ["web-1"]);
        }
    }

    #[test]
    fn a_whole_scaffold() {
        let log = "2031-03-09T04:05:06Z ERROR dial tcp 10.8.0.9:80: upstream listener gave up";
        insta::assert_snapshot!(scaffold(&seed(log, "dial tcp 10.8.0.9:80: upstream listener gave up")));
    }

    proptest! {
        #[test]
        fn any_log_comes_back_as_it_was(log in "(?s).{0,60}", lines in "([ a-z'\":#\\-\\[|>]{0,9}\n){0,5}") {
            for log in [log, lines] {
                let text = fill(&scaffold(&seed(&format!("x{log}"), &log)));
                let set = load(&text).map_err(|problems| TestCaseError::fail(format!("{problems:?}\n{text}")))?;
                let want = format!("x{log}");
                prop_assert_eq!(&set.patterns[0].pattern.tests.fires[0].log, want.trim_end_matches('\n'), "{}", text);
            }
        }
    }
}
