use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::*;

fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": "orchard", "uid": format!("uid-of-{name}") })
}

fn pod(status: Value) -> Vec<Statement> {
    let pod: Pod = serde_json::from_value(json!({ "metadata": metadata("pear-0"), "status": status })).unwrap();
    of_pod(&pod)
}

fn object(kind: &str, status: Value) -> Vec<Statement> {
    let object: DynamicObject =
        serde_json::from_value(json!({ "metadata": metadata("pear"), "status": status })).unwrap();
    of_object(kind, &object)
}

fn texts(statements: &[Statement]) -> Vec<String> {
    statements.iter().map(Statement::text).collect()
}

fn container(name: &str, state: Value, last: Value) -> Value {
    json!({
        "name": name, "image": "registry.example.com/press:1", "imageID": "", "ready": false, "restartCount": 3,
        "started": false, "state": state, "lastState": last
    })
}

#[test]
fn an_event_in_its_present_and_its_former_form() {
    let regarding = json!({
        "kind": "Pod", "namespace": "orchard", "name": "pear-0", "uid": "u1", "apiVersion": "v1",
        "fieldPath": "spec.containers{press}"
    });
    let present = json!({
        "metadata": metadata("pear-0.17f3a1"), "eventTime": "2031-03-09T04:05:06.700000Z", "type": "Warning",
        "reason": "BackOff", "note": "Back-off restarting failed container press in pod pear-0_orchard(u1)",
        "regarding": regarding, "reportingController": "kubelet",
        "series": { "count": 12, "lastObservedTime": "2031-03-09T04:15:06.700000Z" }
    });
    let former = json!({
        "metadata": metadata("pear-0.17f3a1"), "eventTime": null, "type": "Warning",
        "reason": "BackOff", "note": "Back-off restarting failed container press in pod pear-0_orchard(u1)",
        "regarding": regarding, "deprecatedCount": 12, "deprecatedFirstTimestamp": "2031-03-09T04:05:06Z",
        "deprecatedLastTimestamp": "2031-03-09T04:15:06Z", "deprecatedSource": { "component": "kubelet" }
    });
    for (value, time) in [(present, "2031-03-09T04:15:06.7Z"), (former, "2031-03-09T04:15:06Z")] {
        let event: Event = serde_json::from_value(value).unwrap();
        let statement = of_event(&event).unwrap();
        let want = "Warning  BackOff  pod/pear-0  Back-off restarting failed container press in pod pear-0_orchard(u1)";
        assert_eq!(statement.text(), want);
        assert_eq!((statement.origin, statement.count, statement.level), (Origin::Event, 12, Level::Warn));
        assert_eq!(statement.time.unwrap(), time.parse().unwrap());
        assert_eq!(statement.container.as_deref(), Some("press"));
        assert_eq!(statement.resource.text("k8s.pod.name"), Some("pear-0"));
        assert_eq!(statement.resource.text("k8s.container.name"), Some("press"));
        assert_eq!(statement.identity, "uid-of-pear-0.17f3a1");
    }
}

#[test]
fn an_event_of_an_object_of_another_kind_and_one_of_nothing() {
    let event = |regarding: Value| -> Event {
        let value = json!({
            "metadata": metadata("e"), "type": "Normal", "reason": "Created", "note": "made", "regarding": regarding,
            "eventTime": "2031-03-09T04:05:06.000000Z"
        });
        serde_json::from_value(value).unwrap()
    };
    let of_node = of_event(&event(json!({ "kind": "Node", "name": "worker-3", "namespace": "" }))).unwrap();
    assert_eq!(of_node.text(), "Normal  Created  node/worker-3  made");
    assert_eq!((of_node.object.namespace.clone(), of_node.level), (None, Level::Info));
    assert_eq!(of_node.resource.text("k8s.node.name"), Some("worker-3"));
    let of_revision = event(json!({ "kind": "Revision", "name": "pear-00001", "namespace": "orchard" }));
    let of_revision = of_event(&of_revision).unwrap();
    assert_eq!(of_revision.resource.text("faultscope.k8s.object.kind"), Some("Revision"));
    assert_eq!(of_revision.resource.text("faultscope.k8s.object.name"), Some("pear-00001"));
    assert!(of_event(&event(Value::Null)).is_none());
}

