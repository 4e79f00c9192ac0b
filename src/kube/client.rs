//! The way to a cluster: a client by kubeconfig or from within a pod, and what can go wrong there, in words that say how to mend it.
//!
//! Knows nothing of what is asked for.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use thiserror::Error;

/// A connection is made within this time, or the server is as good as absent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing comes for so long is dead: a watch is ended by the server before it.
const READ_TIMEOUT: Duration = Duration::from_secs(330);

/// Which cluster, where the environment isn't to decide.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// A kubeconfig, instead of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it, instead of its current one.
    pub context: Option<String>,
}

/// A client, and what it is called.
#[derive(Clone)]
pub struct Connection {
    /// Asks the server.
    pub client: Client,
    /// The server's URL.
    pub server: String,
    /// The namespace of the context, or of the pod that this is.
    pub namespace: String,
}

/// What was asked for, as an RBAC rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`.
    pub verb: &'static str,
    /// The API group, empty for the core group.
    pub group: String,
    /// The resource, with its subresource: `pods`, `pods/log`.
    pub resource: String,
    /// The namespace; none for all of them.
    pub namespace: Option<String>,
}

impl Request {
    /// A verb on a resource of a group.
    pub fn new(verb: &'static str, group: &str, resource: &str, namespace: Option<&str>) -> Request {
        Request { verb, group: group.into(), resource: resource.into(), namespace: namespace.map(str::to_owned) }
    }

    /// `pods`, `jobs.batch`.
    fn full_resource(&self) -> String {
        if self.group.is_empty() { self.resource.clone() } else { format!("{}.{}", self.resource, self.group) }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.full_resource())?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// Why the cluster can't be asked, or does not answer as it should.
#[derive(Debug, Error)]
pub enum Error {
    /// Neither a kubeconfig nor a pod's service account.
    #[error(
        "no cluster is configured: {0} (set KUBECONFIG, or put a kubeconfig at ~/.kube/config; within a pod, mount its service account's token)"
    )]
    NoConfig(String),
    /// A kubeconfig that can't be used.
    #[error("the kubeconfig can't be used: {0}")]
    BadConfig(String),
    /// Nobody answers.
    #[error("the API server {server} can't be reached: {why} (is it up, and does the network lead there?)")]
    Unreachable {
        /// Its URL.
        server: String,
        /// What the network said.
        why: String,
    },
    /// 401.
    #[error(
        "the API server {server} does not accept the credentials (401): the token may have expired, or the context is another cluster's"
    )]
    Unauthorized {
        /// Its URL.
        server: String,
    },
    /// 403.
    #[error("not allowed to {request} (403): RBAC grants no `{verb}` on `{resource}`; {hint}", verb = request.verb, resource = request.full_resource(), hint = can_i(request))]
    Forbidden {
        /// What is not allowed.
        request: Request,
    },
    /// 404.
    #[error("not found: {0}")]
    NotFound(String),
    /// 409: somebody else was faster.
    #[error("somebody else has changed it meanwhile: {0}")]
    Conflict(String),
    /// 410: the version that was asked for is forgotten.
    #[error("the server has forgotten that version: {0}")]
    Gone(String),
    /// Any other refusal of the server.
    #[error("the API server refuses to {request} ({code}): {why}")]
    Refused {
        /// What was asked for.
        request: Request,
        /// The status.
        code: u16,
        /// The server's own words.
        why: String,
    },
    /// An answer that isn't one.
    #[error("the answer to {request} can't be read: {why}")]
    Unreadable {
        /// What was asked for.
        request: Request,
        /// What is wrong with it.
        why: String,
    },
}

/// How to see for oneself.
fn can_i(request: &Request) -> String {
    let scope = request.namespace.as_ref().map_or("-A".to_owned(), |namespace| format!("-n {namespace}"));
    format!("see `kubectl auth can-i {} {} {scope}`", request.verb, request.full_resource())
}

impl Error {
    /// One word for a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::NoConfig(_) | Error::BadConfig(_) => "config",
            Error::Unreachable { .. } => "unreachable",
            Error::Unauthorized { .. } => "unauthorized",
            Error::Forbidden { .. } => "forbidden",
            Error::NotFound(_) => "not_found",
            Error::Conflict(_) => "conflict",
            Error::Gone(_) => "gone",
            Error::Refused { .. } => "refused",
            Error::Unreadable { .. } => "unreadable",
        }
    }
}

impl Connection {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::NoConfig`], [`Error::BadConfig`].
    pub async fn open(choice: &Choice) -> Result<Connection, Error> {
        // Only a second call can fail, and then there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = configuration(choice).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        // Whoever asks decides how often: the client's own patience is a matter of minutes.
        config.default_retry = false;
        let (server, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| Error::BadConfig(told(&error)))?;
        Ok(Connection { client, server: server.trim_end_matches('/').to_owned(), namespace })
    }

    /// What an error of the client means.
    pub fn failure(&self, error: kube::Error, request: Request) -> Error {
        let server = self.server.clone();
        match error {
            kube::Error::Api(status) => self.refusal(&status, request),
            kube::Error::SerdeError(error) => Error::Unreadable { request, why: error.to_string() },
            kube::Error::Auth(error) => Error::BadConfig(told(&error)),
            error => Error::Unreachable { server, why: told(&error) },
        }
    }

    /// What a status of the server means.
    pub fn refusal(&self, status: &kube::core::Status, request: Request) -> Error {
        let why = status.message.clone();
        match status.code {
            401 => Error::Unauthorized { server: self.server.clone() },
            403 => Error::Forbidden { request },
            404 => Error::NotFound(why),
            409 => Error::Conflict(why),
            410 => Error::Gone(why),
            code => Error::Refused { request, code, why },
        }
    }
}

async fn configuration(choice: &Choice) -> Result<kube::Config, Error> {
    let options = KubeConfigOptions { context: choice.context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = &choice.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(bad)?;
        return kube::Config::from_custom_kubeconfig(file, &options).await.map_err(bad);
    }
    let missing = match kube::Config::from_kubeconfig(&options).await {
        Ok(config) => return Ok(config),
        Err(KubeconfigError::ReadConfig(error, path)) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("there is no {}", path.display())
        }
        Err(KubeconfigError::FindPath) => "there is no home folder".to_owned(),
        Err(error) => return Err(bad(error)),
    };
    kube::Config::incluster()
        .map_err(|error| Error::NoConfig(format!("{missing}, and this is no pod: {}", told(&error))))
}

fn bad(error: KubeconfigError) -> Error {
    Error::BadConfig(told(&error))
}

/// An error with its causes, each once: many repeat theirs in their own words.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[path = "client_tests.rs"]
pub(crate) mod tests;
