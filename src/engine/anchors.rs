//! Which fragments to look for in raw blocks.
//!
//! An anchor stands in the raw bytes of every line that could match, whatever the framing. So it holds only bytes
//! that no log framing or encoder escapes, and it is chosen to be rare in healthy logs: each hit costs a line.

use memchr::memmem;

use super::healthy::Healthy;
use super::required::Clause;
use super::search::Windows;

/// Anchors shorter than this hit too often to be worth having.
pub const MIN_ANCHOR: usize = 3;

/// Is this a byte that every framing and encoder leaves as it is?
///
/// JSON encoders escape `"`, `\` and control characters; Go's escapes `<`, `>`, `&`; Gson escapes `=` and `'` too;
/// many escape everything beyond ASCII. See [`spelled`] for three of these.
fn safe(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !b"\"\\<>&='".contains(&byte)
}

/// Bytes that are let in where nothing else is rare enough, in each of the ways in which they are written.
fn spelled(byte: u8) -> bool {
    matches!(byte, b'"' | b'=' | b'\t')
}

/// A fragment as rare as this needs no more bytes to help it: once in 64 MiB.
const RARE: f32 = 26.0;

/// The byte strings of which one stands in the raw line wherever the literal stands in the text, if the literal has a usable part.
///
/// That is the rarest run of safe bytes. Quotes, equals signs and tabs are let in where nothing else is rare enough: they stand in raw bytes
/// as they are, escaped once (a JSON string, or docker's framing) or twice (a JSON string in docker's framing).
pub fn fragments(literal: &[u8], healthy: &Healthy) -> Option<Vec<Vec<u8>>> {
    Some(ranked(literal, healthy)?.into_iter().map(|ranked| ranked.bytes).collect())
}

/// A fragment and how rare it is, which isn't cheap to say.
struct Ranked {
    bytes: Vec<u8>,
    rarity: f32,
}

