//! `pods/log`: what containers have printed, run by run, and what they print while somebody follows.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::routes::{Query, Target};
use super::store::State;
use super::watch::Counted;
use super::{Shared, answers};

/// One run of a container.
#[derive(Clone, Default)]
struct Run {
    /// With the time in front.
    lines: Vec<String>,
    ended: bool,
}

/// All logs, by `namespace/pod/container`.
#[derive(Default)]
pub struct Logs(HashMap<String, Vec<Run>>);

impl Logs {
    pub fn write(&mut self, container: &str, lines: &[&str]) {
        let runs = self.0.entry(container.to_owned()).or_default();
        if runs.last().is_none_or(|run| run.ended) {
            runs.push(Run::default());
        }
        if let Some(run) = runs.last_mut() {
            run.lines.extend(lines.iter().map(|line| (*line).to_owned()));
        }
    }

    pub fn end(&mut self, container: &str) {
        if let Some(run) = self.0.get_mut(container).and_then(|runs| runs.last_mut()) {
            run.ended = true;
        }
    }

    /// The number of the latest run, or of the one before it.
    fn number(&self, container: &str, previous: bool) -> Option<usize> {
        self.0.get(container)?.len().checked_sub(if previous { 2 } else { 1 })
    }
}

struct Follow {
    shared: Arc<Shared>,
    news: Receiver<u64>,
    container: String,
    run: usize,
    /// Lines that were looked at.
    at: usize,
    /// Lines before this time, to the second, are not wanted.
    since: Option<jiff::Timestamp>,
    timestamps: bool,
    follow: bool,
    cuts: u64,
    /// How it ends, if it does.
    end: Option<End>,
    _counted: Counted,
}

/// How a stream ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Whole,
    Cut,
}

pub fn answer(shared: Arc<Shared>, target: &Target, query: &Query) -> Response {
    let counted = Counted::new(&shared);
    let news = shared.news.subscribe();
    let state = shared.lock();
    let name = target.name.clone().unwrap_or_default();
    let namespace = target.namespace.clone().unwrap_or_default();
    let Some(pod) = state.get("pods", &format!("{namespace}/{name}")) else {
        return answers::not_found(target.kind, &name);
    };
    let container = match container(&pod, &name, query.get("container")) {
        Ok(container) => container,
        Err(message) => return answers::bad_request(&message),
    };
    let path = format!("{namespace}/{name}/{container}");
    let is_true = |key: &str| query.get(key).is_some_and(|value| value == "true");
    let previous = is_true("previous");
    let Some(run) = state.logs.number(&path, previous) else {
        let missing = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
        let waiting = format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating");
        return answers::bad_request(if previous { &missing } else { &waiting });
    };
    let tail = query.get("tailLines").and_then(|lines| lines.parse().ok()).unwrap_or(usize::MAX);
    let follow = Follow {
        news,
        at: lines(&state, &path, run).len().saturating_sub(tail),
        container: path,
        run,
        since: query.get("sinceTime").and_then(|time| time.parse().ok()),
        timestamps: is_true("timestamps"),
        follow: is_true("follow"),
        cuts: state.cuts,
        end: None,
        _counted: counted,
        shared: shared.clone(),
    };
    drop(state);
    let pieces = stream::unfold(follow, |mut follow| async move { Some((follow.next().await?, follow)) });
    Body::from_stream(pieces).into_response()
}

/// The container that is asked for; without a name, the only one.
fn container(pod: &Value, name: &str, asked: Option<&String>) -> Result<String, String> {
    let of = |list: &str| pod["spec"][list].as_array().cloned().unwrap_or_default();
    let named =
        |list: &str| -> Vec<String> { of(list).iter().filter_map(|c| Some(c["name"].as_str()?.to_owned())).collect() };
    let (main, init) = (named("containers"), named("initContainers"));
    match (asked, main.as_slice()) {
        (Some(asked), _) if main.contains(asked) || init.contains(asked) => Ok(asked.clone()),
        (Some(asked), _) => Err(format!("container {asked} is not valid for pod {name}")),
        (None, [only]) => Ok(only.clone()),
        (None, several) => {
            let choice = several.join(" ");
            Err(format!("a container name must be specified for pod {name}, choose one of: [{choice}]"))
        }
    }
}

fn lines<'s>(state: &'s State, container: &str, run: usize) -> &'s [String] {
    state.logs.0.get(container).and_then(|runs| runs.get(run)).map_or(&[], |run| &run.lines)
}

impl Follow {
    async fn next(&mut self) -> Option<io::Result<String>> {
        loop {
            match self.end {
                None => {}
                Some(End::Whole) => return None,
                Some(End::Cut) => {
                    self.end = Some(End::Whole);
                    return Some(Err(io::Error::other("cut")));
                }
            }
            let text = self.look();
            if !text.is_empty() {
                return Some(Ok(text));
            }
            if self.end.is_none() {
                self.news.changed().await.ok()?;
            }
        }
    }

    /// What is new. A connection that breaks does so in the middle of a line, if there is one.
    fn look(&mut self) -> String {
        let shared = self.shared.clone();
        let state = shared.lock();
        let mut text = String::new();
        let all = lines(&state, &self.container, self.run);
        for line in &all[self.at..] {
            let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
            let old = self.since.is_some_and(|since| time.parse::<jiff::Timestamp>().is_ok_and(|time| time < since));
            if !old {
                text += if self.timestamps { line } else { rest };
                text.push('\n');
            }
        }
        self.at = all.len();
        let ended = state.logs.0.get(&self.container).and_then(|runs| runs.get(self.run)).is_none_or(|run| run.ended);
        if state.cuts > self.cuts {
            text.truncate(text.len() - text.len().min(3));
            self.end = Some(End::Cut);
        } else if ended || !self.follow {
            self.end = Some(End::Whole);
        }
        text
    }
}
