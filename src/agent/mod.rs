//! `run`: the rooms wired together.
//!
//! Two sides and two channels. The reading side, a thread of its own, owns the positions: it tails files, classifies
//! what they hold and writes checkpoints. The delivering side, on the runtime, exports. Units of events go one way through a
//! bounded channel (a full one stops the reading: the log files are the queue), acknowledgements come back.
//!
//! Holds the configuration ([`config`]), the wiring and the drain. Each piece of work is another room's.

pub mod config;
mod deliver;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::classify::Classifier;
use crate::event::Event;
use crate::tail::{self, Checkpoints, Tailer, UnitId};

/// Units between the two sides.
const UNITS_IN_FLIGHT: usize = 64;

/// Events that are acknowledged together.
struct Unit {
    id: UnitId,
    events: Vec<Event>,
}

/// What `run` needs, all decided.
pub struct Plan {
    /// The patterns, compiled.
    pub classifier: Arc<Classifier>,
    /// What to tail.
    pub files: tail::Config,
    /// Where checkpoints are kept.
    pub checkpoints: Checkpoints,
    /// Where events go.
    pub exporters: Vec<deliver::Destination>,
    /// How long a stop may take before what is undelivered is left for the next start.
    pub grace: Duration,
}

pub use deliver::Destination;

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
    let mut stop = StopSignals::listen().context("can't listen for signals")?;
    let tailer = Tailer::new(plan.files, plan.checkpoints)?;
    let (units, incoming) = mpsc::channel::<Unit>(UNITS_IN_FLIGHT);
    let (acknowledge, acknowledged) = std::sync::mpsc::channel::<UnitId>();
    let stopping = Arc::new(AtomicBool::new(false));
    let (give_up, given_up) = watch::channel(false);
    let reader = read::Reader::new(plan.classifier, tailer, units, acknowledged, stopping.clone());
    let reading = std::thread::Builder::new()
        .name("reader".into())
        .spawn(move || reader.run())
        .context("can't start the reader")?;
    let mut delivering = tokio::spawn(deliver::run(plan.exporters, incoming, acknowledge, given_up));

    let delivered = tokio::select! {
        // Nothing asked for this: an output is broken or the reader is gone. There is no point in going on.
        delivered = &mut delivering => delivered,
        reason = stop.next() => {
            tracing::info!(reason, "stopping: no more is read, what was found is delivered");
            stopping.store(true, Ordering::Relaxed);
            // The reader hangs up, the other side delivers what is left, and the last acknowledgements reach the checkpoint.
            tokio::select! {
                delivered = &mut delivering => delivered,
                () = stop.patience(plan.grace) => {
                    // The other side may be done just now and not listen any more.
                    let _ = give_up.send(true);
                    delivering.await
                }
            }
        }
    };
    let delivered = delivered.context("delivery ended badly")?;
    let read = tokio::task::spawn_blocking(move || reading.join()).await.context("the reader ended badly")?;
    read.map_err(|_| anyhow::anyhow!("the reader ended badly"))?;
    delivered
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next one's name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// How long a stop may take: until `grace` is over, or until whoever asked for it asks again.
    async fn patience(&mut self, grace: Duration) {
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            _ = self.next() => {}
        }
    }
}
