//! What is kept of pods, as a table; the store; the watch against the test's API server.

use serde_json::{Value, json};

use super::*;
use crate::event;
use crate::kube::client::tests::{block_on, connect};
use crate::kube::cluster::Cluster;

fn choice() -> Choice {
    let globs = |globs: &[&str]| globs.iter().map(|glob| glob::Pattern::new(glob).unwrap()).collect();
    Choice {
        node: "oak".into(),
        labels: globs(&["app", "app.kubernetes.io/*"]),
        annotations: globs(&["mill.example/*"]),
        remember: Duration::from_secs(600),
    }
}

fn pod(name: &str, uid: &str, labels: Value, annotations: Value, owner: Option<(&str, &str)>) -> Value {
    let owners = owner.map(|(kind, name)| json!([{ "apiVersion": "x/v1", "kind": kind, "name": name, "uid": "u-owner", "controller": true }]));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "mill", "uid": uid, "labels": labels, "annotations": annotations, "ownerReferences": owners,
        },
        "spec": { "nodeName": "oak", "containers": [{ "name": "pump", "image": "registry.example/pump:1.2" }] },
    })
}

fn resource(attributes: &[(&'static str, &str)]) -> Resource {
    let text =
        |(name, value): &(&'static str, &str)| event::Attribute { name, value: event::Value::Text((*value).into()) };
    Resource { attributes: attributes.iter().map(text).collect() }
}

/// What an event of the pod's container is told, beside what it knows itself.
fn told(pod: Value) -> Vec<(&'static str, String)> {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let own = resource(&[("k8s.pod.name", pod.metadata.name.as_deref().unwrap()), ("k8s.container.name", "pump")]);
    let described = Known::of(&pod, &choice()).describe(&own);
    let text = |name: &str| described.text(name).unwrap_or_default().to_owned();
    described.attributes.iter().skip(2).map(|attribute| (attribute.name, text(attribute.name))).collect()
}

#[test]
fn a_pod_tells_where_and_whose_it_is() {
    let table: Vec<(Value, &[(&str, &str)])> = vec![
        (
            pod(
                "saw-6c9d7f5b8d-x2vkq",
                "u1",
                json!({ "app": "saw", "team": "b", "pod-template-hash": "6c9d7f5b8d" }),
                json!({ "mill.example/on-call": "ana" }),
                Some(("ReplicaSet", "saw-6c9d7f5b8d")),
            ),
            &[
                ("k8s.node.name", "oak"),
                ("k8s.replicaset.name", "saw-6c9d7f5b8d"),
                ("k8s.replicaset.uid", "u-owner"),
                ("k8s.deployment.name", "saw"),
                ("k8s.pod.label.app", "saw"),
                ("k8s.pod.annotation.mill.example/on-call", "ana"),
                ("container.image.name", "registry.example/pump:1.2"),
                ("service.name", "saw"),
            ],
        ),
        (
            pod(
                "saw-0",
                "u2",
                json!({ "app.kubernetes.io/name": "cutter" }),
                json!({ "resource.opentelemetry.io/service.namespace": "wood" }),
                Some(("StatefulSet", "saw")),
            ),
            &[
                ("k8s.node.name", "oak"),
                ("k8s.statefulset.name", "saw"),
                ("k8s.statefulset.uid", "u-owner"),
                ("k8s.pod.label.app.kubernetes.io/name", "cutter"),
                ("container.image.name", "registry.example/pump:1.2"),
                ("service.namespace", "wood"),
                ("service.name", "cutter"),
            ],
        ),
        (
            pod(
                "iris-predictor-0",
                "u3",
                json!({ "serving.kserve.io/inferenceservice": "iris" }),
                json!({ "resource.opentelemetry.io/service.name": "flowers" }),
                None,
            ),
            &[
                ("k8s.node.name", "oak"),
                ("faultscope.k8s.inferenceservice.name", "iris"),
                ("container.image.name", "registry.example/pump:1.2"),
                ("service.name", "flowers"),
            ],
        ),
        (
            pod("alone", "u4", json!({}), json!({}), None),
            &[
                ("k8s.node.name", "oak"),
                ("container.image.name", "registry.example/pump:1.2"),
                ("service.name", "alone"),
            ],
        ),
    ];
    for (pod, want) in table {
        let want: Vec<(&str, String)> = want.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        assert_eq!(told(pod), want);
    }
}

fn known(name: &str, uid: &str) -> Known {
    let pod = serde_json::from_value(pod(name, uid, json!({}), json!({}), None)).unwrap();
    Known::of(&pod, &choice())
}

#[test]
fn deleted_pods_are_remembered_for_a_while_and_successors_keep_their_name() {
    let (start, minute) = (Instant::now(), Duration::from_secs(60));
    let by_name = resource(&[("k8s.namespace.name", "mill"), ("k8s.pod.name", "saw-0")]);
    let uid_of = |store: &Store| store.find(&by_name).map(|known| known.uid.clone());
    let mut store = Store::default();
    store.put(known("saw-0", "first"));
    store.delete("first", start);
    store.expire(minute, start + minute);
    assert_eq!(uid_of(&store).as_deref(), Some("first"));
    store.put(known("saw-0", "second"));
    store.expire(minute, start + 2 * minute);
    assert_eq!((uid_of(&store).as_deref(), store.len()), (Some("second"), 1));
    assert!(store.find(&resource(&[("k8s.pod.uid", "first")])).is_none());
    // What a list leaves out was deleted while nobody looked.
    store.keep(&HashSet::new(), start);
    store.expire(minute, start + 2 * minute);
    assert_eq!(store.len(), 0);
}

#[test]
fn there_is_room_for_so_many_pods_and_the_living_go_first() {
    let mut store = Store::default();
    for number in 0..store::LIMIT {
        store.put(known(&format!("saw-{number}"), &number.to_string()));
    }
    store.put(known("late", "late"));
    assert_eq!((store.len(), store.refused), (store::LIMIT, 1));
    store.delete("7", Instant::now());
    store.put(known("late", "late"));
    assert_eq!((store.len(), store.refused), (store::LIMIT, 1));
    assert!(store.find(&resource(&[("k8s.pod.uid", "late")])).is_some());
    assert!(store.find(&resource(&[("k8s.pod.uid", "7")])).is_none());
}

/// Watches while `look` has nothing to give.
async fn watched<T>(
    pods: &Arc<Pods>,
    health: &Arc<Health>,
    connection: &Connection,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let watch = tokio::spawn(pods.clone().watch(connection.clone(), health.clone()));
    let found = loop {
        if let Some(found) = look() {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    watch.abort();
    found
}

#[test]
fn the_watch_survives_cuts_bookmarks_and_lost_history() {
    let cluster = Cluster::new();
    let (pods, health) = (Arc::new(Pods::new(choice())), Arc::new(Health::default()));
    let knows = |uid: &str| pods.describe(&resource(&[("k8s.pod.uid", uid)]));
    cluster.apply(pod("saw-0", "u0", json!({}), json!({}), None));
    let mut elsewhere = pod("axe-0", "u9", json!({}), json!({}), None);
    elsewhere["spec"]["nodeName"] = json!("elm");
    cluster.apply(elsewhere);
    let mut step = 0;
    block_on(async {
        let connection = connect(&cluster).await;
        watched(&pods, &health, &connection, || {
            match step {
                0 => knows("u0").filter(|_| cluster.streams() == 1).map(|_| cluster.bookmark())?,
                // While it was cut off, a pod came; then one came and history was lost with it.
                1 => (cluster.cut_streams(), _ = cluster.apply(pod("saw-1", "u1", json!({}), json!({}), None))).0,
                2 => knows("u1").filter(|_| cluster.streams() == 1).map(|_| {
                    cluster.cut_streams();
                    cluster.delete("pods", "mill/saw-0");
                    cluster.apply(pod("saw-2", "u2", json!({}), json!({}), None));
                    cluster.forget_history();
                })?,
                _ => return knows("u2").map(|_| ()),
            }
            step += 1;
            None
        })
        .await;
    });
    assert!(knows("u0").is_some(), "a deleted pod is remembered");
    assert!(knows("u9").is_none(), "another node's pods are none of ours");
    let activity = &health.activities()[NAME];
    assert!(activity.up && activity.begun >= 2 && activity.errors.contains_key("gone"), "{activity:?}");
}

#[test]
fn owners_are_asked_for_once_and_not_where_that_is_forbidden() {
    let cluster = Cluster::new();
    cluster.forbid("get", "replicasets.apps", true);
    cluster.apply(json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "press-29480", "namespace": "mill",
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "CronJob", "name": "press", "uid": "u-cron", "controller": true }],
        },
    }));
    for number in 0..3 {
        let name = format!("press-29480-{number}");
        cluster.apply(pod(&name, &format!("j{number}"), json!({}), json!({}), Some(("Job", "press-29480"))));
        cluster.apply(pod(
            &format!("saw-{number}"),
            &format!("r{number}"),
            json!({}),
            json!({}),
            Some(("ReplicaSet", "saw-abc")),
        ));
    }
    let (pods, health) = (Arc::new(Pods::new(choice())), Arc::new(Health::default()));
    let described = block_on(async {
        let connection = connect(&cluster).await;
        watched(&pods, &health, &connection, || {
            let all = (0..3).map(|number| pods.describe(&resource(&[("k8s.pod.uid", &format!("j{number}"))])));
            let all: Option<Vec<Resource>> = all.collect();
            let asked = health.activities().get("owners").is_some_and(|owners| owners.trouble.is_some());
            all.filter(|all| asked && all.iter().all(|one| one.text("k8s.cronjob.name").is_some()))
        })
        .await
    });
    assert!(described.iter().all(|one| one.text("service.name") == Some("press")), "{described:?}");
    assert_eq!((cluster.count("get", "jobs"), cluster.count("get", "replicasets")), (1, 1));
}
