//! `faultscope scan`: classify files, folders, bundles or standard input.

mod parallel;
mod reading;

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use self::reading::{Reading, Taker};
use super::input;
use super::load::PatternArgs;
use super::output::{Output, OutputFormat};
use super::{DONE, FOUND, SeverityArg, USAGE};
use crate::classify::Stream;
use crate::classify::merged::Merged;
use crate::correlate::unclassified;
use crate::event::Event;
use crate::export::text::Coverage;
use crate::frame::Format;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, folders or bundles; `-` is standard input, and the default when something is piped in.
    paths: Vec<PathBuf>,
    /// The container that plain input came from. Paths as on a node tell it themselves.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// How lines are framed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How events are written. Text if standard output is a terminal or a pipe, unless asked otherwise.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    patterns: PatternArgs,
    /// Community rules of several entries see all inputs as one log, merged by time, as in their own engine; what they find is told at
    /// the end. Otherwise each input is followed by itself.
    #[arg(long)]
    cre_compat: bool,
    /// Leave out events of a lesser severity.
    #[arg(long, value_enum, default_value = "info", value_name = "SEVERITY")]
    min_severity: SeverityArg,
    /// Show passwords, tokens and keys as the log has them.
    #[arg(long)]
    no_redact: bool,
    /// Tell of errors that no pattern knows too, by what they have in common. On where output is text, and then at its end.
    #[arg(long, overrides_with = "no_unclassified")]
    unclassified: bool,
    /// Tell of what patterns know, and nothing else.
    #[arg(long)]
    no_unclassified: bool,
    /// How many files are read at once. As many as there are processors, unless said otherwise; the output is in the order of the files
    /// all the same.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroUsize>,
    /// Exit with status 1 if anything was found that a pattern knows.
    #[arg(long)]
    exit_code: bool,
}

/// Input of this many bytes gets a progress bar, if there is a terminal to show it.
const LONG_INPUT: u64 = 64 << 20;

pub(super) fn run(args: Args) -> Result<u8> {
    let mut paths = args.paths;
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            bail!("nothing to read: name files or folders, or pipe a log in (see faultscope scan --help)");
        }
        paths.push("-".into());
    }
    let noticing = (args.unclassified || args.output == OutputFormat::Text) && !args.no_unclassified;
    let classifier = args.patterns.classifier(args.format, args.min_severity.into(), !args.no_redact, noticing)?;
    let mut scan = Scan {
        output: Output::new(args.output, &classifier),
        coverage: Coverage::default(),
        progress: ProgressBar::hidden(),
        found: false,
        merged: args.cre_compat.then(Merged::default),
    };
    let mut status = DONE;
    let mut files = Vec::new();
    for path in &paths {
        if path.as_os_str() != "-" && std::fs::metadata(path).is_err() {
            status = USAGE;
        }
        let (found, errors) = list(path);
        files.extend(found);
        errors.into_iter().for_each(|error| scan.complain(error));
    }
    scan.progress = progress_bar(&files);
    let reading = Reading {
        classifier,
        container: args.container,
        progress: scan.progress.clone(),
        defers_rules: args.cre_compat,
    };
    scan.read_all(&reading, &files, args.threads)?;
    scan.finish_merged(&reading)?;
    scan.progress.finish_and_clear();
    scan.output.close(scan.coverage)?;
    let found = scan.found;
    // The process is about to end, which gives memory back faster than piece by piece.
    std::mem::forget((scan, reading));
    Ok(if status == DONE && args.exit_code && found { FOUND } else { status })
}

/// The files to read for a path, and what can't be read of it.
fn list(path: &Path) -> (Vec<PathBuf>, Vec<anyhow::Error>) {
    if path.as_os_str() == "-" {
        return (vec![path.to_owned()], Vec::new());
    }
    input::files(path)
}

fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    let sizes = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|meta| meta.len());
    let total: u64 = sizes.sum();
    if total < LONG_INPUT || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    // Should the template ever not parse, the bar has its default look.
    match ProgressStyle::with_template("{bar:30} {percent:>3}%  {bytes_per_sec}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What becomes of what was read, in the order of the files.
struct Scan {
    output: Output,
    coverage: Coverage,
    progress: ProgressBar,
    found: bool,
    /// Entries of all inputs, if community rules are to see them as one log.
    merged: Option<Merged>,
}

impl Scan {
    /// Reads all files; only an output that can't be written ends it early.
    fn read_all(&mut self, reading: &Reading, files: &[PathBuf], threads: Option<NonZeroUsize>) -> Result<()> {
        let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        // Standard input is waited for, and what is merged is kept in the order of the files.
        let in_turn = self.merged.is_some() || files.iter().any(|file| file.as_os_str() == "-");
        if threads > 1 && files.len() > 1 && !in_turn {
            return parallel::read(reading, files, threads.min(files.len()), self);
        }
        for file in files {
            let result = if file.as_os_str() == "-" { reading.standard_input(self) } else { reading.file(file, self) };
            match result {
                Ok(()) => {}
                Err(error) if super::is_broken_pipe(&error) => return Err(error),
                Err(error) => self.complain(error),
            }
        }
        Ok(())
    }

    /// All inputs are read: what community rules make of them together.
    fn finish_merged(&mut self, reading: &Reading) -> Result<()> {
        let Some(merged) = self.merged.take() else { return Ok(()) };
        if merged.left_out > 0 {
            let left_out = merged.left_out;
            self.complain(anyhow!("--cre-compat keeps 64 MiB of entries; {left_out} were more and are left out"));
        }
        let mut events = merged.finish(&reading.classifier, Timestamp::now());
        self.tell(&mut events)
    }

    fn tell(&mut self, events: &mut Vec<Event>) -> Result<()> {
        for mut event in events.drain(..) {
            self.found |= !unclassified::is(&event);
            self.progress.suspend(|| self.output.event(&mut event))?;
        }
        Ok(())
    }
}

impl Taker for Scan {
    fn begin(&mut self) {
        self.coverage.sources += 1;
    }

    fn read(&mut self, bytes: usize) {
        self.coverage.bytes += bytes as u64;
    }

    fn take(&mut self, stream: &mut Stream, events: &mut Vec<Event>) -> Result<()> {
        if let Some(merged) = &mut self.merged {
            merged.take(stream);
        }
        self.tell(events)
    }

    fn pause(&mut self) -> Result<()> {
        self.output.flush()
    }

    fn complain(&mut self, error: anyhow::Error) {
        self.progress.suspend(|| eprintln!("faultscope: {error:#}"));
    }
}