/// As [`fragments`].
fn ranked(literal: &[u8], healthy: &Healthy) -> Option<Vec<Ranked>> {
    let best = |allowed: fn(u8) -> bool| {
        let runs = literal.split(move |&byte| !allowed(byte)).filter(|run| run.trim_ascii().len() >= MIN_ANCHOR);
        let ranked = runs.map(|run| (healthy.rarity(run), run));
        // The first of equals.
        ranked.reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    let plain = best(safe);
    let as_it_is = plain.map(|(rarity, run)| vec![Ranked { bytes: run.to_vec(), rarity }]);
    // Without one of these there are no other runs.
    if plain.is_some_and(|(rarity, _)| rarity >= RARE) || !literal.iter().any(|&byte| spelled(byte)) {
        return as_it_is;
    }
    match best(|byte| safe(byte) || spelled(byte)) {
        Some((_, run)) if run.iter().any(|&byte| spelled(byte)) => {
            let each = spellings(run).into_iter();
            Some(each.map(|bytes| Ranked { rarity: healthy.rarity(&bytes), bytes }).collect())
        }
        _ => as_it_is,
    }
}

/// How a quote, an equals sign and a tab are written, together: plain, in JSON, in JSON as Gson writes it, the tab in either way; and in JSON
/// once more in JSON, whose encoder is docker's, which leaves the sign alone.
const SPELLINGS: [[&str; 3]; 9] = [
    ["\"", "=", "\t"],
    ["\\\"", "=", "\\t"],
    ["\\\"", "=", "\\u0009"],
    ["\\\"", "\\u003d", "\\t"],
    ["\\\"", "\\u003d", "\\u0009"],
    ["\\\\\\\"", "=", "\\\\t"],
    ["\\\\\\\"", "=", "\\\\u0009"],
    ["\\\\\\\"", "\\\\u003d", "\\\\t"],
    ["\\\\\\\"", "\\\\u003d", "\\\\u0009"],
];

fn spellings(fragment: &[u8]) -> Vec<Vec<u8>> {
    let spelled = |[quote, equals, tab]: [&str; 3]| -> Vec<u8> {
        let parts = fragment.iter().map(|byte| match byte {
            b'"' => quote.as_bytes(),
            b'=' => equals.as_bytes(),
            b'\t' => tab.as_bytes(),
            other => std::slice::from_ref(other),
        });
        parts.collect::<Vec<_>>().concat()
    };
    let mut all: Vec<Vec<u8>> = SPELLINGS.into_iter().map(spelled).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What looking for one more anchor costs, told as the chance of a hit that costs as much: each one lets some more healthy text pass
/// the search's first look.
const PRICE: f32 = 1.0 / (1u32 << 31) as f32;

/// How much more an anchor costs that none of the trained windows stands for.
const NEW: f32 = 32.0;

/// The fragments of a clause's strings, of which one stands in the raw line wherever one of the strings stands in the text; `None` if
/// that can't be said of each string.
fn fragments_of(clause: &Clause, healthy: &Healthy) -> Option<Vec<Ranked>> {
    let mut all = Vec::with_capacity(clause.len());
    for literal in clause {
        all.extend(ranked(literal, healthy)?);
    }
    Some(all)
}

/// How what satisfies some clauses is found in raw bytes.
pub struct Way {
    /// The fragments to look for, of which one stands there.
    pub anchors: Vec<Vec<u8>>,
    /// Of each of these, one stands there too: fragments of the other clauses that have such.
    pub beside: Vec<Clause>,
    /// So many of them, which come first, in the line that the anchor stands in.
    pub in_line: usize,
}

/// The clause to anchor on, the one that costs least on healthy logs, and what that comes to; `None` if no clause has a fragment for each of its strings. The clauses are in groups,
/// each of which is satisfied by one line.
pub fn choose<'c>(lines: &'c [Vec<Clause>], healthy: &Healthy, windows: &Windows) -> Option<(&'c Clause, Way)> {
    let all = lines.iter().enumerate().flat_map(|(line, clauses)| clauses.iter().map(move |clause| (line, clause)));
    let mut usable: Vec<(usize, &Clause, Vec<Ranked>)> =
        all.filter_map(|(line, clause)| Some((line, clause, fragments_of(clause, healthy)?))).collect();
    let cost = |fragments: &[Ranked]| -> f32 {
        let price = |bytes: &[u8]| if windows.cover(bytes) { PRICE } else { NEW * PRICE };
        fragments.iter().map(|fragment| price(&fragment.bytes) + (-fragment.rarity).exp2()).sum()
    };
    let costs = usable.iter().enumerate().map(|(at, (.., fragments))| (cost(fragments), at));
    let (_, best) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (own, clause, anchors) = usable.remove(best);
    // Where an anchor stands, so does what it holds.
    let told = |fragments: &[Ranked]| {
        anchors
            .iter()
            .all(|anchor| fragments.iter().any(|fragment| memmem::find(&anchor.bytes, &fragment.bytes).is_some()))
    };
    usable.retain(|(line, _, fragments)| *line != own || !told(fragments));
    usable.sort_by_key(|(line, ..)| *line != own);
    let in_line = usable.iter().take_while(|(line, ..)| *line == own).count();
    let bytes = |fragments: Vec<Ranked>| fragments.into_iter().map(|fragment| fragment.bytes).collect();
    let beside = usable.into_iter().map(|(.., fragments)| bytes(fragments)).collect();
    let anchors = bytes(anchors);
    Some((clause, Way { anchors, beside, in_line }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Filter;

    fn healthy() -> Healthy {
        Healthy::of(b"flags and more flags, an error in a webhook")
    }

    #[test]
    fn fragments_avoid_what_encoders_escape() {
        let table: &[(&str, &[&str])] = &[
            ("Probing of ", &["Probing of "]),
            (r#"webhook "v1.seldondeployment": Post "#, &["v1.seldondeployment"]),
            (r#""flags":"UF"#, &[r#""flags":"UF"#, r#"\"flags\":\"UF"#, r#"\\\"flags\\\":\\\"UF"#]),
            ("a=b", &["a=b", r"a\\u003db", r"a\u003db"]),
            (
                "flags=\"\"",
                &[r#"flags="""#, r#"flags=\"\""#, r#"flags=\\\"\\\""#, r#"flags\\u003d\\\"\\\""#, r#"flags\u003d\"\""#],
            ),
            ("ab", &[]),
            ("镜像", &[]),
            ("   ", &[]),
            ("error=<nil> NoCredentialsError", &[" NoCredentialsError"]),
        ];
        for (literal, want) in table {
            let got = fragments(literal.as_bytes(), &healthy()).unwrap_or_default();
            assert_eq!(got, want.iter().map(|s| s.as_bytes().to_vec()).collect::<Vec<_>>(), "{literal}");
        }
    }

    #[test]
    fn the_rarest_clause_is_chosen() {
        let clause = |strings: &[&str]| strings.iter().map(|s| s.as_bytes().to_vec()).collect::<Clause>();
        let clauses = [clause(&["error"]), clause(&["NoCredentialsError"]), clause(&["x", "abcdefgh"])];
        let lines = clauses.map(|clause| vec![clause]);
        assert_eq!(choose(&lines, &healthy(), &Windows::none(Filter::Halves)).unwrap().0, &lines[1][0]);
        assert!(choose(&[vec![clause(&["ab"])]], &healthy(), &Windows::none(Filter::Halves)).is_none());
    }
}
