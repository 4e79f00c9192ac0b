//! Incidents as the real binary tells them, with the built-in packs: the stories of the field across containers, restarts and sources.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::faultscope;

const UID: &str = "11111111-2222-3333-4444-555555555555";
const NO_MODEL: &str = "RuntimeError: Failed to fetch model. No model found in s3://acme-models/pear/7.";

/// Writes lines as a container's log on a node, a second apart from `minute` on.
fn container(root: &Path, pod: &str, container: &str, restart: u32, minute: u32, lines: &str) {
    let folder = root.join(format!("{pod}_{UID}")).join(container);
    fs::create_dir_all(&folder).unwrap();
    let line = |(second, line)| format!("2026-03-02T09:{minute:02}:{second:02}Z stderr F {line}\n");
    fs::write(folder.join(format!("{restart}.log")), lines.lines().enumerate().map(line).collect::<String>()).unwrap();
}

/// What a controller says of an object of namespace `ml`.
fn controller(of: &str, message: &str) -> String {
    json!({ "severity": "ERROR", "logger": "controller", "message": message, "knative.dev/key": format!("ml/{of}") })
        .to_string()
}

fn events(root: &Path) -> Vec<Value> {
    let mut command = faultscope();
    let output = command.arg("scan").arg(root).args(["--output", "jsonl"]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn of<'a>(events: &'a [Value], pattern: &str) -> &'a Value {
    let found = events.iter().find(|event| event["pattern"] == pattern);
    found.unwrap_or_else(|| panic!("no {pattern} among {:?}", events.iter().map(|e| &e["pattern"]).collect::<Vec<_>>()))
}

/// All events are one incident, `root` is what nothing corrects, and `effect` is explained by it.
fn assert_story(root: &Path, cause: &str, effect: &str) {
    let events = events(root);
    let (cause_event, effect_event) = (of(&events, cause), of(&events, effect));
    assert_eq!(cause_event["incident"]["id"], effect_event["incident"]["id"], "{cause} and {effect}");
    assert_eq!(cause_event["incident"]["root_cause"], true, "{cause}");
    let corrected = cause_event["incident"]["corrects"].as_array().unwrap().contains(&effect_event["uid"]);
    let explained = effect_event["incident"]["chain"][0] == cause;
    assert!(corrected || explained, "{effect}: {}", effect_event["incident"]);
}

#[test]
fn the_sample_joins_the_pods_failure_with_what_the_controller_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/incidents/wrong-model-uri");
    assert_story(&root, "kserve.storage.model-not-found", "kubernetes.pod.init-error");
}

#[test]
fn a_crash_loop_is_explained_by_the_exception_of_an_earlier_run() {
    let root = tempfile::tempdir().unwrap();
    let trace = "Traceback (most recent call last):\n  File \"/srv/app/worker.py\", line 21, in <module>\n    first = next(paths)\nStopIteration";
    for restart in 0..2 {
        container(root.path(), "ml_pear-6c9d7f5b8d-x2vkq", "worker", restart, 10 + restart, trace);
    }
    let looping = controller("pear", "Back-off restarting failed container worker in pod pear-6c9d7f5b8d-x2vkq");
    container(root.path(), "ops_watcher-0", "watcher", 0, 14, &looping);
    assert_story(root.path(), "python.exception.uncaught", "kubernetes.container.crash-loop");
}

#[test]
fn a_cause_that_is_read_late_corrects() {
    let root = tempfile::tempdir().unwrap();
    // Files are read in the order of their names.
    container(root.path(), "aa_watcher-0", "watcher", 0, 14, &controller("pear", "Init:CrashLoopBackOff"));
    container(
        root.path(),
        "ml_pear-predictor-00001-deployment-6c9d7f5b8d-x2vkq",
        "storage-initializer",
        0,
        10,
        NO_MODEL,
    );
    let events = events(root.path());
    let (late, symptom) = (of(&events, "kserve.storage.model-not-found"), of(&events, "kubernetes.pod.init-error"));
    assert_eq!(symptom["incident"]["root_cause"], true, "as far as it was known");
    assert_eq!(late["incident"]["corrects"], json!([symptom["uid"]]));
    assert_eq!(late["incident"]["id"], symptom["incident"]["id"]);
    assert_eq!(late["incident"]["workload"], "ml/pear");
}

