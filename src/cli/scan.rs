//! `faultscope scan`: classify files, folders, bundles or standard input.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::input::{self, Input};
use super::load::PatternArgs;
use super::output::{Output, OutputFormat};
use super::{DONE, FOUND, SeverityArg, USAGE};
use crate::classify::merged::Merged;
use crate::classify::{Classifier, Source, Stream};
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
    /// Exit with status 1 if anything was found that a pattern knows.
    #[arg(long)]
    exit_code: bool,
}

/// How much is read at a time.
const BLOCK: usize = 256 << 10;
/// Standard input that brings nothing for this long has paused: what is there is shown.
const PAUSE: Duration = Duration::from_millis(100);
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
        classifier,
        container: args.container,
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
        errors.iter().for_each(|error| scan.complain(error));
    }
    scan.progress = progress_bar(&files);
    for file in &files {
        let result = if file.as_os_str() == "-" { scan.standard_input() } else { scan.file(file) };
        match result {
            Ok(()) => {}
            Err(error) if super::is_broken_pipe(&error) => return Err(error),
            Err(error) => scan.complain(&error),
        }
    }
    scan.finish_merged()?;
    scan.progress.finish_and_clear();
    scan.output.close(scan.coverage)?;
    Ok(if status == DONE && args.exit_code && scan.found { FOUND } else { status })
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

struct Scan {
    classifier: Arc<Classifier>,
    container: Option<String>,
    output: Output,
    coverage: Coverage,
    progress: ProgressBar,
    found: bool,
    /// Entries of all inputs, if community rules are to see them as one log.
    merged: Option<Merged>,
}

impl Scan {
    fn complain(&self, error: &anyhow::Error) {
        self.progress.suspend(|| eprintln!("faultscope: {error:#}"));
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let size = std::fs::metadata(path).map(|meta| meta.len()).unwrap_or(0);
        let before = self.progress.position();
        let result = input::open(path, &mut |input| self.read(input));
        // What was read of a compressed file is more than its size, by which the bar counts.
        self.progress.set_position(before + size);
        result
    }

    fn read(&mut self, input: Input<'_>) -> Result<()> {
        let mut stream = self.stream(&input.name);
        let mut events = Vec::new();
        self.coverage.sources += 1;
        let position = self.progress.position();
        let mut done = 0;
        loop {
            let count = match input.reader.read(stream.space(BLOCK)) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // What could be read counts, and so does the next file of a bundle.
                    self.complain(&anyhow::Error::new(error).context(format!("can't read {} to its end", input.name)));
                    break;
                }
            };
            done += count as u64;
            self.coverage.bytes += count as u64;
            self.progress.set_position(position + done);
            stream.advance(count, Timestamp::now(), &mut events);
            self.emit(&mut stream, &mut events)?;
        }
        stream.finish(Timestamp::now(), &mut events);
        self.emit(&mut stream, &mut events)
    }

    /// Reads on a thread of its own, so that a pause can be noticed.
    fn standard_input(&mut self) -> Result<()> {
        let (sender, receiver) = mpsc::sync_channel::<io::Result<Vec<u8>>>(4);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut block = vec![0; BLOCK];
                let block = match stdin.read(&mut block) {
                    Ok(0) => return,
                    Ok(count) => {
                        block.truncate(count);
                        Ok(block)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = block.is_err();
                if sender.send(block).is_err() || last {
                    return;
                }
            }
        });
        let mut stream = self.stream("-");
        let mut events = Vec::new();
        self.coverage.sources += 1;
        loop {
            let block = match receiver.recv_timeout(PAUSE) {
                Ok(Ok(block)) => block,
                Ok(Err(error)) => {
                    stream.finish(Timestamp::now(), &mut events);
                    self.emit(&mut stream, &mut events)?;
                    return Err(error).context("can't read standard input to its end");
                }
                Err(RecvTimeoutError::Timeout) => {
                    stream.flush(Timestamp::now(), &mut events);
                    stream.tick(Timestamp::now(), &mut events);
                    self.emit(&mut stream, &mut events)?;
                    self.output.flush()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.coverage.bytes += block.len() as u64;
            stream.space(block.len())[..block.len()].copy_from_slice(&block);
            stream.advance(block.len(), Timestamp::now(), &mut events);
            self.emit(&mut stream, &mut events)?;
        }
        stream.finish(Timestamp::now(), &mut events);
        self.emit(&mut stream, &mut events)
    }

    fn emit(&mut self, stream: &mut Stream, events: &mut Vec<Event>) -> Result<()> {
        if let Some(merged) = &mut self.merged {
            merged.take(stream);
        }
        self.tell(events)
    }

    /// All inputs are read: what community rules make of them together.
    fn finish_merged(&mut self) -> Result<()> {
        let Some(merged) = self.merged.take() else { return Ok(()) };
        if merged.left_out > 0 {
            let left_out = merged.left_out;
            self.complain(&anyhow!("--cre-compat keeps 64 MiB of entries; {left_out} were more and are left out"));
        }
        let mut events = merged.finish(&self.classifier, Timestamp::now());
        self.tell(&mut events)
    }

    fn tell(&mut self, events: &mut Vec<Event>) -> Result<()> {
        for mut event in events.drain(..) {
            self.found |= !unclassified::is(&event);
            self.progress.suspend(|| self.output.event(&mut event))?;
        }
        Ok(())
    }

    fn stream(&self, name: &str) -> Stream {
        let source = Source::named(name, self.container.as_deref());
        let mut stream = Stream::new(self.classifier.clone(), source, 0, 1);
        if self.merged.is_some() {
            stream.defer_rules();
        }
        stream
    }
}
