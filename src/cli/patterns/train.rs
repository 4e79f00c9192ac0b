//! `faultscope patterns train`: what the search learns from healthy logs, written to a folder or compared with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::super::load::PatternArgs;
use super::super::{DONE, FOUND};
use super::lints;
use crate::engine::{Asked, Trained};
use crate::frame::CRI_PARTIAL_MARKS;
use crate::pattern::PatternSet;
use crate::pattern::model::Origin;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the tables go; in this project `src/engine/trained`. Without it only the effort on --measure is told.
    folder: Option<PathBuf>,
    /// Healthy logs to learn from, a file or a folder. May be given again.
    #[arg(long, value_name = "PATH", required_unless_present = "measure")]
    healthy: Vec<PathBuf>,
    /// Write nothing; name the tables that are not as they should be, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
    /// Say what scanning this log takes, with what the binary has learned already. May be given again.
    #[arg(long, value_name = "PATH")]
    measure: Vec<PathBuf>,
    #[command(flatten)]
    patterns: PatternArgs,
}

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let set = args.patterns.load()?;
    for path in &args.measure {
        measure(&set, path, out)?;
    }
    let Some(folder) = &args.folder else { return Ok(DONE) };
    let trained = learn(&set, &args.healthy)?;
    let tables = [("grams.txt", trained.grams), ("windows.txt", trained.windows)];
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

/// Learns from the samples and from the examples on which the patterns stay silent.
fn learn(set: &PatternSet, healthy: &[PathBuf]) -> Result<Trained> {
    /// Samples are worth more than examples, which are near misses on purpose.
    const SAMPLES: usize = 4;
    let mut text = Vec::new();
    for path in healthy {
        lints::read(path, &mut text)?;
    }
    let examples = set.patterns.iter().flat_map(|located| &located.pattern.tests.silent);
    let examples = examples.filter(|example| example.source == Origin::Log).map(|example| &*example.log);
    let samples = String::from_utf8_lossy(&text);
    let lines =
        std::iter::repeat_n(&*samples, SAMPLES).chain(examples).flat_map(str::lines).filter(|line| !line.is_empty());
    let sample: String = lines.enumerate().map(|(number, line)| framed(number, line)).collect();
    let models: Vec<_> = set.patterns.iter().map(|located| Arc::clone(&located.pattern)).collect();
    let asked = Asked { of_any: &CRI_PARTIAL_MARKS, ..Asked::default() };
    Trained::learn(&models, asked, sample.as_bytes())
        .map_err(|errors| anyhow!("{} patterns can't be compiled", errors.len()))
}

/// A line in one of the framings of container runtimes, or in none.
fn framed(number: usize, line: &str) -> String {
    let stream = if number.is_multiple_of(3) { "stderr" } else { "stdout" };
    match number % 5 {
        0 => format!("{line}\n"),
        1 => format!(
            "{}\n",
            serde_json::json!({ "log": format!("{line}\n"), "stream": stream, "time": "2031-05-17T09:14:02.700412035Z" })
        ),
        _ => format!("2031-05-17T09:14:02.700412035Z {stream} F {line}\n"),
    }
}

fn measure(set: &PatternSet, path: &Path, out: &mut impl Write) -> Result<()> {
    let mut text = Vec::new();
    lints::read(path, &mut text)?;
    let effort = set.engine.effort(&text);
    let per_mib = |count: usize| count as f64 * f64::from(1 << 20) / text.len().max(1) as f64;
    writeln!(
        out,
        "{}: per MiB {:.1} candidates, {:.1} windows, {:.1} anchors",
        path.display(),
        per_mib(effort.candidates),
        per_mib(effort.windows),
        per_mib(effort.anchors)
    )?;
    Ok(())
}
