//! What is asked of the API, each answer bounded in size and time. What can't be read is noted, and the rest goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{ListParams, LogParams};
use kube::core::{DynamicObject, ObjectList};

use super::kinds::Kind;
use crate::kube::client::{Connection, Error, Request};

/// A server that has not answered by then won't.
const PATIENCE: Duration = Duration::from_secs(15);
/// Objects of one page, and pages of one list.
const PAGE: u32 = 250;
const PAGES: usize = 20;

/// Asks, and notes what it can't read.
pub(super) struct Asker {
    pub connection: Connection,
    pub namespace: String,
    gaps: BTreeSet<String>,
}

impl Asker {
    pub fn new(connection: Connection, namespace: String) -> Asker {
        Asker { connection, namespace, gaps: BTreeSet::new() }
    }

    /// What could not be read, and why, each once.
    pub fn gaps(self) -> Vec<String> {
        self.gaps.into_iter().collect()
    }

    pub fn note(&mut self, gap: String) {
        self.gaps.insert(gap);
    }

    fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.connection.client.clone(), &self.namespace, &kind.resource())
    }

    /// One object.
    pub async fn get(&self, kind: &Kind, name: &str) -> Result<DynamicObject, Error> {
        let request = Request::new("get", kind.group, kind.plural, Some(&self.namespace));
        self.answer(self.api(kind).get(name), request).await
    }

    /// All objects of the namespace that the selector takes.
    pub async fn list(&mut self, kind: &Kind, selector: Option<&str>) -> Result<Vec<DynamicObject>, Error> {
        let request = Request::new("list", kind.group, kind.plural, Some(&self.namespace));
        let api = self.api(kind);
        self.pages(request, selector, async |params| api.list(&params).await).await
    }

    /// The names of all objects of a kind, with their namespaces, wherever they are.
    pub async fn everywhere(&mut self, kind: &Kind) -> Result<Vec<DynamicObject>, Error> {
        let request = Request::new("list", kind.group, kind.plural, None);
        let api: Api<DynamicObject> = Api::all_with(self.connection.client.clone(), &kind.resource());
        self.pages(request, None, async |params| api.list(&params).await).await
    }

    /// As [`Asker::list`]; what can't be read is noted. A kind that the cluster doesn't have has no objects.
    pub async fn list_or_note(&mut self, kind: &Kind, selector: Option<&str>) -> Vec<DynamicObject> {
        match self.list(kind, selector).await {
            Ok(list) => list,
            Err(Error::NotFound(_)) => Vec::new(),
            Err(error) => {
                self.note(error.to_string());
                Vec::new()
            }
        }
    }

    /// Every event of the namespace.
    pub async fn events(&mut self) -> Vec<Event> {
        let request = Request::new("list", "events.k8s.io", "events", Some(&self.namespace));
        let api: Api<Event> = Api::namespaced(self.connection.client.clone(), &self.namespace);
        let events = self.pages(request, None, async |params| api.list(&params).await).await;
        events.unwrap_or_else(|error| {
            self.note(error.to_string());
            Vec::new()
        })
    }

    /// Pods of another namespace.
    pub async fn pods_of(&mut self, namespace: &str, selector: &str) -> Vec<DynamicObject> {
        let Some(kind) = Kind::named("pods") else { return Vec::new() };
        let own = std::mem::replace(&mut self.namespace, namespace.to_owned());
        let pods = self.list_or_note(kind, Some(selector)).await;
        self.namespace = own;
        pods
    }

    /// A container's log. None if it has none, since it hasn't run (yet, or before).
    pub async fn log(&self, namespace: &str, pod: &str, params: &LogParams) -> Result<Option<String>, Error> {
        let request = Request::new("get", "", "pods/log", Some(namespace));
        let api: Api<Pod> = Api::namespaced(self.connection.client.clone(), namespace);
        match self.answer(api.logs(pod, params), request).await {
            Ok(log) => Ok(Some(log)),
            // The kubelet says so of a container that hasn't started, and of a run that left nothing.
            Err(Error::Refused { code: 400, .. } | Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn pages<K: Clone>(
        &mut self,
        request: Request,
        selector: Option<&str>,
        page: impl AsyncFn(ListParams) -> kube::Result<ObjectList<K>>,
    ) -> Result<Vec<K>, Error> {
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = selector.map(str::to_owned);
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let list = self.answer(page(params.clone()), request.clone()).await?;
            all.extend(list.items);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
        self.note(format!("{request}: only the first {} were read", all.len()));
        Ok(all)
    }

    async fn answer<T>(&self, asked: impl Future<Output = kube::Result<T>>, request: Request) -> Result<T, Error> {
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(|error| self.connection.failure(error, request)),
            Err(_) => Err(Error::Unreachable {
                server: self.connection.server.clone(),
                why: format!("no answer within {} s to {request}", PATIENCE.as_secs()),
            }),
        }
    }
}
