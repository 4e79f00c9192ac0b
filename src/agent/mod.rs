//! `run`: the rooms wired together.
//!
//! Two sides and two channels. The reading side, a thread of its own, owns the positions: it tails files, classifies
//! what they hold and writes checkpoints. The delivering side, on the runtime, exports. Units of events go one way through a
//! bounded channel (a full one stops the reading: the log files are the queue), acknowledgements come back.
//!
//! Holds the configuration ([`config`]), the wiring, the drain, reloading ([`reload`]), own metrics ([`metrics`]) and health. Each piece of work
//! is another room's.

mod admin;
mod api_logs;
mod cluster;
pub mod config;
mod deliver;
pub mod log;
pub mod metrics;
mod outbox;
mod passing;
mod read;
mod reload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use opentelemetry::KeyValue;
use prometheus::Registry;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use self::metrics::{Metrics, OutputState, Push, Shared};
use self::outbox::Outbox;
use self::read::{Links, Reader};
use self::reload::{Changes, LOOK_PERIOD, Look};
use crate::classify::Classifier;
use crate::correlate::rate::Rate;
use crate::event::Event;
use crate::tail::{self, Checkpoints, Tailer, UnitId};

pub use cluster::{Talk, Wanted};
pub use deliver::{Counts, Destination, Output, Spec};
pub use reload::Origin;

/// Units between the two sides.
const UNITS_IN_FLIGHT: usize = 64;

/// Events that are acknowledged together.
struct Unit {
    ids: Vec<UnitId>,
    events: Vec<Event>,
}

/// What the reading side works by.
#[derive(Clone)]
pub struct Reading {
    /// The patterns, compiled.
    pub classifier: Arc<Classifier>,
    /// What to tail.
    pub files: tail::Config,
    /// Repeats within this time are folded.
    pub repeats: Duration,
    /// So many failures' repeats at once.
    pub repeats_limit: usize,
    /// What no pattern knows is told of at most once in this time, by template.
    pub unclassified: Duration,
    /// So many templates at once.
    pub templates_limit: usize,
    /// Failures within this time may be one incident.
    pub incidents: Duration,
    /// So many incidents at once.
    pub incidents_limit: usize,
    /// How many events a container may give.
    pub rate: Rate,
    /// Texts of events are cut to so many bytes.
    pub attribute_bytes: usize,
    /// So many records may wait for more lines.
    pub pending_records: usize,
}

/// Everything that can be replaced while the agent runs.
pub struct Live {
    /// Of the reading side.
    pub reading: Reading,
    /// Where events go.
    pub outputs: Vec<Output>,
}

/// What `run` needs, all decided.
pub struct Plan {
    /// What can be replaced later.
    pub live: Live,
    /// What Kubernetes is asked.
    pub cluster: cluster::Wanted,
    /// Where checkpoints are kept.
    pub checkpoints: Checkpoints,
    /// Where health and metrics are served; `None`: nowhere.
    pub admin: Option<String>,
    /// Not to be able to serve them is no reason to stop.
    pub admin_optional: bool,
    /// Where metrics are sent, if anywhere.
    pub push: Option<Push>,
    /// How long a stop may take before what is undelivered is left for the next start.
    pub grace: Duration,
    /// Where everything came from, and comes from again when it has changed.
    pub origin: Arc<dyn Origin>,
}

/// Runs until SIGINT or SIGTERM, then drains.
pub fn run(plan: Plan) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("can't start the runtime")?;
    let ended = runtime.block_on(serve(plan));
    // A write that still hangs was given up, and is not waited for.
    runtime.shutdown_background();
    ended
}

