//! Watches: changes since a version, one JSON object a line, for as long as the connection lives.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;

use super::routes::{Query, Target, shown};
use super::selectors::Selector;
use super::store::{Change, State};
use super::{Shared, answers};

/// Counts a stream for as long as it is open.
pub struct Counted(Arc<Shared>);

impl Counted {
    pub fn new(shared: &Arc<Shared>) -> Counted {
        shared.change(|state| state.streams += 1);
        Counted(shared.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.change(|state| state.streams -= 1);
    }
}

struct Watch {
    shared: Arc<Shared>,
    news: Receiver<u64>,
    kind: Value,
    resource: String,
    namespace: Option<String>,
    selector: Selector,
    bare: bool,
    wants_bookmarks: bool,
    /// Heard of up to here.
    version: u64,
    cuts: u64,
    bookmarks: u64,
    waiting: VecDeque<io::Result<String>>,
    /// What waits is the last.
    over: bool,
    _counted: Counted,
}

pub fn answer(shared: Arc<Shared>, target: &Target, query: &Query, bare: bool) -> Response {
    let counted = Counted::new(&shared);
    let news = shared.news.subscribe();
    let state = shared.lock();
    let version: u64 = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or_default();
    let is_true = |key: &str| query.get(key).is_some_and(|value| value == "true");
    let mut watch = Watch {
        news,
        kind: json!({ "apiVersion": target.kind.api_version(), "kind": target.kind.kind }),
        resource: target.kind.full_name(),
        namespace: target.namespace.clone(),
        selector: Selector::new(query.get("labelSelector"), query.get("fieldSelector")),
        bare,
        wants_bookmarks: is_true("allowWatchBookmarks"),
        version,
        cuts: state.cuts,
        bookmarks: state.bookmarks,
        waiting: VecDeque::new(),
        over: false,
        _counted: counted,
        shared: shared.clone(),
    };
    if version == 0 {
        watch.begin(&state, is_true("sendInitialEvents"));
    } else if version < state.oldest {
        watch.say(&json!({ "type": "ERROR", "object": answers::gone(version, state.oldest) }));
        watch.over = true;
    }
    drop(state);
    let lines = stream::unfold(watch, |mut watch| async move { Some((watch.next().await?, watch)) });
    Body::from_stream(lines).into_response()
}

impl Watch {
    /// Everything that is there, as if it had just come.
    fn begin(&mut self, state: &State, mark_end: bool) {
        let (resource, namespace) = (self.resource.clone(), self.namespace.clone());
        let those = state.of(&resource, namespace.as_deref()).filter(|(_, object)| self.selector.takes(object));
        let lines: Vec<Value> =
            those.map(|(_, object)| json!({ "type": "ADDED", "object": shown(object, self.bare) })).collect();
        for line in &lines {
            self.say(line);
        }
        self.version = state.version;
        if mark_end {
            let mut bookmark = self.bookmark();
            bookmark["object"]["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
            self.say(&bookmark);
        }
    }

    fn say(&mut self, line: &Value) {
        self.waiting.push_back(Ok(format!("{line}\n")));
    }

    async fn next(&mut self) -> Option<io::Result<String>> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Some(piece);
            }
            if self.over {
                return None;
            }
            self.look();
            if self.waiting.is_empty() && !self.over {
                self.news.changed().await.ok()?;
            }
        }
    }

    /// Takes in what is new.
    fn look(&mut self) {
        let shared = self.shared.clone();
        let state = shared.lock();
        let is_new = |change: &&Change| change.version > self.version && change.resource == self.resource;
        for line in state.changes.iter().filter(is_new).filter_map(|change| self.told(change)).collect::<Vec<_>>() {
            self.say(&line);
        }
        self.version = state.version;
        if state.bookmarks > self.bookmarks && self.wants_bookmarks {
            let bookmark = self.bookmark();
            self.say(&bookmark);
        }
        self.bookmarks = state.bookmarks;
        self.over = state.cuts > self.cuts;
        if self.over {
            self.waiting.push_back(Ok("{\"type\":\"MODIFIED\",\"obj".into()));
            self.waiting.push_back(Err(io::Error::other("cut")));
        }
    }

    /// How a change looks to who sees only what the selector takes.
    fn told(&self, change: &Change) -> Option<Value> {
        let taken = |object: &&Value| {
            let namespace = self.namespace.as_deref();
            namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
                && self.selector.takes(object)
        };
        let (kind, object) = match (change.before.as_ref().filter(taken), change.after.as_ref().filter(taken)) {
            (None, Some(after)) => ("ADDED", after),
            (Some(_), Some(after)) => ("MODIFIED", after),
            (Some(before), None) => ("DELETED", before),
            (None, None) => return None,
        };
        let mut object = shown(object, self.bare);
        object["metadata"]["resourceVersion"] = json!(change.version.to_string());
        Some(json!({ "type": kind, "object": object }))
    }

    fn bookmark(&self) -> Value {
        let mut object = self.kind.clone();
        object["metadata"] = json!({ "resourceVersion": self.version.to_string(), "creationTimestamp": null });
        json!({ "type": "BOOKMARK", "object": object })
    }
}
