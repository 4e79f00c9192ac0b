//! Strict YAML with a place for every error: text to typed values, all mistakes at once, each with line, column and a hint.
//!
//! Holds the located tree ([`tree`]), the serde deserializer over it ([`de`]) and the loop that finds every error.
//! Knows nothing of patterns or configuration: these give it their types.

mod de;
mod tree;

use std::fmt;

use serde::de::DeserializeOwned;

pub use tree::{Kind, Node};

/// One mistake in a YAML text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// 1-based.
    pub line: usize,
    /// 1-based.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where there is something to say.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Mistakes that one value may have before reading it is given up; more would only tire the reader.
const MISTAKES_PER_VALUE: usize = 20;

/// Parses a text of one document into its tree. An empty text is an empty mapping.
pub fn parse(text: &str) -> Result<Node, Mistake> {
    single(parse_all(text)?)
}

/// The one document of a text that has one, or none.
pub fn single(documents: Vec<Node>) -> Result<Node, Mistake> {
    tree::single(documents)
}

/// Parses a text of any number of documents into their trees.
pub fn parse_all(text: &str) -> Result<Vec<Node>, Mistake> {
    tree::parse_all(text)
}

/// Reads a typed value from a node, or says everything that is wrong with it.
///
/// serde stops at the first error. To find the next one, the offending entry is taken out and the rest read again;
/// a required key that went missing that way is not reported a second time.
pub fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Mistake>> {
    let mut node = node.clone();
    let mut mistakes = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    loop {
        let error = match T::deserialize(de::Reader::new(&node)) {
            Ok(value) if mistakes.is_empty() => return Ok(value),
            Ok(_) => return Err(mistakes),
            Err(error) => error,
        };
        // A misspelt key is missing under its right name, too; one of the two is enough to say.
        let caused_by_removal = error.missing.as_ref().is_some_and(|field| removed.iter().any(|key| near(key, field)));
        if !caused_by_removal {
            mistakes.push(error.mistake());
        }
        let gone = error.entry.and_then(|entry| node.remove_entry(entry));
        match gone {
            Some(key) if mistakes.len() < MISTAKES_PER_VALUE => removed.push(key),
            _ => return Err(mistakes),
        }
    }
}

/// Is one word likely to be meant as the other?
fn near(word: &str, meant: &str) -> bool {
    strsim::damerau_levenshtein(word, meant) <= 2.max(meant.len() / 3)
}

#[cfg(test)]
mod tests;
