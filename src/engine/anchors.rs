//! Which fragments to look for in raw blocks.
//!
//! An anchor stands in the raw bytes of every line that could match, whatever the framing. So it holds only bytes
//! that no log framing or encoder escapes, and it is chosen to be rare in healthy logs: each hit costs a line.

use super::required::Clause;

/// Anchors shorter than this hit too often to be worth having.
pub const MIN_ANCHOR: usize = 3;

/// Words that healthy logs are full of. A fragment made of these alone is a poor anchor.
const COMMON_WORDS: &[&str] = &[
    "all", "and", "api", "app", "are", "at", "been", "by", "bytes", "cache", "caller", "client", "code", "com",
    "complete", "config", "configuration", "connect", "connected", "connection", "container", "controller", "could",
    "created", "data", "default", "deployment", "does", "done", "error", "errors", "event", "exception", "exit",
    "failed", "failure", "false", "file", "for", "from", "get", "got", "has", "have", "health", "healthz", "host",
    "http", "https", "in", "info", "ingress", "init", "invalid", "is", "java", "job", "key", "kubernetes", "level",
    "line", "local", "log", "main", "message", "method", "model", "models", "msg", "name", "namespace", "net", "no",
    "node", "not", "null", "object", "of", "on", "open", "org", "out", "path", "pod", "pods", "port", "post", "probe",
    "process", "proxy", "ready", "received", "request", "resource", "response", "retry", "route", "run", "running",
    "server", "service", "severity", "size", "start", "started", "state", "status", "stderr", "stdout", "step",
    "sync", "system", "task", "the", "this", "thread", "time", "timeout", "timestamp", "to", "true", "type", "unable",
    "update", "updated", "user", "value", "version", "volume", "waiting", "warn", "warning", "was", "while", "with",
    "worker",
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

/// The longest useful part of a literal to look for, if it has one.
pub fn fragment(literal: &[u8]) -> Option<&[u8]> {
    literal
        .split(|&byte| !safe(byte))
        .filter(|run| run.trim_ascii().len() >= MIN_ANCHOR)
        .max_by_key(|run| worth(run))
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
        let fragments: Option<Vec<Vec<u8>>> =
            clause.iter().map(|literal| fragment(literal).map(<[u8]>::to_vec)).collect();
        fragments.map(|fragments| (clause, fragments))
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
        let table: &[(&str, Option<&str>)] = &[
            ("Probing of ", Some("Probing of ")),
            (r#"webhook "v1.seldon": Post "#, Some("v1.seldon")),
            ("a=b", None),
            ("ab", None),
            ("镜像", None),
            ("   ", None),
            ("error=<nil> NoCredentialsError", Some("> NoCredentialsError").map(|s| &s[1..])),
        ];
        for (literal, want) in table {
            assert_eq!(fragment(literal.as_bytes()), want.map(str::as_bytes), "{literal}");
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
