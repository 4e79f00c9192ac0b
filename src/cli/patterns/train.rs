//! `faultscope patterns train`: what the search learns from healthy logs, written to a folder or compared with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::super::load::PatternArgs;
use super::super::{DONE, FOUND, input};
use super::lints;
use crate::engine::{Asked, CompileError, Engine, Trained};
use crate::frame::CRI_PARTIAL_MARKS;
use crate::pattern::PatternSet;
use crate::pattern::model::{Origin, Pattern};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the tables go; in this project `src/engine/trained`. Without it they are made only for --measure.
    folder: Option<PathBuf>,
    /// Healthy logs to learn from, a file or a folder. May be given again.
    #[arg(long, value_name = "PATH", required_unless_present = "measure")]
    healthy: Vec<PathBuf>,
    /// Write nothing; name the tables that are not as they should be, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
    /// Say what scanning this log takes, with what --healthy teaches; without that, with what the binary was built with. May be given
    /// again.
    #[arg(long, value_name = "PATH")]
    measure: Vec<PathBuf>,
    #[command(flatten)]
    patterns: PatternArgs,
}

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let set = args.patterns.load()?;
    let trained = match args.healthy.is_empty() {
        true => Trained::builtin(),
        false => learn(&set, &args.healthy)?,
    };
    if !args.measure.is_empty() {
        let engine = trained.compile(&models(&set), ASKED).map_err(|errors| uncompiled(&errors))?;
        args.measure.iter().try_for_each(|path| measure(&engine, path, out))?;
    }
    let Some(folder) = &args.folder else { return Ok(DONE) };
    let tables = [("grams.txt", trained.grams), ("windows.txt", trained.windows), ("pairs.txt", trained.pairs)];
    let is_written = |name: &str, text: &str| fs::read(folder.join(name)).is_ok_and(|there| there == text.as_bytes());
    let stale: Vec<_> = tables.iter().filter(|(name, text)| !is_written(name, text)).collect();
    for (name, text) in &stale {
        let path = folder.join(name);
        match args.check {
            true => writeln!(out, "{}: not as the patterns and the samples are", path.display())?,
            false => fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?,
        }
    }
    Ok(if args.check && !stale.is_empty() { FOUND } else { DONE })
}

/// Learns from the samples, each a program's, and from the examples on which the patterns stay silent.
fn learn(set: &PatternSet, healthy: &[PathBuf]) -> Result<Trained> {
    let mut samples = Vec::new();
    for path in healthy {
        let (files, errors) = input::files(path);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        for file in files {
            let mut text = Vec::new();
            lints::read(&file, &mut text)?;
            samples.push(framed(&String::from_utf8_lossy(&text)));
        }
    }
    let examples = set.patterns.iter().flat_map(|located| &located.pattern.tests.silent);
    let examples = examples.filter(|example| example.source == Origin::Log).map(|example| &*example.log);
    let near_misses = framed(&examples.collect::<Vec<_>>().join("\n"));
    Trained::learn(&models(set), ASKED, &samples, &near_misses).map_err(|errors| uncompiled(&errors))
}

/// What is looked for beside the patterns.
const ASKED: Asked<'static> = Asked { of_any: &CRI_PARTIAL_MARKS, for_others: &[], noticed: &[] };

fn models(set: &PatternSet) -> Vec<Arc<Pattern>> {
    set.patterns.iter().map(|located| Arc::clone(&located.pattern)).collect()
}

fn uncompiled(errors: &[(usize, CompileError)]) -> anyhow::Error {
    anyhow!("{} patterns can't be compiled", errors.len())
}

/// Lines in each of the framings of container runtimes, and in none.
fn framed(text: &str) -> Vec<u8> {
    let mut all = String::new();
    for (number, line) in text.lines().filter(|line| !line.is_empty()).enumerate() {
        let stream = if number.is_multiple_of(3) { "stderr" } else { "stdout" };
        let time = "2031-05-17T09:14:02.700412035Z";
        match number % 5 {
            0 => all.push_str(line),
            1 => {
                let log = format!("{line}\n");
                all.push_str(&serde_json::json!({ "log": log, "stream": stream, "time": time }).to_string());
            }
            _ => all.extend([time, " ", stream, " F ", line]),
        }
        all.push('\n');
    }
    all.into_bytes()
}

fn measure(engine: &Engine, path: &Path, out: &mut impl Write) -> Result<()> {
    let mut text = Vec::new();
    lints::read(path, &mut text)?;
    let effort = engine.effort(&text);
    let per_mib = |count: usize| count as f64 * f64::from(1 << 20) / text.len().max(1) as f64;
    writeln!(
        out,
        "{}: per MiB {:.1} positions pass, {:.1} candidates, {:.1} windows, {:.1} anchors",
        path.display(),
        per_mib(effort.passing),
        per_mib(effort.candidates),
        per_mib(effort.windows),
        per_mib(effort.anchors)
    )?;
    Ok(())
}
