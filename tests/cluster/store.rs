//! Objects, their versions, and what happened to them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Call;
use super::kinds::{self, Kind};
use super::logs::Logs;

/// Full name of the resource, namespace (or nothing) and name.
pub type Key = (String, String, String);

/// One change of one object.
pub struct Change {
    pub version: u64,
    pub resource: String,
    /// What it was, and what it is now.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Everything the server knows.
pub struct State {
    pub kinds: Vec<&'static Kind>,
    pub objects: BTreeMap<Key, Value>,
    pub changes: Vec<Change>,
    /// Of the latest change.
    pub version: u64,
    /// Versions before it are forgotten.
    pub oldest: u64,
    pub forbidden: BTreeSet<(String, String)>,
    pub unauthorized: bool,
    pub stalled: bool,
    /// How often streams were to break, and to get a bookmark.
    pub cuts: u64,
    pub bookmarks: u64,
    /// Open watches and logs.
    pub streams: usize,
    pub calls: BTreeMap<Call, usize>,
    pub logs: Logs,
}

impl State {
    pub fn new() -> State {
        State {
            kinds: kinds::BUILT_IN.iter().collect(),
            objects: BTreeMap::new(),
            changes: Vec::new(),
            version: 1,
            oldest: 0,
            forbidden: BTreeSet::new(),
            unauthorized: false,
            stalled: false,
            cuts: 0,
            bookmarks: 0,
            streams: 0,
            calls: BTreeMap::new(),
            logs: Logs::default(),
        }
    }

    pub fn install(&mut self, kind: &'static Kind) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// The kind of a path.
    pub fn kind(&self, group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
        self.kinds.iter().find(|k| (k.group, k.version, k.plural) == (group, version, plural)).copied()
    }

    pub fn forbid(&mut self, verb: &str, resource: &str, forbidden: bool) {
        let rule = (verb.to_owned(), resource.to_owned());
        if forbidden {
            self.forbidden.insert(rule);
        } else {
            self.forbidden.remove(&rule);
        }
    }

    pub fn apply(&mut self, mut object: Value) -> Value {
        let (api_version, name) = (text(&object, "/apiVersion"), text(&object, "/kind"));
        let kind = self.kinds.iter().find(|kind| kind.api_version() == api_version && kind.kind == name);
        let kind = *kind.unwrap_or_else(|| panic!("the cluster knows no {api_version} {name}"));
        let namespace = if kind.namespaced { text(&object, "/metadata/namespace") } else { String::new() };
        assert!(kind.namespaced != namespace.is_empty(), "{object}: the namespace is wrong");
        let key = (kind.full_name(), namespace, text(&object, "/metadata/name"));
        let before = self.objects.get(&key).cloned();
        self.version += 1;
        let uid = before.as_ref().map(|before| text(before, "/metadata/uid"));
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.insert("resourceVersion".into(), json!(self.version.to_string()));
        let uid = uid.unwrap_or_else(|| format!("00000000-0000-4000-8000-{:012}", self.version));
        metadata.entry("uid").or_insert_with(|| json!(uid));
        metadata.entry("creationTimestamp").or_insert_with(|| json!("2026-02-03T04:05:06Z"));
        let (resource, after) = (key.0.clone(), Some(object.clone()));
        self.changes.push(Change { version: self.version, resource, before, after });
        self.objects.insert(key, object.clone());
        object
    }

    pub fn delete(&mut self, resource: &str, name: &str) -> Option<Value> {
        let mut object = self.objects.remove(&key(resource, name))?;
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let change =
            Change { version: self.version, resource: resource.to_owned(), before: Some(object.clone()), after: None };
        self.changes.push(change);
        Some(object)
    }

    pub fn get(&self, resource: &str, name: &str) -> Option<Value> {
        self.objects.get(&key(resource, name)).cloned()
    }

    /// The objects of a resource, of one namespace or of all, in the order of their names.
    pub fn of<'a>(
        &'a self,
        resource: &'a str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        let those = move |(key, _): &(&Key, &Value)| key.0 == resource && namespace.is_none_or(|ns| key.1 == ns);
        self.objects.iter().filter(those)
    }
}

fn key(resource: &str, name: &str) -> Key {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    (resource.to_owned(), namespace.to_owned(), name.to_owned())
}

/// The text at a JSON pointer; empty if there is none.
pub fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
