//! The kinds that the server can know. Holds names only.

/// One kind of object in one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group, empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
}

impl Kind {
    /// `pods`, `jobs.batch`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `v1`, `batch/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

const fn kind(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural, namespaced: true }
}

/// What every cluster has.
pub const BUILT_IN: &[Kind] = &[
    Kind { namespaced: false, ..kind("", "v1", "Namespace", "namespaces") },
    Kind { namespaced: false, ..kind("", "v1", "Node", "nodes") },
    kind("", "v1", "Pod", "pods"),
    kind("", "v1", "Service", "services"),
    kind("", "v1", "Event", "events"),
    kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    kind("apps", "v1", "Deployment", "deployments"),
    kind("apps", "v1", "ReplicaSet", "replicasets"),
    kind("apps", "v1", "StatefulSet", "statefulsets"),
    kind("apps", "v1", "DaemonSet", "daemonsets"),
    kind("batch", "v1", "Job", "jobs"),
    kind("batch", "v1", "CronJob", "cronjobs"),
    kind("coordination.k8s.io", "v1", "Lease", "leases"),
    kind("events.k8s.io", "v1", "Event", "events"),
];

/// What some have.
pub const EXTRA: &[Kind] = &[
    kind("serving.kserve.io", "v1beta1", "InferenceService", "inferenceservices"),
    kind("serving.knative.dev", "v1", "Service", "services"),
    kind("serving.knative.dev", "v1", "Route", "routes"),
    kind("serving.knative.dev", "v1", "Configuration", "configurations"),
    kind("serving.knative.dev", "v1", "Revision", "revisions"),
    kind("networking.internal.knative.dev", "v1alpha1", "Ingress", "ingresses"),
    kind("machinelearning.seldon.io", "v1", "SeldonDeployment", "seldondeployments"),
    kind("argoproj.io", "v1alpha1", "Workflow", "workflows"),
    Kind { namespaced: false, ..kind("karpenter.sh", "v1", "NodeClaim", "nodeclaims") },
];
