//! Everything that a cluster says of one object: of itself, of what it was made into, down to the logs of its containers.
//!
//! Holds the collecting, bounded in size and time; judges nothing. What may not be read is told beside what could be.

mod ask;
mod controllers;
mod kinds;
mod logs;
mod state;
mod walk;

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::core::DynamicObject;
use thiserror::Error;

use self::ask::Asker;
pub use self::kinds::{KINDS, Kind};
pub use self::logs::Log;
use self::walk::Found;
use super::client::{self, Choice, Connection};
use super::statement::{self, Object, Statement};

/// Pods whose logs are read, at most: those that aren't ready first, then the newest.
const PODS: usize = 10;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which cluster.
    pub choice: Choice,
    /// The namespace; the context's if none is given.
    pub namespace: Option<String>,
    /// Lines of each log, from its end; all of them if none is given.
    pub tail: Option<i64>,
    /// How far back logs are read.
    pub since: Option<Duration>,
}

/// What was found.
#[derive(Debug)]
pub struct Case {
    /// What was asked about.
    pub object: Object,
    /// It is as it should be, or isn't; none if it doesn't say.
    pub ready: Option<bool>,
    /// Everything that was looked at, the object first, then owners before what they own. Controllers come last.
    pub objects: Vec<Object>,
    /// What the API says of these.
    pub statements: Vec<Statement>,
    /// What their containers have printed.
    pub logs: Vec<Log>,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// Why nothing was found.
#[derive(Debug, Error)]
pub enum Failure {
    /// The cluster can't be asked, or may not be asked for the object.
    #[error(transparent)]
    Cluster(#[from] client::Error),
    /// It has no such kind.
    #[error("the cluster at {server} has no {resource}: the system that brings them is not installed there")]
    NoKind {
        /// The server's URL.
        server: String,
        /// The kind's full name.
        resource: String,
    },
    /// It has no such object.
    #[error("there is no {kind} `{name}` in namespace {namespace}{hint}")]
    NoObject {
        /// `InferenceService`.
        kind: &'static str,
        /// As asked for.
        name: String,
        /// Where it was looked for.
        namespace: String,
        /// Which objects there are, or where.
        hint: String,
    },
    /// The async runtime did not start.
    #[error("can't start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Asks the cluster about one object. Blocks until all is read, or its time is over.
///
/// # Errors
/// Only if the object itself can't be read.
pub fn collect(kind: &'static Kind, name: &str, options: &Options) -> Result<Case, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(about(kind, name, options))
}

async fn about(kind: &'static Kind, name: &str, options: &Options) -> Result<Case, Failure> {
    let connection = Connection::open(&options.choice).await?;
    let namespace = options.namespace.clone().unwrap_or_else(|| connection.namespace.clone());
    let mut asker = Asker::new(connection, namespace);
    let object = match asker.get(kind, name).await {
        Ok(object) => object,
        Err(client::Error::NotFound(_)) => return Err(missing(&mut asker, kind, name).await),
        Err(error) => return Err(error.into()),
    };
    let ready = state::ready(kind.kind, &object);
    let found = walk::down(&mut asker, Found { kind, object }).await;
    let mut beside = Vec::new();
    for controller in controllers::of(&found) {
        beside.extend(asker.pods_of(controller.namespace, controller.selector).await);
    }
    let pods = chosen(&found);
    let controllers: Vec<Pod> = beside.into_iter().filter_map(|pod| pod.try_parse().ok()).collect();
    let objects: Vec<Object> = found.iter().map(|one| Object::of(one.kind.kind, &one.object.metadata)).collect();
    let mut statements: Vec<Statement> = found.iter().flat_map(said).collect();
    statements.extend(events(&mut asker, &objects).await);
    statements.extend(controllers.iter().flat_map(statement::of_pod));
    let all: Vec<(&Pod, bool)> =
        pods.iter().map(|pod| (pod, false)).chain(controllers.iter().map(|pod| (pod, true))).collect();
    let logs = logs::read(&mut asker, &all, options).await;
    let beside = controllers.iter().map(|pod| Object::of("Pod", &pod.metadata));
    Ok(Case {
        object: objects.first().cloned().unwrap_or_default(),
        ready,
        objects: objects.iter().cloned().chain(beside).collect(),
        statements,
        logs,
        gaps: asker.gaps(),
    })
}

/// What an object says of itself.
fn said(found: &Found) -> Vec<Statement> {
    match found.kind.kind {
        "Pod" => found.object.clone().try_parse::<Pod>().map(|pod| statement::of_pod(&pod)).unwrap_or_default(),
        kind => statement::of_object(kind, &found.object),
    }
}

/// The events about these objects.
async fn events(asker: &mut Asker, objects: &[Object]) -> Vec<Statement> {
    let events = asker.events().await;
    let same = |one: &Object, other: &Object| {
        let uids = one.uid == other.uid || one.uid.is_empty() || other.uid.is_empty();
        one.kind == other.kind && one.name == other.name && uids
    };
    let about = |statement: &Statement| objects.iter().any(|object| same(object, &statement.object));
    events.iter().filter_map(statement::of_event).filter(about).collect()
}

/// The pods whose logs are worth reading.
fn chosen(found: &[Found]) -> Vec<Pod> {
    let mut pods: Vec<&DynamicObject> =
        found.iter().filter(|one| one.kind.kind == "Pod").map(|one| &one.object).collect();
    // Stable, so that the newest of those that are alike stay in front.
    pods.sort_by_key(|pod| state::ready("Pod", pod) == Some(true));
    pods.into_iter().take(PODS).filter_map(|pod| pod.clone().try_parse().ok()).collect()
}

/// Why an object isn't there: its kind is unknown, its name is another, or it is elsewhere.
async fn missing(asker: &mut Asker, kind: &'static Kind, name: &str) -> Failure {
    let server = asker.connection.server.clone();
    let (namespace, name) = (asker.namespace.clone(), name.to_owned());
    let names = |list: Vec<DynamicObject>| list.into_iter().filter_map(|object| object.metadata.name).collect();
    let there: Vec<String> = match asker.list(kind, None).await {
        Ok(list) => names(list),
        Err(client::Error::NotFound(_)) => return Failure::NoKind { server, resource: kind.full_name() },
        Err(_) => Vec::new(),
    };
    let near = near(&name, &there);
    if !near.is_empty() {
        let hint = format!("; did you mean {}?", listed(&near));
        return Failure::NoObject { kind: kind.kind, name, namespace, hint };
    }
    let elsewhere = asker.everywhere(kind).await.unwrap_or_default();
    let same = elsewhere.into_iter().filter(|object| object.metadata.name.as_deref() == Some(&name));
    let places: Vec<String> = same.filter_map(|object| object.metadata.namespace).take(3).collect();
    let hint = match (places.is_empty(), there.is_empty()) {
        (false, _) => format!("; there is one in namespace {}", listed(&places)),
        (true, true) => String::new(),
        (true, false) => format!("; there are {}", listed(&there[..there.len().min(5)])),
    };
    Failure::NoObject { kind: kind.kind, name, namespace, hint }
}

/// The names that are nearly this one, the nearest first.
fn near(name: &str, there: &[String]) -> Vec<String> {
    let distance = |other: &str| {
        let within = other.contains(name) || name.contains(other);
        if within { 1 } else { strsim::damerau_levenshtein(name, other) }
    };
    let mut near: Vec<(usize, &String)> = there.iter().map(|other| (distance(other), other)).collect();
    near.retain(|(distance, _)| *distance <= (name.len() / 3).max(1));
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
