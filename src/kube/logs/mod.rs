//! Logs by the API (`pods/log`), where no file of the node may be read: of the pods that a selector takes, or of one pod.
//!
//! Best effort: the API follows only the file that is written to, so what a node rotates away while the connection is broken is lost, and so is a run
//! that began and ended meanwhile. Within that, a break neither loses nor repeats a line. Bounded: so many logs at once.

mod one;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::Api;
use kube::runtime::watcher::Event;
use tokio::sync::{mpsc, watch};

use self::one::{Container, One};
use super::client::{Connection, Request};
use super::follow::{Follow, What};
use super::health::Health;

/// What metrics call the streams, and the watch of the pods.
const NAME: &str = "logs";
const PODS: &str = "pods with logs";
/// So many logs at once.
pub const LIMIT: usize = 200;
/// faultscope's own container: its log holds what it has found.
const OWN: &str = "faultscope";

/// Which pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// Those that a label selector takes.
    Labels(String),
    /// One, by its name.
    Pod(String),
}

/// Whose logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The namespace of the pods.
    pub namespace: String,
    /// Which of them.
    pub select: Select,
    /// Which containers; empty: all but faultscope's own.
    pub containers: Vec<glob::Pattern>,
}

/// What came of a log: whole lines in the container runtime's format, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where the node has the log.
    pub log: Arc<str>,
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// The log is complete.
    pub ended: bool,
}

/// Logs that are read, by pod uid and container. Dropping one ends it.
type Reading = HashMap<(String, String), watch::Sender<i32>>;

/// Reads for as long as somebody takes what is read.
pub async fn run(choice: Choice, connection: Connection, health: Arc<Health>, out: mpsc::Sender<Piece>) {
    let start = Timestamp::now();
    let api: Api<Pod> = Api::namespaced(connection.client.clone(), &choice.namespace);
    let (labels, fields) = match &choice.select {
        Select::Labels(labels) => (Some(labels.clone()), None),
        Select::Pod(name) => (None, Some(format!("metadata.name={name}"))),
    };
    let request = Request::new("list", "", "pods", Some(&choice.namespace));
    let what = What { name: PODS.to_owned(), request, labels, fields };
    let mut follow = Follow::new(api, what, connection.clone(), health.clone());
    let mut logs = Logs { choice, connection, health, out, reading: Reading::new() };
    let mut listed: Option<Vec<String>> = None;
    // What was there before the start is read from the start on.
    let mut since = Some(start);
    while !logs.out.is_closed() {
        match follow.next().await {
            Event::Init => listed = Some(Vec::new()),
            Event::InitApply(pod) => {
                listed.iter_mut().for_each(|listed| listed.extend(pod.metadata.uid.clone()));
                logs.take(&pod, since);
            }
            Event::InitDone => {
                since = None;
                let listed = listed.take().unwrap_or_default();
                logs.reading.retain(|(uid, _), _| listed.contains(uid));
            }
            Event::Apply(pod) => logs.take(&pod, since),
            Event::Delete(pod) => logs.reading.retain(|(uid, _), _| pod.metadata.uid.as_ref() != Some(uid)),
        }
    }
}

struct Logs {
    choice: Choice,
    connection: Connection,
    health: Arc<Health>,
    out: mpsc::Sender<Piece>,
    reading: Reading,
}

impl Logs {
    /// Begins the logs of a pod's containers that have started, and notes restarts of those that are read.
    fn take(&mut self, pod: &Pod, since: Option<Timestamp>) {
        let Some(status) = &pod.status else { return };
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let init = status.init_container_statuses.iter().flatten();
        let all = init
            .chain(status.container_statuses.iter().flatten())
            .chain(status.ephemeral_container_statuses.iter().flatten());
        let those: Vec<&ContainerStatus> = all.filter(|one| self.takes(&one.name) && has_started(one)).collect();
        for container in those {
            let key = (uid.clone(), container.name.clone());
            if let Some(runs) = self.reading.get(&key) {
                runs.send_if_modified(|runs| {
                    std::mem::replace(runs, container.restart_count) != container.restart_count
                });
            } else if self.reading.len() < LIMIT {
                let (runs, of) = watch::channel(container.restart_count);
                self.reading.insert(key, runs);
                tokio::spawn(self.one(pod, container, since).read(of));
            } else {
                tracing::warn!(
                    pod = pod.metadata.name,
                    container = container.name,
                    "not read: {LIMIT} logs are read already"
                );
            }
        }
    }

    fn one(&self, pod: &Pod, container: &ContainerStatus, since: Option<Timestamp>) -> One {
        let container = Container {
            namespace: self.choice.namespace.clone(),
            pod: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            name: container.name.clone(),
        };
        let since = since.and_then(|time| Timestamp::from_second(time.as_second()).ok());
        let (connection, health, out) = (self.connection.clone(), self.health.clone(), self.out.clone());
        One { container, since, connection, health, out }
    }

    fn takes(&self, container: &str) -> bool {
        match self.choice.containers.as_slice() {
            [] => container != OWN,
            globs => globs.iter().any(|glob| glob.matches(container)),
        }
    }
}

/// Is there a log?
fn has_started(container: &ContainerStatus) -> bool {
    let state = container.state.as_ref();
    container.restart_count > 0 || state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
}
