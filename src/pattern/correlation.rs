//! Several records as one failure: `sequence`, `count`, `within`, `unless` and `by` of a pattern's `match`, and how they are read.
//!
//! Shapes only. What has been read is right in itself; whether each part can be found, and captures what `by` names, is for the engine to
//! say. How records are followed is the business of `correlate`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::cre::duration;
use super::model::{Condition, FieldCondition, Matches, OneOrMany, Term};

/// Records of one match, all counts added up.
const MAX_RECORDS: usize = 1000;
/// Conditions in order.
const MAX_STEPS: usize = 16;
/// The longest time.
const MAX_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// The longest time where something must stay absent: so long a match waits, and the checkpoint with it.
const MAX_ABSENT: Duration = Duration::from_secs(3600);

/// Records that make one failure together.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// The conditions of the steps, in order; after them those that deny a match.
    conditions: Vec<Condition>,
    /// By step: how many records have to meet its condition. Each one or more.
    pub counts: Vec<usize>,
    /// How far the first record and the last may be apart; and how long after the first nothing may deny it.
    pub within: Within,
    /// Captures, by attribute name or group name, that must be equal in all records.
    pub by: Vec<String>,
}

impl Correlation {
    /// Every condition: those of the steps, then those that deny a match. Their places are the parts' numbers.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Does the absence of something belong to it?
    pub fn has_denial(&self) -> bool {
        self.conditions.len() > self.counts.len()
    }

    /// What a part is called: `step 2`, `unless`; nothing where there is only one step.
    pub fn part(&self, part: usize) -> Option<String> {
        match (part < self.counts.len(), self.counts.len()) {
            (true, 1) => None,
            (true, _) => Some(format!("step {}", part + 1)),
            (false, _) => Some("unless".into()),
        }
    }
}

impl fmt::Display for Correlation {
    /// In words: `2 steps in order within 10m, each faultscope.operation by itself, unless something else is seen`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.counts[..] {
            [1] => f.write_str("one record")?,
            [count] => write!(f, "{count} records")?,
            _ => {
                write!(f, "{} steps in order", self.counts.len())?;
                if self.counts.iter().any(|count| *count > 1) {
                    let counts: Vec<String> = self.counts.iter().map(usize::to_string).collect();
                    write!(f, " ({} records)", counts.join(", "))?;
                }
            }
        }
        // Where one record is all, `within` is the time of what must not follow.
        if self.counts != [1] {
            write!(f, " within {}", self.within.written)?;
        }
        if !self.by.is_empty() {
            write!(f, ", for each {}", self.by.join(" and "))?;
        }
        match self.has_denial() {
            true => write!(f, ", unless something else is seen within {}", self.within.written),
            false => Ok(()),
        }
    }
}

/// A length of time, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Within {
    /// `90s`, `10m`, `1h30m`.
    written: String,
    #[schemars(skip)]
    duration: Duration,
}

impl Within {
    /// The length.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl<'de> Deserialize<'de> for Within {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        match duration::parse(written.trim()).and_then(|length| Duration::try_from(length).ok()) {
            None => Err(D::Error::custom("no length of time; it is written as `30s`, `10m` or `1h30m`")),
            Some(Duration::ZERO) => Err(D::Error::custom("a time of nothing; write for example `30s` or `10m`")),
            Some(duration) if duration > MAX_WITHIN => Err(D::Error::custom("more than 24h, which is the most")),
            Some(duration) => Ok(Within { written, duration }),
        }
    }
}

/// One step of a sequence: a condition over one decoded record, and how many records have to meet it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
    regex: OneOrMany,
    fields: BTreeMap<String, FieldCondition>,
    /// So many records, one if absent.
    count: Option<usize>,
}

/// `match` as it is written: a condition over one record, or records that make one failure together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
    regex: OneOrMany,
    fields: BTreeMap<String, FieldCondition>,
    /// Conditions that records meet in this order.
    sequence: Option<Vec<Step>>,
    /// So many records meet the condition.
    count: Option<usize>,
    /// How far the first record and the last may be apart: `30s`, `10m`, `1h30m`.
    within: Option<Within>,
    /// Nothing that meets this (or one of a list) is seen within the time, from the first record on.
    unless: Option<Unless>,
    /// Captures that must be equal in all records, by attribute name or group name.
    by: Vec<String>,
}

/// One condition, or several of which each denies a match.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Unless {
    /// The only one.
    One(Condition),
    /// Several.
    AnyOf(Vec<Condition>),
}

impl Written {
    /// What is meant, or why it can't be.
    pub(super) fn matches<E: Error>(self) -> Result<Matches, E> {
        if self.within.is_none() && (self.sequence.is_some() || self.count.is_some() || self.unless.is_some()) {
            return Err(E::missing_field("within"));
        }
        self.correlated().map_err(E::custom)
    }

    fn correlated(self) -> Result<Matches, String> {
        let Written { all, any, none, regex, fields, sequence, count, within, unless, by } = self;
        let condition = Condition { all, any, none, regex, fields };
        let unless = match unless {
            None => Vec::new(),
            Some(Unless::One(denial)) => vec![denial],
            Some(Unless::AnyOf(denials)) => denials,
        };
        let asked = sequence.is_some() || count.is_some() || !unless.is_empty();
        let within = match within {
            Some(within) if asked => within,
            Some(_) => return Err("`within` has no effect without `sequence`, `count` or `unless`".into()),
            None if !by.is_empty() => return Err("`by` has no effect without `sequence` or `count`".into()),
            None => return Ok(Matches::One(condition)),
        };
        if !unless.is_empty() && within.duration > MAX_ABSENT {
            return Err("beside `unless`, `within` is 1h at most: so long a match waits".into());
        }
        let (mut conditions, counts) = steps(condition, sequence, count)?;
        let records: usize = counts.iter().sum();
        if records == 1 && unless.is_empty() {
            return Err("one record is what a pattern is about by itself; leave `count` and `within` out".into());
        }
        if records > MAX_RECORDS {
            return Err(format!("more than {MAX_RECORDS} records, all counts added up"));
        }
        if by.iter().enumerate().any(|(place, name)| by[..place].contains(name)) {
            return Err("`by` names a capture twice".into());
        }
        conditions.extend(unless);
        Ok(Matches::Correlated(Correlation { conditions, counts, within, by }))
    }
}

/// The conditions of the steps, and how many records each wants.
fn steps(
    condition: Condition,
    sequence: Option<Vec<Step>>,
    count: Option<usize>,
) -> Result<(Vec<Condition>, Vec<usize>), String> {
    let counted = |count: Option<usize>| match count {
        Some(0) => Err(format!("`count` is a number from 1 to {MAX_RECORDS}")),
        count => Ok(count.unwrap_or(1)),
    };
    let Some(sequence) = sequence else { return Ok((vec![condition], vec![counted(count)?])) };
    if !condition.is_empty() || count.is_some() {
        return Err(
            "beside `sequence` there are only `within`, `unless` and `by`; conditions and `count` go into its \
                    steps"
                .into(),
        );
    }
    match sequence.len() {
        0 => return Err("`sequence` has no steps".into()),
        1 => return Err("a sequence of one step; write its condition without `sequence`".into()),
        2..=MAX_STEPS => {}
        _ => return Err(format!("more than {MAX_STEPS} steps")),
    }
    let mut conditions = Vec::with_capacity(sequence.len());
    let mut counts = Vec::with_capacity(sequence.len());
    for Step { all, any, none, regex, fields, count } in sequence {
        conditions.push(Condition { all, any, none, regex, fields });
        counts.push(counted(count)?);
    }
    Ok((conditions, counts))
}