#[test]
fn a_container_that_crashes_again_and_again() {
    let back_off = "back-off 1m20s restarting failed container=press pod=pear-0_orchard(u1)";
    let statements = pod(json!({ "phase": "Running", "containerStatuses": [
        container(
            "press",
            json!({ "waiting": { "reason": "CrashLoopBackOff", "message": back_off } }),
            json!({ "terminated": {
                "exitCode": 137, "reason": "OOMKilled", "startedAt": "2031-03-09T04:05:06Z", "finishedAt": "2031-03-09T04:05:46Z"
            } }),
        ),
        container("queue-proxy", json!({ "running": { "startedAt": "2031-03-09T04:05:06Z" } }), json!({})),
    ] }));
    let want = [
        format!("Waiting  CrashLoopBackOff  pod/pear-0  container press {back_off}"),
        "Last Terminated  OOMKilled  pod/pear-0  container press terminated with exit code 137".to_owned(),
    ];
    assert_eq!(texts(&statements), want);
    assert_eq!(statements[1].time.unwrap(), "2031-03-09T04:05:46Z".parse().unwrap());
    assert!(
        statements[1]
            .attributes
            .contains(&Attribute { name: "process.exit.code", value: crate::event::Value::Int(137) })
    );
    assert!(statements.iter().all(|one| one.origin == Origin::Status && one.container.as_deref() == Some("press")));
    assert_ne!(statements[0].identity, statements[1].identity);
    let restarts = statements[0].resource.attributes.iter().find(|a| a.name == "k8s.container.restart_count");
    assert_eq!(restarts.unwrap().value, crate::event::Value::Int(3));
    assert_eq!(statements[0].resource.text("service.instance.id"), Some("orchard.pear-0.press"));
}

#[test]
fn an_init_container_is_told_as_kubectl_tells_it() {
    let table = [
        (
            json!({ "terminated": { "exitCode": 1, "reason": "Error", "message": "no such model\n" } }),
            "Terminated  Init:Error  pod/pear-0  init container fetch terminated with exit code 1: no such model",
        ),
        (
            json!({ "terminated": { "exitCode": 2 } }),
            "Terminated  Init:ExitCode:2  pod/pear-0  init container fetch terminated with exit code 2",
        ),
        (
            json!({ "terminated": { "exitCode": 137, "signal": 9 } }),
            "Terminated  Init:Signal:9  pod/pear-0  init container fetch terminated with exit code 137",
        ),
        (
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image \"press:9\"" } }),
            "Waiting  Init:ImagePullBackOff  pod/pear-0  init container fetch Back-off pulling image \"press:9\"",
        ),
        (
            json!({ "waiting": { "reason": "CreateContainerConfigError" } }),
            "Waiting  Init:CreateContainerConfigError  pod/pear-0  init container fetch",
        ),
    ];
    for (state, want) in table {
        let statements =
            pod(json!({ "phase": "Pending", "initContainerStatuses": [container("fetch", state, json!({}))] }));
        assert_eq!(texts(&statements), [want]);
    }
}

#[test]
fn a_pod_that_is_as_it_should_be_says_nothing() {
    let starting = json!({ "phase": "Pending", "containerStatuses": [
        container("press", json!({ "waiting": { "reason": "PodInitializing" } }), json!({})),
        container("wash", json!({ "waiting": { "reason": "ContainerCreating" } }), json!({})),
    ] });
    let done = json!({ "phase": "Succeeded",
        "conditions": [
            { "type": "Ready", "status": "False", "reason": "PodCompleted" },
            { "type": "PodScheduled", "status": "True" },
            { "type": "PodReadyToStartContainers", "status": "False" }
        ],
        "containerStatuses": [container("press", json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }), json!({}))]
    });
    for status in [starting, done, json!({})] {
        assert_eq!(texts(&pod(status)), [""; 0]);
    }
    assert!(of_pod(&Pod::default()).is_empty());
}

