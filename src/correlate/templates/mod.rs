//! Messages grouped by what they have in common: Drain (He and others, 2017), a parse tree of fixed depth over words, online.
//!
//! A message, already [`masked`], goes by its number of words and its first word to a leaf; there it joins the first template that
//! matches it, else the one it is most similar to, which gets [`WILD`] where they differ, else it is a new template. A template only ever
//! becomes more general, so it matches every message it was made of. Bounded: beyond so many templates the one seen longest ago is
//! forgotten, and its leaf with it when that was the last. Knows nothing of events, logs or clocks.

mod mask;

use std::collections::{BTreeMap, HashMap};

pub use mask::{WILD, masked};

/// So many words of a message are compared.
const MAX_WORDS: usize = 48;

/// Of the words that are not masked in both, this share has to agree: with less, failures of one program that begin alike become one.
const SIMILAR: (usize, usize) = (7, 10);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its template: a number that is never used again.
    pub id: u64,
    /// It is the first of it.
    pub new: bool,
    /// The template that was forgotten to make room.
    pub evicted: Option<u64>,
}

/// Templates, each made of the messages that were seen of it.
#[derive(Clone, Debug)]
pub struct Templates {
    limit: usize,
    templates: HashMap<u64, Template>,
    /// By number of words and first word: what is there, the oldest first.
    leaves: HashMap<Leaf, Vec<u64>>,
    /// By when it was last seen.
    ages: BTreeMap<u64, u64>,
    ticks: u64,
    created: u64,
}

type Leaf = (usize, Box<str>);

#[derive(Clone, Debug)]
struct Template {
    words: Vec<Box<str>>,
    seen: u64,
}

impl Templates {
    /// None yet, and never more than `limit`.
    pub fn new(limit: usize) -> Templates {
        Templates {
            limit: limit.max(1),
            templates: HashMap::new(),
            leaves: HashMap::new(),
            ages: BTreeMap::new(),
            ticks: 0,
            created: 0,
        }
    }

    /// Takes in a masked message.
    pub fn join(&mut self, message: &str) -> Joined {
        let words: Vec<&str> = words(message).collect();
        let leaf = leaf(&words);
        self.ticks += 1;
        if let Some(id) = self.nearest(&leaf, &words) {
            if let Some(template) = self.templates.get_mut(&id) {
                template.widen(&words);
                self.ages.remove(&std::mem::replace(&mut template.seen, self.ticks));
                self.ages.insert(self.ticks, id);
            }
            return Joined { id, new: false, evicted: None };
        }
        let evicted = if self.templates.len() >= self.limit { self.forget_oldest() } else { None };
        let id = self.created;
        self.created += 1;
        let words = words.into_iter().map(Box::from).collect();
        self.templates.insert(id, Template { words, seen: self.ticks });
        self.leaves.entry(leaf).or_default().push(id);
        self.ages.insert(self.ticks, id);
        Joined { id, new: true, evicted }
    }

    /// A template's words, if it is still known.
    pub fn text(&self, id: u64) -> Option<String> {
        self.templates.get(&id).map(|template| template.words.join(" "))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    fn nearest(&self, leaf: &Leaf, words: &[&str]) -> Option<u64> {
        let all = self.leaves.get(leaf)?;
        let template = |id: &u64| self.templates.get(id).map(|template| (template, *id));
        let mut candidates = all.iter().filter_map(template);
        if let Some((_, id)) = candidates.clone().find(|(template, _)| template.matches(words)) {
            return Some(id);
        }
        let mut best: Option<(usize, u64)> = None;
        candidates.by_ref().for_each(|(template, id)| {
            let agreeing = template.agreeing(words);
            if agreeing.is_some() && agreeing > best.map(|(most, _)| most) {
                best = agreeing.map(|agreeing| (agreeing, id));
            }
        });
        best.map(|(_, id)| id)
    }

    fn forget_oldest(&mut self) -> Option<u64> {
        let (_, id) = self.ages.pop_first()?;
        let template = self.templates.remove(&id)?;
        let leaf = leaf(&template.words);
        if let Some(all) = self.leaves.get_mut(&leaf) {
            all.retain(|other| *other != id);
            if all.is_empty() {
                self.leaves.remove(&leaf);
            }
        }
        Some(id)
    }
}

impl Template {
    fn pairs<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.words.iter().map(|word| &**word).zip(words.iter().copied())
    }

    /// Is the message one of this template as it is?
    fn matches(&self, words: &[&str]) -> bool {
        self.pairs(words).all(|(own, word)| own == WILD || own == word)
    }

    /// How many words agree, if enough do.
    fn agreeing(&self, words: &[&str]) -> Option<usize> {
        let (agree, of) = self
            .pairs(words)
            .filter(|pair| *pair != (WILD, WILD))
            .fold((0, 0), |(agree, of), (own, word)| (agree + usize::from(own == word), of + 1));
        (agree * SIMILAR.1 >= of * SIMILAR.0).then_some(agree)
    }

    fn widen(&mut self, words: &[&str]) {
        for (own, word) in self.words.iter_mut().zip(words) {
            if &**own != *word && &**own != WILD {
                *own = WILD.into();
            }
        }
    }
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(' ').take(MAX_WORDS)
}

/// Where a message, and so its template, belongs: the first word decides, unless it has something that varies.
fn leaf<W: AsRef<str>>(words: &[W]) -> Leaf {
    let first = words.first().map(AsRef::as_ref).unwrap_or_default();
    (words.len(), if first.contains(WILD) { WILD.into() } else { first.into() })
}

#[cfg(test)]
mod tests;
