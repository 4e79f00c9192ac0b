//! What the server says of the kinds that it knows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::store::State;

/// `/api`.
pub fn core() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
}

/// `/apis`.
pub fn groups(state: &State) -> Value {
    let groups: BTreeSet<&str> = state.kinds.iter().map(|kind| kind.group).filter(|group| !group.is_empty()).collect();
    let groups: Vec<Value> = groups.into_iter().filter_map(|name| group(state, name)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/<group>`.
pub fn group(state: &State, name: &str) -> Option<Value> {
    let versions: BTreeSet<&str> =
        state.kinds.iter().filter(|kind| kind.group == name).map(|kind| kind.version).collect();
    let all: Vec<Value> = versions
        .iter()
        .map(|version| json!({ "groupVersion": format!("{name}/{version}"), "version": version }))
        .collect();
    let preferred = all.first()?.clone();
    Some(
        json!({ "kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": all, "preferredVersion": preferred }),
    )
}

/// `/api/v1`, `/apis/<group>/<version>`.
pub fn resources(state: &State, group: &str, version: &str) -> Option<Value> {
    let those = state.kinds.iter().filter(|kind| kind.group == group && kind.version == version);
    let resources: Vec<Value> = those
        .map(|kind| {
            json!({
                "name": kind.plural, "singularName": kind.kind.to_lowercase(), "namespaced": kind.namespaced, "kind": kind.kind,
                "verbs": ["create", "delete", "get", "list", "update", "watch"],
            })
        })
        .collect();
    let name = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    (!resources.is_empty())
        .then(|| json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources }))
}
