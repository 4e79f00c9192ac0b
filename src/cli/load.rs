//! What several verbs share: which patterns to use.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;

use crate::classify::unknown::ANCHORS;
use crate::classify::{Classifier, Limits};
use crate::frame::Format;
use crate::pattern::cre::EventSources;
use crate::pattern::model::Severity;
use crate::pattern::sources::{self, PackSource};
use crate::pattern::{PatternSet, Problem};

/// Which patterns to use.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PatternArgs {
    /// A pack, or a folder of packs, to use beside the built-in patterns. May be given again.
    #[arg(id = "packs", long = "patterns", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Leave the built-in patterns out.
    #[arg(long)]
    pub no_builtin_patterns: bool,
    /// Hold community rules of an event source (a glob, such as `cre.log.redis*`) to containers, by globs of their names. May be
    /// given again.
    #[arg(long = "event-source", value_name = "SOURCE=GLOB[,GLOB]", value_parser = event_source)]
    pub event_sources: Vec<(String, Vec<String>)>,
}

fn event_source(text: &str) -> Result<(String, Vec<String>), String> {
    let (source, globs) = text.split_once('=').ok_or("written as SOURCE=GLOB, such as cre.log.redis=redis*")?;
    Ok((source.trim().to_owned(), globs.split(',').map(|glob| glob.trim().to_owned()).collect()))
}

impl PatternArgs {
    /// The set, or every problem with it.
    pub(super) fn read(&self) -> Result<PatternSet, Vec<Problem>> {
        self.with(PatternSet::load)
    }

    /// The set for matching alone, which may notice what no pattern knows too.
    pub(super) fn read_to_run(&self, noticing: bool) -> Result<PatternSet, Vec<Problem>> {
        let unknown = if noticing { ANCHORS } else { &[] };
        self.with(|sources| PatternSet::load_to_run(sources, unknown))
    }

    /// The set with a pack more.
    pub(super) fn read_with(&self, pack: PackSource) -> Result<PatternSet, Vec<Problem>> {
        self.with(|sources| PatternSet::load(&[sources, std::slice::from_ref(&pack)].concat()))
    }

    /// The set, the built-in packs checked as if they were somebody's own.
    pub(super) fn check(&self) -> anyhow::Result<PatternSet> {
        self.with(PatternSet::check).map_err(|problems| listed(&problems))
    }

    fn with(
        &self,
        load: impl FnOnce(&[PackSource]) -> Result<PatternSet, Vec<Problem>>,
    ) -> Result<PatternSet, Vec<Problem>> {
        let mut all = if self.no_builtin_patterns { Vec::new() } else { sources::builtin() };
        let mut problems = Vec::new();
        for path in &self.paths {
            match sources::read(path) {
                Ok(packs) => all.extend(packs),
                Err(list) => problems.extend(list),
            }
        }
        let mut sources = EventSources::default();
        for (source, globs) in &self.event_sources {
            if let Err(error) = sources.add(source, globs) {
                problems.push(Problem::of_file("event sources".as_ref(), error.to_string()));
            }
        }
        // A pack that can't be read is no reason to keep quiet about those that can.
        match load(&all).and_then(|set| held(set, &sources)) {
            Ok(set) if problems.is_empty() => Ok(set),
            Ok(_) => Err(problems),
            Err(more) => Err([problems, more].concat()),
        }
    }

    pub(super) fn load(&self) -> anyhow::Result<PatternSet> {
        self.read().map_err(|problems| listed(&problems))
    }

    pub(super) fn classifier(
        &self,
        format: Format,
        min_severity: Severity,
        redact: bool,
        noticing: bool,
    ) -> anyhow::Result<Arc<Classifier>> {
        let set = self.read_to_run(noticing).map_err(|problems| listed(&problems))?;
        Ok(Arc::new(Classifier { set, format, limits: Limits::default(), min_severity, redact }))
    }
}

/// Rules held to the containers of their event sources. A source that no rule has is a slip of the pen.
fn held(mut set: PatternSet, sources: &EventSources) -> Result<PatternSet, Vec<Problem>> {
    let Some(community) = &mut set.community else { return Ok(set) };
    let unknown = community.hold(sources);
    if unknown.is_empty() {
        return Ok(set);
    }
    let problem = |source: &String| {
        Problem::of_file("event sources".as_ref(), format!("no rule has the event source `{source}`"))
    };
    Err(unknown.iter().map(problem).collect())
}

/// For whoever looks at patterns rather than at events: nothing is masked.
pub(super) fn classifier_of(set: PatternSet, format: Format, min_severity: Severity) -> Arc<Classifier> {
    Arc::new(Classifier { set, format, limits: Limits::default(), min_severity, redact: false })
}

/// All problems as one error, a line each.
pub(super) fn listed(problems: &[Problem]) -> anyhow::Error {
    let mut text = match problems.len() {
        1 => String::from("a problem to mend"),
        many => format!("{many} problems to mend"),
    };
    for problem in problems {
        // Writing to a String can't fail.
        let _ = write!(text, "\n  {problem}");
    }
    anyhow!(text)
}
