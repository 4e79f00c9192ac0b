//! Requests taken apart and answered.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as With;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::Response;
use reqwest::Url;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::selectors::Selector;
use super::store::{Key, text};
use super::{Call, Shared, answers, discovery, logs, watch};

pub type Query = HashMap<String, String>;

/// What a path is about.
pub struct Target {
    pub kind: &'static Kind,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

impl Target {
    /// `pods`, `pods/log`.
    fn resource(&self) -> String {
        let subresource = self.subresource.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}{subresource}", self.kind.plural)
    }

    fn key(&self, name: &str) -> Key {
        (self.kind.full_name(), self.namespace.clone().unwrap_or_default(), name.to_owned())
    }
}

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    With(shared): With<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut news = shared.news.subscribe();
    while shared.lock().stalled {
        // The sender is in `shared`, so there is always one.
        news.changed().await.unwrap();
    }
    if shared.lock().unauthorized {
        return answers::unauthorized();
    }
    let url = Url::parse(&format!("http://cluster{uri}")).unwrap();
    let query: Query = url.query_pairs().into_owned().collect();
    let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let rest = match path.as_slice() {
        ["version"] => return answers::json(&json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.1" })),
        ["api"] => return answers::json(&discovery::core()),
        ["apis"] => return answers::json(&discovery::groups(&shared.lock())),
        ["apis", group] => return found(discovery::group(&shared.lock(), group)),
        ["api", version] => return found(discovery::resources(&shared.lock(), "", version)),
        ["apis", group, version] => return found(discovery::resources(&shared.lock(), group, version)),
        ["api", version, rest @ ..] => target(&shared, "", version, rest),
        ["apis", group, version, rest @ ..] => target(&shared, group, version, rest),
        _ => None,
    };
    let Some(target) = rest else { return answers::no_such_resource() };
    let watching = query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
    let verb = match (&method, &target.name) {
        (&Method::GET, None) if watching => "watch",
        (&Method::GET, None) => "list",
        (&Method::GET, Some(_)) => "get",
        (&Method::POST, None) => "create",
        (&Method::PUT, Some(_)) => "update",
        (&Method::DELETE, Some(_)) => "delete",
        _ => return answers::no_such_verb(),
    };
    if let Some(refusal) = admit(&shared, verb, &target) {
        return refusal;
    }
    let bare = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let bare = bare.contains("as=PartialObjectMetadata");
    match (verb, target.subresource.as_deref()) {
        ("get", Some("log")) => logs::answer(shared, &target, &query),
        (_, Some(_)) => answers::no_such_resource(),
        ("watch", None) => watch::answer(shared, &target, &query, bare),
        ("list", None) => list(&shared, &target, &query, bare),
        ("get", None) => get(&shared, &target, bare),
        ("create" | "update", None) => write(&shared, &target, &body),
        _ => delete(&shared, &target),
    }
}

fn found(document: Option<Value>) -> Response {
    document.map_or_else(answers::no_such_resource, |document| answers::json(&document))
}

fn target(shared: &Shared, group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let kind = shared.lock().kind(group, version, rest.first()?)?;
    let part = |at: usize| rest.get(at).map(|part| (*part).to_owned());
    Some(Target { kind, namespace, name: part(1), subresource: part(2) })
}

/// Notes the call; the refusal, if it is forbidden.
fn admit(shared: &Shared, verb: &'static str, target: &Target) -> Option<Response> {
    let (resource, kind) = (target.resource(), target.kind);
    let namespace = target.namespace.clone();
    let call = Call { verb, group: kind.group.to_owned(), resource: resource.clone(), namespace };
    let mut state = shared.lock();
    *state.calls.entry(call).or_default() += 1;
    let full = if kind.group.is_empty() { resource.clone() } else { format!("{resource}.{}", kind.group) };
    let forbidden = state.forbidden.contains(&(verb.to_owned(), full));
    forbidden.then(|| answers::forbidden(verb, kind, &resource, target.namespace.as_deref()))
}

/// An object, or its metadata alone.
pub fn shown(object: &Value, bare: bool) -> Value {
    if bare {
        json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
    } else {
        object.clone()
    }
}

/// A page. The token of the next one says after which object it begins, and how old the list is.
fn list(shared: &Shared, target: &Target, query: &Query, bare: bool) -> Response {
    let state = shared.lock();
    let selector = Selector::new(query.get("labelSelector"), query.get("fieldSelector"));
    let token = query.get("continue").and_then(|token| token.split_once(' '));
    let version = token.map_or(state.version, |(version, _)| version.parse().unwrap());
    if version < state.oldest {
        return answers::expired();
    }
    let place = |key: &Key| format!("{}/{}", key.1, key.2);
    let resource = target.kind.full_name();
    let mut rest: Vec<(&Key, &Value)> = state
        .of(&resource, target.namespace.as_deref())
        .filter(|(key, object)| selector.takes(object) && token.is_none_or(|(_, last)| place(key).as_str() > last))
        .collect();
    rest.sort_by_key(|(key, _)| place(key));
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
    let more = rest.split_off(limit.unwrap_or(usize::MAX).min(rest.len()));
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if let Some((last, _)) = rest.last().filter(|_| !more.is_empty()) {
        metadata["continue"] = json!(format!("{version} {}", place(last)));
        metadata["remainingItemCount"] = json!(more.len());
    }
    let items: Vec<Value> = rest.into_iter().map(|(_, object)| shown(object, bare)).collect();
    let (kind, api_version) = if bare {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (format!("{}List", target.kind.kind), target.kind.api_version())
    };
    answers::json(&json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items }))
}

fn get(shared: &Shared, target: &Target, bare: bool) -> Response {
    let name = target.name.clone().unwrap_or_default();
    match shared.lock().objects.get(&target.key(&name)) {
        Some(object) => answers::json(&shown(object, bare)),
        None => answers::not_found(target.kind, &name),
    }
}

/// Creates or replaces. Who replaces another version than the latest is told so.
fn write(shared: &Shared, target: &Target, body: &[u8]) -> Response {
    let Ok(mut object) = serde_json::from_slice::<Value>(body) else {
        return answers::bad_request("the body is no JSON");
    };
    if !object["metadata"].is_object() {
        return answers::bad_request("metadata is missing");
    }
    let name = target.name.clone().unwrap_or_else(|| text(&object, "/metadata/name"));
    object["apiVersion"] = json!(target.kind.api_version());
    object["kind"] = json!(target.kind.kind);
    object["metadata"]["name"] = json!(name);
    if let Some(namespace) = &target.namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    shared.change(|state| match (state.objects.get(&target.key(&name)), &target.name) {
        (Some(_), None) => answers::exists(target.kind, &name),
        (None, Some(_)) => answers::not_found(target.kind, &name),
        (Some(there), Some(_)) if is_stale(&object, there) => answers::conflict(target.kind, &name),
        _ => answers::json(&state.apply(object)),
    })
}

fn is_stale(object: &Value, there: &Value) -> bool {
    let version = text(object, "/metadata/resourceVersion");
    !version.is_empty() && version != text(there, "/metadata/resourceVersion")
}

fn delete(shared: &Shared, target: &Target) -> Response {
    let name = target.name.clone().unwrap_or_default();
    let (resource, namespace, name) = target.key(&name);
    let place = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
    match shared.change(|state| state.delete(&resource, &place)) {
        Some(object) => answers::json(&object),
        None => answers::not_found(target.kind, &name),
    }
}
