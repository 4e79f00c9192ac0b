//! Whether an object is as it should be, in one word.

use kube::core::DynamicObject;
use serde_json::Value;

/// Ready, or done. None if the object says neither this nor the opposite: it may have just been made.
pub(super) fn ready(kind: &str, object: &DynamicObject) -> Option<bool> {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str);
    match kind {
        "SeldonDeployment" => match text("/status/state")? {
            "Available" => Some(true),
            "Failed" => Some(false),
            _ => None,
        },
        "Workflow" | "Pod" if matches!(text("/status/phase"), Some("Failed" | "Error")) => Some(false),
        "Workflow" | "Pod" if text("/status/phase") == Some("Succeeded") => Some(true),
        "Workflow" => None,
        "Deployment" => {
            condition(object, "Available").filter(|_| condition(object, "Progressing") != Some(false)).or(Some(false))
        }
        "ReplicaSet" | "StatefulSet" => {
            let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64);
            Some(number("/status/readyReplicas").unwrap_or(0) >= number("/spec/replicas").unwrap_or(1))
        }
        "DaemonSet" => {
            let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64);
            Some(number("/status/numberReady") >= number("/status/desiredNumberScheduled"))
        }
        "Job" => {
            condition(object, "Complete").filter(|done| *done).or(condition(object, "Failed").map(|failed| !failed))
        }
        _ => condition(object, "Ready"),
    }
}

fn condition(object: &DynamicObject, kind: &str) -> Option<bool> {
    let conditions = object.data.pointer("/status/conditions")?.as_array()?;
    let those = conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))?;
    match those.get("status").and_then(Value::as_str)? {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_says_it_its_own_way() {
        let conditions = |list: &[(&str, &str)]| {
            let list: Vec<Value> =
                list.iter().map(|(kind, status)| json!({ "type": kind, "status": status })).collect();
            json!({ "status": { "conditions": list } })
        };
        let table = [
            ("InferenceService", conditions(&[("PredictorReady", "True"), ("Ready", "False")]), Some(false)),
            ("Service", conditions(&[("Ready", "Unknown")]), None),
            ("Pod", conditions(&[("Ready", "True")]), Some(true)),
            ("Pod", json!({ "status": { "phase": "Succeeded" } }), Some(true)),
            ("Pod", json!({ "status": { "phase": "Failed" } }), Some(false)),
            ("Workflow", json!({ "status": { "phase": "Running" } }), None),
            ("Workflow", json!({ "status": { "phase": "Error" } }), Some(false)),
            ("SeldonDeployment", json!({ "status": { "state": "Available" } }), Some(true)),
            ("SeldonDeployment", json!({ "status": { "state": "Creating" } }), None),
            ("SeldonDeployment", json!({}), None),
            ("Deployment", conditions(&[("Available", "True"), ("Progressing", "True")]), Some(true)),
            ("Deployment", conditions(&[("Available", "True"), ("Progressing", "False")]), Some(false)),
            ("Deployment", conditions(&[("Available", "False")]), Some(false)),
            ("Job", conditions(&[("Complete", "True")]), Some(true)),
            ("Job", conditions(&[("Failed", "True")]), Some(false)),
            ("StatefulSet", json!({ "spec": { "replicas": 2 }, "status": { "readyReplicas": 1 } }), Some(false)),
            ("DaemonSet", json!({ "status": { "numberReady": 3, "desiredNumberScheduled": 3 } }), Some(true)),
        ];
        for (kind, data, want) in table {
            let mut object: DynamicObject = serde_json::from_value(json!({ "metadata": {} })).unwrap();
            object.data = data.clone();
            assert_eq!(ready(kind, &object), want, "{kind} {data}");
        }
    }
}
