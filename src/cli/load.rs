//! What several verbs share: which patterns to use.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};

use crate::classify::{Classifier, Limits};
use crate::frame::Format;
use crate::pattern::model::Severity;
use crate::pattern::{PatternSet, Problem, sources};

/// Which patterns to use.
#[derive(Debug, clap::Args)]
pub(super) struct PatternArgs {
    /// A pack, or a folder of packs, to use beside the built-in patterns. May be given again.
    #[arg(id = "packs", long = "patterns", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Leave the built-in patterns out.
    #[arg(long)]
    pub no_builtin_patterns: bool,
}

impl PatternArgs {
    pub(super) fn load(&self) -> Result<PatternSet> {
        let mut all = if self.no_builtin_patterns { Vec::new() } else { sources::builtin() };
        let mut problems = Vec::new();
        for path in &self.paths {
            match sources::read(path) {
                Ok(packs) => all.extend(packs),
                Err(list) => problems.extend(list),
            }
        }
        if !problems.is_empty() {
            return Err(listed(&problems));
        }
        PatternSet::load(&all).map_err(|problems| listed(&problems))
    }

    pub(super) fn classifier(&self, format: Format, min_severity: Severity) -> Result<Arc<Classifier>> {
        Ok(classifier_of(self.load()?, format, min_severity))
    }
}

pub(super) fn classifier_of(set: PatternSet, format: Format, min_severity: Severity) -> Arc<Classifier> {
    Arc::new(Classifier { set, format, limits: Limits::default(), min_severity })
}

/// All problems as one error, a line each.
pub(super) fn listed(problems: &[Problem]) -> anyhow::Error {
    let mut text = match problems.len() {
        1 => String::from("a problem with the patterns"),
        many => format!("{many} problems with the patterns"),
    };
    for problem in problems {
        // Writing to a String can't fail.
        let _ = write!(text, "\n  {problem}");
    }
    anyhow!(text)
}
