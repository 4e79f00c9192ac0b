//! The owner's owner, where only the API tells it: the Deployment of a ReplicaSet, the CronJob of a Job. Asked for once each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::PartialObjectMeta;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::pod::{Unresolved, controller};
use crate::kube::client::{Connection, Error, Request};
use crate::kube::health::Health;

/// What metrics call it.
const NAME: &str = "owners";
/// So many answers are kept.
const LIMIT: usize = 1024;
/// An answer that takes longer is done without.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks, and remembers the answers.
pub(super) struct Owners {
    connection: Connection,
    health: Arc<Health>,
    known: HashMap<(String, Unresolved), Option<OwnerReference>>,
}

impl Owners {
    pub fn new(connection: Connection, health: Arc<Health>) -> Owners {
        Owners { connection, health, known: HashMap::new() }
    }

    /// The owner of an object, if it has one and the API tells it.
    pub async fn of(&mut self, namespace: &str, object: &Unresolved) -> Option<OwnerReference> {
        let key = (namespace.to_owned(), object.clone());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let asked = match object {
            Unresolved::ReplicaSet(name) => self.ask::<ReplicaSet>(namespace, name, "apps", "replicasets").await,
            Unresolved::Job(name) => self.ask::<Job>(namespace, name, "batch", "jobs").await,
        };
        let owner = match asked {
            Ok(owner) => {
                self.health.up(NAME);
                owner
            }
            // It was deleted before its pod.
            Err(Error::NotFound(_)) => None,
            Err(error) => {
                self.health.failed(NAME, &error);
                // What isn't allowed isn't asked for again; anything else is, for the next pod.
                if !matches!(error, Error::Forbidden { .. }) {
                    return None;
                }
                None
            }
        };
        if self.known.len() >= LIMIT {
            self.known.clear();
        }
        self.known.insert(key, owner.clone());
        owner
    }

    async fn ask<K>(
        &self,
        namespace: &str,
        name: &str,
        group: &str,
        resource: &str,
    ) -> Result<Option<OwnerReference>, Error>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(self.connection.client.clone(), namespace);
        let request = Request::new("get", group, resource, Some(namespace));
        match tokio::time::timeout(TIMEOUT, api.get_metadata(name)).await {
            Ok(Ok(PartialObjectMeta { metadata, .. })) => Ok(controller(&metadata).cloned()),
            Ok(Err(error)) => Err(self.connection.failure(error, request)),
            Err(_) => Err(Error::Unreachable {
                server: self.connection.server.clone(),
                why: format!("no answer within {} s", TIMEOUT.as_secs()),
            }),
        }
    }
}
