//! Which pattern's failure leads to which other's, by way of however many that may go unseen.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::pattern::model::Pattern;

type Reached = Arc<HashSet<String>>;

/// `explains` of a set of patterns, followed to its ends.
#[derive(Debug, Default)]
pub struct Causes {
    direct: HashMap<String, Vec<String>>,
    /// What was asked for already: a set is large, and few of its patterns are ever seen.
    reached: RefCell<HashMap<String, Reached>>,
}

impl Causes {
    /// Of these patterns.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Causes {
        let telling = patterns.into_iter().filter(|pattern| !pattern.explains.is_empty());
        let direct = telling.map(|pattern| (pattern.id.clone(), pattern.explains.clone())).collect();
        Causes { direct, reached: RefCell::default() }
    }

    /// The first leads to the second. Patterns that lead to each other are no causes of each other.
    pub fn explains(&self, cause: &str, effect: &str) -> bool {
        self.leads(cause, effect) && !self.leads(effect, cause)
    }

    /// The two have to do with each other, or are the same.
    pub fn related(&self, one: &str, other: &str) -> bool {
        one == other || self.leads(one, other) || self.leads(other, one)
    }

    fn leads(&self, cause: &str, effect: &str) -> bool {
        self.direct.contains_key(cause) && self.reached_from(cause).contains(effect)
    }

    fn reached_from(&self, cause: &str) -> Reached {
        if let Some(known) = self.reached.borrow().get(cause) {
            return known.clone();
        }
        let mut found = HashSet::new();
        let mut next = vec![cause];
        while let Some(id) = next.pop() {
            for effect in self.direct.get(id).into_iter().flatten() {
                if found.insert(effect.clone()) {
                    next.push(effect);
                }
            }
        }
        let found = Arc::new(found);
        self.reached.borrow_mut().insert(cause.to_owned(), found.clone());
        found
    }

    /// From the root cause to `id`, which is the last: of the failures seen, those that explain it, each the nearest to the one after it.
    pub fn chain(&self, id: &str, seen: &HashSet<&str>) -> Vec<String> {
        let mut chain = vec![id.to_owned()];
        let mut effect = id;
        while let Some(cause) = self.nearest(effect, seen) {
            chain.push(cause.to_owned());
            effect = cause;
        }
        chain.reverse();
        chain
    }

    /// The nearest cause is the one that most of the others explain. The order of causes is strict, so going up it ends.
    fn nearest<'a>(&self, effect: &str, seen: &HashSet<&'a str>) -> Option<&'a str> {
        let causes: Vec<&str> = seen.iter().copied().filter(|cause| self.explains(cause, effect)).collect();
        let above = |cause: &str| causes.iter().filter(|other| self.explains(other, cause)).count();
        causes.iter().copied().max_by(|a, b| above(a).cmp(&above(b)).then_with(|| b.cmp(a)))
    }
}
