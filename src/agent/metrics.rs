//! faultscope's own metrics: OpenTelemetry instruments, read by Prometheus and, if configured, sent over OTLP.
//!
//! What happens often is an instrument that the two sides add to; what is a state is looked up in [`State`] when somebody asks. Names
//! and labels are part of the contract: dashboards and alerts are written to them.

mod cluster;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Counter, Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Instrument, PeriodicReader, SdkMeterProvider, Stream};
use prometheus::Registry;

use super::cluster::Talk;
use super::deliver;
use crate::classify::Classifier;
use crate::engine;
use crate::export::otlp::{self, Settings};
use crate::tail::{Loss, Stats};

/// What can be asked for at any time.
#[derive(Default)]
pub struct State {
    /// Of the files, as of the last second.
    pub files: Stats,
    /// The patterns in use.
    pub classifier: Option<Arc<Classifier>>,
    /// How many, and anchors that blocks are searched for.
    pub patterns: usize,
    /// See `patterns`.
    pub anchors: usize,
    /// Failures whose repeats are being folded.
    pub repeats_followed: u64,
    /// Templates of failures that no pattern knows.
    pub templates: u64,
    /// Incidents that are open.
    pub incidents_open: u64,
    /// Records that wait for more lines.
    pub records_waiting: u64,
    /// The files have been looked for once.
    pub started: bool,
    /// Why the last checkpoint could not be written.
    pub checkpoint_trouble: Option<String>,
    /// Why the last reload failed; what was in use before still is.
    pub reload_trouble: Option<String>,
    /// The outputs in use.
    pub outputs: Vec<OutputState>,
    /// What is asked of Kubernetes, if anything is.
    pub kubernetes: Option<Talk>,
}

/// One output.
#[derive(Clone, Debug)]
pub struct OutputState {
    /// Its name.
    pub name: String,
    /// Nothing counts as done before it is there.
    pub required: bool,
    /// What became of its requests.
    pub counts: Arc<deliver::Counts>,
}

/// Shared by everything that has something to report.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// Looks at, or changes, the state.
    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where metrics are sent, beside being served.
pub struct Push {
    /// To which receiver.
    pub settings: Settings,
    /// How often.
    pub interval: Duration,
}

/// Different labels that most instruments have at most.
const FEW: usize = 128;

/// The SDK makes room in advance for the 2,000 different labels that an instrument may have. Only those by pattern, and by what is read of
/// Kubernetes, come near; for the rest that would be five MiB of nothing.
fn few_labels(instrument: &Instrument) -> Option<Stream> {
    let many = ["faultscope.events", "faultscope.occurrences", "faultscope.repeats.folded"]
        .contains(&instrument.name())
        || ["faultscope.pattern.", "faultscope.kubernetes."].iter().any(|area| instrument.name().starts_with(area));
    (!many).then(|| Stream::builder().with_cardinality_limit(FEW).build().ok())?
}

/// The instruments.
pub struct Metrics {
    /// Events handed to the outputs, by pattern and severity.
    pub events: Counter<u64>,
    /// Occurrences of failures, folded ones included.
    pub occurrences: Counter<u64>,
    /// Occurrences that wait for, or went into, a summary.
    pub folded: Counter<u64>,
    /// Incidents begun.
    pub incidents_opened: Counter<u64>,
    /// Events that went out as root causes and turned out to be none.
    pub incidents_corrected: Counter<u64>,
    /// Events of pods of which the cluster has told nothing.
    pub undescribed: Counter<u64>,
    /// Lines read.
    pub lines: Counter<u64>,
    /// Events, lines, records or bytes that don't get through, by reason.
    pub dropped: Counter<u64>,
    /// How often a limit was hit, by its key.
    pub limits: Counter<u64>,
    /// Secrets masked.
    pub redacted: Counter<u64>,
    /// Checkpoints that could not be written.
    pub checkpoint_failures: Counter<u64>,
    /// Reloads, by outcome.
    pub reloads: Counter<u64>,
    provider: SdkMeterProvider,
}

