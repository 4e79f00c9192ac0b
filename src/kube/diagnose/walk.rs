//! From an object down to what it was made into: revisions, deployments, pods.

use std::collections::HashSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{DynamicObject, Selector};
use serde_json::Value;

use super::ask::Asker;
use super::kinds::{Kind, Link};

/// Objects that are looked at, at most.
const OBJECTS: usize = 200;
/// Children of one owner and kind that are looked at, at most: the newest.
const SIBLINGS: usize = 30;

/// An object on the way.
pub(super) struct Found {
    pub kind: &'static Kind,
    pub object: DynamicObject,
}

/// The object and all that it was made into, owners before what they own.
pub(super) async fn down(asker: &mut Asker, root: Found) -> Vec<Found> {
    let mut seen: HashSet<String> = root.object.metadata.uid.clone().into_iter().collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = &found[next];
        next += 1;
        let mut children = Vec::new();
        for (name, link) in parent.kind.children {
            let Some(kind) = Kind::child(name) else { continue };
            let list = asker.list_or_note(kind, selector(parent, *link).as_deref()).await;
            children.extend(of(parent, kind, list));
        }
        children.retain(|child: &Found| seen.insert(child.object.metadata.uid.clone().unwrap_or_default()));
        found.extend(children);
        if found.len() > OBJECTS {
            found.truncate(OBJECTS);
            asker.note(format!("more than {OBJECTS} objects belong to it: the rest was not looked at"));
        }
    }
    found
}

/// Which labels the children have, as a selector; none if that can't be said.
fn selector(parent: &Found, link: Link) -> Option<String> {
    match link {
        Link::Owner => None,
        Link::Label(label) => Some(format!("{label}={}", parent.object.metadata.name.as_deref()?)),
        Link::Selector => {
            let selector = parent.object.data.pointer("/spec/selector")?;
            let selector: LabelSelector = serde_json::from_value(selector.clone()).ok()?;
            let expressions = Selector::try_from(selector).ok()?;
            Some(expressions.to_string()).filter(|text| !text.is_empty())
        }
    }
}

/// Those of a list that the parent owns and that still count, the newest first.
fn of(parent: &Found, kind: &'static Kind, list: Vec<DynamicObject>) -> Vec<Found> {
    let uid = parent.object.metadata.uid.as_deref().unwrap_or_default();
    let owned =
        |object: &DynamicObject| object.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid);
    let mut own: Vec<DynamicObject> = list.into_iter().filter(owned).collect();
    own.retain(|object| counts(parent, kind, object));
    own.sort_by(|a, b| b.metadata.creation_timestamp.cmp(&a.metadata.creation_timestamp));
    own.truncate(SIBLINGS);
    own.into_iter().map(|object| Found { kind, object }).collect()
}

/// Is it in use? Former revisions and replica sets are kept, and have nothing to say.
fn counts(parent: &Found, kind: &Kind, object: &DynamicObject) -> bool {
    let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64);
    match kind.kind {
        "ReplicaSet" => {
            number("/spec/replicas") != Some(0) || number("/status/replicas").is_some_and(|count| count > 0)
        }
        "Revision" => {
            let text = |pointer: &str| parent.object.data.pointer(pointer).and_then(Value::as_str);
            let current = ["/status/latestCreatedRevisionName", "/status/latestReadyRevisionName"].map(text);
            let name = object.metadata.name.as_deref();
            current.iter().all(Option::is_none) || current.contains(&name)
        }
        _ => true,
    }
}
