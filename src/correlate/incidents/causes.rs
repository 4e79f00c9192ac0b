//! Which pattern's failure leads to which other's, by way of however many that may go unseen.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::pattern::model::Pattern;

/// A pattern's place among those that explain or are explained, which is quicker to ask by than its id; none for any other pattern.
/// Means something only to the [`Causes`] it comes from.
pub type Known = Option<usize>;

/// `explains` of a set of patterns, followed to its ends.
#[derive(Debug, Default)]
pub struct Causes {
    /// Of those that explain or are explained, sorted.
    ids: Vec<String>,
    /// What each explains by its own word.
    direct: Vec<Vec<usize>>,
    /// What each leads to, a bit for each; found when asked for: a set is large, and few of its patterns are ever seen.
    reached: Vec<OnceCell<Vec<u64>>>,
}

impl Causes {
    /// Of these patterns.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Causes {
        let telling: Vec<&Pattern> =
            patterns.into_iter().filter(|pattern| !pattern.explains.is_empty()).collect();
        let ids: BTreeSet<&String> = telling.iter().flat_map(|p| p.explains.iter().chain([&p.id])).collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        let mut causes = Causes { direct: vec![Vec::new(); ids.len()], reached: Vec::new(), ids };
        causes.reached.resize_with(causes.ids.len(), OnceCell::new);
        for pattern in telling {
            if let Some(cause) = causes.known(&pattern.id) {
                causes.direct[cause] = pattern.explains.iter().filter_map(|effect| causes.known(effect)).collect();
            }
        }
        causes
    }

    /// How a pattern is asked for.
    pub fn known(&self, id: &str) -> Known {
        self.ids.binary_search_by(|known| known.as_str().cmp(id)).ok()
    }

    /// The first leads to the second. Patterns that lead to each other are no causes of each other.
    pub fn explains(&self, cause: &str, effect: &str) -> bool {
        self.is_cause(self.known(cause), self.known(effect))
    }

    /// As [`Causes::explains`].
    pub fn is_cause(&self, cause: Known, effect: Known) -> bool {
        self.leads(cause, effect) && !self.leads(effect, cause)
    }

    /// One of the two leads to the other.
    pub fn related(&self, one: Known, other: Known) -> bool {
        self.leads(one, other) || self.leads(other, one)
    }

    fn leads(&self, cause: Known, effect: Known) -> bool {
        let (Some(cause), Some(effect)) = (cause, effect) else { return false };
        self.reached_from(cause)[effect / 64] & (1 << (effect % 64)) != 0
    }

    fn reached_from(&self, cause: usize) -> &[u64] {
        self.reached[cause].get_or_init(|| {
            let mut found = vec![0; self.ids.len().div_ceil(64)];
            let mut next = vec![cause];
            while let Some(id) = next.pop() {
                for &effect in &self.direct[id] {
                    let (word, bit) = (&mut found[effect / 64], 1 << (effect % 64));
                    if *word & bit == 0 {
                        *word |= bit;
                        next.push(effect);
                    }
                }
            }
            found
        })
    }

    /// From the root cause to `id`, which is the last: of the failures seen, those that explain it, each the nearest to the one after it.
    pub fn chain(&self, id: &str, seen: &[Known]) -> Vec<String> {
        let mut chain = vec![id.to_owned()];
        let mut effect = self.known(id);
        while let Some(cause) = self.nearest(effect, seen) {
            chain.push(self.ids[cause].clone());
            effect = Some(cause);
        }
        chain.reverse();
        chain
    }

    /// The nearest cause is the one that most of the others explain. The order of causes is strict, so going up it ends.
    fn nearest(&self, effect: Known, seen: &[Known]) -> Known {
        let causes = || seen.iter().copied().filter(|&cause| self.is_cause(cause, effect));
        let above = |cause: Known| causes().filter(|&other| self.is_cause(other, cause)).count();
        // Of equals the one whose id comes first.
        causes().max_by(|&a, &b| above(a).cmp(&above(b)).then(b.cmp(&a))).flatten()
    }
}
