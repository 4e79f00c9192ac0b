//! Which replica reads: the one that holds a Lease, by the rules of client-go's leader election.
//!
//! A holder renews every few seconds; one whose renewals have not been seen for the lease's length is taken to be gone, by our own clock alone, since
//! clocks of machines differ. Writes carry the version that was read, so of two that want it one is told that it was late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use crate::kube::client::{Connection, Error, Request};
use crate::kube::health::Health;

/// What metrics call it.
const NAME: &str = "lease";
/// Without a renewal for so long, the holder is gone.
const LENGTH: Duration = Duration::from_secs(15);
/// A holder that can't renew for so long reads no more: before anybody else may begin.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two attempts, and how long one may take.
const PERIOD: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Which lease, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The name of this replica.
    pub identity: String,
}

/// Somebody's latest renewal, and when we first saw it.
struct Seen {
    renewal: Option<Timestamp>,
    holder: String,
    at: Instant,
}

/// One who wants the lease.
struct Candidate {
    choice: Choice,
    connection: Connection,
    seen: Option<Seen>,
}

/// Tries to get the lease, and to keep it, for ever. `leads` says whether it is held.
pub(super) async fn hold(choice: Choice, connection: Connection, health: Arc<Health>, leads: watch::Sender<bool>) {
    let mut candidate = Candidate { choice, connection, seen: None };
    let mut renewed: Option<Instant> = None;
    health.begun(NAME);
    loop {
        let outcome = tokio::time::timeout(TIMEOUT, candidate.attempt()).await;
        match outcome.unwrap_or_else(|_| Err(candidate.silence())) {
            Ok(held) => {
                health.up(NAME);
                renewed = held.then(Instant::now);
            }
            // Somebody else was faster; the next look tells who.
            Err(error @ Error::Conflict(_)) => health.hitch(NAME, &error),
            Err(error) => health.failed(NAME, &error),
        }
        let held = renewed.is_some_and(|at| at.elapsed() < DEADLINE);
        if leads.send_replace(held) != held {
            tracing::info!(lease = candidate.choice.name, held, "this replica reads what the cluster says: {held}");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

impl Candidate {
    fn api(&self) -> Api<Lease> {
        Api::namespaced(self.connection.client.clone(), &self.choice.namespace)
    }

    fn failure(&self, verb: &'static str, error: kube::Error) -> Error {
        let request = Request::new(verb, "coordination.k8s.io", "leases", Some(&self.choice.namespace));
        self.connection.failure(error, request)
    }

    fn silence(&self) -> Error {
        let why = format!("no answer within {} s", TIMEOUT.as_secs());
        Error::Unreachable { server: self.connection.server.clone(), why }
    }

    /// Looks at the lease and takes or renews it, if that may be. Whether it is ours.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let api = self.api();
        let there = api.get_opt(&self.choice.name).await.map_err(|error| self.failure("get", error))?;
        let Some(lease) = there else {
            let made = api.create(&PostParams::default(), &self.lease(None)).await;
            return made.map(|_| true).map_err(|error| self.failure("create", error));
        };
        if !self.may_take(&lease) {
            return Ok(false);
        }
        let renewed = self.lease(Some(lease));
        let kept = api.replace(&self.choice.name, &PostParams::default(), &renewed).await;
        kept.map(|_| true).map_err(|error| self.failure("update", error))
    }

    /// Is it ours, nobody's, or that of one who is gone?
    fn may_take(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        let renewal = spec.renew_time.map(|time| time.0);
        if holder.is_empty() || holder == self.choice.identity {
            return true;
        }
        let known =
            self.seen.as_ref().filter(|seen| seen.renewal == renewal && seen.holder == holder).map(|seen| seen.at);
        let at = known.unwrap_or_else(Instant::now);
        self.seen = Some(Seen { renewal, holder, at });
        let length = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        at.elapsed() > length.map_or(LENGTH, Duration::from_secs)
    }

    /// The lease, held by us from now on.
    fn lease(&self, there: Option<Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let name = Some(self.choice.name.clone());
        let fresh = ObjectMeta { name, namespace: Some(self.choice.namespace.clone()), ..ObjectMeta::default() };
        let before = there.as_ref().and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let ours = before.holder_identity.as_deref() == Some(self.choice.identity.as_str());
        let changes = before.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(self.choice.identity.clone()),
            lease_duration_seconds: i32::try_from(LENGTH.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| ours).or_else(|| Some(now.clone())),
            lease_transitions: Some(if ours { changes } else { changes.saturating_add(1) }),
            renew_time: Some(now),
            ..before
        };
        Lease { metadata: there.map_or(fresh, |lease| lease.metadata), spec: Some(spec) }
    }
}
