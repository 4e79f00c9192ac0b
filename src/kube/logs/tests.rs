//! Logs from the test's API server, over breaks and restarts.

use serde_json::{Value, json};

use super::*;
use crate::kube::client::tests::{block_on, connect};
use crate::kube::cluster::Cluster;

const LOG: &str = "mill/saw-0/pump";

fn pod(restarts: i32) -> Value {
    let status = |name: &str| {
        json!({
            "name": name, "image": "pump:1", "imageID": "", "ready": true, "restartCount": restarts, "state": { "running": {} },
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "saw-0", "namespace": "mill", "uid": "u0", "labels": { "app": "saw" } },
        "spec": { "containers": [{ "name": "pump" }, { "name": "faultscope" }] },
        "status": { "containerStatuses": [status("pump"), status("faultscope")] },
    })
}

#[test]
fn breaks_and_restarts_lose_nothing_and_repeat_nothing() {
    let cluster = Cluster::new();
    let select = Select::Labels("app=saw".into());
    let choice = Choice { namespace: "mill".into(), select, containers: Vec::new() };
    let (out, mut pieces) = mpsc::channel(64);
    let got = block_on(async {
        let health = Arc::new(Health::default());
        let source = tokio::spawn(run(choice, connect(&cluster).await, health.clone(), out));
        while cluster.streams() < 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // It comes after the start, so it is read from its beginning, however old that is.
        cluster.log(LOG, &["2026-02-03T04:05:06.9Z one", "2026-02-03T04:05:07.1Z two"]);
        cluster.apply(pod(0));
        let mut got: Vec<String> = Vec::new();
        while got.len() < 9 {
            let piece = pieces.recv().await.unwrap();
            let run = piece.log.rsplit('/').next().unwrap().to_owned();
            if piece.ended {
                got.push(format!("{run} ended"));
            }
            for line in String::from_utf8(piece.bytes).unwrap().lines() {
                got.push(format!("{run} {}", line.split_once(" stdout F ").unwrap().1));
            }
            match got.len() {
                2 => cluster.log_and_cut(LOG, &["2026-02-03T04:05:07.2Z three", "2026-02-03T04:05:07.3Z four"]),
                4 => {
                    cluster.log(LOG, &["2026-02-03T04:05:07.3Z four"]);
                    // It goes on writing after the break, ends, and begins anew before anybody looks.
                    cluster.stall(true);
                    cluster.log_and_cut(LOG, &["2026-02-03T04:05:08Z five"]);
                    cluster.log(LOG, &["2026-02-03T04:05:09Z six"]);
                    cluster.end_log(LOG);
                    cluster.stall(false);
                }
                7 => {
                    cluster.log(LOG, &["2026-02-03T04:05:10Z seven"]);
                    cluster.apply(pod(1));
                }
                _ => {}
            }
        }
        source.abort();
        got
    });
    let first = ["one", "two", "three", "four", "four", "five", "six"].map(|line| format!("0.log {line}"));
    let then = ["0.log ended", "1.log seven"].map(str::to_owned);
    assert_eq!(got, [&first[..], &then[..]].concat());
    assert!(cluster.calls().iter().all(|call| call.resource == "pods" || call.resource == "pods/log"));
}
