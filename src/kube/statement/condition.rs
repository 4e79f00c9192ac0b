//! Statements of the conditions of an object of any kind, and of what some kinds say beside.

use std::sync::Arc;

use jiff::Timestamp;
use kube::core::DynamicObject;
use serde_json::Value;

use super::{Level, Object, Statement, workflow};
use crate::pattern::model::Origin;

/// Conditions that say neither by `True` nor by `False` that something is wrong.
const NEUTRAL: [&str; 14] = [
    // KServe
    "Stopped",
    // Argo
    "Completed",
    "PodRunning",
    // Karpenter
    "Consolidatable",
    "DisruptionReason",
    "Drained",
    "Drifted",
    "Empty",
    "Expired",
    "InstanceTerminating",
    "VolumesDetached",
    // pods
    "PodReadyToStartContainers",
    "PodResizeInProgress",
    "PodResizePending",
];

/// Conditions that should not be `True`.
const BAD: [&str; 13] = [
    // deployments and replica sets
    "ReplicaFailure",
    // jobs
    "Failed",
    "FailureTarget",
    // Argo
    "ArtifactGCError",
    "MetricsError",
    "SpecError",
    "SpecWarning",
    "SubmissionError",
    // pods and nodes
    "DisruptionTarget",
    "DiskPressure",
    "MemoryPressure",
    "NetworkUnavailable",
    "PIDPressure",
];

/// A condition, whichever kind of object has it.
pub(super) struct Condition {
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: String,
    pub message: String,
    /// `Error` (or empty), `Warning` or `Info`.
    pub severity: String,
    pub time: Option<Timestamp>,
}

impl Condition {
    fn read(value: &Value) -> Option<Condition> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Condition {
            kind: value.get("type")?.as_str()?.to_owned(),
            status: value.get("status")?.as_str()?.to_owned(),
            reason: text("reason"),
            message: text("message"),
            severity: text("severity"),
            time: text("lastTransitionTime").parse().ok(),
        })
    }

    /// How bad it is; none if it is as it should be.
    fn level(&self) -> Option<Level> {
        let kind = self.kind.as_str();
        if NEUTRAL.contains(&kind) {
            return None;
        }
        let (good, bad) = if BAD.contains(&kind) { ("False", "True") } else { ("True", "False") };
        match (self.status.as_str(), self.severity.as_str()) {
            (status, _) if status == good => None,
            (_, "Info") => Some(Level::Info),
            (status, "" | "Error") if status == bad => Some(Level::Error),
            // What should not be and isn't known isn't there.
            _ if BAD.contains(&kind) && self.status != bad => None,
            _ => Some(Level::Warn),
        }
    }
}

/// What an object's status says that isn't as it should be. `kind` is the object's, which lists leave out.
pub fn of_object(kind: &str, object: &DynamicObject) -> Vec<Statement> {
    let Some(status) = object.data.get("status") else { return Vec::new() };
    let of = Object::of(kind, &object.metadata);
    let mut statements = match kind {
        "InferenceService" => model_failure(&of, status).into_iter().collect(),
        "SeldonDeployment" => state(&of, status).into_iter().collect(),
        "Workflow" => workflow::statements(&of, status),
        _ => Vec::new(),
    };
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    statements.extend(conditions.filter_map(Condition::read).filter_map(|condition| statement(&of, condition)));
    statements
}

/// What a condition says, if it isn't as it should be.
pub(super) fn statement(object: &Object, condition: Condition) -> Option<Statement> {
    let level = condition.level()?;
    Some(Statement {
        origin: Origin::Condition,
        object: object.clone(),
        container: None,
        init: false,
        state: format!("{} {}", condition.kind, condition.status),
        reason: condition.reason,
        message: condition.message,
        level,
        time: condition.time,
        count: 1,
        attributes: Vec::new(),
        resource: Arc::new(object.resource(None, None)),
        identity: format!("{}/{}", object.identity(), condition.kind),
    })
}

/// A statement of an object's status that is no condition.
pub(super) fn of_status(object: &Object, state: &str, reason: &str, message: &str) -> Statement {
    Statement {
        origin: Origin::Status,
        object: object.clone(),
        container: None,
        init: false,
        state: state.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        level: Level::Error,
        time: None,
        count: 1,
        attributes: Vec::new(),
        resource: Arc::new(object.resource(None, None)),
        identity: format!("{}/status", object.identity()),
    }
}

/// What KServe says of a model that could not be loaded.
fn model_failure(object: &Object, status: &Value) -> Option<Statement> {
    let model = status.get("modelStatus")?;
    let failure = model.get("lastFailureInfo")?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut statement =
        of_status(object, &text(model, "transitionStatus"), &text(failure, "reason"), &text(failure, "message"));
    statement.time = text(failure, "time").parse().ok();
    statement.identity.push_str("/model");
    Some(statement)
}

/// What Seldon says of a deployment that it could not make.
fn state(object: &Object, status: &Value) -> Option<Statement> {
    let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("state") == "Failed").then(|| of_status(object, "State", "Failed", text("description")))
}
