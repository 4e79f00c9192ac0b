//! The resource of an event: the semantic conventions' names for the container whose log it was.

use super::{Attribute, Resource, Value};
use crate::frame::path::LogPath;

/// The resource of a log of which the container's name is known at most.
pub fn of_container(name: Option<&str>) -> Resource {
    let attribute = |name: &str| Attribute { name: "k8s.container.name", value: Value::Text(name.to_owned()) };
    Resource { attributes: name.map(attribute).into_iter().collect() }
}

/// The resource that a log file's path speaks of. What only the cluster knows (owner, labels, `service.name`) isn't in it.
pub fn resource(path: &LogPath) -> Resource {
    let instance = format!("{}.{}.{}", path.namespace, path.pod, path.container);
    let attributes = [
        text("k8s.namespace.name", Some(&path.namespace)),
        text("k8s.pod.name", Some(&path.pod)),
        text("k8s.pod.uid", path.uid.as_ref()),
        text("k8s.container.name", Some(&path.container)),
        path.restart.map(|count| Attribute { name: "k8s.container.restart_count", value: Value::Int(count.into()) }),
        text("container.id", path.container_id.as_ref()),
        text("service.namespace", Some(&path.namespace)),
        text("service.instance.id", Some(&instance)),
    ];
    Resource { attributes: attributes.into_iter().flatten().collect() }
}

fn text(name: &'static str, value: Option<&String>) -> Option<Attribute> {
    value.map(|value| Attribute { name, value: Value::Text(value.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::path;

    #[test]
    fn a_pod_log_names_its_container() {
        let path =
            path::parse("/var/log/pods/orchard_pear-0_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/press/4.log").unwrap();
        let resource = resource(&path);
        let count = resource.attributes.iter().find(|a| a.name == "k8s.container.restart_count").unwrap();
        assert_eq!(resource.text("k8s.namespace.name"), Some("orchard"));
        assert_eq!(resource.text("k8s.pod.name"), Some("pear-0"));
        assert_eq!(resource.text("k8s.pod.uid"), Some("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"));
        assert_eq!(resource.text("k8s.container.name"), Some("press"));
        assert_eq!(count.value, Value::Int(4));
        assert_eq!(resource.text("service.namespace"), Some("orchard"));
        assert_eq!(resource.text("service.instance.id"), Some("orchard.pear-0.press"));
        assert_eq!(resource.text("service.name"), None);
    }

    #[test]
    fn a_symlink_has_an_id_but_no_uid() {
        let id = "ab".repeat(32);
        let path = path::parse(&format!("pear-0_orchard_press-{id}.log")).unwrap();
        let resource = resource(&path);
        assert_eq!(resource.text("container.id"), Some(id.as_str()));
        assert!(resource.attributes.iter().all(|a| !["k8s.pod.uid", "k8s.container.restart_count"].contains(&a.name)));
    }
}
