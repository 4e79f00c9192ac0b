//! What is asked of Kubernetes while the agent runs: begun, kept going, and looked at by metrics and readiness.
//!
//! Nothing here is waited for: without an answer, files are read and events go out as ever.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::kube::client::{self, Connection};
use crate::kube::health::Health;
use crate::kube::metadata::{self, Pods};

/// What metrics call the way to the cluster, before there is one.
const CLIENT: &str = "client";
/// How often a configuration that can't be used is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What to ask.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What the cluster knows of this node's pods.
    pub metadata: Option<metadata::Choice>,
}

impl Wanted {
    /// What that is, in words: a line for each.
    pub fn describe(&self) -> Vec<String> {
        let metadata = self.metadata.as_ref().map(|choice| format!("metadata of the pods on node {}", choice.node));
        metadata.into_iter().collect()
    }
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
    pub(super) fn begin(wanted: Wanted) -> Option<Talk> {
        let pods = wanted.metadata.map(|choice| Arc::new(Pods::new(choice)));
        pods.as_ref()?;
        let talk = Talk { health: Arc::new(Health::default()), pods };
        tokio::spawn(talk.clone().go_on());
        Some(talk)
    }

    async fn go_on(self) {
        if self.pods.is_some() {
            self.health.begun(metadata::NAME);
        }
        let connection = self.connect().await;
        if let Some(pods) = self.pods {
            tokio::spawn(pods.watch(connection.clone(), self.health.clone()));
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