impl Metrics {
    /// Instruments whose readings `registry` gets, and `push` too.
    pub fn new(registry: &Registry, push: Option<Push>, state: &Shared) -> Result<Metrics> {
        let reader =
            opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false).build();
        let resource = Resource::builder().with_service_name(env!("CARGO_PKG_NAME"));
        let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        let mut builder = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_view(few_labels)
            .with_reader(reader.context("the Prometheus registry can't be used")?);
        if let Some(Push { settings, interval }) = push {
            let exporter = otlp::metrics_exporter(&settings).context("own metrics can't be sent")?;
            builder = builder.with_reader(PeriodicReader::builder(exporter).with_interval(interval).build());
        }
        let provider = builder.build();
        let meter = provider.meter(env!("CARGO_PKG_NAME"));
        observe_files(&meter, state);
        observe_losses(&meter, state);
        observe_patterns(&meter, state);
        observe_outputs(&meter, state);
        observe_rest(&meter, state);
        cluster::observe(&meter, state);
        let counter = |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        Ok(Metrics {
            events: counter("faultscope.events", "Events handed to the outputs."),
            occurrences: counter("faultscope.occurrences", "Occurrences of known failures, folded repeats included."),
            folded: counter("faultscope.repeats.folded", "Occurrences that are told in a summary."),
            incidents_opened: counter("faultscope.incidents.opened", "Incidents begun."),
            incidents_corrected: counter("faultscope.incidents.corrected", "Root causes that turned out to be none."),
            undescribed: counter(
                "faultscope.kubernetes.undescribed",
                "Events of pods that went out without what the cluster knows of them.",
            ),
            lines: counter("faultscope.lines.read", "Lines read."),
            dropped: counter("faultscope.dropped", "What does not get through, by reason."),
            limits: counter("faultscope.limits.hit", "How often a limit was hit, by its configuration key."),
            redacted: counter("faultscope.redactions", "Secrets masked in events."),
            checkpoint_failures: counter("faultscope.checkpoint.failures", "Checkpoints that could not be written."),
            reloads: counter("faultscope.reloads", "Reloads of configuration and patterns, by outcome."),
            provider,
        })
    }

    /// Sends what is to be sent, for the last time. Blocks.
    pub fn close(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "the last metrics were not sent");
        }
    }
}

type Look<T> = fn(&Stats) -> T;

fn observe_files(meter: &Meter, state: &Shared) {
    let gauges: [(&str, &str, Look<u64>); 7] = [
        ("faultscope.files.open", "Log files held open.", |stats| stats.files_open as u64),
        ("faultscope.files.followed", "Log files followed.", |stats| stats.files_known as u64),
        ("faultscope.files.refused", "Paths that can't be read or lead out of the log folders.", |s| s.refused as u64),
        (
            "faultscope.files.polling",
            "1 if inotify doesn't cover all folders and files are looked at every second.",
            |s| u64::from(s.polling),
        ),
        ("faultscope.lag.bytes", "Bytes in log files that have not been read.", |stats| stats.lag_bytes),
        ("faultscope.rotated.unread.files", "Files with unread bytes that were rotated away or deleted.", |stats| {
            stats.rotated_unread_files as u64
        }),
        ("faultscope.rotated.unread.bytes", "Unread bytes in files that were rotated away or deleted.", |stats| {
            stats.rotated_unread_bytes
        }),
    ];
    for (name, what, look) in gauges {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<u64>| to.observe(state.with(|state| look(&state.files)), &[]);
        meter.u64_observable_gauge(name).with_description(what).with_callback(observe).build();
    }
    let counters: [(&str, &str, Look<u64>); 2] = [
        ("faultscope.bytes.read", "Bytes read from log files.", |stats| stats.bytes_read),
        ("faultscope.files.truncated", "Files whose content was replaced.", |stats| stats.truncations),
    ];
    for (name, what, look) in counters {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<u64>| to.observe(state.with(|state| look(&state.files)), &[]);
        meter.u64_observable_counter(name).with_description(what).with_callback(observe).build();
    }
}

/// What each pattern costs: how often it was looked at more closely, and how often it then matched.
fn observe_patterns(meter: &Meter, state: &Shared) {
    type Count = fn(&engine::Counts) -> u64;
    let counters: [(&str, &str, Count); 2] = [
        ("faultscope.pattern.candidates", "Records that hold a literal of a pattern.", |c| c.candidates.load(Relaxed)),
        ("faultscope.pattern.confirmations", "Records that a pattern matches.", |c| c.confirmations.load(Relaxed)),
    ];
    for (name, what, count) in counters {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<u64>| {
            let Some(classifier) = state.with(|state| state.classifier.clone()) else { return };
            let all = classifier.set.patterns.iter().zip(classifier.set.engine.counts());
            for (located, counts) in all.filter(|(_, counts)| count(counts) > 0) {
                to.observe(count(counts), &[KeyValue::new("pattern", located.pattern.id.clone())]);
            }
        };
        meter.u64_observable_counter(name).with_description(what).with_callback(observe).build();
    }
}

type LookAt = fn(&Loss) -> u64;

