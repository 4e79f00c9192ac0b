//! Where `scan` writes, and in which form.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::classify::Classifier;
use crate::correlate::incidents::Incidents;
use crate::correlate::incidents::causes::Causes;
use crate::correlate::unclassified::{self, Census, Found};
use crate::event::Event;
use crate::export::text::{Coverage, Report};
use crate::export::{jsonl, otlp_json};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object a line.
    Jsonl,
    /// OTLP/JSON as the OpenTelemetry file exporter writes it, one object a line.
    OtlpJson,
}

pub(super) struct Output {
    form: Form,
    out: BufWriter<Box<dyn Write>>,
    /// An event as it goes out; emptied before each.
    line: Vec<u8>,
    incidents: Incidents,
    /// What no pattern knows; told at the end.
    unclassified: Census,
}

enum Form {
    Text(Box<Report>),
    Jsonl(jsonl::Writer),
    OtlpJson,
}

/// The width of text that goes to no terminal.
const PLAIN_WIDTH: usize = 100;
/// Failures that lie this far apart are no incident.
const WINDOW: Duration = Duration::from_secs(600);
/// So many incidents at once; beyond it the one that has been quiet longest is over.
pub(super) const INCIDENTS: usize = 4096;
/// So many kinds of failures that no pattern knows.
const TEMPLATES: usize = 1000;

impl Output {
    pub(super) fn new(format: OutputFormat, classifier: &Classifier) -> Self {
        let causes = || Causes::of(classifier.set.patterns.iter().map(|located| &*located.pattern));
        // A summary is of all that was read, however long it took; a stream of events goes by time.
        let window = if format == OutputFormat::Text { Duration::MAX } else { WINDOW };
        let stdout: Box<dyn Write> = match format {
            // Colours go to terminals only, and not if NO_COLOR is set.
            OutputFormat::Text => Box::new(anstream::AutoStream::auto(io::stdout())),
            _ => Box::new(io::stdout()),
        };
        let form = match format {
            OutputFormat::Text => Form::Text(Box::new(Report::new(width(), causes()))),
            OutputFormat::Jsonl => Form::Jsonl(jsonl::Writer::default()),
            OutputFormat::OtlpJson => Form::OtlpJson,
        };
        Output {
            form,
            out: BufWriter::with_capacity(64 << 10, stdout),
            line: Vec::new(),
            incidents: Incidents::new(causes(), window, INCIDENTS),
            unclassified: Census::new(TEMPLATES),
        }
    }

    pub(super) fn event(&mut self, event: &mut Event) -> Result<()> {
        if unclassified::is(event) {
            let forgotten = self.unclassified.observe(event.clone());
            return forgotten.map_or(Ok(()), |found| self.write(&found.into_event()));
        }
        event.incident = self.incidents.observe(event, event.observed);
        self.write(event)
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let line = &mut self.line;
        line.clear();
        match &mut self.form {
            // Its summary tells of these.
            Form::Text(_) if unclassified::is(event) => {}
            Form::Text(report) => {
                report.event(event, &mut self.out)?;
                // A person is looking on.
                self.out.flush()?;
            }
            Form::Jsonl(writer) => writer.write(event, line),
            Form::OtlpJson => otlp_json::write(std::slice::from_ref(event), line),
        }
        self.out.write_all(line)?;
        Ok(())
    }

    /// Shows what is buffered: the input pauses.
    pub(super) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    pub(super) fn close(&mut self, coverage: Coverage) -> Result<()> {
        if let Form::Text(report) = &self.form {
            report.summary(coverage, &mut self.out)?;
            report.not_recognised(&self.unclassified, &mut self.out)?;
        } else {
            let found: Vec<Found> = self.unclassified.found().into_iter().cloned().collect();
            found.into_iter().try_for_each(|found| self.write(&found.into_event()))?;
        }
        self.flush()
    }
}

pub(super) fn width() -> usize {
    let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    terminal.map_or(PLAIN_WIDTH, |(width, _)| width.0.into())
}
