//! The rights that are used, by what they are used for. RBAC in `deploy` grants these and no others; a test of the suite holds the calls of a whole
//! run against them.
//!
//! Discovery (`/api`, `/apis`) isn't here: every authenticated user has it.

/// Verbs on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The resource, with its subresource: `pods`, `pods/log`.
    pub resource: &'static str,
    /// `get`, `list`, `watch`, `create`, `update`.
    pub verbs: &'static [&'static str],
    /// What it is for.
    pub why: &'static str,
}

const fn access(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    why: &'static str,
) -> Access {
    Access { group, resource, verbs, why }
}

const GET: &[&str] = &["get"];
const FOLLOW: &[&str] = &["list", "watch"];

/// `kubernetes.metadata`.
pub const METADATA: &[Access] = &[
    access("", "pods", FOLLOW, "labels, image and owner of the pods on this node"),
    access("apps", "replicasets", GET, "the Deployment of a pod whose labels don't tell it"),
    access("batch", "jobs", GET, "the CronJob of a Job"),
];

/// `sources.kubernetes_events`.
pub const EVENTS: &[Access] = &[
    access("events.k8s.io", "events", FOLLOW, "what the cluster's controllers report"),
    access("", "pods", FOLLOW, "states of containers, conditions of pods"),
    access("serving.kserve.io", "inferenceservices", FOLLOW, "conditions"),
    access("serving.knative.dev", "services", FOLLOW, "conditions"),
    access("serving.knative.dev", "routes", FOLLOW, "conditions"),
    access("serving.knative.dev", "configurations", FOLLOW, "conditions"),
    access("serving.knative.dev", "revisions", FOLLOW, "conditions"),
    access("networking.internal.knative.dev", "ingresses", FOLLOW, "conditions"),
    access("machinelearning.seldon.io", "seldondeployments", FOLLOW, "state and its description"),
    access("argoproj.io", "workflows", FOLLOW, "phase and conditions"),
    access("karpenter.sh", "nodeclaims", FOLLOW, "conditions"),
];

/// `sources.kubernetes_events.lease`, in the namespace of the lease.
pub const LEASE: &[Access] = &[
    // RBAC can't hold `create` to a name.
    access("coordination.k8s.io", "leases", &["create"], "the lease, when there is none yet"),
    access("coordination.k8s.io", "leases", &["get", "update"], "which replica reads, by the lease's name"),
];

/// `sources.kubernetes_logs`, in the namespace of the pods.
pub const LOGS: &[Access] =
    &[access("", "pods", FOLLOW, "which pods and containers there are"), access("", "pods/log", GET, "their logs")];
