//! `faultscope diagnose` against recorded clusters: each story's root cause, the chain from it, and what a person reads.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use faultscope::yaml;
use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::support::{data, faultscope};

/// Kinds that a story may hold and that aren't part of Kubernetes.
const KINDS: [&str; 8] = [
    "inferenceservices.serving.kserve.io",
    "services.serving.knative.dev",
    "routes.serving.knative.dev",
    "configurations.serving.knative.dev",
    "revisions.serving.knative.dev",
    "ingresses.networking.internal.knative.dev",
    "seldondeployments.machinelearning.seldon.io",
    "workflows.argoproj.io",
];

/// A cluster, and the kubeconfig that leads to it.
struct Story {
    cluster: Cluster,
    folder: TempDir,
}

impl Story {
    /// The recorded cluster of this name.
    fn of(name: &str) -> Story {
        let text = fs::read_to_string(data(&format!("clusters/{name}.yaml"))).unwrap();
        let story: Value = yaml::read(&yaml::parse(&text).unwrap()).unwrap();
        let cluster = Cluster::new();
        KINDS.iter().for_each(|kind| cluster.install(kind));
        for object in story["objects"].as_array().unwrap() {
            cluster.apply(object.clone());
        }
        for (container, runs) in story["logs"].as_object().unwrap() {
            for run in runs.as_array().unwrap() {
                let line = |(second, line): (usize, &str)| format!("2031-03-09T04:08:{second:02}.5Z {line}");
                let lines: Vec<String> = run.as_str().unwrap().lines().enumerate().map(line).collect();
                cluster.log(container, &lines.iter().map(String::as_str).collect::<Vec<_>>());
                cluster.end_log(container);
            }
        }
        let folder = TempDir::new().unwrap();
        cluster.write_kubeconfig(&folder.path().join("config"));
        Story { cluster, folder }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn diagnose(&self, args: &[&str]) -> Output {
        let mut command = quiet(faultscope());
        command.arg("diagnose").args(args).arg("--kubeconfig").arg(self.kubeconfig()).output().unwrap()
    }

    fn text(&self, object: &str) -> String {
        let output = self.diagnose(&[object, "-n", "orchard"]);
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, object: &str) -> Value {
        let output = self.diagnose(&[object, "-n", "orchard", "-o", "json"]);
        assert!(output.status.success(), "{}", told(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Nothing of this machine's own clusters.
fn quiet(mut command: Command) -> Command {
    for name in ["KUBECONFIG", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"] {
        command.env_remove(name);
    }
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The failures of the first incident: each pattern, and those that explain it.
fn first_incident(diagnosis: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let failures = diagnosis["incidents"][0]["failures"].as_array().unwrap_or_else(|| panic!("nothing in {diagnosis}"));
    let explained = |failure: &Value| failure["explained_by"].as_array().unwrap().iter().map(text).collect();
    failures.iter().map(|failure| (text(&failure["pattern"]), explained(failure))).collect()
}

/// The root cause of the story comes first and alone, every other failure follows from it, and what is seen is among them.
fn assert_story(name: &str, object: &str, root: &str, seen: &[&str]) {
    let story = Story::of(name);
    let diagnosis = story.json(object);
    let failures = first_incident(&diagnosis);
    assert_eq!(failures[0].0, root, "{name}: {failures:#?}");
    let roots: Vec<&String> = failures.iter().filter(|(_, causes)| causes.is_empty()).map(|(id, _)| id).collect();
    assert_eq!(roots, [root], "{name}: {failures:#?}");
    for effect in seen {
        assert!(failures.iter().any(|(id, _)| id == effect), "{name}: no {effect} among {failures:#?}");
    }
    assert_eq!(diagnosis["incidents"][0]["failures"][0]["root_cause"], true);
    assert_eq!(diagnosis["not_read"], Value::Array(Vec::new()), "{name}");
    insta::with_settings!({ snapshot_suffix => name }, {
        insta::assert_snapshot!("story", story.text(object));
    });
}

#[test]
fn a_model_that_is_not_where_it_should_be() {
    let seen = ["kubernetes.pod.init-error", "knative.configuration.revision-missing"];
    assert_story("wrong-model-uri", "isvc/pear-grader", "kserve.storage.model-not-found", &seen);
}

#[test]
fn a_probe_that_istio_refuses() {
    let seen = ["knative.route.ingress-not-configured"];
    assert_story("istio-rbac-403", "isvc/plum-sorter", "knative.ingress.probe-forbidden", &seen);
}

#[test]
fn a_private_registry_without_credentials() {
    let seen = ["kubernetes.image.pull-backoff"];
    assert_story("ecr-401", "deploy/fig-batch", "kubernetes.image.pull-unauthorized", &seen);
    let seen = ["knative.configuration.revision-missing"];
    assert_story("ecr-401-knative", "ksvc/fig-tagger", "knative.image.digest-unauthorized", &seen);
}

#[test]
fn a_model_that_needs_too_much_memory() {
    let seen =
        ["kubernetes.container.crash-loop", "knative.revision.exit-code", "knative.configuration.revision-missing"];
    assert_story("oom-exit-code-137", "isvc/quince-scorer", "kubernetes.memory.oom-killed", &seen);
}

#[test]
fn a_model_server_without_a_model_file() {
    let seen =
        ["kubernetes.container.crash-loop", "knative.revision.exit-code", "knative.configuration.revision-missing"];
    assert_story("stop-iteration", "isvc/apple-rater", "kserve.model.file-missing", &seen);
}

#[test]
fn an_operator_that_panics_behind_its_webhook() {
    let seen = ["seldon.webhook.unavailable", "kubernetes.container.crash-loop"];
    assert_story("seldon-webhook", "sdep/cider-blend", "seldon.operator.nil-pointer", &seen);
}

#[test]
fn a_pod_that_wants_a_gpu() {
    let seen = ["kubernetes.deployment.progress-deadline-exceeded"];
    assert_story("unschedulable-gpu", "deploy/grape-vision", "kubernetes.scheduling.insufficient-resources", &seen);
}

#[test]
fn what_no_pattern_knows_is_shown_as_it_is() {
    let story = Story::of("nothing-known");
    insta::assert_snapshot!(story.text("deploy/medlar"));
    let diagnosis = story.json("deploy/medlar");
    assert_eq!(diagnosis["incidents"], Value::Array(Vec::new()));
    assert_eq!(diagnosis["ready"], false);
    assert_eq!(diagnosis["error_lines"][0]["text"], "the fruit is not soft yet");
}

#[test]
fn the_exit_status_says_what_was_asked_for() {
    let story = Story::of("unschedulable-gpu");
    let table = [
        (&["deploy/grape-vision"][..], Some(0)),
        (&["deploy/grape-vision", "--exit-code"], Some(1)),
        (&["deployments", "grape-vision"], Some(0)),
        (&["deploy/grape-visions"], Some(2)),
        (&["deploy"], Some(2)),
    ];
    for (args, want) in table {
        let output = story.diagnose(&[args, &["--namespace", "orchard"]].concat());
        assert_eq!(output.status.code(), want, "{args:?}: {}", told(&output));
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let story = Story::of("unschedulable-gpu");
    let table = [
        (
            &["deploy/grape-visoin", "-n", "orchard"][..],
            "there is no Deployment `grape-visoin` in namespace orchard; did you mean `grape-vision`?",
        ),
        (
            &["deploy/grape-vision", "-n", "cellar"],
            "there is no Deployment `grape-vision` in namespace cellar; there is one in namespace `orchard`",
        ),
        (
            &["deploy/zither", "-n", "orchard"],
            "there is no Deployment `zither` in namespace orchard; there are `grape-vision`",
        ),
        (&["isvc/iris", "-n", "orchard"], "there is no InferenceService `iris` in namespace orchard\n"),
        (&["deply/iris"], "`deply` is no kind that can be diagnosed; did you mean `deploy`?"),
    ];
    for (args, want) in table {
        let output = story.diagnose(args);
        assert!(told(&output).contains(want), "{args:?}: {}", told(&output));
        assert_eq!(output.status.code(), Some(2));
    }
    let bare = Story { cluster: Cluster::new(), folder: TempDir::new().unwrap() };
    bare.cluster.write_kubeconfig(&bare.kubeconfig());
    let none = told(&bare.diagnose(&["isvc/iris"]));
    assert!(none.contains("has no inferenceservices.serving.kserve.io"), "{none}");
}

#[test]
fn a_cluster_that_can_not_be_asked_is_told_so() {
    let mut story = Story::of("unschedulable-gpu");
    story.cluster.refuse_credentials(true);
    let refused = told(&story.diagnose(&["deploy/grape-vision"]));
    assert!(refused.contains("does not accept the credentials (401)"), "{refused}");
    story.cluster.stop();
    let absent = told(&story.diagnose(&["deploy/grape-vision"]));
    assert!(absent.contains("can't be reached"), "{absent}");
    let nowhere =
        quiet(faultscope()).args(["diagnose", "deploy/grape-vision"]).env("HOME", story.folder.path()).output();
    let nowhere = nowhere.unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(told(&nowhere).contains("no cluster is configured"), "{}", told(&nowhere));
    let context = told(&story.diagnose(&["deploy/grape-vision", "--context", "cellar"]));
    assert!(context.contains("cellar"), "{context}");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_diagnosed() {
    let story = Story::of("stop-iteration");
    story.cluster.forbid("get", "pods/log", true);
    story.cluster.forbid("list", "events.events.k8s.io", true);
    let diagnosis = story.json("isvc/apple-rater");
    assert_eq!(first_incident(&diagnosis)[0].0, "kserve.model.file-missing", "the status quotes the log");
    let gaps = diagnosis["not_read"].to_string();
    assert_eq!(diagnosis["not_read"].as_array().unwrap().len(), 2, "{gaps}");
    for want in ["RBAC grants no `get` on `pods/log`", "RBAC grants no `list` on `events.events.k8s.io`"] {
        assert!(gaps.contains(want), "{want} not in {gaps}");
    }
    story.cluster.forbid("get", "inferenceservices.serving.kserve.io", true);
    let output = story.diagnose(&["isvc/apple-rater", "-n", "orchard"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("RBAC grants no `get` on `inferenceservices.serving.kserve.io`"),
        "{}",
        told(&output)
    );
}

#[test]
fn as_a_plugin_it_calls_itself_as_kubectl_does() {
    let mut command = faultscope();
    let usage = command.arg0("/usr/local/bin/kubectl-faultscope").args(["diagnose", "--help"]).output().unwrap();
    let usage = String::from_utf8(usage.stdout).unwrap();
    assert!(usage.contains("Usage: kubectl faultscope diagnose"), "{usage}");
    let own = faultscope().args(["diagnose", "--help"]).output().unwrap();
    assert!(String::from_utf8(own.stdout).unwrap().contains("Usage: faultscope diagnose"));
}
