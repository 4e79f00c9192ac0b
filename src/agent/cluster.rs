//! What is asked of Kubernetes while the agent runs: begun, kept going, and looked at by metrics and readiness.
//!
//! Nothing here is waited for: without an answer, files are read and events go out as ever.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::kube::client::{self, Connection};
use crate::kube::health::Health;
use crate::kube::logs::{self, Piece};
use crate::kube::metadata::{self, Pods};
use crate::kube::source;
use crate::kube::statement::Statement;

/// What metrics call the way to the cluster, before there is one.
const CLIENT: &str = "client";
/// How often a configuration that can't be used is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Objects whose statements wait to be judged. A full channel stops the watches.
const OBJECTS_IN_FLIGHT: usize = 256;

/// Pieces of logs that wait to be classified.
const PIECES_IN_FLIGHT: usize = 64;

/// What to ask.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What the cluster knows of this node's pods.
    pub metadata: Option<metadata::Choice>,
    /// What the cluster itself says.
    pub events: Option<source::Choice>,
    /// Logs by the API.
    pub logs: Option<logs::Choice>,
}

impl Wanted {
    /// What that is, in words: a line for each.
    pub fn describe(&self) -> Vec<String> {
        let metadata = self.metadata.as_ref().map(|choice| format!("metadata of the pods on node {}", choice.node));
        let scope =
            |namespaces: &[String]| if namespaces.is_empty() { "all namespaces".into() } else { namespaces.join(", ") };
        let events = self.events.as_ref().map(|choice| {
            let lease = choice
                .lease
                .as_ref()
                .map(|lease| format!(", by whoever holds the lease {}/{}", lease.namespace, lease.name));
            format!("events, statuses and conditions of {}{}", scope(&choice.namespaces), lease.unwrap_or_default())
        });
        let logs = self.logs.as_ref().map(|choice| match &choice.select {
            logs::Select::Labels(labels) => format!("logs of the pods {labels} in {} by the API", choice.namespace),
            logs::Select::Pod(pod) => format!("logs of the pod {}/{pod} by the API", choice.namespace),
        });
        metadata.into_iter().chain(events).chain(logs).collect()
    }
}

/// What comes from the cluster.
pub(super) struct Heard {
    /// What it says, object by object.
    pub said: mpsc::Receiver<Vec<Statement>>,
    /// Logs, piece by piece.
    pub logs: mpsc::Receiver<Piece>,
}

/// What is asked, for those who want to know how it goes.
#[derive(Clone)]
pub struct Talk {
    /// How it goes.
    pub health: Arc<Health>,
    /// What is known of pods.
    pub pods: Option<Arc<Pods>>,
}

impl Talk {
    /// Begins, if there is anything to ask. Runs on the runtime that this is called on, for as long as that does.
    ///
    /// What the cluster says comes out of the channels.
    pub(super) fn begin(wanted: Wanted) -> Option<(Talk, Heard)> {
        let pods = wanted.metadata.map(|choice| Arc::new(Pods::new(choice)));
        if pods.is_none() && wanted.events.is_none() && wanted.logs.is_none() {
            return None;
        }
        let (say, said) = mpsc::channel(OBJECTS_IN_FLIGHT);
        let (print, logs) = mpsc::channel(PIECES_IN_FLIGHT);
        let talk = Talk { health: Arc::new(Health::default()), pods };
        tokio::spawn(
            talk.clone().go_on(wanted.events.map(|choice| (choice, say)), wanted.logs.map(|choice| (choice, print))),
        );
        Some((talk, Heard { said, logs }))
    }

    async fn go_on(
        self,
        events: Option<(source::Choice, mpsc::Sender<Vec<Statement>>)>,
        logs: Option<(logs::Choice, mpsc::Sender<Piece>)>,
    ) {
        if self.pods.is_some() {
            self.health.begun(metadata::NAME);
        }
        let connection = self.connect().await;
        if let Some(pods) = self.pods.clone() {
            tokio::spawn(pods.watch(connection.clone(), self.health.clone()));
        }
        if let Some((choice, out)) = events {
            tokio::spawn(source::run(choice, connection.clone(), self.health.clone(), out));
        }
        if let Some((choice, out)) = logs {
            tokio::spawn(logs::run(choice, connection, self.health, out));
        }
    }

    /// Looks for the way to the cluster until there is one.
    async fn connect(&self) -> Connection {
        loop {
            match Connection::open(&client::Choice::default()).await {
                Ok(connection) => {
                    self.health.ended(CLIENT);
                    tracing::info!(server = connection.server, "asking Kubernetes' API");
                    return connection;
                }
                Err(error) => self.health.failed(CLIENT, &error),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// A word for each thing that is asked: `ok`, or why it isn't answered.
    pub(super) fn details(&self) -> Value {
        let word = |(name, activity): (String, crate::kube::health::Activity)| {
            let unknown = if activity.up { "ok" } else { "no answer yet" };
            (name, json!(activity.trouble.as_deref().unwrap_or(unknown)))
        };
        Value::Object(self.health.activities().into_iter().map(word).collect::<Map<_, _>>())
    }
}