#[test]
fn what_a_listing_shows_together_is_explained_together() {
    let table = [
        (
            "kubernetes.memory.oom-killed",
            "    Last State: Terminated, Reason: OOMKilled",
            "kubernetes.container.crash-loop",
            "  Warning  BackOff  87s (x23 over 6m)  kubelet  Back-off restarting failed container scorer in pod scorer-0_ml(d166)",
        ),
        (
            "kubernetes.memory.oom-killed",
            "    Last State: Terminated, Reason: OOMKilled",
            "knative.revision.exit-code",
            "    reason: ExitCode:137",
        ),
        (
            "kubernetes.image.pull-unauthorized",
            "  Warning  Failed  9m  kubelet  Failed to pull image \"quay.io/acme/scorer:2.0\": rpc error: code = Unknown desc = Error response from daemon: unauthorized: authentication required",
            "kubernetes.image.pull-backoff",
            "  Warning  Failed   8s (x3 over 52s)  kubelet  Error: ImagePullBackOff",
        ),
        (
            "kubernetes.scheduling.insufficient-resources",
            "  Warning  FailedScheduling  16m  default-scheduler  0/5 nodes are available: 5 Insufficient nvidia.com/gpu.",
            "knative.revision.progress-deadline-exceeded",
            "    Reason:                ProgressDeadlineExceeded",
        ),
    ];
    for (cause, cause_line, effect, effect_line) in table {
        for lines in [[cause_line, effect_line], [effect_line, cause_line]] {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join("describe.txt"), format!("{}\n\n{}\n", lines[0], lines[1])).unwrap();
            assert_story(root.path(), cause, effect);
        }
    }
}

#[test]
fn a_refusal_of_the_mesh_explains_the_probe_that_names_the_same_workload() {
    let root = tempfile::tempdir().unwrap();
    let refused = "[2026-03-02T09:10:00.335Z] \"GET /healthz HTTP/1.1\" 403 - rbac_access_denied_matched_policy[none] - \"-\" 0 19 0 - \"-\" \"probe\" \"542bf58e\" \"pear.ml:80\" \"-\" inbound|80|| - 10.8.1.6:80 10.9.2.9:37745 outbound_.80_._.pear.ml.svc.cluster.local -";
    container(root.path(), "ml_pear-6c9d7f5b8d-x2vkq", "istio-proxy", 0, 10, refused);
    let probe = "Probing of http://pear.ml.example.com:80/ failed, IP: 10.4.0.9:80, ready: false, error: unexpected status code: want [200], got 403 (depth: 0)";
    container(
        root.path(),
        "knative-serving_networking-istio-6c9d7f5b8d-x2vkq",
        "networking-istio",
        0,
        11,
        &controller("pear", probe),
    );
    assert_story(root.path(), "istio.authz.denied", "knative.ingress.probe-forbidden");
}

#[test]
fn the_same_failure_of_two_workloads_in_a_namespace_is_two_incidents_and_one_group_of_the_summary() {
    let root = tempfile::tempdir().unwrap();
    for pod in ["ml_pear-6c9d7f5b8d-x2vkq", "ml_plum-6c9d7f5b8d-x2vkq"] {
        container(root.path(), pod, "storage-initializer", 0, 10, NO_MODEL);
    }
    container(
        root.path(),
        "ml_fig-0",
        "worker",
        0,
        10,
        "KeyError: 'queue'\nRuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
    );
    let found = events(root.path());
    let of_pod =
        |pod: &str| found.iter().find(|e| e["resource"]["k8s.pod.name"] == pod).unwrap()["incident"]["id"].clone();
    let ids = ["pear-6c9d7f5b8d-x2vkq", "plum-6c9d7f5b8d-x2vkq", "fig-0"].map(of_pod);
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    let output = faultscope().arg("scan").arg(root.path()).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("in 3 incidents"), "{text}");
    assert!(text.contains("\nml/pear, ml/plum\n") && text.contains("\nml/fig\n"), "{text}");
}
