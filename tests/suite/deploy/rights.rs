//! The rights that the manifests give are those that the code uses, and no others.

use std::collections::BTreeSet;

use faultscope::kube::access::{Access, EVENTS, LEASE, LOGS, METADATA};
use serde_json::Value;

use super::documents::{Manifest, of_folder};

/// Group, resource, verb.
type Right = (String, String, String);

fn used(uses: &[Access]) -> BTreeSet<Right> {
    let right = |access: &Access, verb: &str| (access.group.to_owned(), access.resource.to_owned(), verb.to_owned());
    uses.iter().flat_map(|access| access.verbs.iter().map(|verb| right(access, verb))).collect()
}

fn words<'v>(rule: &'v Value, key: &str) -> impl Iterator<Item = String> + 'v {
    rule[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned())
}

/// The rights of a role; one that is given twice is a mistake.
fn given(manifests: &[Manifest], kind: &str, name: &str) -> BTreeSet<Right> {
    let role = manifests.iter().find(|manifest| manifest.kind() == kind && manifest.value["metadata"]["name"] == name);
    let role = role.unwrap_or_else(|| panic!("there is no {kind} {name}"));
    let mut rights = BTreeSet::new();
    for rule in role.value["rules"].as_array().unwrap() {
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for verb in words(rule, "verbs") {
                    let right = (group.clone(), resource.clone(), verb);
                    assert!(rights.insert(right.clone()), "{} gives {right:?} twice", role.name());
                }
            }
        }
    }
    rights
}

#[test]
fn roles_give_what_is_used_and_no_more() {
    let base = of_folder("kustomize/base");
    assert_eq!(given(&base, "ClusterRole", "faultscope"), used(METADATA));
    let events = of_folder("kustomize/components/cluster-events");
    assert_eq!(given(&events, "ClusterRole", "faultscope-events"), used(EVENTS));
    assert_eq!(given(&events, "Role", "faultscope-events-lease"), used(LEASE));
    let examples = of_folder("examples");
    assert_eq!(given(&examples, "Role", "faultscope-logs"), used(LOGS));
}

#[test]
fn there_are_no_other_roles() {
    let count = |folder: &str| of_folder(folder).iter().filter(|manifest| manifest.kind().ends_with("Role")).count();
    let folders =
        ["kustomize/base", "kustomize/components/cluster-events", "kustomize/components/monitoring", "examples"];
    assert_eq!(folders.map(count), [1, 2, 0, 1]);
}

#[test]
fn a_lease_that_is_there_is_named() {
    let events = of_folder("kustomize/components/cluster-events");
    let role = events.iter().find(|manifest| manifest.kind() == "Role").unwrap();
    let rules = role.value["rules"].as_array().unwrap();
    let named: Vec<bool> =
        rules.iter().map(|rule| rule["resourceNames"] == serde_json::json!(["faultscope-events"])).collect();
    let verbs: Vec<Vec<String>> = rules.iter().map(|rule| words(rule, "verbs").collect()).collect();
    assert_eq!(
        (named, verbs),
        (vec![true, false], vec![vec!["get".into(), "update".into()], vec!["create".to_owned()]])
    );
}

/// A pod gets the token of its service account only if that one is bound to something.
#[test]
fn only_pods_with_rights_have_a_token() {
    for (folder, kind, account) in [
        ("kustomize/base", "DaemonSet", "faultscope"),
        ("kustomize/components/cluster-events", "Deployment", "faultscope-events"),
    ] {
        let manifests = of_folder(folder);
        let pod = manifests.iter().find(|manifest| manifest.kind() == kind).and_then(Manifest::pod).unwrap().clone();
        assert_eq!((&pod["serviceAccountName"], &pod["automountServiceAccountToken"]), (&account.into(), &true.into()));
        let bound = manifests.iter().filter(|manifest| manifest.kind().ends_with("RoleBinding"));
        for binding in bound {
            assert_eq!(binding.value["subjects"][0]["name"], account, "{}", binding.name());
            let role = &binding.value["roleRef"];
            let there =
                manifests.iter().any(|m| role["kind"] == m.kind() && role["name"] == m.value["metadata"]["name"]);
            assert!(there, "{}", binding.name());
        }
    }
    let sidecar = of_folder("examples")
        .into_iter()
        .find(|manifest| manifest.value["metadata"]["name"] == "iris" && manifest.kind() == "Deployment");
    assert_eq!(sidecar.unwrap().pod().unwrap()["automountServiceAccountToken"], false);
}
