//! The cluster as a source: statements of events, of containers' statuses and of conditions, as they come to be so.
//!
//! What is there at the start counts as far as it is current: statuses and conditions that are bad now, events of the last minutes. Kinds that the
//! cluster doesn't have are looked for again now and then; one kind that is forbidden or absent is no obstacle for the others. Of several
//! replicas the one that holds the lease reads. A change of reader, or a restart, may say something once more, under the same uid.

pub mod lease;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event as Report;
use kube::api::ApiResource;
use kube::core::DynamicObject;
use kube::error::DiscoveryError;
use kube::runtime::watcher::Event;
use kube::{Api, discovery};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::told::Told;
use super::access::{Access, EVENTS};
use super::client::{Connection, Error, Request};
use super::follow::{Follow, What};
use super::health::Health;
use super::statement::{self, Statement};

/// What metrics call the search for kinds.
const NAME: &str = "discovery";
/// An event that was seen last so long before the start is history.
const RECENT: Duration = Duration::from_secs(300);
/// How often kinds are looked for that weren't there.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// What to read, and whether others may read it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Of these namespaces; empty: of all.
    pub namespaces: Vec<String>,
    /// Who reads; none: this one does.
    pub lease: Option<lease::Choice>,
}

/// Reads for as long as somebody takes what is said.
pub async fn run(choice: Choice, connection: Connection, health: Arc<Health>, out: mpsc::Sender<Vec<Statement>>) {
    let (leads, mut leading) = watch::channel(choice.lease.is_none());
    let mut election = JoinSet::new();
    if let Some(lease) = choice.lease.clone() {
        election.spawn(lease::hold(lease, connection.clone(), health.clone(), leads));
    }
    loop {
        // The sender is gone only where there is no election.
        let _ = leading.wait_for(|leads| *leads).await;
        let reading = Reading {
            choice: choice.clone(),
            connection: connection.clone(),
            health: health.clone(),
            out: out.clone(),
        };
        tokio::select! {
            () = reading.all() => return,
            _ = leading.wait_for(|leads| !*leads), if choice.lease.is_some() => {}
        }
    }
}

struct Reading {
    choice: Choice,
    connection: Connection,
    health: Arc<Health>,
    out: mpsc::Sender<Vec<Statement>>,
}

impl Reading {
    /// Watches every kind that is there, until nobody takes what is said. What is being watched ends with this.
    async fn all(&self) {
        let mut watches = JoinSet::new();
        let mut missing: Vec<&Access> = EVENTS.iter().collect();
        loop {
            let before = missing.len();
            let mut still = Vec::new();
            for access in missing {
                match self.kind(access).await {
                    Some(kind) => self.watch(&mut watches, access, &kind),
                    None => still.push(access),
                }
            }
            missing = still;
            if missing.len() < before && !missing.is_empty() {
                let names: Vec<String> = missing.iter().map(|one| format!("{}.{}", one.resource, one.group)).collect();
                tracing::info!(kinds = names.join(", "), "the cluster does not have these kinds, or does not tell");
            }
            tokio::select! {
                // A watch ends when nobody listens any more.
                Some(_) = watches.join_next() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// The kind of a resource, if the cluster has it.
    async fn kind(&self, access: &Access) -> Option<ApiResource> {
        match (access.group, access.resource) {
            ("", "pods") => return Some(ApiResource::erase::<Pod>(&())),
            ("events.k8s.io", "events") => return Some(ApiResource::erase::<Report>(&())),
            _ => {}
        }
        match discovery::group(&self.connection.client, access.group).await {
            Ok(group) => {
                self.health.up(NAME);
                let all = group.recommended_resources().into_iter().map(|(kind, _)| kind);
                all.into_iter().find(|kind| kind.plural == access.resource)
            }
            Err(kube::Error::Discovery(DiscoveryError::MissingApiGroup(_))) => None,
            Err(error) => {
                let request = Request::new("get", access.group, access.resource, None);
                match self.connection.failure(error, request) {
                    // The group vanished between two questions.
                    Error::NotFound(_) => {}
                    error => self.health.failed(NAME, &error),
                }
                None
            }
        }
    }

    fn watch(&self, watches: &mut JoinSet<()>, access: &Access, kind: &ApiResource) {
        let namespaces: Vec<Option<String>> = match self.choice.namespaces.as_slice() {
            [] => vec![None],
            some => some.iter().cloned().map(Some).collect(),
        };
        for namespace in namespaces {
            let client = self.connection.client.clone();
            let api: Api<DynamicObject> = match &namespace {
                // What belongs to no namespace belongs to none of these.
                Some(_) if access.resource == "nodeclaims" => continue,
                Some(namespace) => Api::namespaced_with(client, namespace, kind),
                None => Api::all_with(client, kind),
            };
            let group = if access.group.is_empty() { String::new() } else { format!(".{}", access.group) };
            let place = namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
            let what = What {
                name: format!("{}{group}{place}", access.resource),
                request: Request::new("list", access.group, access.resource, namespace.as_deref()),
                labels: None,
                fields: None,
            };
            let follow = Follow::new(api, what, self.connection.clone(), self.health.clone());
            watches.spawn(tell(follow, kind.kind.clone(), self.out.clone()));
        }
    }
}

/// Tells what objects of a kind say, until nobody takes it.
async fn tell(mut follow: Follow<DynamicObject>, kind: String, out: mpsc::Sender<Vec<Statement>>) {
    let oldest = Timestamp::now() - RECENT;
    let mut told = Told::default();
    loop {
        match follow.next().await {
            Event::Init => told.begin_list(),
            Event::InitDone => told.end_list(),
            Event::Delete(object) => told.forget(object.metadata.uid.as_deref().unwrap_or_default()),
            Event::InitApply(object) | Event::Apply(object) => {
                let uid = object.metadata.uid.clone().unwrap_or_default();
                let news = told.news(&uid, statements(&kind, object), oldest);
                if !news.is_empty() && out.send(news).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What an object says. One that can't be read says nothing: its kind has changed beyond what is known of it.
fn statements(kind: &str, object: DynamicObject) -> Vec<Statement> {
    match kind {
        "Event" => object.try_parse::<Report>().ok().as_ref().and_then(statement::of_event).into_iter().collect(),
        "Pod" => object.try_parse::<Pod>().map(|pod| statement::of_pod(&pod)).unwrap_or_default(),
        _ => statement::of_object(kind, &object),
    }
}
