//! The delivering side: units of events in, each exporter in turn, an acknowledgement out.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::Unit;
use crate::event::Event;
use crate::export::delivery::{self, Backoff, Delivery};
use crate::export::{jsonl, otlp, text};
use crate::tail::UnitId;

/// Where events go.
pub enum Destination {
    /// An OTLP receiver. Its settings; the connection is made when there is something to send.
    Otlp(Box<otlp::Settings>),
    /// JSON lines.
    Jsonl(Box<dyn Write + Send>),
    /// Text for a person.
    Text(text::Report, Box<dyn Write + Send>),
}

enum Exporter {
    Otlp(Box<Delivery<otlp::Client>>),
    Local(Arc<Mutex<Local>>),
}

/// An output of this machine. Writing to it may block.
enum Local {
    Jsonl(Box<dyn Write + Send>),
    Text(Box<text::Report>, Box<dyn Write + Send>),
}

impl Local {
    fn write(&mut self, events: &[Event]) -> io::Result<()> {
        match self {
            Local::Jsonl(out) => {
                let mut lines = Vec::new();
                events.iter().for_each(|event| jsonl::write(event, &mut lines));
                out.write_all(&lines)?;
                out.flush()
            }
            Local::Text(report, out) => {
                for event in events {
                    report.event(event, out)?;
                }
                out.flush()
            }
        }
    }
}

impl Exporter {
    fn new(destination: Destination) -> Result<Exporter> {
        let local = match destination {
            Destination::Otlp(settings) => {
                let client = otlp::Client::connect(*settings)?;
                return Ok(Exporter::Otlp(Box::new(Delivery::new(client, Backoff::default()))));
            }
            Destination::Jsonl(out) => Local::Jsonl(out),
            Destination::Text(report, out) => Local::Text(Box::new(report), out),
        };
        Ok(Exporter::Local(Arc::new(Mutex::new(local))))
    }

    /// Delivers all events, or as many as there is time for. Gives how many are left: the last ones.
    async fn deliver(&mut self, events: &Arc<Vec<Event>>, stop: &mut watch::Receiver<bool>) -> io::Result<u64> {
        match self {
            Exporter::Otlp(delivery) => {
                let tally = delivery.deliver(events, stop).await;
                tracing::debug!(
                    delivered = tally.delivered,
                    rejected = tally.rejected,
                    undelivered = tally.undelivered,
                    "sent"
                );
                Ok(tally.undelivered)
            }
            Exporter::Local(local) => {
                // Aside, because a pipe that nobody empties would keep everything else from running, a stop included.
                let (local, written) = (local.clone(), events.clone());
                let writing =
                    spawn_blocking(move || local.lock().unwrap_or_else(PoisonError::into_inner).write(&written));
                tokio::select! {
                    biased;
                    result = writing => result?.map(|()| 0),
                    _ = stop.wait_for(|stop| *stop) => Ok(events.len() as u64),
                }
            }
        }
    }
}

/// Delivers until the reader hangs up and everything is sent, or until it is told to give up.
pub(super) async fn run(
    destinations: Vec<Destination>,
    mut incoming: mpsc::Receiver<Unit>,
    acknowledge: std::sync::mpsc::Sender<UnitId>,
    mut give_up: watch::Receiver<bool>,
) -> Result<()> {
    let mut exporters = destinations.into_iter().map(Exporter::new).collect::<Result<Vec<_>>>()?;
    while let Some(first) = incoming.recv().await {
        let (ids, events) = gather(first, &mut incoming);
        let events = Arc::new(events);
        for exporter in &mut exporters {
            let undelivered = exporter.deliver(&events, &mut give_up).await?;
            if undelivered > 0 {
                // Not acknowledged, so the next start reads them again.
                tracing::warn!(
                    undelivered,
                    "stopped before everything was delivered; the next start goes on from there"
                );
                return Ok(());
            }
        }
        for id in ids {
            // The reader is gone only when the process ends; its checkpoint is then simply older.
            let _ = acknowledge.send(id);
        }
    }
    Ok(())
}

/// Everything that is there, up to what one request takes.
fn gather(first: Unit, incoming: &mut mpsc::Receiver<Unit>) -> (Vec<UnitId>, Vec<Event>) {
    let mut ids = vec![first.id];
    let mut events = first.events;
    while events.len() < delivery::MAX_EVENTS {
        let Ok(unit) = incoming.try_recv() else { break };
        ids.push(unit.id);
        events.extend(unit.events);
    }
    (ids, events)
}
