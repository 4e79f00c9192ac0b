//! The kinds of objects that a diagnosis knows: how they are called, and what they are made into.

use kube::core::ApiResource;

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// `InferenceService`.
    pub kind: &'static str,
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The version that is asked for.
    pub version: &'static str,
    /// `inferenceservices`.
    pub plural: &'static str,
    /// What else people call it.
    pub short: &'static [&'static str],
    /// What an object of it is made into, by kind, and how these are found.
    pub children: &'static [(&'static str, Link)],
}

/// How the objects are found that another one was made into. Whatever is found must name it as its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Only by that name: all of the namespace are looked at.
    Owner,
    /// They have this label, with the owner's name.
    Label(&'static str),
    /// They have the labels that the owner selects by.
    Selector,
}

const fn kind(
    kind: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    children: &'static [(&'static str, Link)],
) -> Kind {
    Kind { kind, group, version, plural, short, children }
}

const KSVC: &str = "KnativeService";
const POD: &[(&str, Link)] = &[("Pod", Link::Selector)];

/// Every kind, in the order in which they are listed to people.
pub const KINDS: &[Kind] = &[
    kind(
        "InferenceService",
        "serving.kserve.io",
        "v1beta1",
        "inferenceservices",
        &["isvc"],
        &[(KSVC, Link::Owner), ("Deployment", Link::Owner)],
    ),
    kind(
        "Service",
        "serving.knative.dev",
        "v1",
        "services",
        &["ksvc", "kservice"],
        &[
            ("Configuration", Link::Label("serving.knative.dev/service")),
            ("Route", Link::Label("serving.knative.dev/service")),
        ],
    ),
    kind(
        "SeldonDeployment",
        "machinelearning.seldon.io",
        "v1",
        "seldondeployments",
        &["sdep"],
        &[("Deployment", Link::Owner)],
    ),
    kind("Deployment", "apps", "v1", "deployments", &["deploy"], &[("ReplicaSet", Link::Selector)]),
    kind("Pod", "", "v1", "pods", &["po"], &[]),
    kind(
        "Workflow",
        "argoproj.io",
        "v1alpha1",
        "workflows",
        &["wf"],
        &[("Pod", Link::Label("workflows.argoproj.io/workflow"))],
    ),
    kind(
        "Configuration",
        "serving.knative.dev",
        "v1",
        "configurations",
        &["config", "cfg"],
        &[("Revision", Link::Label("serving.knative.dev/configuration"))],
    ),
    kind(
        "Revision",
        "serving.knative.dev",
        "v1",
        "revisions",
        &["rev"],
        &[("Deployment", Link::Label("serving.knative.dev/revision"))],
    ),
    kind(
        "Route",
        "serving.knative.dev",
        "v1",
        "routes",
        &["rt"],
        &[("Ingress", Link::Label("serving.knative.dev/route"))],
    ),
    kind("Ingress", "networking.internal.knative.dev", "v1alpha1", "ingresses", &["kingress", "king"], &[]),
    kind("ReplicaSet", "apps", "v1", "replicasets", &["rs"], POD),
    kind("StatefulSet", "apps", "v1", "statefulsets", &["sts"], POD),
    kind("DaemonSet", "apps", "v1", "daemonsets", &["ds"], POD),
    kind("Job", "batch", "v1", "jobs", &[], POD),
];

/// Names that Kubernetes has given to something else: `service` alone is none of Knative's.
const TAKEN: [&str; 4] = ["service", "services", "ingress", "ingresses"];

impl Kind {
    /// `inferenceservices.serving.kserve.io`, `pods`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// How the client asks for it.
    pub fn resource(&self) -> ApiResource {
        let version =
            if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) };
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: version,
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    /// The kind that another's list of children names.
    pub fn child(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| if name == KSVC { kind.short.contains(&"ksvc") } else { kind.kind == name })
    }

    /// The kind that a person means: by its short name, its kind, its plural, alone or with the group behind.
    pub fn named(name: &str) -> Option<&'static Kind> {
        let name = name.to_lowercase();
        KINDS.iter().find(|kind| kind.names().any(|own| own == name))
    }

    /// Everything it is called, in lower case.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let (singular, plural) = (self.kind.to_lowercase(), self.plural.to_owned());
        let full = [&singular, &plural].map(|name| format!("{name}.{}", self.group));
        let bare = [singular, plural].into_iter().filter(|name| !TAKEN.contains(&name.as_str()));
        let versioned = format!("{}.{}.{}", self.plural, self.version, self.group);
        let short = self.short.iter().map(|name| (*name).to_owned());
        bare.chain(short).chain(full.into_iter().chain([versioned]).filter(|_| !self.group.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_all_their_names() {
        let table = [
            ("isvc", Some("inferenceservices.serving.kserve.io")),
            ("InferenceService", Some("inferenceservices.serving.kserve.io")),
            ("inferenceservices.serving.kserve.io", Some("inferenceservices.serving.kserve.io")),
            ("inferenceservice.serving.kserve.io", Some("inferenceservices.serving.kserve.io")),
            ("ksvc", Some("services.serving.knative.dev")),
            ("services.serving.knative.dev", Some("services.serving.knative.dev")),
            ("deployments.v1.apps", Some("deployments.apps")),
            ("deploy", Some("deployments.apps")),
            ("po", Some("pods")),
            ("pods", Some("pods")),
            ("sdep", Some("seldondeployments.machinelearning.seldon.io")),
            ("wf", Some("workflows.argoproj.io")),
            ("service", None),
            ("ingress", None),
            ("pods.", None),
            ("", None),
        ];
        for (name, want) in table {
            assert_eq!(Kind::named(name).map(Kind::full_name).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn names_are_of_one_kind_and_children_are_kinds() {
        for kind in KINDS {
            for name in kind.names() {
                assert_eq!(Kind::named(&name), Some(kind), "{name}");
            }
            for (child, _) in kind.children {
                assert!(Kind::child(child).is_some(), "{child}");
            }
        }
        assert_eq!(Kind::child(KSVC).map(|kind| kind.group), Some("serving.knative.dev"));
    }
}
