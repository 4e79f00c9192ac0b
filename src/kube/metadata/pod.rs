//! What is kept of a pod: only what events are told of. Pure.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{Choice, names};
use crate::event::{Attribute, Resource, Value};

/// Static pods: their log folder has the hash where others have the uid.
const HASHES: [&str; 2] = ["kubernetes.io/config.hash", "kubernetes.io/config.mirror"];
/// Labels by which operators say which of their objects a pod belongs to.
const OPERATORS: [(&str, &str); 3] = [
    ("serving.kserve.io/inferenceservice", "faultscope.k8s.inferenceservice.name"),
    ("seldon-deployment-id", "faultscope.k8s.seldondeployment.name"),
    ("serving.knative.dev/service", "faultscope.k8s.knative.service.name"),
];
/// Annotations and labels that give `service.name`, in the convention's order. The labels count only where they are taken over.
const SERVICE_NAME: &str = "resource.opentelemetry.io/service.name";
const SERVICE_LABELS: [&str; 2] = ["app.kubernetes.io/instance", "app.kubernetes.io/name"];
/// What gives it otherwise, in the convention's order.
const SERVICE_OWNERS: [&str; 7] = [
    "k8s.deployment.name",
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "k8s.pod.name",
];
/// Annotations that replace what is known of the service.
const SERVICE_ANNOTATIONS: [(&str, &str); 3] = [
    ("resource.opentelemetry.io/service.namespace", "service.namespace"),
    ("resource.opentelemetry.io/service.instance.id", "service.instance.id"),
    ("resource.opentelemetry.io/service.version", "service.version"),
];
/// Longer values are cut. Bytes.
const VALUE_BYTES: usize = 1 << 10;

/// An object whose own owner has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unresolved {
    /// A ReplicaSet whose Deployment the pod's labels don't tell.
    ReplicaSet(String),
    /// A Job that may be a CronJob's.
    Job(String),
}

/// One pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// What its log folder has instead of the uid.
    pub hashes: Vec<String>,
    /// Node, owners, labels and annotations.
    attributes: Vec<Attribute>,
    /// `service.name`, if an annotation or a label gives it.
    service: Option<String>,
    /// What goes before what is known otherwise.
    replaced: Vec<Attribute>,
    /// Containers and their images.
    images: Vec<(String, String)>,
    /// Whose owner is to be looked up.
    pub unresolved: Option<Unresolved>,
}

pub(super) fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value[..value.floor_char_boundary(VALUE_BYTES)].to_owned()) }
}

impl Known {
    /// What there is to keep.
    pub fn of(pod: &Pod, choice: &Choice) -> Known {
        let metadata = &pod.metadata;
        let label = |key: &str| metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
        let annotation = |key: &str| metadata.annotations.as_ref().and_then(|all| all.get(key)).map(String::as_str);
        let mut known = Known {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            hashes: HASHES.iter().filter_map(|key| annotation(key)).map(str::to_owned).collect(),
            ..Known::default()
        };
        let spec = pod.spec.as_ref();
        known
            .attributes
            .extend(spec.and_then(|spec| spec.node_name.as_deref()).map(|node| text("k8s.node.name", node)));
        known.own(metadata, label("pod-template-hash"));
        known.attributes.extend(OPERATORS.iter().filter_map(|(key, name)| Some(text(name, label(key)?))));
        known.take_over(metadata, choice);
        let by_label = |key: &&str| choice.labels.iter().any(|glob| glob.matches(key));
        let labels = SERVICE_LABELS.iter().filter(|key| by_label(key)).find_map(|key| label(key));
        known.service = annotation(SERVICE_NAME).or(labels).map(str::to_owned);
        let replaced = SERVICE_ANNOTATIONS.iter().filter_map(|(key, name)| Some(text(name, annotation(key)?)));
        known.replaced = replaced.collect();
        let containers =
            spec.into_iter().flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
        known.images = containers.filter_map(|c| Some((c.name.clone(), c.image.clone()?))).collect();
        known
    }

    /// Notes the owner, and the owner's owner as far as names tell it.
    fn own(&mut self, metadata: &ObjectMeta, hash: Option<&str>) {
        let Some(owner) = controller(metadata) else { return };
        self.attributes.extend(owner_attributes(&owner.kind, &owner.name, &owner.uid));
        match owner.kind.as_str() {
            "ReplicaSet" => match hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-')) {
                Some(deployment) => self.attributes.push(text("k8s.deployment.name", deployment)),
                None => self.unresolved = Some(Unresolved::ReplicaSet(owner.name.clone())),
            },
            "Job" => self.unresolved = Some(Unresolved::Job(owner.name.clone())),
            _ => {}
        }
    }

    /// Labels and annotations that were chosen.
    fn take_over(&mut self, metadata: &ObjectMeta, choice: &Choice) {
        let sets = [
            ("k8s.pod.label.", &choice.labels, &metadata.labels),
            ("k8s.pod.annotation.", &choice.annotations, &metadata.annotations),
        ];
        for (prefix, globs, all) in sets {
            for (key, value) in all.iter().flatten().filter(|(key, _)| globs.iter().any(|glob| glob.matches(key))) {
                self.attributes.extend(names::name(prefix, key).map(|name| text(name, value)));
            }
        }
    }

    /// The owner's owner is this.
    pub fn resolve(&mut self, owner: &OwnerReference) {
        self.attributes.extend(owner_attributes(&owner.kind, &owner.name, &owner.uid));
        self.unresolved = None;
    }

    /// A resource of this pod's with everything that is known of it. What it says itself stays as it is.
    pub fn describe(&self, resource: &Resource) -> Resource {
        let mut attributes = resource.attributes.clone();
        let container = resource.text("k8s.container.name");
        let image = self.images.iter().find(|(name, _)| Some(name.as_str()) == container);
        let mut more = self.attributes.clone();
        more.extend(image.map(|(_, image)| text("container.image.name", image)));
        for attribute in more {
            if attributes.iter().all(|known| known.name != attribute.name) {
                attributes.push(attribute);
            }
        }
        for attribute in &self.replaced {
            attributes.retain(|known| known.name != attribute.name);
            attributes.push(attribute.clone());
        }
        let mut resource = Resource { attributes };
        let by_owner = || SERVICE_OWNERS.iter().find_map(|name| resource.text(name)).unwrap_or(&self.name).to_owned();
        let service = text("service.name", &self.service.clone().unwrap_or_else(by_owner));
        resource.attributes.retain(|known| known.name != service.name);
        resource.attributes.push(service);
        resource
    }
}

/// The owner that acts on an object.
pub(super) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// An owner by the semantic conventions' names, if they have some for its kind.
fn owner_attributes(kind: &str, name: &str, uid: &str) -> Vec<Attribute> {
    let (name_of, uid_of) = match kind {
        "Deployment" => ("k8s.deployment.name", "k8s.deployment.uid"),
        "ReplicaSet" => ("k8s.replicaset.name", "k8s.replicaset.uid"),
        "StatefulSet" => ("k8s.statefulset.name", "k8s.statefulset.uid"),
        "DaemonSet" => ("k8s.daemonset.name", "k8s.daemonset.uid"),
        "Job" => ("k8s.job.name", "k8s.job.uid"),
        "CronJob" => ("k8s.cronjob.name", "k8s.cronjob.uid"),
        _ => return Vec::new(),
    };
    vec![text(name_of, name), text(uid_of, uid)]
}
