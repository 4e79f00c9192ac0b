//! Statements of a pod's status: of its containers, of its conditions, and of why it failed as a whole.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus};

use super::condition::{self, Condition};
use super::{Level, Object, Statement};
use crate::event::{Attribute, Value};
use crate::pattern::model::Origin;

/// Reasons to wait that pass by themselves.
const PASSING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What a pod's status says that isn't as it should be.
pub fn of_pod(pod: &Pod) -> Vec<Statement> {
    let Some(status) = &pod.status else { return Vec::new() };
    let object = Object::of("Pod", &pod.metadata);
    let mut statements: Vec<Statement> = failed(&object, status).into_iter().collect();
    let lists = [
        (true, &status.init_container_statuses),
        (false, &status.container_statuses),
        (false, &status.ephemeral_container_statuses),
    ];
    for (init, list) in lists {
        for container in list.iter().flatten() {
            let of = Container { object: &object, init, status: container };
            statements.extend(of.state(container.state.as_ref(), ""));
            statements.extend(of.state(container.last_state.as_ref(), "Last "));
        }
    }
    let conditions = status.conditions.iter().flatten().map(|condition| Condition {
        kind: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone().unwrap_or_default(),
        message: condition.message.clone().unwrap_or_default(),
        severity: String::new(),
        time: condition.last_transition_time.as_ref().map(|time| time.0),
    });
    // A pod that has done its work isn't ready any more.
    let done = |condition: &Condition| condition.reason == "PodCompleted";
    statements.extend(conditions.filter(|one| !done(one)).filter_map(|one| condition::statement(&object, one)));
    statements
}

/// Why the pod failed as a whole: it was evicted, or no node took it.
fn failed(object: &Object, status: &PodStatus) -> Option<Statement> {
    let reason = status.reason.clone().filter(|_| status.phase.as_deref() == Some("Failed"))?;
    Some(Statement {
        origin: Origin::Status,
        object: object.clone(),
        container: None,
        init: false,
        state: "Failed".to_owned(),
        reason,
        message: status.message.clone().unwrap_or_default(),
        level: Level::Error,
        time: None,
        count: 1,
        attributes: Vec::new(),
        resource: Arc::new(object.resource(None, None)),
        identity: format!("{}/status", object.identity()),
    })
}

struct Container<'a> {
    object: &'a Object,
    init: bool,
    status: &'a ContainerStatus,
}

impl Container<'_> {
    /// What a state says that isn't as it should be. `when` goes before it: the last state is the one before the present.
    fn state(&self, state: Option<&ContainerState>, when: &str) -> Option<Statement> {
        let state = state?;
        if let Some(waiting) = &state.waiting {
            let reason = waiting.reason.clone().unwrap_or_default();
            let message = waiting.message.clone().unwrap_or_default();
            let passing = reason.is_empty() || PASSING.contains(&reason.as_str());
            return (!passing).then(|| self.statement(format!("{when}Waiting"), reason, &message, None));
        }
        let terminated = state.terminated.as_ref().filter(|terminated| terminated.exit_code != 0)?;
        let reason = terminated.reason.clone().unwrap_or_else(|| unnamed(terminated));
        let mut message = format!("terminated with exit code {}", terminated.exit_code);
        if let Some(text) = terminated.message.as_deref().map(str::trim_end).filter(|text| !text.is_empty()) {
            message.push_str(": ");
            message.push_str(text);
        }
        let time = terminated.finished_at.as_ref().map(|time| time.0);
        let mut statement = self.statement(format!("{when}Terminated"), reason, &message, time);
        let code = Attribute { name: "process.exit.code", value: Value::Int(terminated.exit_code.into()) };
        statement.attributes.push(code);
        Some(statement)
    }

    fn statement(&self, state: String, reason: String, message: &str, time: Option<Timestamp>) -> Statement {
        let ContainerStatus { name, restart_count, image, .. } = self.status;
        let noun = if self.init { "init container" } else { "container" };
        let message = format!("{noun} {name} {message}");
        let image = Attribute { name: "container.image.name", value: Value::Text(image.clone()) };
        Statement {
            origin: Origin::Status,
            object: self.object.clone(),
            container: Some(name.clone()),
            init: self.init,
            level: Level::Error,
            message: message.trim_end().to_owned(),
            time,
            count: 1,
            attributes: vec![image],
            resource: Arc::new(self.object.resource(Some(name), Some((*restart_count).into()))),
            identity: format!("{}/{name}/{restart_count}/{state}", self.object.identity()),
            state,
            reason,
        }
    }
}

/// What `kubectl get pods` shows for an end without a reason.
fn unnamed(terminated: &ContainerStateTerminated) -> String {
    match terminated.signal {
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", terminated.exit_code),
    }
}
