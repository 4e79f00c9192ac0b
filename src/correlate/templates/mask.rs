//! What varies taken out of a message, before messages are compared: numbers, ids, addresses, times, paths, quoted values.
//!
//! Works on words alone and knows no log format; a message comes without its header. What it can't tell from a word of the program
//! is left standing, and taken out once two messages differ in it (see [`super::Templates`]).

/// Stands for what varies.
pub const WILD: &str = "<*>";

/// What stands where a secret was: that varies too.
const SECRET: &str = "[REDACTED]";

/// So much of a message is looked at. Bytes.
const MAX_BYTES: usize = 1024;

/// What sets the parts of a word apart.
const DELIMITERS: &[char] = &['(', ')', '[', ']', '{', '}', '<', '>', ',', ';', '=', '|'];

/// What may cling to the end of a value without being part of it.
const CLINGING: &[char] = &['.', ',', ':', ';', '!', '?', ')', ']', '}', '>', '"', '\'', '`'];

/// Names that have a digit and never vary.
const NAMES: &[&str] = &[
    "base64", "ec2", "h2", "h2c", "http2", "ipv4", "ipv6", "k8s", "log4j", "log4j2", "md5", "oauth2", "s3", "sha1",
    "sha256", "sha512", "utf8", "utf-8", "v1alpha1", "v1beta1", "v1", "v2", "x509",
];

/// A message with [`WILD`] for what varies, its words set apart by single spaces. Words that vary altogether are one, however many
/// stand in a row: lists have any length.
pub fn masked(message: &str) -> String {
    let text = &message[..message.floor_char_boundary(MAX_BYTES)];
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, behind) = word(rest);
        let varies = |word: &str| word.trim_end_matches(',') == WILD;
        let last = out.rsplit(' ').next().unwrap_or_default();
        if !(varies(&word) && varies(last)) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word);
        }
        rest = behind.trim_start();
    }
    out
}

/// The first word, masked, and what stands behind it. A quoted value counts as part of its word, whatever it holds.
fn word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut at = 0;
    // Where a value may begin: at the word's start and behind a delimiter.
    let mut boundary = true;
    while let Some(c) = text[at..].chars().next().filter(|c| !c.is_whitespace()) {
        let rest = &text[at..];
        if rest.starts_with(SECRET) {
            word.push_str(WILD);
            (at, boundary) = (at + SECRET.len(), false);
        } else if boundary && let Some(length) = quoted(rest) {
            word.push(c);
            word.push_str(if length == 2 { "" } else { WILD });
            word.push(c);
            (at, boundary) = (at + length, false);
        } else if boundary && is_path(rest) {
            let path = rest.split(char::is_whitespace).next().unwrap_or_default();
            let value = path.trim_end_matches(CLINGING);
            word.push_str(WILD);
            (at, boundary) = (at + value.len(), false);
        } else if DELIMITERS.contains(&c) || c == ':' {
            word.push(c);
            (at, boundary) = (at + c.len_utf8(), true);
        } else {
            let piece = piece(rest);
            let bare = piece.trim_end_matches(CLINGING);
            word.push_str(if varies(bare) { WILD } else { bare });
            word.push_str(&piece[bare.len()..]);
            (at, boundary) = (at + piece.len(), false);
        }
    }
    (word, &text[at..])
}

/// The length of a quoted value that `text` begins with, quotes included.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let close = 1 + text[1..].find(quote)?;
    let behind = text[close + 1..].chars().next();
    behind.is_none_or(|c| c.is_whitespace() || CLINGING.contains(&c) || DELIMITERS.contains(&c)).then_some(close + 1)
}

/// Does a path or an address begin here?
fn is_path(rest: &str) -> bool {
    let word = rest.split(char::is_whitespace).next().unwrap_or_default();
    let scheme = word
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+'));
    scheme || (word.starts_with(['/', '~']) && word.len() > 1) || word.starts_with("./")
}

/// Up to the next delimiter. A colon is one where what stands before it can't be a part of a time or an address.
fn piece(text: &str) -> &str {
    let mut digits = false;
    let end = text.char_indices().find_map(|(at, c)| {
        digits |= c.is_ascii_digit();
        let ends = c.is_whitespace() || DELIMITERS.contains(&c) || (c == ':' && !digits);
        (ends && at > 0).then_some(at)
    });
    &text[..end.unwrap_or(text.len())]
}

/// Is this another log's own: a number, an id, a time, a version, an address, a path?
fn varies(piece: &str) -> bool {
    if piece.bytes().any(|byte| byte.is_ascii_digit()) {
        return !NAMES.iter().any(|name| name.eq_ignore_ascii_case(piece));
    }
    let hex = piece.len() >= 12 && piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || piece.contains('@') || piece.matches('/').count() > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_varies_is_masked_and_words_stay() {
        let table = [
            ("", ""),
            ("no pears left", "no pears left"),
            ("took 3.5s, gave up at 10:04:05.123", "took <*>, gave up at <*>"),
            ("at 2031-03-09T04:05:06Z: 17 pears", "at <*>: <*> pears"),
            ("2031-03-09 04:05:06 no pears", "<*> no pears"),
            ("dial tcp 10.8.0.9:5432: connect: connection refused", "dial tcp <*>: connect: connection refused"),
            ("peer [fd00::17]:443 is gone", "peer [<*>]:<*> is gone"),
            ("pod 4f9c0b7e-1c2d-4e3f-8a9b-0c1d2e3f4a5b lost", "pod <*> lost"),
            ("digest deadbeefcafe, abc", "digest <*>, abc"),
            ("GET https://pears.example/a?b=c,d failed", "GET <*> failed"),
            ("open /srv/pears/press.yaml: no such file", "open <*>: no such file"),
            ("read/write of models/eu/pear and/or I/O", "read/write of <*> and/or I/O"),
            ("secret \"s3 creds\" of 'ml' can't be found", "secret \"<*>\" of '<*>' can't be found"),
            ("an 'unclosed quote stays", "an 'unclosed quote stays"),
            ("code=500 reason=\"no room\" who=pear", "code=<*> reason=\"<*>\" who=pear"),
            ("press.go:41: x509: certificate of S3", "press.go:<*>: x509: certificate of S3"),
            ("ids [1, 2, 3] and [4 5]", "ids [<*>, <*>, <*>] and [<*> <*>]"),
            ("1 2, 3 4 pears", "<*> pears"),
            ("mail to pear@example.com, please", "mail to <*>, please"),
            ("password=[REDACTED], [REDACTED] refused", "password=<*>, <*> refused"),
            ("name=\"\" is empty", "name=\"\" is empty"),
            ("java.lang.IllegalStateException: 7 pears", "java.lang.IllegalStateException: <*> pears"),
            ("größe 7 für 'äpfel'", "größe <*> für '<*>'"),
        ];
        for (message, want) in table {
            assert_eq!(masked(message), want, "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_masked_within_bounds(message in "\\PC{0,400}") {
            let once = masked(&message);
            // Each byte may become the three of a mask.
            prop_assert!(once.len() <= 3 * MAX_BYTES);
            prop_assert!(once.split(' ').all(|word| !word.is_empty() || once.is_empty()));
            prop_assert!(!once.chars().any(|c| c.is_ascii_digit()) || NAMES.iter().any(|name| once.to_ascii_lowercase().contains(name)));
        }

        #[test]
        fn numbers_make_no_difference(one in 0u32.., other in 0u32..) {
            let text = |number: u32| masked(&format!("pear {number} of press-{number}: (at={number}) /srv/{number}"));
            prop_assert_eq!(text(one), text(other));
        }
    }
}
