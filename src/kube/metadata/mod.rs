//! What the cluster knows of this node's pods, for events about them: labels and annotations that were chosen, node, image, owner, `service.name`.
//!
//! A watch fills a store; whoever has an event asks it and never waits. Pods that are deleted are remembered for a while, since their logs are
//! read for longer than they live. Bounded: only what is used is kept of a pod, and so many pods. Knows nothing of logs.

mod names;
mod owner;
mod pod;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::runtime::watcher::Event;

use self::owner::Owners;
use self::pod::Known;
use self::store::Store;
use super::client::{Connection, Request};
use super::follow::{Follow, What};
use super::health::Health;
use crate::event::Resource;

/// What metrics call the watch.
pub const NAME: &str = "metadata";

/// Which pods, and what of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The node whose pods they are.
    pub node: String,
    /// Labels to take over, by their keys.
    pub labels: Vec<glob::Pattern>,
    /// Annotations to take over, by their keys.
    pub annotations: Vec<glob::Pattern>,
    /// For how long a deleted pod is remembered.
    pub remember: Duration,
}

/// The pods of the node, as far as they are known.
pub struct Pods {
    choice: Choice,
    store: Mutex<Store>,
}

impl Pods {
    /// Knows nothing before [`Pods::watch`] has been told something.
    pub fn new(choice: Choice) -> Pods {
        Pods { choice, store: Mutex::new(Store::default()) }
    }

    /// A pod's resource with what is known of the pod. None if nothing is.
    pub fn describe(&self, resource: &Resource) -> Option<Resource> {
        self.lock().find(resource).map(|known| known.describe(resource))
    }

    /// Pods that are known, and pods for which there was no room.
    pub fn counts(&self) -> (usize, u64) {
        let store = self.lock();
        (store.len(), store.refused)
    }

    /// Keeps the store up to date, for ever.
    pub async fn watch(self: Arc<Self>, connection: Connection, health: Arc<Health>) {
        let api: Api<Pod> = Api::all(connection.client.clone());
        let what = What {
            name: NAME.to_owned(),
            request: Request::new("list", "", "pods", None),
            labels: None,
            fields: Some(format!("spec.nodeName={}", self.choice.node)),
        };
        let mut owners = Owners::new(connection.clone(), health.clone());
        let mut follow = Follow::new(api, what, connection, health);
        let mut listed = HashSet::new();
        let mut unresolved = Vec::new();
        loop {
            match follow.next().await {
                Event::Init => listed.clear(),
                Event::InitApply(pod) => {
                    listed.extend(pod.metadata.uid.clone());
                    unresolved.extend(self.put(&pod));
                }
                Event::InitDone => self.lock().keep(&std::mem::take(&mut listed), Instant::now()),
                Event::Apply(pod) => unresolved.extend(self.put(&pod)),
                Event::Delete(pod) => {
                    self.lock().delete(pod.metadata.uid.as_deref().unwrap_or_default(), Instant::now());
                }
            }
            // While a list comes in, the pods go first: an owner is an answer of its own.
            if listed.is_empty() {
                for known in unresolved.drain(..) {
                    self.resolve(known, &mut owners).await;
                }
            }
            self.lock().expire(self.choice.remember, Instant::now());
        }
    }

    /// Takes a pod in. Gives it back if its owner has to be asked for.
    fn put(&self, pod: &Pod) -> Option<Known> {
        let known = Known::of(pod, &self.choice);
        self.lock().put(known.clone());
        known.unresolved.is_some().then_some(known)
    }

    async fn resolve(&self, known: Known, owners: &mut Owners) {
        let Some(object) = &known.unresolved else { return };
        if let Some(owner) = owners.of(&known.namespace, object).await {
            self.lock().change(&known.uid, |known| known.resolve(&owner));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
