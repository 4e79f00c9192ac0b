//! Which fragments to look for in raw blocks.
//!
//! An anchor stands in the raw bytes of every line that could match, whatever the framing. So it holds only bytes
//! that no log framing or encoder escapes, and it is chosen to be rare in healthy logs: each hit costs a line.

use super::required::Clause;

/// Anchors shorter than this hit too often to be worth having.
pub const MIN_ANCHOR: usize = 3;

/// Words that healthy logs are full of. A fragment made of these alone is a poor anchor.
#[rustfmt::skip] // A word a line would make pages of it.
const COMMON_WORDS: &[&str] = &[
    "access", "all", "amazonaws", "and", "api", "app", "are", "at", "authority", "aws", "been", "by", "bytes",
    "cache", "caller", "client", "cluster", "code", "com", "complete", "config", "configuration", "connect",
    "connected", "connection", "container", "controller", "controllers", "could", "created", "data", "default",
    "deployment", "details", "dev", "does", "done", "enginecore", "envoy", "error", "errors", "event", "exception",
    "exit", "failed", "failure", "false", "file", "flags", "for", "from", "gateway", "get", "go", "got", "has",
    "have", "health", "healthz", "host", "http", "https", "in", "inbound", "inferenceservice", "info", "ingress",
    "init", "invalid", "is", "istio", "java", "job", "key", "knative", "kserve", "kubernetes", "level", "line",
    "local", "log", "main", "message", "method", "model", "models", "module", "msg", "name", "namespace", "net",
    "no", "node", "not", "null", "object", "of", "on", "open", "org", "out", "outbound", "path", "pod", "pods",
    "port", "post", "predict", "predictor", "probe", "process", "proxy", "queue", "ready", "received", "reconcile",
    "reconciler", "reconciling", "request", "resource", "response", "retry", "revision", "route", "run", "running",
    "server", "service", "serving", "severity", "size", "start", "started", "state", "status", "stderr", "stdout",
    "step", "storage", "svc", "sync", "system", "task", "the", "this", "thread", "time", "timeout", "timestamp",
    "to", "true", "type", "unable", "update", "updated", "updating", "upstream", "uri", "url", "user", "uvicorn",
    "v", "value", "version", "volume", "waiting", "warn", "warning", "was", "while", "with", "worker",
];

/// What such a word is worth: two or three in a row are rarer than one.
const COMMON_WORTH: usize = 3;

/// Is this a byte that every framing and encoder leaves as it is?
///
/// JSON encoders escape `"`, `\` and control characters; Go's escapes `<`, `>`, `&`; Gson escapes `=` and `'` too;
/// many escape everything beyond ASCII.
fn safe(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !b"\"\\<>&='".contains(&byte)
}

/// A fragment worth this much needs no quotes to help it.
const GOOD_WORTH: usize = 12;

/// The byte strings of which one stands in the raw line wherever the literal stands in the text, if the literal has a usable part.
///
/// That is the most useful run of safe bytes. Quotes are let in where nothing else is rare enough: they stand in raw bytes as they
/// are, escaped once (a JSON string, or docker's framing) or twice (a JSON string in docker's framing).
pub fn fragments(literal: &[u8]) -> Option<Vec<Vec<u8>>> {
    let best = |allowed: fn(u8) -> bool| {
        let runs = literal.split(move |&byte| !allowed(byte)).filter(|run| run.trim_ascii().len() >= MIN_ANCHOR);
        runs.max_by_key(|run| worth(run))
    };
    let plain = best(safe);
    let quoted = best(|byte| safe(byte) || byte == b'"');
    match (plain, quoted) {
        (Some(plain), _) if worth(plain) >= GOOD_WORTH => Some(vec![plain.to_vec()]),
        (_, Some(quoted)) if quoted.contains(&b'"') => Some(quotings(quoted)),
        (plain, _) => plain.map(|plain| vec![plain.to_vec()]),
    }
}

fn quotings(fragment: &[u8]) -> Vec<Vec<u8>> {
    let escaped = |by: &[u8]| -> Vec<u8> {
        fragment.iter().flat_map(|&byte| if byte == b'"' { [by, b"\""].concat() } else { vec![byte] }).collect()
    };
    vec![escaped(b""), escaped(b"\\"), escaped(b"\\\\\\")]
}

/// How rare a fragment is likely to be: larger is rarer. Words that healthy logs are full of count little.
pub fn worth(fragment: &[u8]) -> usize {
    let words = fragment.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let of_words: usize = words.map(word_worth).sum();
    of_words + fragment.iter().filter(|byte| byte.is_ascii_punctuation()).count()
}

fn word_worth(word: &[u8]) -> usize {
    let lower = word.to_ascii_lowercase();
    let common = COMMON_WORDS.binary_search_by(|known| known.as_bytes().cmp(&lower[..])).is_ok();
    if common {
        COMMON_WORTH
    } else if word.iter().all(u8::is_ascii_digit) {
        word.len().min(4)
    } else if word.iter().all(u8::is_ascii_uppercase) {
        3 * word.len().min(8)
    } else {
        2 * word.len().min(12)
    }
}

/// The clause to anchor on, as (clause, its fragments): the one whose commonest fragment is rarest.
/// `None` if no clause has a fragment for each of its strings.
pub fn choose(clauses: &[Clause]) -> Option<(&Clause, Vec<Vec<u8>>)> {
    let usable = clauses.iter().filter_map(|clause| {
        let fragments: Option<Vec<Vec<Vec<u8>>>> = clause.iter().map(|literal| fragments(literal)).collect();
        fragments.map(|fragments| (clause, fragments.concat()))
    });
    usable.max_by_key(|(clause, fragments)| {
        let weakest = fragments.iter().map(|f| worth(f)).min().unwrap_or(0);
        (weakest, std::cmp::Reverse(clause.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_sorted() {
        assert!(COMMON_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn fragments_avoid_what_encoders_escape() {
        let table: &[(&str, &[&str])] = &[
            ("Probing of ", &["Probing of "]),
            (r#"webhook "v1.seldondeployment": Post "#, &["v1.seldondeployment"]),
            (r#""flags":"UF"#, &[r#""flags":"UF"#, r#"\"flags\":\"UF"#, r#"\\\"flags\\\":\\\"UF"#]),
            ("a=b", &[]),
            ("ab", &[]),
            ("镜像", &[]),
            ("   ", &[]),
            ("error=<nil> NoCredentialsError", &[" NoCredentialsError"]),
        ];
        for (literal, want) in table {
            let got = fragments(literal.as_bytes()).unwrap_or_default();
            assert_eq!(got, want.iter().map(|s| s.as_bytes().to_vec()).collect::<Vec<_>>(), "{literal}");
        }
    }

    #[test]
    fn the_rarest_clause_is_chosen() {
        let clause = |strings: &[&str]| strings.iter().map(|s| s.as_bytes().to_vec()).collect::<Clause>();
        let clauses = [clause(&["error"]), clause(&["NoCredentialsError"]), clause(&["x", "abcdefgh"])];
        assert_eq!(choose(&clauses).unwrap().0, &clauses[1]);
        assert!(choose(&[clause(&["ab"])]).is_none());
    }
}
