//! `faultscope run`, the real binary, beside an API server: what it tells events of their pods, and what happens when the server is away.

use std::process::Command;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::site::{Log, Site, UID, numbers, wait};

/// The configuration of a site, with more.
fn configure(site: &Site, more: &str) {
    site.configure(&format!("export: {{ jsonl: {{ path: {} }} }}\n{more}", site.path("events.jsonl").display()));
}

/// Tells the agent where the cluster is.
fn at(mut command: Command, site: &Site, cluster: &Cluster) -> Command {
    let path = site.path("kubeconfig");
    cluster.write_kubeconfig(&path);
    command.env("KUBECONFIG", path);
    command
}

/// A pod of a Deployment on node oak.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "mill", "uid": UID, "labels": { "team": "wood", "pod-template-hash": "6c9d7f5b8d" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "saw-6c9d7f5b8d", "uid": "r", "controller": true }],
        },
        "spec": { "nodeName": "oak", "containers": [{ "name": "pump", "image": "registry.example/pump:1.2" }] },
    })
}

const METADATA: &str = "kubernetes: { metadata: { node: oak, labels: [team] } }\n";

#[test]
fn events_are_told_of_their_pods_once_the_server_is_there() {
    let site = Site::new();
    configure(&site, METADATA);
    let mut cluster = Cluster::absent();
    cluster.apply(pod("saw-6c9d7f5b8d-x2vkq"));
    let mut log = Log::open(&site.log("saw-6c9d7f5b8d-x2vkq", 0));
    log.fail(1);
    let agent = site.start_as(at(site.command("beginning"), &site, &cluster));
    let bare = site.wait_for(1).remove(0);
    assert_eq!(bare["resource"]["k8s.deployment.name"], Value::Null, "nobody has told it");
    wait("the complaint", || agent.stderr().contains("can't be reached").then_some(()));
    cluster.start();
    wait("the watch", || (cluster.count("watch", "pods") > 0).then_some(()));
    log.fail(2);
    let events = site.wait_for(2);
    assert_eq!(numbers(&events), [1, 2]);
    let resource = &events[1]["resource"];
    for (name, value) in [
        ("k8s.pod.uid", UID),
        ("k8s.node.name", "oak"),
        ("k8s.deployment.name", "saw"),
        ("k8s.pod.label.team", "wood"),
        ("container.image.name", "registry.example/pump:1.2"),
        ("service.name", "saw"),
    ] {
        assert_eq!(resource[name], value, "{name} in {resource}");
    }
    assert_eq!(
        events[0]["incident"]["workload"], events[1]["incident"]["workload"],
        "the same workload with and without"
    );
    // A pod that is gone is remembered, and so is everything when the server goes away again.
    cluster.delete("pods", "mill/saw-6c9d7f5b8d-x2vkq");
    cluster.stop();
    log.fail(3);
    assert_eq!(site.wait_for(3)[2]["resource"]["k8s.deployment.name"], "saw");
    assert!(agent.stderr().contains("answers again"));
    agent.stop();
}

#[test]
fn a_server_that_never_answers_stops_nothing() {
    let site = Site::new();
    configure(&site, METADATA);
    let cluster = Cluster::new();
    cluster.stall(true);
    let agent = site.start_as(at(site.command("beginning"), &site, &cluster));
    let mut log = Log::open(&site.log("saw-6c9d7f5b8d-x2vkq", 0));
    (0..100).for_each(|number| log.fail(number));
    assert_eq!(numbers(&site.wait_for(100)), (0..100).collect::<Vec<_>>());
    agent.stop();
}