async fn serve(plan: Plan) -> Result<()> {
    // First of all: a signal that comes before somebody listens for it ends the process on the spot.
    let mut signals = Signals::listen().context("can't listen for signals")?;
    let shared = Shared::default();
    let registry = Registry::new();
    let metrics = Arc::new(Metrics::new(&registry, plan.push, &shared)?);
    if let Some(address) = &plan.admin {
        match admin::listen(address).await {
            Ok((listener, bound)) => {
                tracing::info!(address = %bound, "serving /metrics, /healthz and /readyz");
                tokio::spawn(admin::serve(listener, shared.clone(), registry));
            }
            Err(error) if plan.admin_optional => tracing::warn!("health and metrics are not served: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    let (talk, heard) = Talk::begin(plan.cluster).unzip();
    let pods = talk.as_ref().and_then(|talk| talk.pods.clone());
    shared.with(|state| state.kubernetes = talk);
    let Live { reading, outputs } = plan.live;
    let (units, incoming) = mpsc::channel::<Unit>(UNITS_IN_FLIGHT);
    let (acknowledge, acknowledged) = std::sync::mpsc::channel::<UnitId>();
    let (settings, new_settings) = std::sync::mpsc::channel();
    let (replace, replacements) = mpsc::channel(1);
    let (give_up, given_up) = watch::channel(false);
    let stopping = Arc::new(AtomicBool::new(false));
    let reloading = Reloading::new(plan.origin, settings, replace, &reading, &outputs, shared.clone(), metrics.clone());
    let mut reloading = reloading.begin().await?;

    let tailer = Tailer::new(reading.files.clone(), plan.checkpoints)?;
    let outbox = Outbox::new(&reading, units, metrics.clone(), pods);
    let links = Links {
        acknowledged,
        heard,
        settings: new_settings,
        stopping: stopping.clone(),
        shared,
        metrics: metrics.clone(),
    };
    let reader = Reader::new(reading, tailer, outbox, links);
    let reading = std::thread::Builder::new()
        .name("reader".into())
        .spawn(move || reader.run())
        .context("can't start the reader")?;
    let mut delivering = tokio::spawn(deliver::run(outputs, incoming, replacements, acknowledge, given_up));

    let delivered = loop {
        tokio::select! {
            // Nothing asked for this: an output is broken or the reader is gone. There is no point in going on.
            delivered = &mut delivering => break delivered,
            () = tokio::time::sleep(LOOK_PERIOD) => {
                log::tell_held_back();
                reloading.look().await?;
            }
            request = signals.next() => match request {
                Request::Reload => reloading.reload("SIGHUP").await?,
                Request::Stop(reason) => {
                    tracing::info!(reason, "stopping: no more is read, what was found is delivered");
                    stopping.store(true, Ordering::Relaxed);
                    break drain(&mut delivering, &mut signals, plan.grace, &give_up).await;
                }
            }
        }
    };
    let delivered = delivered.context("delivery ended badly")?;
    let read = spawn_blocking(move || reading.join()).await.context("the reader ended badly")?;
    read.map_err(|_| anyhow!("the reader ended badly"))?;
    spawn_blocking(move || metrics.close()).await.context("own metrics ended badly")?;
    delivered
}

type Delivered = Result<Result<()>, tokio::task::JoinError>;

/// The reader hangs up, the other side delivers what is left, and the last acknowledgements reach the checkpoint.
async fn drain(
    delivering: &mut JoinHandle<Result<()>>,
    signals: &mut Signals,
    grace: Duration,
    give_up: &watch::Sender<bool>,
) -> Delivered {
    tokio::select! {
        delivered = &mut *delivering => delivered,
        () = signals.patience(grace) => {
            // The other side may be done just now and not listen any more.
            let _ = give_up.send(true);
            delivering.await
        }
    }
}

/// Reads configuration and patterns again and passes them on.
struct Reloading {
    origin: Arc<dyn Origin>,
    settings: std::sync::mpsc::Sender<Reading>,
    replace: mpsc::Sender<deliver::Replacement>,
    specs: Vec<Spec>,
    changes: Changes,
    shared: Shared,
    metrics: Arc<Metrics>,
}

impl Reloading {
    fn new(
        origin: Arc<dyn Origin>,
        settings: std::sync::mpsc::Sender<Reading>,
        replace: mpsc::Sender<deliver::Replacement>,
        reading: &Reading,
        outputs: &[Output],
        shared: Shared,
        metrics: Arc<Metrics>,
    ) -> Reloading {
        let mut reloading =
            Reloading { origin, settings, replace, specs: Vec::new(), changes: Changes::default(), shared, metrics };
        reloading.note(reading, outputs.iter().map(|output| (output.spec.clone(), output.counts.clone())).collect());
        reloading
    }

    /// What is in use now is what the files look like now.
    async fn begin(mut self) -> Result<Reloading> {
        self.changes = Changes::since(self.look_at().await?);
        Ok(self)
    }

    async fn look_at(&self) -> Result<Look> {
        let origin = self.origin.clone();
        spawn_blocking(move || Look::at(&origin.paths())).await.context("can't look at the configuration")
    }

    /// Looks whether the files have changed, and if so reads them.
    async fn look(&mut self) -> Result<()> {
        let look = self.look_at().await?;
        if self.changes.settled(look) { self.reload("a file has changed").await } else { Ok(()) }
    }

    /// Reads everything again. Where something is wrong, what was in use stays in use.
    async fn reload(&mut self, why: &str) -> Result<()> {
        let origin = self.origin.clone();
        let read = spawn_blocking(move || origin.read()).await.context("reloading ended badly")?;
        let used = match read {
            Ok(live) => self.put_to_use(live).await,
            Err(problems) => Err(problems.join("; ")),
        };
        let outcome = if used.is_ok() { "ok" } else { "failed" };
        self.metrics.reloads.add(1, &[KeyValue::new("outcome", outcome)]);
        match &used {
            Ok(()) => tracing::info!(why, "configuration and patterns were read again and are in use"),
            Err(problems) => {
                tracing::error!(why, problems, "the new configuration or patterns can't be used; what was in use stays")
            }
        }
        self.shared.with(|state| state.reload_trouble = used.err());
        Ok(())
    }

    async fn put_to_use(&mut self, live: Live) -> Result<(), String> {
        let Live { reading, outputs } = live;
        let specs: Vec<Spec> = outputs.iter().map(|output| output.spec.clone()).collect();
        if specs == self.specs {
            let counts = self.shared.with(|state| state.outputs.iter().map(|output| output.counts.clone()).collect());
            let kept: Vec<Arc<Counts>> = counts;
            self.note(&reading, specs.into_iter().zip(kept).collect());
        } else {
            let names = outputs.iter().map(|output| (output.spec.clone(), output.counts.clone())).collect();
            let (answer, answered) = oneshot::channel();
            let gone = "the delivering side has ended";
            self.replace.send(deliver::Replacement { outputs, answer }).await.map_err(|_| gone)?;
            answered.await.map_err(|_| gone)?.map_err(|error| format!("{error:#}"))?;
            self.note(&reading, names);
        }
        // Nobody reads any more only when the process ends.
        let _ = self.settings.send(reading);
        Ok(())
    }

    /// Tells whoever asks what is in use.
    fn note(&mut self, reading: &Reading, outputs: Vec<(Spec, Arc<Counts>)>) {
        self.specs = outputs.iter().map(|(spec, _)| spec.clone()).collect();
        let states =
            outputs.into_iter().map(|(spec, counts)| OutputState { name: spec.name, required: spec.required, counts });
        let size = reading.classifier.set.engine.size();
        self.shared.with(|state| {
            state.classifier = Some(reading.classifier.clone());
            state.outputs = states.collect();
            (state.patterns, state.anchors) = (size.patterns, size.anchors);
        });
    }
}

/// What signals ask for.
enum Request {
    Reload,
    Stop(&'static str),
}

/// SIGTERM, SIGINT and SIGHUP.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Request::Stop("SIGINT"),
            _ = self.hang_up.recv() => Request::Reload,
        }
    }

    /// How long a stop may take: until `grace` is over, or until whoever asked for it asks again.
    async fn patience(&mut self, grace: Duration) {
        let again = async { while matches!(self.next().await, Request::Reload) {} };
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            () = again => {}
        }
    }
}
