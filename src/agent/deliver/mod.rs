//! The delivering side: units of events in, every output at its own pace, an acknowledgement out when all required ones have them.
//!
//! Batches go to each output's worker ([`worker`]). So many are under way at once and no more are taken in: reading then stops by itself.
//! An output that isn't required gets what it can take at once; what it can't is counted and left. Outputs are replaced while everything
//! runs: what the old ones had not settled goes to the new ones.

mod local;
mod worker;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::worker::{Exporter, Settled, told};
use super::Unit;
use crate::event::Event;
use crate::export::{delivery, otlp, text};
use crate::tail::UnitId;

/// Batches under way at once.
const UNDER_WAY: usize = 4;

/// What an output is: two that are the same need not be exchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// What metrics and logs call it.
    pub name: String,
    /// Nothing counts as done before it is there.
    pub required: bool,
    /// Of an OTLP receiver.
    pub otlp: Option<(otlp::Settings, delivery::Limits)>,
    /// Hash of what its TLS files hold: they are exchanged before they expire.
    pub files: u64,
}

/// One place that events go to.
pub struct Output {
    /// What it is.
    pub spec: Spec,
    /// Where it is.
    pub destination: Destination,
    /// What becomes of its requests.
    pub counts: Arc<Counts>,
}

/// Where events go.
pub enum Destination {
    /// An OTLP receiver. Its settings, and the bounds of a request; the connection is made when there is something to send.
    Otlp(Box<otlp::Settings>, delivery::Limits),
    /// JSON lines.
    Jsonl(Box<dyn std::io::Write + Send>),
    /// Text for a person.
    Text(Box<text::Report>, Box<dyn std::io::Write + Send>),
}

/// What became of an output's events.
#[derive(Debug, Default)]
pub struct Counts {
    /// Of requests.
    pub delivery: Arc<delivery::Counts>,
    /// Events that an output that isn't required could not take at once.
    pub missed: AtomicU64,
}

/// New outputs, and where to say whether they could be set up.
pub(super) struct Replacement {
    pub outputs: Vec<Output>,
    pub answer: oneshot::Sender<Result<()>>,
}

/// Events that are delivered together, and what is acknowledged by that.
struct Batch {
    ids: Vec<UnitId>,
    events: Arc<Vec<Event>>,
}

/// A batch under way.
struct UnderWay {
    number: u64,
    batch: Batch,
    /// Required outputs that have not settled it.
    waiting: usize,
}

/// The workers of one set of outputs.
struct Crew {
    number: u64,
    queues: Vec<Queue>,
    tasks: JoinSet<Result<()>>,
    stop: watch::Sender<bool>,
}

struct Queue {
    required: bool,
    counts: Arc<Counts>,
    batches: mpsc::Sender<(u64, Arc<Vec<Event>>)>,
}

/// Delivers until the reader hangs up and everything is sent, or until it is told to give up.
pub(super) async fn run(
    outputs: Vec<Output>,
    mut incoming: mpsc::Receiver<Unit>,
    mut replacements: mpsc::Receiver<Replacement>,
    acknowledge: std::sync::mpsc::Sender<UnitId>,
    mut give_up: watch::Receiver<bool>,
) -> Result<()> {
    let (settle, mut settled) = mpsc::unbounded_channel();
    let mut desk = Desk { acknowledge, under_way: VecDeque::new(), batches: 0, crews: 0, settle };
    let mut crew = desk.hire(ready(outputs)?);
    let mut reading = true;
    while reading || !desk.under_way.is_empty() {
        let full = desk.under_way.len() >= UNDER_WAY;
        tokio::select! {
            biased;
            () = told(&mut give_up) => break,
            Some(report) = settled.recv() => desk.settled(&report, crew.number),
            Some(ended) = crew.tasks.join_next() => ended.context("an output ended badly")??,
            Some(Replacement { outputs, answer }) = replacements.recv() => {
                match ready(outputs) {
                    Ok(outputs) => {
                        crew.dismiss().await;
                        crew = desk.hire(outputs);
                        let _ = answer.send(Ok(()));
                    }
                    Err(error) => {
                        let _ = answer.send(Err(error));
                    }
                }
            }
            unit = incoming.recv(), if reading && !full => match unit {
                Some(first) => desk.hand_out(gather(first, &mut incoming), &crew),
                None => reading = false,
            },
        }
    }
    let undelivered: usize = desk.under_way.iter().map(|under_way| under_way.batch.events.len()).sum();
    if undelivered > 0 {
        // Not acknowledged, so the next start reads them again.
        tracing::warn!(undelivered, "stopped before everything was delivered; the next start goes on from there");
    }
    // Outputs that aren't required may finish what they have.
    crew.queues.clear();
    tokio::select! {
        () = told(&mut give_up) => crew.dismiss().await,
        () = async { while crew.tasks.join_next().await.is_some() {} } => {}
    }
    Ok(())
}

