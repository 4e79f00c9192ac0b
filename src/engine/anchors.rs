//! Which fragments to look for in raw blocks.
//!
//! An anchor stands in the raw bytes of every line that could match, whatever the framing. So it holds only bytes
//! that no log framing or encoder escapes, and it is chosen to be rare in healthy logs: each hit costs a line.

use super::healthy::Healthy;
use super::required::Clause;
use super::search::Windows;

/// Anchors shorter than this hit too often to be worth having.
pub const MIN_ANCHOR: usize = 3;

/// Is this a byte that every framing and encoder leaves as it is?
///
/// JSON encoders escape `"`, `\` and control characters; Go's escapes `<`, `>`, `&`; Gson escapes `=` and `'` too;
/// many escape everything beyond ASCII.
fn safe(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !b"\"\\<>&='".contains(&byte)
}

/// A fragment as rare as this needs no quotes to help it: once in 64 MiB.
const RARE: f32 = 26.0;

/// The byte strings of which one stands in the raw line wherever the literal stands in the text, if the literal has a usable part.
///
/// That is the rarest run of safe bytes. Quotes are let in where nothing else is rare enough: they stand in raw bytes as they
/// are, escaped once (a JSON string, or docker's framing) or twice (a JSON string in docker's framing).
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
    // Without a quote there are no other runs.
    if plain.is_some_and(|(rarity, _)| rarity >= RARE) || !literal.contains(&b'"') {
        return as_it_is;
    }
    match best(|byte| safe(byte) || byte == b'"') {
        Some((_, quoted)) if quoted.contains(&b'"') => {
            let each = quotings(quoted).into_iter();
            Some(each.map(|bytes| Ranked { rarity: healthy.rarity(&bytes), bytes }).collect())
        }
        _ => as_it_is,
    }
}

fn quotings(fragment: &[u8]) -> Vec<Vec<u8>> {
    let escaped = |by: &[u8]| -> Vec<u8> {
        fragment.iter().flat_map(|&byte| if byte == b'"' { [by, b"\""].concat() } else { vec![byte] }).collect()
    };
    vec![escaped(b""), escaped(b"\\"), escaped(b"\\\\\\")]
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

/// What is looked for in raw bytes on behalf of some clauses.
pub struct Choice<'c> {
    /// The clause to anchor on: the one that costs least on healthy logs.
    pub clause: &'c Clause,
    /// Its fragments: the anchors.
    pub anchors: Vec<Vec<u8>>,
    /// The fragments of the other clauses that have such.
    pub others: Vec<Vec<Vec<u8>>>,
}

/// The clause to anchor on, and what else to ask of a line; `None` if no clause has a fragment for each of its strings.
pub fn choose<'c>(clauses: &'c [Clause], healthy: &Healthy, windows: &Windows) -> Option<Choice<'c>> {
    let mut usable: Vec<(&Clause, Vec<Ranked>)> =
        clauses.iter().filter_map(|clause| Some((clause, fragments_of(clause, healthy)?))).collect();
    let cost = |fragments: &[Ranked]| -> f32 {
        let price = |bytes: &[u8]| if windows.cover(bytes) { PRICE } else { NEW * PRICE };
        fragments.iter().map(|fragment| price(&fragment.bytes) + (-fragment.rarity).exp2()).sum()
    };
    let costs = usable.iter().enumerate().map(|(at, (_, fragments))| (cost(fragments), at));
    let (_, best) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (clause, anchors) = usable.swap_remove(best);
    let plain = |fragments: Vec<Ranked>| fragments.into_iter().map(|fragment| fragment.bytes).collect();
    let others = usable.into_iter().map(|(_, fragments)| plain(fragments)).collect();
    Some(Choice { clause, anchors: plain(anchors), others })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Healthy {
        Healthy::of(b"flags and more flags, an error in a webhook")
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
            let got = fragments(literal.as_bytes(), &healthy()).unwrap_or_default();
            assert_eq!(got, want.iter().map(|s| s.as_bytes().to_vec()).collect::<Vec<_>>(), "{literal}");
        }
    }

    #[test]
    fn the_rarest_clause_is_chosen() {
        let clause = |strings: &[&str]| strings.iter().map(|s| s.as_bytes().to_vec()).collect::<Clause>();
        let clauses = [clause(&["error"]), clause(&["NoCredentialsError"]), clause(&["x", "abcdefgh"])];
        assert_eq!(choose(&clauses, &healthy(), &Windows::default()).unwrap().clause, &clauses[1]);
        assert!(choose(&[clause(&["ab"])], &healthy(), &Windows::default()).is_none());
    }
}
