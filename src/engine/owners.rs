//! What the fragments mean that are looked for in raw bytes: whose they are.
//!
//! A fragment that has another one inside isn't looked for by itself: where the inner one stands, what is around it tells. Knows nothing of
//! lines and records.

use std::collections::BTreeMap;

use super::search;

/// Whose a fragment is.
#[derive(Default)]
pub(super) struct Owners {
    /// A line that holds it may be of any pattern.
    pub any: bool,
    /// By their numbers.
    pub ways: Vec<u32>,
    /// Those who asked for it, beside the patterns.
    pub others: Vec<u32>,
}

/// What an anchor means where it stands.
#[derive(Default)]
pub(super) struct Meaning {
    own: Owners,
    /// The fragments that it is a part of.
    longer: Vec<Longer>,
}

struct Longer {
    fragment: Vec<u8>,
    /// Where the anchor begins in it.
    offset: usize,
    own: Owners,
}

impl Longer {
    fn stands(&self, text: &[u8], anchor: usize) -> bool {
        anchor.checked_sub(self.offset).is_some_and(|start| text[start..].starts_with(&self.fragment))
    }
}

impl Meaning {
    /// Whose the fragments are that stand in `text` where the anchor stands at `at`.
    pub(super) fn owners<'m>(&'m self, text: &'m [u8], at: usize) -> impl Iterator<Item = &'m Owners> {
        let longer = self.longer.iter().filter(move |longer| longer.stands(text, at)).map(|longer| &longer.own);
        std::iter::once(&self.own).chain(longer)
    }
}

/// All anchors and what they mean. A fragment that others ask for does not displace a pattern's anchor that it is a part of: it may be
/// a common word, which would make every line that holds it look like a failure.
pub(super) fn anchors(
    of_patterns: BTreeMap<&[u8], Owners>,
    of_others: BTreeMap<&[u8], Owners>,
) -> (Vec<Vec<u8>>, Vec<Meaning>) {
    let mut all: BTreeMap<Vec<u8>, Meaning> = without_longer(of_patterns).collect();
    for (anchor, meaning) in without_longer(of_others) {
        all.entry(anchor).or_default().take_in(meaning);
    }
    all.into_iter().unzip()
}

/// Leaves out each anchor that has another one inside.
fn without_longer(owners: BTreeMap<&[u8], Owners>) -> impl Iterator<Item = (Vec<u8>, Meaning)> {
    let mut fragments: Vec<Vec<u8>> = owners.keys().map(|fragment| fragment.to_vec()).collect();
    let innermost = search::innermost(&fragments);
    let mut meanings: Vec<Meaning> = fragments.iter().map(|_| Meaning::default()).collect();
    for (at, (own, &inner)) in owners.into_values().zip(&innermost).enumerate() {
        match memchr::memmem::find(&fragments[at], &fragments[inner]) {
            Some(offset) if inner != at => {
                let fragment = std::mem::take(&mut fragments[at]);
                meanings[inner].longer.push(Longer { fragment, offset, own });
            }
            _ => meanings[inner].own.take_in(own),
        }
    }
    let all = fragments.into_iter().zip(meanings).zip(innermost).enumerate();
    all.filter(|(at, (_, inner))| at == inner).map(|(_, (kept, _))| kept)
}

impl Meaning {
    fn take_in(&mut self, other: Meaning) {
        self.own.take_in(other.own);
        self.longer.extend(other.longer);
    }
}

impl Owners {
    fn take_in(&mut self, other: Owners) {
        self.any |= other.any;
        self.ways.extend(other.ways);
        self.others.extend(other.others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_fragment_is_told_by_what_is_around_the_inner_one() {
        let of = |all: &[(&'static str, u32)]| -> BTreeMap<&'static [u8], Owners> {
            let owners = |number| Owners { others: vec![number], ..Owners::default() };
            all.iter().map(|(fragment, number)| (fragment.as_bytes(), owners(*number))).collect()
        };
        let patterns = of(&[("no connection to it", 1), ("connection", 2), ("connection to", 3), ("alone", 4)]);
        let (anchors, meanings) = anchors(patterns, of(&[("alone", 5), ("connection to it", 6)]));
        let told = |text: &str| -> Vec<u32> {
            let standing = anchors.iter().zip(&meanings).flat_map(|(anchor, meaning)| {
                let places = memchr::memmem::find_iter(text.as_bytes(), anchor);
                places.flat_map(|at| meaning.owners(text.as_bytes(), at)).flat_map(|owners| owners.others.clone())
            });
            let mut all: Vec<u32> = standing.collect();
            all.sort_unstable();
            all
        };
        let table: &[(&str, &[u32])] = &[
            ("connection", &[2]),
            ("a connection to", &[2, 3]),
            ("no connection to", &[2, 3]),
            ("no connection to it, alone", &[1, 2, 3, 4, 5, 6]),
            ("connection, connection to it", &[2, 2, 3, 6]),
            ("nothing", &[]),
        ];
        for (text, want) in table {
            assert_eq!(told(text), *want, "{text}");
        }
    }
}
