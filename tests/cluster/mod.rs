//! A Kubernetes API server for tests: plain HTTP on loopback, objects held as JSON.
//!
//! It speaks what a real client needs of one: discovery, lists in pages, watches that go on from a version, bookmarks, `410 Gone`, connections
//! that break, `401` and `403`, answers that don't come, `pods/log`, and the conflicts of concurrent writes. It serves from a thread of its own,
//! so synchronous tests and the real binary can use it, and it remembers what it was asked for.
#![allow(dead_code, reason = "the suite and the tests of `src/kube` each use a part")]

mod answers;
mod discovery;
mod kinds;
mod logs;
mod routes;
mod selectors;
mod store;
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::{oneshot, watch as signal};

use store::State;

/// A request, as an RBAC rule would name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// `get`, `list`, `watch`, `create`, `update` or `delete`.
    pub verb: &'static str,
    /// The API group, empty for the core group.
    pub group: String,
    /// The resource, with its subresource: `pods`, `pods/log`.
    pub resource: String,
    /// The namespace that was asked for, if one was.
    pub namespace: Option<String>,
}

/// Shared by the test and the server's thread.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Counts changes: whoever waits for news watches it.
    news: signal::Sender<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes who waits for it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.news.send_modify(|count| *count += 1);
        result
    }
}

/// The server and what it holds. What it holds outlives a stop.
pub struct Cluster {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Cluster {
    /// A server that runs.
    pub fn new() -> Cluster {
        let mut cluster = Cluster::absent();
        cluster.start();
        cluster
    }

    /// An address at which nothing listens before [`Cluster::start`].
    pub fn absent() -> Cluster {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let shared = Shared { state: Mutex::new(State::new()), news: signal::channel(0).0 };
        Cluster { shared: Arc::new(shared), address, running: None }
    }

    /// Begins to serve.
    pub fn start(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let (shared, address) = (self.shared.clone(), self.address);
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::select! {
                served = async { axum::serve(listener, routes::router(shared)).await } => served.unwrap(),
                _ = stopped => {}
            }
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve);
            // Connections that are open break here.
        });
        self.running = Some((stop, thread));
    }

    /// Stops serving; every connection breaks.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // It may have ended by itself.
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a kubeconfig that leads here.
    pub fn write_kubeconfig(&self, path: &Path) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{ name: test, cluster: {{ server: '{}' }} }}]\n\
             contexts: [{{ name: test, context: {{ cluster: test, user: test, namespace: default }} }}]\n\
             users: [{{ name: test, user: {{ token: orchard }} }}]\n",
            self.url()
        );
        fs::write(path, text).unwrap();
    }

    /// Makes the cluster know a kind that isn't part of Kubernetes, by its full name: `inferenceservices.serving.kserve.io`.
    pub fn install(&self, name: &str) {
        let kind = kinds::EXTRA.iter().find(|kind| kind.full_name() == name);
        let kind = kind.unwrap_or_else(|| panic!("no kind is called {name}"));
        self.shared.change(|state| state.install(kind));
    }

    /// Puts an object, with `apiVersion` and `kind`, as it is but for its `resourceVersion`, and a `uid` if it has none. Gives what is there then.
    pub fn apply(&self, object: Value) -> Value {
        self.shared.change(|state| state.apply(object))
    }

    /// Takes an object away. `name` is `namespace/name`, or a name alone for a kind without namespaces; `resource` is a full name, `pods` or
    /// `jobs.batch`.
    pub fn delete(&self, resource: &str, name: &str) {
        let gone = self.shared.change(|state| state.delete(resource, name));
        assert!(gone.is_some(), "there is no {resource} {name}");
    }

    /// An object as it is now.
    pub fn get(&self, resource: &str, name: &str) -> Option<Value> {
        self.shared.lock().get(resource, name)
    }

    /// Refuses (or grants again) a verb on a resource (`pods`, `pods/log`, `jobs.batch`) to everybody.
    pub fn forbid(&self, verb: &str, resource: &str, forbidden: bool) {
        self.shared.change(|state| state.forbid(verb, resource, forbidden));
    }

    /// Takes nobody's credentials any more, or does again.
    pub fn refuse_credentials(&self, refused: bool) {
        self.shared.change(|state| state.unauthorized = refused);
    }

    /// Lets every request wait until it is told otherwise.
    pub fn stall(&self, stalled: bool) {
        self.shared.change(|state| state.stalled = stalled);
    }

    /// Breaks every watch and log that is open.
    pub fn cut_streams(&self) {
        self.shared.change(|state| state.cuts += 1);
    }

    /// Sends every watch a bookmark, if it wants such.
    pub fn bookmark(&self) {
        self.shared.change(|state| state.bookmarks += 1);
    }

    /// Forgets the past: whoever asks for a version before now gets `410 Gone`. With [`Cluster::cut_streams`] that is everybody who had not heard
    /// of the latest change.
    pub fn forget_history(&self) {
        self.shared.change(|state| {
            // What nobody saw in between makes the versions move on, as other objects' changes do.
            state.version += 1;
            state.oldest = state.version;
        });
    }

    /// Writes lines to a container's log: `namespace/pod/container`, and lines with their time in front.
    pub fn log(&self, container: &str, lines: &[&str]) {
        self.shared.change(|state| state.logs.write(container, lines));
    }

    /// Writes lines to a container's log and breaks every stream within the last of them.
    pub fn log_and_cut(&self, container: &str, lines: &[&str]) {
        self.shared.change(|state| {
            state.logs.write(container, lines);
            state.cuts += 1;
        });
    }

    /// The container ends: its log is complete, and what follows is its next run's.
    pub fn end_log(&self, container: &str) {
        self.shared.change(|state| state.logs.end(container));
    }

    /// What was asked for so far, each once.
    pub fn calls(&self) -> BTreeSet<Call> {
        self.shared.lock().calls.keys().cloned().collect()
    }

    /// How often a verb was asked for on a resource, whatever the namespace.
    pub fn count(&self, verb: &str, resource: &str) -> usize {
        let state = self.shared.lock();
        let those = state.calls.iter().filter(|(call, _)| call.verb == verb && call.resource == resource);
        those.map(|(_, count)| count).sum()
    }

    /// Watches and logs that are open now.
    pub fn streams(&self) -> usize {
        self.shared.lock().streams
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}