#[test]
fn a_pod_without_a_node_and_one_that_was_evicted() {
    let nodes = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu. preemption: 0/5 nodes are available.";
    let unschedulable = pod(json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": nodes,
        "lastProbeTime": null, "lastTransitionTime": "2031-03-09T04:05:06Z"
    }] }));
    assert_eq!(texts(&unschedulable), [format!("PodScheduled False  Unschedulable  pod/pear-0  {nodes}")]);
    assert_eq!((unschedulable[0].origin, unschedulable[0].level), (Origin::Condition, Level::Error));
    let low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 62Mi.";
    let evicted = pod(json!({ "phase": "Failed", "reason": "Evicted", "message": low, "conditions": [
        { "type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": low }
    ] }));
    let want = [
        format!("Failed  Evicted  pod/pear-0  {low}"),
        format!("DisruptionTarget True  TerminationByKubelet  pod/pear-0  {low}"),
    ];
    assert_eq!(texts(&evicted), want);
}

#[test]
fn conditions_that_are_not_as_they_should_be() {
    let condition = |kind: &str, status: &str, reason: &str, severity: &str| {
        json!({ "conditions": [{
            "type": kind, "status": status, "reason": reason, "message": "m", "severity": severity,
            "lastTransitionTime": "2031-03-09T04:05:06Z"
        }] })
    };
    let table = [
        (("Service", "Ready", "False", "RevisionMissing", ""), Some(Level::Error)),
        (("Service", "Ready", "Unknown", "IngressNotConfigured", ""), Some(Level::Warn)),
        (("Service", "Ready", "True", "", ""), None),
        (("Revision", "Ready", "False", "ExitCode137", ""), Some(Level::Error)),
        (("Revision", "Active", "False", "NoTraffic", "Info"), Some(Level::Info)),
        (("Ingress", "LoadBalancerReady", "Unknown", "Uninitialized", ""), Some(Level::Warn)),
        (("InferenceService", "PredictorConfigurationReady", "False", "RevisionFailed", "Info"), Some(Level::Info)),
        (("InferenceService", "Stopped", "False", "", "Info"), None),
        (("Deployment", "Available", "False", "MinimumReplicasUnavailable", ""), Some(Level::Error)),
        (("Deployment", "ReplicaFailure", "True", "FailedCreate", ""), Some(Level::Error)),
        (("Deployment", "ReplicaFailure", "False", "", ""), None),
        (("NodeClaim", "Launched", "Unknown", "LaunchFailed", ""), Some(Level::Warn)),
        (("NodeClaim", "Drifted", "True", "NodePoolDrifted", ""), None),
        (("Workflow", "PodRunning", "False", "", ""), None),
        (("Workflow", "SpecWarning", "True", "", ""), Some(Level::Error)),
        (("Node", "DiskPressure", "Unknown", "NodeStatusUnknown", ""), None),
        (("Pear", "Ripe", "False", "TooEarly", "Warning"), Some(Level::Warn)),
    ];
    for ((kind, condition_kind, status, reason, severity), want) in table {
        let statements = object(kind, condition(condition_kind, status, reason, severity));
        assert_eq!(statements.first().map(|one| one.level), want, "{kind} {condition_kind} {status}");
        let reason = if reason.is_empty() { String::new() } else { format!("  {reason}") };
        let text = want.map(|_| format!("{condition_kind} {status}{reason}  {}/pear  m", kind.to_lowercase()));
        assert_eq!(texts(&statements), text.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn conditions_of_no_known_shape_are_passed_over() {
    let statements = object(
        "Pear",
        json!({ "conditions": [7, { "type": "Ripe" }, { "status": "False" }, { "type": 1, "status": "False" }] }),
    );
    assert!(statements.is_empty());
    assert!(object("Pear", json!({ "conditions": { "Ripe": "False" } })).is_empty());
    assert!(object("Pear", Value::Null).is_empty());
}

#[test]
fn a_model_that_kserve_could_not_load() {
    let statements = object(
        "InferenceService",
        json!({
            "modelStatus": {
                "transitionStatus": "BlockedByFailedLoad", "copies": { "failedCopies": 1 },
                "lastFailureInfo": { "reason": "ModelLoadFailed", "exitCode": 1, "message": "no such model", "time": "2031-03-09T04:05:06Z" },
                "states": { "activeModelState": "", "targetModelState": "FailedToLoad" }
            },
            "conditions": [{ "type": "PredictorReady", "status": "False", "reason": "RevisionMissing", "severity": "" }]
        }),
    );
    let want = [
        "BlockedByFailedLoad  ModelLoadFailed  inferenceservice/pear  no such model",
        "PredictorReady False  RevisionMissing  inferenceservice/pear",
    ];
    assert_eq!(texts(&statements), want);
}

#[test]
fn a_deployment_that_seldon_could_not_make() {
    let failed = json!({ "state": "Failed", "description": "Cannot find field: imagename in message k8s.io.api.core.v1.Container" });
    let want =
        "State  Failed  seldondeployment/pear  Cannot find field: imagename in message k8s.io.api.core.v1.Container";
    assert_eq!(texts(&object("SeldonDeployment", failed)), [want]);
    let creating = json!({ "state": "Creating", "conditions": [
        { "type": "DeploymentsReady", "status": "False", "reason": "The deployment is not ready" }
    ] });
    let want = "DeploymentsReady False  The deployment is not ready  seldondeployment/pear";
    assert_eq!(texts(&object("SeldonDeployment", creating)), [want]);
}

#[test]
fn a_workflow_and_its_steps() {
    let statements = object(
        "Workflow",
        json!({
            "phase": "Failed", "message": "child 'pear-2' failed", "startedAt": "2031-03-09T04:05:06Z", "finishedAt": "2031-03-09T04:15:06Z",
            "conditions": [{ "type": "Completed", "status": "True" }, { "type": "PodRunning", "status": "False" }],
            "nodes": {
                "pear": { "id": "pear", "displayName": "pear", "type": "Steps", "phase": "Failed", "message": "child 'pear-2' failed" },
                "pear-1": { "id": "pear-1", "displayName": "wash", "type": "Pod", "phase": "Succeeded", "message": "" },
                "pear-2": {
                    "id": "pear-2", "displayName": "press", "type": "Pod", "phase": "Failed", "message": "OOMKilled (exit code 137)",
                    "finishedAt": "2031-03-09T04:14:06Z"
                },
                "pear-3": { "id": "pear-3", "displayName": "bottle", "type": "Pod", "phase": "Pending", "message": "Unschedulable: 0/5 nodes" },
                "pear-4": { "id": "pear-4", "displayName": "label", "type": "Pod", "phase": "Pending", "message": "PodInitializing" }
            }
        }),
    );
    let want = [
        "Phase  Failed  workflow/pear  child 'pear-2' failed",
        "Phase  Failed  workflow/pear  step press: OOMKilled (exit code 137)",
        "Phase  Pending  workflow/pear  step bottle: Unschedulable: 0/5 nodes",
    ];
    assert_eq!(texts(&statements), want);
    assert_eq!(statements.iter().map(|one| one.level).collect::<Vec<_>>(), [Level::Error, Level::Error, Level::Warn]);
}

#[test]
fn a_workflow_of_many_steps_is_bounded() {
    let nodes: serde_json::Map<String, Value> = (0..500)
        .map(|number| {
            (format!("n{number:03}"), json!({ "type": "Pod", "phase": "Failed", "message": "Error (exit code 1)" }))
        })
        .collect();
    assert_eq!(object("Workflow", json!({ "phase": "Running", "nodes": nodes })).len(), 64);
}

#[test]
fn fields_are_named_as_patterns_name_them() {
    let statements = object(
        "Service",
        json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "RevisionMissing" }] }),
    );
    let fields = ["level", "reason", "kind", "name", "namespace", "state", "message", "hue"]
        .map(|name| statements[0].field(name));
    let want =
        ["error", "RevisionMissing", "Service", "pear", "orchard", "Ready False", ""].map(|text| Some(text.to_owned()));
    assert_eq!((&fields[..7], &fields[7]), (&want[..], &None));
    assert_eq!(statements[0].place(), "condition of service/pear");
}
