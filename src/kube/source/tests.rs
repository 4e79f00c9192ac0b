//! What counts as new, and the source against the test's API server.

use serde_json::{Value, json};

use super::*;
use crate::kube::client::tests::{block_on, connect};
use crate::kube::cluster::Cluster;

fn pod(restarts: u32, state: Value, last: Value) -> Value {
    let status = json!({
        "name": "pump", "image": "pump:1", "imageID": "", "ready": false, "restartCount": restarts, "state": state, "lastState": last,
    });
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "saw-0", "namespace": "mill", "uid": "u0" },
        "spec": { "containers": [{ "name": "pump" }] }, "status": { "containerStatuses": [status] },
    })
}

fn killed() -> Value {
    json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-02-03T04:05:06Z" } })
}

fn report(name: &str, count: i32, last: Timestamp) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": name, "namespace": "mill" },
        "eventTime": null, "deprecatedCount": count, "deprecatedLastTimestamp": last.to_string(), "type": "Warning", "reason": "FailedScheduling",
        "note": "0/3 nodes are available", "regarding": { "kind": "Pod", "namespace": "mill", "name": "saw-0", "uid": "u0" },
    })
}

fn of(kind: &str, object: Value) -> Vec<Statement> {
    statements(kind, serde_json::from_value(object).unwrap())
}

#[test]
fn the_end_of_a_run_is_told_once() {
    let mut told = Told::default();
    let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } });
    let later = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 20s" } });
    let mut news = |restarts, state, last| {
        let news = told.news("u0", of("Pod", pod(restarts, state, last)), Timestamp::UNIX_EPOCH);
        news.into_iter().map(|one| one.reason).collect::<Vec<_>>()
    };
    assert_eq!(news(0, killed(), json!({})), ["OOMKilled"]);
    assert_eq!(news(1, waiting.clone(), killed()), ["CrashLoopBackOff"], "the same end as last state is no news");
    assert_eq!(news(1, later, killed()), [""; 0], "neither is a message that counts down");
    assert_eq!(news(1, json!({ "running": {} }), killed()), [""; 0]);
}

#[test]
fn events_count_since_they_were_told_of_and_old_ones_are_history() {
    let now: Timestamp = "2026-02-03T04:05:06Z".parse().unwrap();
    let mut told = Told::default();
    let mut counts = |count, time| {
        let news = told.news("e1", of("Event", report("e1", count, time)), now - RECENT);
        news.into_iter().map(|one| one.count).collect::<Vec<_>>()
    };
    assert_eq!(counts(3, now - Duration::from_secs(600)), [0; 0]);
    assert_eq!(counts(5, now), [2]);
    assert_eq!(counts(5, now), [0; 0]);
    told.begin_list();
    told.end_list();
    let news = told.news("e1", of("Event", report("e1", 5, now)), now - RECENT);
    assert_eq!(news.len(), 1, "what a list leaves out is forgotten");
}

#[test]
fn one_forbidden_kind_is_no_obstacle_and_a_cut_repeats_nothing() {
    let cluster = Cluster::new();
    cluster.install("revisions.serving.knative.dev");
    cluster.install("inferenceservices.serving.kserve.io");
    cluster.forbid("list", "inferenceservices.serving.kserve.io", true);
    cluster.apply(pod(0, killed(), json!({})));
    cluster.apply(report("now", 1, Timestamp::now()));
    cluster.apply(report("old", 1, "2020-01-01T00:00:00Z".parse().unwrap()));
    cluster.apply(json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Revision", "metadata": { "name": "iris-00001", "namespace": "mill" },
        "status": { "conditions": [{ "type": "Ready", "status": "False", "reason": "ExitCode137", "message": "Container failed" }] },
    }));
    let health = Arc::new(Health::default());
    let mut reasons: Vec<String> = block_on(async {
        let (out, mut said) = mpsc::channel(16);
        let source = tokio::spawn(run(Choice::default(), connect(&cluster).await, health.clone(), out));
        let mut reasons = Vec::new();
        while reasons.len() < 3 {
            reasons.extend(said.recv().await.unwrap().into_iter().map(|one| one.reason));
        }
        // Three kinds are watched; what comes while they are cut off, or with history lost, is told, and nothing else once more.
        while cluster.streams() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cluster.cut_streams();
        cluster.apply(report("more", 1, Timestamp::now()));
        cluster.forget_history();
        reasons.extend(said.recv().await.unwrap().into_iter().map(|one| one.reason));
        source.abort();
        reasons
    });
    reasons.sort();
    assert_eq!(reasons, ["ExitCode137", "FailedScheduling", "FailedScheduling", "OOMKilled"]);
    let activities = health.activities();
    assert_eq!(activities["inferenceservices.serving.kserve.io"].errors.keys().collect::<Vec<_>>(), [&"forbidden"]);
    assert!(activities["pods"].up);
}

#[test]
fn of_two_replicas_one_reads_and_the_other_takes_over() {
    let cluster = Cluster::new();
    let lease =
        |identity: &str| lease::Choice { name: "reader".into(), namespace: "mill".into(), identity: identity.into() };
    block_on(async {
        let connection = connect(&cluster).await;
        let begin = |identity: &str| {
            let (leads, leading) = watch::channel(false);
            (
                tokio::spawn(lease::hold(lease(identity), connection.clone(), Arc::new(Health::default()), leads)),
                leading,
            )
        };
        let (first, mut leads) = begin("one");
        leads.wait_for(|leads| *leads).await.unwrap();
        let (_second, mut waits) = begin("two");
        while cluster.count("get", "leases") < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(*leads.borrow() && !*waits.borrow());
        first.abort();
        // Its holder is known to be gone at once if it says so; otherwise after the lease's length.
        let mut there = cluster.get("leases.coordination.k8s.io", "mill/reader").unwrap();
        assert_eq!(there["spec"]["holderIdentity"], "one");
        there["spec"]["holderIdentity"] = json!("");
        cluster.apply(there);
        waits.wait_for(|leads| *leads).await.unwrap();
        let there = cluster.get("leases.coordination.k8s.io", "mill/reader").unwrap();
        assert_eq!((&there["spec"]["holderIdentity"], &there["spec"]["leaseTransitions"]), (&json!("two"), &json!(2)));
    });
}