/// Sets outputs up. One that can't be is a reason to have none of them.
fn ready(outputs: Vec<Output>) -> Result<Vec<(bool, Arc<Counts>, Exporter)>> {
    let set_up = |output: Output| {
        let exporter = Exporter::new(output.destination, &output.counts.delivery)
            .with_context(|| format!("the output {}", output.spec.name))?;
        Ok((output.spec.required, output.counts, exporter))
    };
    outputs.into_iter().map(set_up).collect()
}

/// Everything that is there, up to what one request takes.
fn gather(first: Unit, incoming: &mut mpsc::Receiver<Unit>) -> Batch {
    let (mut ids, mut events) = (first.ids, first.events);
    while events.len() < delivery::Limits::default().events {
        let Ok(unit) = incoming.try_recv() else { break };
        ids.extend(unit.ids);
        events.extend(unit.events);
    }
    Batch { ids, events: Arc::new(events) }
}

/// Keeps what is under way, and says when it is done.
struct Desk {
    acknowledge: std::sync::mpsc::Sender<UnitId>,
    under_way: VecDeque<UnderWay>,
    /// Batches, and crews, so far: their numbers.
    batches: u64,
    crews: u64,
    settle: mpsc::UnboundedSender<Settled>,
}

impl Desk {
    /// Puts outputs to work, and gives them what is under way.
    fn hire(&mut self, outputs: Vec<(bool, Arc<Counts>, Exporter)>) -> Crew {
        self.crews += 1;
        let (stop, stopped) = watch::channel(false);
        let mut crew = Crew { number: self.crews, queues: Vec::new(), tasks: JoinSet::new(), stop };
        for (required, counts, exporter) in outputs {
            let (batches, queue) = mpsc::channel(UNDER_WAY);
            let settled = self.settle.clone();
            crew.tasks.spawn(worker::work(exporter, queue, crew.number, required, settled, stopped.clone()));
            crew.queues.push(Queue { required, counts, batches });
        }
        for under_way in &mut self.under_way {
            under_way.waiting = crew.give(under_way.number, &under_way.batch.events);
        }
        self.acknowledge_done();
        crew
    }

    fn hand_out(&mut self, batch: Batch, crew: &Crew) {
        self.batches += 1;
        let waiting = crew.give(self.batches, &batch.events);
        self.under_way.push_back(UnderWay { number: self.batches, batch, waiting });
        self.acknowledge_done();
    }

    /// A required output has settled a batch. One of an earlier crew says nothing about this one's.
    fn settled(&mut self, report: &Settled, crew: u64) {
        if report.crew == crew
            && let Some(under_way) = self.under_way.iter_mut().find(|under_way| under_way.number == report.batch)
        {
            under_way.waiting = under_way.waiting.saturating_sub(1);
        }
        self.acknowledge_done();
    }

    fn acknowledge_done(&mut self) {
        let acknowledge = &self.acknowledge;
        self.under_way.retain_mut(|under_way| {
            if under_way.waiting == 0 {
                for id in under_way.batch.ids.drain(..) {
                    // The reader is gone only when the process ends; its checkpoint is then simply older.
                    let _ = acknowledge.send(id);
                }
            }
            under_way.waiting > 0
        });
    }
}

impl Crew {
    /// Gives a batch to every output. Says how many have to settle it.
    fn give(&self, number: u64, events: &Arc<Vec<Event>>) -> usize {
        for queue in &self.queues {
            // A required output has room: as much as may be under way. One that ended is noticed where its task is joined.
            if queue.batches.try_send((number, events.clone())).is_err() && !queue.required {
                queue.counts.missed.fetch_add(events.len() as u64, Relaxed);
            }
        }
        self.queues.iter().filter(|queue| queue.required).count()
    }

    /// Stops the workers where they are.
    async fn dismiss(&mut self) {
        let _ = self.stop.send(true);
        self.queues.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}
