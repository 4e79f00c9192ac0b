//! Which object a statement is about, and what an event says of it.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::event::{Attribute, Resource, Value};

/// An object of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    /// `Pod`, `InferenceService`, …
    pub kind: String,
    /// None for what belongs to no namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid; empty if it isn't known.
    pub uid: String,
}

impl fmt::Display for Object {
    /// `pod/iris-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

impl Object {
    /// The object that has this metadata.
    pub fn of(kind: &str, metadata: &ObjectMeta) -> Object {
        Object {
            kind: kind.to_owned(),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
        }
    }

    /// By what it is known when it is read again.
    pub fn identity(&self) -> String {
        if self.uid.is_empty() {
            format!("{}/{}", self.namespace.as_deref().unwrap_or_default(), self)
        } else {
            self.uid.clone()
        }
    }

    /// What an event about the object, or about a container of it, is about.
    pub fn resource(&self, container: Option<&str>, restarts: Option<i64>) -> Resource {
        let named = |name: &'static str, value: &str| (!value.is_empty()).then(|| text(name, value));
        let mut attributes: Vec<Attribute> = Vec::new();
        attributes.extend(self.namespace.as_deref().and_then(|namespace| named("k8s.namespace.name", namespace)));
        match known(&self.kind) {
            Some((name, uid)) => {
                attributes.extend([named(name, &self.name), named(uid, &self.uid)].into_iter().flatten())
            }
            None => attributes.extend([
                text("faultscope.k8s.object.kind", &self.kind),
                text("faultscope.k8s.object.name", &self.name),
            ]),
        }
        attributes.extend(container.map(|container| text("k8s.container.name", container)));
        let restarts =
            restarts.map(|count| Attribute { name: "k8s.container.restart_count", value: Value::Int(count) });
        attributes.extend(restarts);
        if let Some(namespace) = self.namespace.as_deref() {
            attributes.push(text("service.namespace", namespace));
            let instance = container.map(|container| format!("{namespace}.{}.{container}", self.name));
            attributes.extend(instance.map(|instance| text("service.instance.id", &instance)));
        }
        Resource { attributes }
    }
}

/// The semantic conventions' names for the name and the uid of an object of this kind.
fn known(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "Pod" => ("k8s.pod.name", "k8s.pod.uid"),
        "Deployment" => ("k8s.deployment.name", "k8s.deployment.uid"),
        "ReplicaSet" => ("k8s.replicaset.name", "k8s.replicaset.uid"),
        "StatefulSet" => ("k8s.statefulset.name", "k8s.statefulset.uid"),
        "DaemonSet" => ("k8s.daemonset.name", "k8s.daemonset.uid"),
        "Job" => ("k8s.job.name", "k8s.job.uid"),
        "CronJob" => ("k8s.cronjob.name", "k8s.cronjob.uid"),
        "Node" => ("k8s.node.name", "k8s.node.uid"),
        _ => return None,
    })
}

fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value.to_owned()) }
}
