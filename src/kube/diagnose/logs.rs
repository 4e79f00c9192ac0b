//! The logs of containers: of the present run, and of the one before it if there was one.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;

use super::Options;
use super::ask::Asker;
use crate::event::Resource;
use crate::kube::client::Error;
use crate::kube::statement::Object;

/// Logs that are read at once.
const AT_ONCE: usize = 6;
/// Logs that are read, at most.
const LOGS: usize = 200;
/// Bytes of one log, at most.
const BYTES: i64 = 4 << 20;
/// All logs must be there by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log that was read.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose it is.
    pub pod: Object,
    /// The container.
    pub container: String,
    /// It is of the run before the present one.
    pub previous: bool,
    /// Its pod is no part of the object: it is a controller that works on it.
    pub controller: bool,
    /// What stays the same when it is read again.
    pub identity: String,
    /// What its events are about.
    pub resource: Arc<Resource>,
    /// Its lines, in the format of the container runtime.
    pub text: String,
}

impl Log {
    /// As a person would ask for it: `log of pod/iris-0, container predictor, previous run`.
    pub fn place(&self) -> String {
        let run = if self.previous { ", previous run" } else { "" };
        format!("log of {}, container {}{run}", self.pod, self.container)
    }
}

/// A log to read.
struct Wanted {
    pod: Object,
    container: String,
    previous: bool,
    controller: bool,
    run: i64,
}

/// The logs of these pods; the flag says whether one is a controller's.
pub(super) async fn read(asker: &mut Asker, pods: &[(&Pod, bool)], options: &Options) -> Vec<Log> {
    let mut wanted: Vec<Wanted> = pods.iter().flat_map(|(pod, controller)| of_pod(pod, *controller)).collect();
    if wanted.len() > LOGS {
        asker.note(format!("{} logs belong to it: only the first {LOGS} were read", wanted.len()));
        wanted.truncate(LOGS);
    }
    let mut reading = {
        let asker = &*asker;
        let read = |wanted: Wanted| async move { (one(asker, &wanted, options).await, wanted) };
        let reading = stream::iter(wanted).map(read).buffered(AT_ONCE);
        let mut done = Vec::new();
        let all = reading.for_each(|one| {
            done.push(one);
            std::future::ready(())
        });
        let late = tokio::time::timeout(PATIENCE, all).await.is_err();
        (done, late)
    };
    if reading.1 {
        asker.note(format!("not every log was there within {} s", PATIENCE.as_secs()));
    }
    let mut logs = Vec::new();
    for (answer, wanted) in reading.0.drain(..) {
        match answer {
            Ok(text) => logs.extend(text.map(|text| wanted.log(&text))),
            Err(error) => asker.note(error.to_string()),
        }
    }
    logs
}

async fn one(asker: &Asker, wanted: &Wanted, options: &Options) -> Result<Option<String>, Error> {
    let params = LogParams {
        container: Some(wanted.container.clone()),
        previous: wanted.previous,
        limit_bytes: Some(BYTES),
        tail_lines: options.tail,
        since_seconds: options.since.map(|since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
        timestamps: true,
        ..LogParams::default()
    };
    asker.log(wanted.pod.namespace.as_deref().unwrap_or_default(), &wanted.pod.name, &params).await
}

/// The logs that a pod's containers have.
fn of_pod(pod: &Pod, controller: bool) -> Vec<Wanted> {
    let object = Object::of("Pod", &pod.metadata);
    let status = pod.status.clone().unwrap_or_default();
    let lists = [status.init_container_statuses, status.container_statuses, status.ephemeral_container_statuses];
    let mut wanted = Vec::new();
    for container in lists.iter().flatten().flatten() {
        for (previous, run) in runs(container) {
            let (pod, container) = (object.clone(), container.name.clone());
            wanted.push(Wanted { pod, container, previous, controller, run });
        }
    }
    wanted
}

/// The runs that have left a log, and the number of each: the one before, and the latest.
fn runs(container: &ContainerStatus) -> Vec<(bool, i64)> {
    let restarts = i64::from(container.restart_count);
    let before = restarts > 0 || container.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
    let waits = container.state.as_ref().is_some_and(|state| state.waiting.is_some());
    match (before, waits) {
        (true, false) => vec![(true, (restarts - 1).max(0)), (false, restarts)],
        // While it waits for the next, the latest is the one that ended.
        (true, true) | (false, false) => vec![(false, restarts)],
        (false, true) => Vec::new(),
    }
}

impl Wanted {
    fn log(self, text: &str) -> Log {
        let Wanted { pod, container, previous, controller, run } = self;
        Log {
            identity: format!("{}/{container}/{run}", pod.identity()),
            resource: Arc::new(pod.resource(Some(&container), Some(run))),
            text: text.lines().map(framed).collect(),
            pod,
            container,
            previous,
            controller,
        }
    }
}

/// A line with its time in front, as the container runtime would have written it to its file. The API doesn't say which stream it came by.
fn framed(line: &str) -> String {
    match line.split_once(' ') {
        Some((time, rest)) if time.parse::<jiff::Timestamp>().is_ok() => format!("{time} stdout F {rest}\n"),
        _ => format!("{line}\n"),
    }
}
