//! All community rules of a set, and their terms compiled together.

use std::collections::{BTreeMap, HashMap};

use super::{EventSources, Rule, Term};
use crate::engine::Terms;
use crate::pattern::Problem;
use crate::yaml::Mistake;

/// Rules that are known to be right, and their terms.
pub struct Community {
    /// The rules, by id.
    pub rules: Vec<Rule>,
    /// Every term of every rule, each once.
    pub terms: Terms,
    /// By rule: its terms, those of its steps first, then the negative ones.
    of_rule: Vec<Vec<u32>>,
    /// By term: the rules that have it.
    by_term: Vec<Vec<u32>>,
}

impl Community {
    /// Compiles rules; what is wrong with them is added to `problems`. `None` if there are none, or some can't be compiled.
    pub fn of(rules: Vec<Rule>, problems: &mut Vec<Problem>) -> Option<Community> {
        let rules = without_doubles(rules, problems);
        if rules.is_empty() {
            return None;
        }
        let mut ids: HashMap<&Term, u32> = HashMap::new();
        let mut all: Vec<Term> = Vec::new();
        let mut by_term: Vec<Vec<u32>> = Vec::new();
        let mut of_rule: Vec<Vec<u32>> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let mut own = Vec::new();
            for term in rule.logic.terms() {
                let id = *ids.entry(term).or_insert_with(|| {
                    all.push(term.clone());
                    by_term.push(Vec::new());
                    all.len() as u32 - 1
                });
                by_term[id as usize].push(index as u32);
                own.push(id);
            }
            of_rule.push(own);
        }
        match Terms::compile(&all) {
            Ok(terms) => Some(Community { rules, terms, of_rule, by_term }),
            Err(errors) => {
                problems.extend(errors.into_iter().flat_map(|(term, error)| told(&rules, &by_term[term], &error)));
                None
            }
        }
    }

    /// Holds rules to the containers of their event sources. Gives the sources that are no rule's.
    pub fn hold(&mut self, sources: &EventSources) -> Vec<String> {
        sources.hold(&mut self.rules)
    }

    /// Compiles every expression that is otherwise compiled when first needed; what is wrong with them, by rule.
    pub fn check(&self) -> Vec<Problem> {
        let errors = self.terms.check().into_iter();
        errors.flat_map(|(term, error)| told(&self.rules, &self.by_term[term as usize], &error)).collect()
    }

    /// The rule of an id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.pattern.id == id)
    }

    /// The rules that have one of these terms; for each, by step and then by negation, whether its term is among them.
    pub fn touched(&self, terms: &[u32]) -> BTreeMap<u32, Vec<bool>> {
        let rules = terms.iter().flat_map(|term| &self.by_term[*term as usize]);
        let matched = |rule: u32| self.of_rule[rule as usize].iter().map(|term| terms.contains(term)).collect();
        rules.map(|&rule| (rule, matched(rule))).collect()
    }

    /// The rules that have a term, each with where it stands among the rule's steps and then its negations.
    pub fn having(&self, term: u32) -> impl Iterator<Item = (u32, impl Iterator<Item = usize>)> {
        self.by_term[term as usize].iter().map(move |&rule| {
            let own = self.of_rule[rule as usize].iter().enumerate();
            (rule, own.filter(move |(_, other)| **other == term).map(|(place, _)| place))
        })
    }

    /// Ids of the rules for which every entry of a log has to be looked at.
    pub fn without_anchor(&self) -> Vec<&str> {
        let rules = self.terms.without_anchor().iter().flat_map(|term| &self.by_term[*term as usize]);
        let mut ids: Vec<&str> = rules.map(|rule| self.rules[*rule as usize].pattern.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// A problem of each rule that has the term.
fn told(rules: &[Rule], having: &[u32], error: &str) -> Vec<Problem> {
    having.iter().map(|rule| problem(&rules[*rule as usize], error.to_owned())).collect()
}

fn problem(rule: &Rule, message: String) -> Problem {
    let message = format!("{}: {message}", rule.pattern.id);
    Problem { file: rule.file.to_string(), mistake: Mistake { line: rule.line, column: 1, message, hint: None } }
}

fn without_doubles(mut rules: Vec<Rule>, problems: &mut Vec<Problem>) -> Vec<Rule> {
    rules.sort_by(|a, b| a.pattern.id.cmp(&b.pattern.id));
    for pair in rules.windows(2).filter(|pair| pair[0].pattern.id == pair[1].pattern.id) {
        problems.push(problem(&pair[1], format!("the id is taken already, by {}:{}", pair[0].file, pair[0].line)));
    }
    rules.dedup_by(|a, b| a.pattern.id == b.pattern.id);
    rules
}