/// What can't be read any more, by reason, and how far behind reading and checkpoints are.
fn observe_losses(meter: &Meter, state: &Shared) {
    let counters: [(&str, &str, LookAt); 3] = [
        ("faultscope.lost.bytes", "Bytes that vanished before they could be read, by reason.", |loss| loss.bytes),
        ("faultscope.lost.files", "Files of which something vanished unread, by reason.", |loss| loss.files),
        ("faultscope.lost.lines", "Lines among these bytes, where they could still be counted, by reason.", |loss| {
            loss.lines
        }),
    ];
    for (name, what, look) in counters {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<u64>| {
            for (reason, loss) in state.with(|state| state.files.lost).each() {
                to.observe(look(&loss), &[KeyValue::new("reason", reason.name())]);
            }
        };
        meter.u64_observable_counter(name).with_description(what).with_callback(observe).build();
    }
    let gauges: [(&str, &str, Look<f64>); 2] = [
        ("faultscope.lag.seconds", "Age of the oldest byte that has not been read.", |stats| stats.lag.as_secs_f64()),
        ("faultscope.checkpoint.age.seconds", "Since checkpoints were last up to date.", |stats| {
            stats.checkpoint_age.unwrap_or_default().as_secs_f64()
        }),
    ];
    for (name, what, look) in gauges {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<f64>| to.observe(state.with(|state| look(&state.files)), &[]);
        meter.f64_observable_gauge(name).with_description(what).with_callback(observe).build();
    }
}

fn observe_outputs(meter: &Meter, state: &Shared) {
    type Count = fn(&deliver::Counts) -> u64;
    let counters: [(&str, &str, &str, Count); 6] = [
        ("faultscope.output.requests", "settled", "Requests, or writes, by outcome.", |c| {
            c.delivery.requests.load(Relaxed)
        }),
        ("faultscope.output.requests", "retried", "", |c| c.delivery.retries.load(Relaxed)),
        ("faultscope.output.requests", "split", "", |c| c.delivery.splits.load(Relaxed)),
        ("faultscope.output.events", "delivered", "Events by what became of them.", |c| {
            c.delivery.delivered.load(Relaxed)
        }),
        ("faultscope.output.events", "rejected", "", |c| c.delivery.rejected.load(Relaxed)),
        ("faultscope.output.events", "missed", "", |c| c.missed.load(Relaxed)),
    ];
    for name in ["faultscope.output.requests", "faultscope.output.events"] {
        let of_name: Vec<_> = counters.into_iter().filter(|(of, ..)| *of == name).collect();
        let (what, state) = (of_name[0].2, state.clone());
        let observe = move |to: &dyn AsyncInstrument<u64>| {
            for output in state.with(|state| state.outputs.clone()) {
                for (_, outcome, _, count) in &of_name {
                    let labels = [KeyValue::new("output", output.name.clone()), KeyValue::new("outcome", *outcome)];
                    to.observe(count(&output.counts), &labels);
                }
            }
        };
        meter.u64_observable_counter(name).with_description(what).with_callback(observe).build();
    }
    let state = state.clone();
    let observe = move |to: &dyn AsyncInstrument<u64>| {
        for output in state.with(|state| state.outputs.clone()) {
            let failing = u64::from(output.counts.delivery.trouble().is_some());
            to.observe(failing, &[KeyValue::new("output", output.name)]);
        }
    };
    let gauge = meter.u64_observable_gauge("faultscope.output.failing");
    gauge.with_description("1 while an output takes nothing.").with_callback(observe).build();
}

fn observe_rest(meter: &Meter, state: &Shared) {
    type Look = fn(&State) -> u64;
    let gauges: [(&str, &str, Look); 8] = [
        ("faultscope.patterns", "Patterns in use.", |state| state.patterns as u64),
        ("faultscope.anchors", "Anchors that blocks are searched for.", |state| state.anchors as u64),
        ("faultscope.repeats.followed", "Failures whose repeats are being folded.", |state| state.repeats_followed),
        ("faultscope.unclassified.templates", "Kinds of failures that no pattern knows.", |state| state.templates),
        ("faultscope.incidents.open", "Incidents that are open.", |state| state.incidents_open),
        ("faultscope.records.waiting", "Records that wait for more lines.", |state| state.records_waiting),
        ("faultscope.reload.ok", "0 after a reload that failed: the configuration from before is in use.", |state| {
            u64::from(state.reload_trouble.is_none())
        }),
        ("faultscope.ready", "1 while /readyz says so.", |state| u64::from(state.unready().is_empty())),
    ];
    for (name, what, look) in gauges {
        let state = state.clone();
        let observe = move |to: &dyn AsyncInstrument<u64>| to.observe(state.with(|state| look(state)), &[]);
        meter.u64_observable_gauge(name).with_description(what).with_callback(observe).build();
    }
}

impl State {
    /// Why the agent does not do all that it should, if it doesn't.
    pub fn unready(&self) -> Vec<String> {
        let starting = (!self.started).then(|| "the log files have not been looked for yet".to_owned());
        let checkpoint = self.checkpoint_trouble.as_ref().map(|why| format!("checkpoints can't be written: {why}"));
        let outputs = self.outputs.iter().filter(|output| output.required).filter_map(|output| {
            let trouble = output.counts.delivery.trouble()?;
            Some(format!(
                "{} takes nothing since {} s: {}",
                output.name,
                trouble.since.elapsed().as_secs(),
                trouble.reason
            ))
        });
        starting.into_iter().chain(checkpoint).chain(outputs).collect()
    }
}
