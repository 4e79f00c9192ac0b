//! One output at work: batches in, delivered one after the other, a word when each is settled.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{mpsc, watch};

use super::Destination;
use super::local::Local;
use crate::event::Event;
use crate::export::delivery::{self, Backoff, Delivery};
use crate::export::otlp;

/// An output, set up.
pub(super) enum Exporter {
    Otlp(Box<Delivery<otlp::Client>>),
    Local(Local),
}

/// A required output is done with a batch.
pub(super) struct Settled {
    pub crew: u64,
    pub batch: u64,
}

impl Exporter {
    pub fn new(destination: Destination, counts: &Arc<delivery::Counts>) -> Result<Exporter> {
        Ok(match destination {
            Destination::Otlp(settings, limits) => {
                let client = otlp::Client::connect(*settings)?;
                let delivery = Delivery::new(client, Backoff::default()).with(limits, counts.clone());
                Exporter::Otlp(Box::new(delivery))
            }
            Destination::Jsonl(out) => Exporter::Local(Local::jsonl(out, counts.clone())),
            Destination::Text(report, out) => Exporter::Local(Local::text(*report, out, counts.clone())),
        })
    }

    /// Delivers all events, or gives up when told to. Says whether all are settled.
    async fn deliver(&mut self, events: &Arc<Vec<Event>>, stop: &mut watch::Receiver<bool>) -> Result<bool> {
        match self {
            Exporter::Otlp(delivery) => Ok(delivery.deliver(events, stop).await.undelivered == 0),
            Exporter::Local(local) => local.deliver(events, stop).await,
        }
    }
}

/// Waits until it is said, or nobody is there to say it.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Works until there is nothing more to come, or until it is told to stop.
pub(super) async fn work(
    mut exporter: Exporter,
    mut queue: mpsc::Receiver<(u64, Arc<Vec<Event>>)>,
    crew: u64,
    required: bool,
    settled: mpsc::UnboundedSender<Settled>,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    loop {
        let next = tokio::select! {
            biased;
            () = told(&mut stop) => return Ok(()),
            next = queue.recv() => next,
        };
        let Some((batch, events)) = next else { return Ok(()) };
        if !exporter.deliver(&events, &mut stop).await? {
            return Ok(());
        }
        if required {
            // Nobody listens any more only when the process ends.
            let _ = settled.send(Settled { crew, batch });
        }
    }
}
