//! Every manifest is read into Kubernetes' own types, so that a field it doesn't know is found here and not by an API server that drops it; and held to
//! what the chart promises of each pod.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::documents::{Manifest, all, deploy, of_folder, read, text};

/// As the type understands it.
fn typed<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// The operator's types aren't Kubernetes' own: as much of them as the chart uses, by the names of its API.
mod operator {
    use std::collections::BTreeMap;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Object<S> {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        spec: S,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct PodMonitor {
        job_label: String,
        selector: LabelSelector,
        pod_metrics_endpoints: Vec<Endpoint>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ServiceMonitor {
        job_label: String,
        selector: LabelSelector,
        endpoints: Vec<Endpoint>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Endpoint {
        port: String,
        path: String,
        interval: String,
        relabelings: Vec<Relabeling>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Relabeling {
        source_labels: Vec<String>,
        target_label: String,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct PrometheusRule {
        groups: Vec<Group>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Group {
        name: String,
        rules: Vec<Rule>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        alert: String,
        expr: Value,
        #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
        wait: Option<String>,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    }
}

fn understood(manifest: &Manifest) -> Result<Value, String> {
    let value = &manifest.value;
    match (value["apiVersion"].as_str().unwrap_or_default(), manifest.kind()) {
        ("apps/v1", "DaemonSet") => typed::<DaemonSet>(value),
        ("apps/v1", "Deployment") => typed::<Deployment>(value),
        ("v1", "ConfigMap") => typed::<ConfigMap>(value),
        ("v1", "Namespace") => typed::<Namespace>(value),
        ("v1", "Service") => typed::<Service>(value),
        ("v1", "ServiceAccount") => typed::<ServiceAccount>(value),
        ("networking.k8s.io/v1", "NetworkPolicy") => typed::<NetworkPolicy>(value),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => typed::<ClusterRole>(value),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => typed::<ClusterRoleBinding>(value),
        ("rbac.authorization.k8s.io/v1", "Role") => typed::<Role>(value),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => typed::<RoleBinding>(value),
        ("scheduling.k8s.io/v1", "PriorityClass") => typed::<PriorityClass>(value),
        ("monitoring.coreos.com/v1", "PodMonitor") => typed::<operator::Object<operator::PodMonitor>>(value),
        ("monitoring.coreos.com/v1", "ServiceMonitor") => typed::<operator::Object<operator::ServiceMonitor>>(value),
        ("monitoring.coreos.com/v1", "PrometheusRule") => typed::<operator::Object<operator::PrometheusRule>>(value),
        (api, kind) => Err(format!("no type for {api} {kind}")),
    }
}

/// Paths of what is written and not understood, or understood as something else.
fn lost(written: &Value, understood: &Value, path: &str, found: &mut Vec<String>) {
    match (written, understood) {
        (Value::Object(written), Value::Object(understood)) => {
            for (key, value) in written {
                lost(value, understood.get(key).unwrap_or(&Value::Null), &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(written), Value::Array(understood)) if written.len() == understood.len() => {
            for (place, (written, understood)) in written.iter().zip(understood).enumerate() {
                lost(written, understood, &format!("{path}/{place}"), found);
            }
        }
        _ if written == understood => {}
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn every_manifest_is_understood_as_it_is_written() {
    for manifest in all().iter().flatten() {
        let understood = understood(manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.name()));
        let mut found = Vec::new();
        lost(&manifest.value, &understood, "", &mut found);
        assert!(found.is_empty(), "{}: {found:?}", manifest.name());
    }
}

#[test]
fn a_field_that_is_unknown_or_of_another_type_is_found() {
    let mut manifest = of_folder("kustomize/base").into_iter().find(|manifest| manifest.kind() == "DaemonSet").unwrap();
    let container = manifest.value.pointer_mut("/spec/template/spec/containers/0").unwrap();
    container["livenessProb"] = json!({ "httpGet": { "path": "/healthz", "port": "metrics" } });
    let mut found = Vec::new();
    lost(&manifest.value, &understood(&manifest).unwrap(), "", &mut found);
    assert_eq!(found, ["/spec/template/spec/containers/0/livenessProb"]);
    manifest.value["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!("30");
    assert!(understood(&manifest).is_err());
}

#[test]
fn a_pod_may_do_nothing_that_it_need_not() {
    for manifest in all().iter().flatten().filter(|manifest| !manifest.containers().is_empty()) {
        let (name, pod) = (manifest.name(), manifest.pod().unwrap());
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(pod.get(key), None, "{name}: {key}");
        }
        // Only what reads the node's files is root.
        let root = pod["securityContext"]["runAsUser"] == 0;
        assert_eq!(root, manifest.kind() == "DaemonSet", "{name}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"] == true, !root, "{name}");
        for container in manifest.containers() {
            let context = &container["securityContext"];
            let want = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "readOnlyRootFilesystem": true });
            assert_eq!(*context, want, "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}: no limit of memory");
            assert_eq!(container["startupProbe"]["httpGet"]["path"], "/healthz", "{name}");
            assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz", "{name}");
            check_mounts(&name, pod, container);
        }
    }
}

/// Everything but the state is mounted read-only, and no ConfigMap in a way in which its changes don't arrive.
fn check_mounts(name: &str, pod: &Value, container: &Value) {
    let volumes: BTreeMap<&str, &Value> =
        pod["volumes"].as_array().unwrap().iter().map(|volume| (volume["name"].as_str().unwrap(), volume)).collect();
    for mount in container["volumeMounts"].as_array().unwrap() {
        let volume = mount["name"].as_str().unwrap();
        assert!(volumes.contains_key(volume), "{name}: there is no volume {volume}");
        assert_eq!(mount["readOnly"] == true, volume != "state", "{name}: {volume}");
        assert_eq!(mount.get("subPath"), None, "{name}: {volume}");
    }
    let host = volumes.values().filter_map(|volume| volume.pointer("/hostPath/path")?.as_str());
    for path in host {
        let known = ["/var/log/pods", "/var/lib/docker/containers", "/var/lib/faultscope"];
        assert!(known.contains(&path), "{name}: {path} of the node");
    }
}

#[test]
fn everything_is_of_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = read(&deploy("helm/faultscope/Chart.yaml")).remove(0);
    assert_eq!(chart["appVersion"], version);
    for folder in ["kustomize/base", "kustomize/components/cluster-events", "examples"] {
        for manifest in of_folder(folder) {
            for container in manifest.containers() {
                assert_eq!(
                    container["image"],
                    format!("ghcr.io/faultscope/faultscope:{version}"),
                    "{}",
                    manifest.name()
                );
            }
        }
    }
}

/// `1.95.0` as numbers that can be compared.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().unwrap()).collect()
}

#[test]
fn the_image_is_built_on_pinned_bases_with_a_rust_that_suffices() {
    let dockerfile = text(&deploy("Dockerfile"));
    let value = |start: &str| dockerfile.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    assert!(version(value("ARG RUST_VERSION=")) >= version(env!("CARGO_PKG_RUST_VERSION")));
    for base in dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        let tag = base.split(' ').next().unwrap().split_once(':').unwrap_or_else(|| panic!("{base} has no tag")).1;
        assert!(!tag.contains("latest"), "{base}");
    }
    // Whoever mounts nothing and says nothing is nobody in particular.
    assert_eq!(value("USER "), "65532:65532");
}
