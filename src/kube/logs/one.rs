//! One container's log, followed over breaks and restarts.

use std::pin::pin;
use std::sync::Arc;

use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::sync::{mpsc, watch};

use super::seen::Seen;
use super::{NAME, Piece};
use crate::kube::client::{Connection, Error, Request};
use crate::kube::follow::Patience;
use crate::kube::health::Health;

/// A line is cut here. Bytes.
const LINE: usize = 256 << 10;

/// Whose log it is.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub namespace: String,
    pub pod: String,
    pub uid: String,
    pub name: String,
}

pub(super) struct One {
    pub container: Container,
    /// Nothing before this time is read; none: everything.
    pub since: Option<Timestamp>,
    pub connection: Connection,
    pub health: Arc<Health>,
    pub out: mpsc::Sender<Piece>,
}

/// Nobody takes what is read any more.
struct Closed;

impl One {
    /// Reads until the pod is gone (`runs` is closed then) or nobody listens. `runs` is the number of restarts.
    pub async fn read(self, mut runs: watch::Receiver<i32>) {
        let (mut seen, mut patience, mut run) = (Seen::default(), Patience::default(), *runs.borrow());
        loop {
            match self.follow(run, false, &mut seen).await {
                Err(Closed) => return,
                Ok(true) => patience.restore(),
                Ok(false) => {}
            }
            // The log ends with its container, and the next run's begins: which run it is, the pod's status tells.
            let gone = tokio::select! {
                changed = runs.changed() => changed.is_err(),
                () = patience.pause() => false,
            };
            let now = *runs.borrow_and_update();
            if now != run || gone {
                // What was written between a break and the end.
                let rest = if gone { Ok(true) } else { self.follow(run, true, &mut seen).await };
                let end = Piece { log: self.path(run), bytes: Vec::new(), ended: true };
                if rest.is_err() || self.out.send(end).await.is_err() || gone {
                    return;
                }
                run = now;
            }
        }
    }

    /// Where the node has this log: reading it there gives the same events.
    fn path(&self, run: i32) -> Arc<str> {
        let Container { namespace, pod, uid, name } = &self.container;
        format!("/var/log/pods/{namespace}_{pod}_{uid}/{name}/{run}.log").into()
    }

    /// Reads until the stream ends, whyever it does. Whether anything came.
    async fn follow(&self, run: i32, previous: bool, seen: &mut Seen) -> Result<bool, Closed> {
        let Container { namespace, pod, name, .. } = &self.container;
        let api: Api<Pod> = Api::namespaced(self.connection.client.clone(), namespace);
        let params = LogParams {
            container: Some(name.clone()),
            follow: !previous,
            previous,
            timestamps: true,
            // Whole seconds: the client would round anything else, up as well as down.
            since_time: seen.resume().or(self.since),
            ..LogParams::default()
        };
        let request = Request::new("get", "", "pods/log", Some(namespace));
        match api.log_stream(pod, &params).await {
            Ok(stream) => {
                self.health.up(NAME);
                self.health.begun(NAME);
                self.lines(stream, self.path(run), seen).await
            }
            Err(error) => {
                match self.connection.failure(error, request) {
                    // It waits to start, or it is gone, or it had no run before.
                    Error::NotFound(_) | Error::Refused { code: 400, .. } => {}
                    error => self.health.failed(NAME, &error),
                }
                Ok(false)
            }
        }
    }

    async fn lines(&self, stream: impl AsyncBufRead, log: Arc<str>, seen: &mut Seen) -> Result<bool, Closed> {
        let mut stream = pin!(stream);
        let mut rest: Vec<u8> = Vec::new();
        let mut came = false;
        loop {
            let (taken, bytes) = match stream.fill_buf().await {
                Ok([]) => break,
                Ok(buffer) => (buffer.len(), framed(buffer, &mut rest, seen)),
                Err(error) => {
                    // A line that was cut off comes whole when the log is read on.
                    let why = error.to_string();
                    self.health.hitch(NAME, &Error::Unreachable { server: self.connection.server.clone(), why });
                    break;
                }
            };
            stream.as_mut().consume(taken);
            if !bytes.is_empty() {
                came = true;
                let piece = Piece { log: log.clone(), bytes, ended: false };
                self.out.send(piece).await.map_err(|_| Closed)?;
            }
        }
        Ok(came)
    }
}

/// The new whole lines of what came, as the container runtime writes them; what is left of the last goes to `rest`. The API doesn't tell standard
/// output from standard error.
fn framed(buffer: &[u8], rest: &mut Vec<u8>, seen: &mut Seen) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in buffer.split_inclusive(|byte| *byte == b'\n') {
        let room = LINE.saturating_sub(rest.len());
        let (line, whole) = piece.strip_suffix(b"\n").map_or((piece, false), |line| (line, true));
        rest.extend_from_slice(&line[..line.len().min(room)]);
        if !whole {
            continue;
        }
        let line = std::mem::take(rest);
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (time, content) = (&line[..space], line.get(space + 1..).unwrap_or_default());
        let parsed = std::str::from_utf8(time).ok().and_then(|time| time.parse::<Timestamp>().ok());
        // Without a time it is the node's word about the log, not the log.
        if parsed.is_some_and(|time| seen.accept(time, content)) {
            bytes.extend_from_slice(time);
            bytes.extend_from_slice(b" stdout F ");
            bytes.extend_from_slice(content);
            bytes.push(b'\n');
        }
    }
    bytes
}
