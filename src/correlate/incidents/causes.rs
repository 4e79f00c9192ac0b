//! Which pattern's failure leads to which other's, by way of however many that may go unseen.

use std::cell::OnceCell;

use indexmap::IndexSet;

use crate::pattern::model::Pattern;

/// A pattern's number, by which it is quicker to ask than by its id; none for one that the set doesn't have. Means something only to the
/// [`Causes`] it comes from.
pub type Known = Option<usize>;

/// Some of the patterns, a bit for each.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<u64>);

impl Patterns {
    /// Is it one of them?
    pub fn has(&self, pattern: Known) -> bool {
        pattern.is_some_and(|at| self.0.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0))
    }

    /// Is one of them among the others?
    pub fn meets(&self, others: &Few) -> bool {
        others.0.iter().any(|(place, other)| self.0.get(*place).is_some_and(|word| word & other != 0))
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// Word by word with another's.
    fn with(&self, other: &Patterns, join: impl Fn(u64, u64) -> u64) -> Patterns {
        Patterns(self.0.iter().zip(&other.0).map(|(one, other)| join(*one, *other)).collect())
    }

    /// In the order of their ids.
    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| bits(*word).map(move |bit| 64 * place + bit))
    }
}

/// Some of the patterns, of which there are few: the words in which one has a bit, by their places.
#[derive(Clone, Debug, Default)]
pub struct Few(Vec<(usize, u64)>);

impl Few {
    fn of(patterns: &Patterns) -> Few {
        Few(patterns.0.iter().copied().enumerate().filter(|(_, word)| *word != 0).collect())
    }

    /// Is it one of them?
    pub fn has(&self, pattern: Known) -> bool {
        pattern.is_some_and(|at| self.0.iter().any(|(place, word)| *place == at / 64 && word & (1 << (at % 64)) != 0))
    }
}

/// Those that are set, the lowest first.
fn bits(word: u64) -> impl Iterator<Item = usize> {
    let mut left = word;
    std::iter::from_fn(move || {
        let lowest = (left != 0).then(|| left.trailing_zeros() as usize);
        left &= left.wrapping_sub(1);
        lowest
    })
}

/// By pattern.
#[derive(Debug)]
struct Ends {
    /// Those that lead to it, and that it doesn't lead to.
    causes: Vec<Patterns>,
    /// Itself, those that it leads to, and those that lead to it.
    related: Vec<Few>,
}

/// `explains` of a set of patterns, followed to its ends.
#[derive(Debug, Default)]
pub struct Causes {
    /// Of all patterns and of what they explain, sorted; found by hash, as halving a sorted list again and again touches a dozen ids.
    ids: IndexSet<String>,
    /// What each explains by its own word.
    direct: Vec<Vec<usize>>,
    /// Followed to the ends when first asked for: most logs have no failure.
    ends: OnceCell<Ends>,
}

impl Causes {
    /// Of these patterns.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Causes {
        let patterns: Vec<&Pattern> = patterns.into_iter().collect();
        let mut ids: Vec<&String> = patterns.iter().flat_map(|p| p.explains.iter().chain([&p.id])).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut causes = Causes { ids: ids.into_iter().cloned().collect(), ..Causes::default() };
        causes.direct = vec![Vec::new(); causes.ids.len()];
        for pattern in patterns.iter().filter(|pattern| !pattern.explains.is_empty()) {
            if let Some(cause) = causes.known(&pattern.id) {
                causes.direct[cause] = pattern.explains.iter().filter_map(|effect| causes.known(effect)).collect();
            }
        }
        causes
    }

    /// How a pattern is asked for.
    pub fn known(&self, id: &str) -> Known {
        self.ids.get_index_of(id)
    }

    /// The first leads to the second. Patterns that lead to each other are no causes of each other.
    pub fn explains(&self, cause: &str, effect: &str) -> bool {
        self.is_cause(self.known(cause), self.known(effect))
    }

    /// As [`Causes::explains`].
    pub fn is_cause(&self, cause: Known, effect: Known) -> bool {
        let (Some(from), Some(to)) = (cause, effect) else { return false };
        self.ends().causes[to].has(Some(from))
    }

    /// The pattern itself, those that it leads to, and those that lead to it.
    pub fn related(&self, pattern: Known) -> &Few {
        static NONE: Few = Few(Vec::new());
        pattern.map_or(&NONE, |at| &self.ends().related[at])
    }

    /// Those of some patterns that explain this one, word by word.
    fn among<'a>(&'a self, effect: usize, seen: &'a Patterns) -> impl Iterator<Item = u64> + 'a {
        self.ends().causes[effect].0.iter().zip(&seen.0).map(|(cause, seen)| cause & seen)
    }

    /// Does one of them explain it?
    pub fn explained(&self, effect: Known, seen: &Patterns) -> bool {
        // Without a way out in between, so that several words are looked at in one step.
        effect.is_some_and(|effect| self.among(effect, seen).fold(0, |any, word| any | word) != 0)
    }

    /// So many patterns as a set.
    pub fn set(&self, patterns: impl IntoIterator<Item = Known>) -> Patterns {
        let mut set = self.none();
        patterns.into_iter().flatten().for_each(|at| set.add(at));
        set
    }

    fn none(&self) -> Patterns {
        Patterns(vec![0; self.ids.len().div_ceil(64)])
    }

    fn ends(&self) -> &Ends {
        self.ends.get_or_init(|| {
            let leads_to: Vec<Patterns> = (0..self.ids.len()).map(|cause| self.reached_from(cause)).collect();
            let mut led_to_by = vec![self.none(); leads_to.len()];
            for (cause, effects) in leads_to.iter().enumerate() {
                effects.iter().for_each(|effect| led_to_by[effect].add(cause));
            }
            let both = || leads_to.iter().zip(&led_to_by);
            let related = both().enumerate().map(|(own, (to, by))| {
                let mut all = to.with(by, |to, by| to | by);
                all.add(own);
                Few::of(&all)
            });
            let causes = both().map(|(to, by)| by.with(to, |by, to| by & !to));
            Ends { related: related.collect(), causes: causes.collect() }
        })
    }

    fn reached_from(&self, cause: usize) -> Patterns {
        let mut found = self.none();
        let mut next = vec![cause];
        while let Some(id) = next.pop() {
            for &effect in &self.direct[id] {
                if !found.has(Some(effect)) {
                    found.add(effect);
                    next.push(effect);
                }
            }
        }
        found
    }

    /// From the root cause to `id`, which is the last: of the failures seen, those that explain it, each the nearest to the one after it.
    pub fn chain(&self, id: &str, seen: &Patterns) -> Vec<String> {
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
    fn nearest(&self, effect: Known, seen: &Patterns) -> Known {
        // Most have none.
        let effect = effect.filter(|_| self.explained(effect, seen))?;
        let causes = Patterns(self.among(effect, seen).collect());
        let above = |cause: &usize| self.among(*cause, &causes).map(u64::count_ones).sum::<u32>();
        // Of equals the one whose id comes first, so the last of them in reverse.
        causes.iter().collect::<Vec<_>>().into_iter().rev().max_by_key(above)
    }
}
