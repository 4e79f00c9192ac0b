//! `faultscope run`, the real binary, beside an API server: what it tells events of their pods, and what happens when the server is away.

use std::process::Command;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::site::{Log, Site, UID, numbers, wait};
use crate::support;

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

/// The status of a pod whose container runs.
fn running() -> Value {
    json!({
        "containerStatuses": [{ "name": "pump", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": { "running": {} } }],
    })
}

/// What the cluster reports of a pod.
fn report(name: &str, note: &str) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": name, "namespace": "mill" },
        "eventTime": jiff::Timestamp::now().to_string(), "type": "Warning", "reason": "BackOff", "note": note,
        "regarding": { "kind": "Pod", "namespace": "mill", "name": "saw-0", "uid": UID },
    })
}

const EVENTS: &str = "sources: { kubernetes_events: { lease: { namespace: observability, identity: one } } }\n";

#[test]
fn what_the_cluster_says_comes_out_as_events_under_uids_that_last() {
    let site = Site::new();
    configure(&site, EVENTS);
    let cluster = Cluster::new();
    cluster.apply(report("first", "the pump has failed: 1"));
    let agent = site.start_as(at(site.command("beginning"), &site, &cluster));
    let first = site.wait_for(1).remove(0);
    assert_eq!(first["source"], "event of pod/saw-0");
    assert_eq!((&first["resource"]["k8s.pod.name"], &first["resource"]["k8s.pod.uid"]), (&json!("saw-0"), &json!(UID)));
    assert_eq!(first["attributes"]["faultscope.reason"], "BackOff");
    cluster.apply(report("second", "the pump has failed: 2"));
    assert_eq!(numbers(&site.wait_for(2)), [1, 2]);
    agent.kill();
    let again = site.start_as(at(site.command("beginning"), &site, &cluster));
    let events = site.wait_for(4);
    let uids = |from: usize| events[from..from + 2].iter().map(|event| event["uid"].clone()).collect::<Vec<_>>();
    assert_eq!(uids(0), uids(2), "a restart repeats what is current, under the same uids");
    again.stop();
}

#[test]
fn a_run_uses_exactly_the_rights_that_are_listed() {
    use faultscope::kube::access;
    let site = Site::new();
    let lease = "lease: { namespace: observability, identity: one }";
    let sources =
        format!("kubernetes_events: {{ {lease} }}, kubernetes_logs: {{ namespace: mill, selector: team=wood }}");
    configure(&site, &format!("{METADATA}sources: {{ {sources} }}\n"));
    let mut logging = pod("saw-2");
    logging["metadata"]["uid"] = json!("saw-2");
    logging["status"] = running();
    let cluster = Cluster::new();
    for listed in access::EVENTS.iter().filter(|one| !["", "events.k8s.io"].contains(&one.group)) {
        cluster.install(&format!("{}.{}", listed.resource, listed.group));
    }
    for (name, kind, owner) in [("press-1", "Job", "press"), ("saw-1", "ReplicaSet", "saw-abc")] {
        let mut pod = pod(name);
        pod["metadata"]["uid"] = json!(name);
        pod["metadata"]["ownerReferences"][0]["kind"] = json!(kind);
        pod["metadata"]["ownerReferences"][0]["name"] = json!(owner);
        pod["metadata"]["labels"] = json!({});
        cluster.apply(pod);
    }
    cluster.log("mill/saw-2/pump", &[]);
    cluster.apply(logging);
    let all = [access::METADATA, access::EVENTS, access::LEASE, access::LOGS].concat();
    let listed = |access: &access::Access| {
        let of = (access.group.to_owned(), access.resource.to_owned());
        access.verbs.iter().map(move |verb| ((*verb).to_owned(), of.clone())).collect::<Vec<_>>()
    };
    let listed: std::collections::BTreeSet<_> = all.iter().flat_map(listed).collect();
    let agent = site.start_as(at(site.command("beginning"), &site, &cluster));
    let used = || cluster.calls().into_iter().map(|call| (call.verb.to_owned(), (call.group, call.resource))).collect();
    wait("every right to be used", || {
        Some(used()).filter(|used: &std::collections::BTreeSet<_>| used.is_superset(&listed))
    });
    agent.stop();
    assert_eq!(used(), listed);
}

#[test]
fn logs_come_by_the_api_where_no_file_is_read() {
    let site = Site::new();
    configure(&site, "sources: { files: { include: [] }, kubernetes_logs: { namespace: mill, pod: saw-0 } }\n");
    let cluster = Cluster::new();
    let mut command = support::faultscope();
    command
        .env_clear()
        .arg("run")
        .arg("--config")
        .arg(site.path("config.yaml"))
        .arg("--state-dir")
        .arg(site.path("state"));
    command.arg("--patterns").arg(site.path("pack.yaml")).arg("--no-builtin-patterns");
    let agent = site.start_as(at(command, &site, &cluster));
    wait("the watch", || (cluster.streams() == 1).then_some(()));
    let mut pod = pod("saw-0");
    pod["status"] = running();
    cluster.log("mill/saw-0/pump", &["2026-01-05T01:02:03.5Z the pump has failed: 1"]);
    cluster.apply(pod);
    let event = site.wait_for(1).remove(0);
    assert_eq!((&event["time"], &event["resource"]["k8s.pod.uid"]), (&json!("2026-01-05T01:02:03.5Z"), &json!(UID)));
    wait("the stream", || (cluster.streams() == 2).then_some(()));
    cluster.log_and_cut("mill/saw-0/pump", &["2026-01-05T01:02:03.6Z the pump has failed: 2"]);
    assert_eq!(numbers(&site.wait_for(2)), [1, 2]);
    agent.stop();
}
