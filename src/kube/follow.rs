//! One kind of object followed: listed, watched, and both again when something breaks, at a pace that spares the server.
//!
//! Knows nothing of what the objects are.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::client::{Connection, Error, Request};
use super::health::Health;

/// The pauses between attempts.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// Objects in one answer.
const PAGE: u32 = 500;

/// Pauses that double until something works.
#[derive(Debug)]
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Patience(SHORTEST)
    }
}

impl Patience {
    /// It worked.
    pub fn restore(&mut self) {
        self.0 = SHORTEST;
    }

    /// Waits before the next attempt. Not all agents of a cluster wait for the same time, so that they don't come back all at once.
    pub async fn pause(&mut self) {
        let spread = u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs() % 1000);
        tokio::time::sleep(self.0 * 3 / 4 + self.0 * u32::try_from(spread).unwrap_or_default() / 4000).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}

/// What is followed.
pub(super) struct What {
    /// What logs and metrics call it.
    pub name: String,
    /// Resource and group, for errors.
    pub request: Request,
    /// `None`: all.
    pub labels: Option<String>,
    /// `None`: all.
    pub fields: Option<String>,
}

/// A watch that is kept up.
pub(super) struct Follow<K> {
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    what: What,
    connection: Connection,
    health: Arc<Health>,
    patience: Patience,
}

impl<K: Resource + Clone + DeserializeOwned + Debug + Send + 'static> Follow<K> {
    /// Begins when the first event is asked for.
    pub fn new(api: Api<K>, what: What, connection: Connection, health: Arc<Health>) -> Follow<K> {
        let mut config = watcher::Config::default().page_size(PAGE);
        (config.label_selector, config.field_selector) = (what.labels.clone(), what.fields.clone());
        Follow { events: watcher(api, config).boxed(), what, connection, health, patience: Patience::default() }
    }

    /// The next event. What goes wrong in between is told to [`Health`] and tried again.
    pub async fn next(&mut self) -> Event<K> {
        let name = self.what.name.clone();
        loop {
            match self.events.next().await {
                Some(Ok(event)) => {
                    match event {
                        Event::Init => self.health.begun(&name),
                        _ => self.health.up(&name),
                    }
                    if !matches!(event, Event::Init) {
                        self.patience.restore();
                    }
                    return event;
                }
                Some(Err(error)) => match self.meaning(error) {
                    error @ Error::Gone(_) => self.health.hitch(&name, &error),
                    error => {
                        self.health.failed(&name, &error);
                        self.patience.pause().await;
                    }
                },
                // The stream of a watcher has no end; if it had one, there would be nothing more to say.
                None => futures::future::pending().await,
            }
        }
    }

    fn meaning(&self, error: watcher::Error) -> Error {
        let request = |verb| Request { verb, ..self.what.request.clone() };
        match error {
            watcher::Error::InitialListFailed(error) => self.connection.failure(error, request("list")),
            watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                self.connection.failure(error, request("watch"))
            }
            watcher::Error::WatchError(status) => self.connection.refusal(&status, request("watch")),
            watcher::Error::NoResourceVersion => {
                Error::Unreadable { request: request("list"), why: "it has no resourceVersion".into() }
            }
        }
    }
}
