//! The rules: how a secret is known. A table; each rule is looked at only where one of its hints stands in the text.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use super::merged;

/// One way to know a secret.
struct Rule {
    /// Words, in lower case, one of which stands in every text that the rule concerns.
    hints: &'static [&'static str],
    /// Finds it; group 1 is the secret. Compiled when first needed: most processes never see a secret.
    shape: LazyLock<Regex>,
    /// Whether what was found may be a secret.
    plausible: fn(&str) -> bool,
}

/// The names, in configuration, JSON and DSNs, whose values are secrets.
macro_rules! secret_names {
    () => {
        r#"(?:pass(?:word|wd|phrase)|pwd|secret[-_]?(?:access[-_]?)?key|client[-_]?secret|api[-_]?key|auth[-_]?token|access[-_]?token|refresh[-_]?token|session[-_]?token|security[-_]?token|account[-_]?key|shared[-_]?access[-_]?key|hf[-_]?token|api[-_]?token|hugging[-_]?face(?:[-_]?hub)?[-_]?token|encryption[-_]?key|private[-_]?key)"#
    };
}

/// One of these names, alone or as the end of a longer one (`db_password`), and behind it what holds the value.
macro_rules! named {
    ($value:literal) => {
        shape!(concat!(r#"(?i)(?:^|[^a-z])(?:[a-z0-9]+[-_.])*"#, secret_names!(), $value))
    };
}

/// Hints of [`secret_names`], and of names that end in `-token`: parts of them with a letter of what stands before, as `key` and `token` stand in
/// many lines.
const NAME_HINTS: &[&str] = &[
    "passw", "passp", "pwd", "tsecret", "-secret", "_secret", "tkey", "skey", "ikey", "nkey", "ekey", "-key", "_key",
    "htoken", "stoken", "ntoken", "ytoken", "ftoken", "itoken", "etoken", "btoken", "-token", "_token",
];

/// An expression over bytes, so that it needs no tables of Unicode. Each begins and ends its secret beside ASCII.
macro_rules! shape {
    ($text:expr) => {
        LazyLock::new(|| {
            let shape = RegexBuilder::new($text).unicode(false).build();
            shape.expect("the table's expressions are right; a test compiles each")
        })
    };
}

static RULES: [Rule; 30] = [
    // Headers.
    Rule { hints: &["bearer"], shape: shape!(r"(?i)\bbearer\s+([a-z0-9._~+/=-]{12,})"), plausible: mixed },
    Rule {
        hints: &["authorization"],
        shape: shape!(
            r#"(?i)\bauthorization["'\\]*\s*[:=]\s*["'\\]*(?:basic|digest|token|apikey|key)\s+([^\s"',;\\]{6,})"#
        ),
        plausible: given,
    },
    Rule {
        hints: &["x-api-key", "x-auth-token", "x-amz-security-token", "private-token", "cookie"],
        shape: shape!(
            r#"(?i)\b(?:x-api-key|x-auth-token|x-amz-security-token|private-token|set-cookie|cookie)["'\\]*\s*[:=]\s*["'\\]*([^\s"',;\\&]{8,})"#
        ),
        plausible: given,
    },
    // Amazon.
    Rule {
        hints: &["akia", "asia", "abia", "acca"],
        shape: shape!(r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"),
        plausible: given,
    },
    Rule {
        hints: &["x-amz-signature", "x-amz-credential", "x-goog-signature", "x-goog-credential"],
        shape: shape!(r#"(?i)\bx-(?:amz|goog)-(?:signature|credential)=([^&\s"'\\]+)"#),
        plausible: given,
    },
    // Google.
    Rule { hints: &["aiza"], shape: shape!(r"\b(AIza[0-9A-Za-z_-]{35})"), plausible: given },
    Rule { hints: &["ya29."], shape: shape!(r"\b(ya29\.[0-9A-Za-z_-]{20,})"), plausible: given },
    Rule { hints: &["gocspx-"], shape: shape!(r"\b(GOCSPX-[0-9A-Za-z_-]{20,})"), plausible: given },
    Rule {
        hints: &["private key-----"],
        shape: shape!(r"(?s)-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(.+?)(?:-----END|\z)"),
        plausible: given,
    },
    // Azure.
    Rule { hints: &["sig="], shape: shape!(r"[?&]sig=([A-Za-z0-9%+/=_-]{20,})"), plausible: given },
    Rule {
        hints: &["0q~", "1q~", "2q~", "3q~", "4q~", "5q~", "6q~", "7q~", "8q~", "9q~"],
        shape: shape!(r"(?:^|[^\w~.-])([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})"),
        plausible: given,
    },
    // Tokens that say whose they are.
    Rule { hints: &["hf_"], shape: shape!(r"\b(hf_[A-Za-z0-9]{30,})\b"), plausible: mixed },
    Rule {
        hints: &["eyj"],
        shape: shape!(r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?)"),
        plausible: given,
    },
    Rule {
        hints: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        shape: shape!(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
        plausible: given,
    },
    Rule { hints: &["glpat-"], shape: shape!(r"\b(glpat-[A-Za-z0-9_-]{20,})"), plausible: given },
    Rule { hints: &["xox"], shape: shape!(r"\b(xox[abeprs]-[A-Za-z0-9-]{10,})"), plausible: mixed },
    Rule { hints: &["sk-"], shape: shape!(r"(?:^|[^\w-])(sk-(?:[a-z]+-)?[A-Za-z0-9_]{20,})"), plausible: mixed },
    Rule { hints: &["nvapi-"], shape: shape!(r"\b(nvapi-[A-Za-z0-9_-]{40,})"), plausible: given },
    Rule { hints: &["npm_"], shape: shape!(r"\b(npm_[A-Za-z0-9]{36})\b"), plausible: given },
    Rule { hints: &["dapi"], shape: shape!(r"\b(dapi[0-9a-f]{32}(?:-\d)?)\b"), plausible: given },
    Rule { hints: &["dckr_pat_"], shape: shape!(r"\b(dckr_pat_[A-Za-z0-9_-]{20,})"), plausible: given },
    // Passwords in addresses.
    Rule {
        hints: &["://"],
        shape: shape!(r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@"'<>]*:([^\s/?#"'<>]+)@"#),
        plausible: given,
    },
    Rule { hints: &["@tcp(", "@unix("], shape: shape!(r#"[\w.-]+:([^\s/"'(]+)@(?:tcp|unix)\("#), plausible: given },
    Rule { hints: &["\"auth"], shape: shape!(r#""auth\\?"\s*:\s*\\?"([A-Za-z0-9+/=]{8,})"#), plausible: given },
    // Passwords by name: key=value, quoted or not, then JSON's and Python's `"key": "value"`.
    Rule { hints: NAME_HINTS, shape: named!(r#"\\?["']?\s*[=:]\s*\\?"((?:[^"\\]|\\[^"])+)"#), plausible: given },
    Rule { hints: NAME_HINTS, shape: named!(r#"["']?\s*[=:]\s*'([^']+)'"#), plausible: given },
    Rule { hints: NAME_HINTS, shape: named!(r#"=([^\s"'&,;)}\]\\]+)"#), plausible: given },
    // `password: value` is YAML, but prose too: only what looks made up counts.
    Rule { hints: NAME_HINTS, shape: named!(r#":\s+([^\s"'&,;)}\]\\]{8,})"#), plausible: mixed },
    Rule {
        hints: NAME_HINTS,
        shape: shape!(concat!(r"(?i)(?:^|\s)--(?:[a-z0-9]+-)*(?:token|", secret_names!(), r#")\s+([^\s"'-][^\s"']*)"#)),
        plausible: given,
    },
    Rule {
        hints: &["identified by", "password '"],
        shape: shape!(r"(?i)\b(?:identified by|password)\s+'([^']+)'"),
        plausible: given,
    },
];

/// Values that are no secret: nothing, a placeholder, a reference, or masked already.
fn given(value: &str) -> bool {
    let empty = ["none", "null", "nil", "true", "false", "undefined", "unset", "empty", "redacted", "hidden"];
    let reference = ["$", "<", "{", "%", "*", "[redacted", "os.environ", "/", "env."];
    let lower = value.to_ascii_lowercase();
    let masked = value.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'#' | b'?'));
    !masked && !empty.contains(&lower.as_str()) && !reference.iter().any(|start| lower.starts_with(start))
}

/// Words of a language have no digits in them, and numbers no letters.
fn mixed(value: &str) -> bool {
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    given(value) && digits && letters >= 3
}

/// All hints, each once, and the rules that each is of, a bit for each.
struct Hints {
    search: AhoCorasick,
    rules: Vec<u32>,
}

static HINTS: LazyLock<Hints> = LazyLock::new(|| {
    let mut hints: Vec<&str> = RULES.iter().flat_map(|rule| rule.hints).copied().collect();
    hints.sort_unstable();
    hints.dedup();
    let rules_of =
        |hint: &&str| (0..RULES.len()).filter(|rule| RULES[*rule].hints.contains(hint)).map(|rule| 1 << rule).sum();
    let search = AhoCorasick::builder().ascii_case_insensitive(true).build(&hints);
    Hints { search: search.expect("a few short words make an automaton"), rules: hints.iter().map(rules_of).collect() }
});

/// The rules of which a hint stands in the text.
fn concerned(text: &str) -> u32 {
    let hints = HINTS.search.find_overlapping_iter(text);
    hints.fold(0, |rules, hint| rules | HINTS.rules[hint.pattern().as_usize()])
}

/// Where the text has secrets: in order, apart from each other.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let concerned = concerned(text);
    let mut found = Vec::new();
    for (_, rule) in RULES.iter().enumerate().filter(|(at, _)| concerned & (1 << at) != 0) {
        let places = rule.shape.captures_iter(text.as_bytes()).filter_map(|captures| captures.get(1));
        let secret = |range: &Range<usize>| text.get(range.clone()).is_some_and(rule.plausible);
        found.extend(places.map(|place| place.range()).filter(secret));
    }
    merged(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_rule_compiles_and_captures() {
        for rule in &RULES {
            assert_eq!(rule.shape.captures_len(), 2, "{}", rule.shape.as_str());
        }
    }

    #[test]
    fn each_rule_has_a_bit() {
        assert!(RULES.len() <= 32);
    }

    proptest! {
        #[test]
        fn every_name_has_a_hint(name in proptest::string::string_regex(secret_names!()).unwrap(), option in "--([a-z0-9]{1,3}-){0,2}token") {
            for (rule, it) in RULES.iter().enumerate().filter(|(_, rule)| rule.hints == NAME_HINTS) {
                prop_assert!(concerned(&name) & concerned(&option) & 1 << rule != 0, "{} {} {}", name, option, it.shape.as_str());
            }
        }

        #[test]
        fn every_hint_is_seen(parts in prop::collection::vec((0..RULES.len(), 0..9_usize, any::<bool>(), "[a-z_ =-]{0,2}"), 0..8)) {
            let hint = |rule: usize, at: usize| RULES[rule].hints[at % RULES[rule].hints.len()];
            let part = |(rule, at, upper, behind): &(usize, usize, bool, String)| {
                let hint = hint(*rule, *at);
                let cut = if behind.is_empty() { hint.len() - 1 } else { hint.len() };
                format!("{}{behind}", if *upper { hint.to_ascii_uppercase() } else { hint.to_owned() }.split_at(cut).0)
            };
            let text: String = parts.iter().map(part).collect();
            let lower = text.to_ascii_lowercase();
            let naive = (0..RULES.len()).filter(|rule| RULES[*rule].hints.iter().any(|hint| lower.contains(hint)));
            prop_assert_eq!(concerned(&text), naive.map(|rule| 1 << rule).sum::<u32>(), "{}", text);
        }
    }

    #[test]
    fn hints_are_in_lower_case() {
        let hints = RULES.iter().flat_map(|rule| rule.hints);
        assert!(hints.clone().all(|hint| **hint == hint.to_ascii_lowercase()));
    }
}
