//! The client against the test's API server: what goes wrong is told in words that help.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams, WatchParams};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::kube::cluster::Cluster;

/// Runs something that asks.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The way to a test's cluster.
pub(crate) async fn connect(cluster: &Cluster) -> Connection {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config");
    cluster.write_kubeconfig(&path);
    Connection::open(&Choice { kubeconfig: Some(path), context: None }).await.unwrap()
}

fn listing(cluster: &Cluster) -> Result<usize, Error> {
    block_on(async {
        let connection = connect(cluster).await;
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), "mill");
        let list = pods.list(&ListParams::default()).await;
        let request = Request::new("list", "", "pods", Some("mill"));
        list.map(|list| list.items.len()).map_err(|error| connection.failure(error, request))
    })
}

fn pod(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "mill", "labels": { "app": "saw" } },
        "spec": { "nodeName": "oak", "containers": [{ "name": "pump" }] },
    })
}

#[test]
fn failures_say_how_to_mend_them() {
    let mut cluster = Cluster::new();
    cluster.apply(pod("saw-0"));
    assert_eq!(listing(&cluster).unwrap(), 1);
    cluster.forbid("list", "pods", true);
    let forbidden = listing(&cluster).unwrap_err();
    assert_eq!(
        forbidden.to_string(),
        "not allowed to list pods in namespace mill (403): RBAC grants no `list` on `pods`; see `kubectl auth can-i list pods -n mill`"
    );
    cluster.refuse_credentials(true);
    let unauthorized = listing(&cluster).unwrap_err().to_string();
    assert!(unauthorized.contains("does not accept the credentials (401)"), "{unauthorized}");
    cluster.stop();
    let absent = listing(&cluster).unwrap_err();
    assert!(absent.to_string().contains("can't be reached") && absent.reason() == "unreachable", "{absent}");
    let none = Choice { kubeconfig: Some("/nowhere/config".into()), context: None };
    let none = block_on(Connection::open(&none)).err().unwrap();
    assert!(none.to_string().contains("/nowhere/config"), "{none}");
}

#[test]
fn the_server_pages_selects_and_answers_logs() {
    let cluster = Cluster::new();
    for number in 0..5 {
        cluster.apply(pod(&format!("saw-{number}")));
    }
    let mut other = pod("axe-0");
    other["metadata"]["labels"]["app"] = json!("axe");
    cluster.apply(other);
    cluster.log("mill/saw-0/pump", &["2026-02-03T04:05:06.5Z one", "2026-02-03T04:05:08Z two"]);
    block_on(async {
        let pods: Api<Pod> = Api::all(connect(&cluster).await.client);
        let mut params = ListParams::default().labels("app in (saw, adze)").fields("spec.nodeName=oak").limit(2);
        let mut names = Vec::new();
        loop {
            let page = pods.list_metadata(&params).await.unwrap();
            assert!(page.items.len() <= 2);
            names.extend(page.items.into_iter().filter_map(|pod| pod.metadata.name));
            params.continue_token = page.metadata.continue_.clone();
            if params.continue_token.is_none() {
                break;
            }
        }
        assert_eq!(names, ["saw-0", "saw-1", "saw-2", "saw-3", "saw-4"]);
        let pods: Api<Pod> = Api::namespaced(connect(&cluster).await.client, "mill");
        let since = LogParams { since_time: Some("2026-02-03T04:05:07Z".parse().unwrap()), ..LogParams::default() };
        assert_eq!(pods.logs("saw-0", &LogParams::default()).await.unwrap(), "one\ntwo\n");
        assert_eq!(pods.logs("saw-0", &since).await.unwrap(), "two\n");
        let unstarted = pods.logs("saw-1", &LogParams::default()).await.unwrap_err().to_string();
        assert!(unstarted.contains("is waiting to start"), "{unstarted}");
    });
    let asked: Vec<_> = cluster.calls().into_iter().map(|call| (call.verb, call.resource)).collect();
    assert_eq!(asked, [("get", "pods/log".to_owned()), ("list", "pods".to_owned())]);
}

#[test]
fn a_watch_from_a_forgotten_version_is_gone() {
    use futures::{StreamExt, TryStreamExt};
    let cluster = Cluster::new();
    let version = cluster.apply(pod("saw-0"))["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let watched = |from: String| {
        block_on(async {
            let pods: Api<Pod> = Api::all(connect(&cluster).await.client);
            let stream = pods.watch(&WatchParams::default(), &from).await.unwrap();
            stream.boxed().try_next().await.unwrap().unwrap()
        })
    };
    cluster.apply(pod("saw-1"));
    assert!(
        matches!(watched(version.clone()), kube::api::WatchEvent::Added(pod) if pod.metadata.name.as_deref() == Some("saw-1"))
    );
    cluster.forget_history();
    assert!(matches!(watched(version), kube::api::WatchEvent::Error(status) if status.code == 410));
}
