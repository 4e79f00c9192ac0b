//! Statements of an Argo workflow: of itself and of its nodes, which are its steps.

use serde_json::Value;

use super::condition::of_status;
use super::{Level, Object, Statement};

/// A workflow may have thousands of nodes that failed alike. Beyond so many the rest says nothing new.
const NODES: usize = 64;

/// What a workflow's status says that isn't as it should be. Nodes that ended last come first.
pub(super) fn statements(object: &Object, status: &Value) -> Vec<Statement> {
    let mut statements: Vec<Statement> = failure(object, status).into_iter().collect();
    let nodes = status.get("nodes").and_then(Value::as_object).into_iter().flatten();
    let mut failed: Vec<Statement> = nodes.filter_map(|(id, node)| of_node(object, id, node)).collect();
    failed.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.identity.cmp(&b.identity)));
    failed.truncate(NODES);
    statements.extend(failed);
    statements
}

/// What is said of a step. Steps that only hold others repeat what these say.
fn of_node(object: &Object, id: &str, node: &Value) -> Option<Statement> {
    let pod = node.get("type").and_then(Value::as_str) == Some("Pod");
    let mut statement = failure(object, node).filter(|_| pod)?;
    let name = node.get("displayName").and_then(Value::as_str).unwrap_or(id);
    statement.message = format!("step {name}: {}", statement.message);
    statement.identity = format!("{}/{id}", statement.identity);
    Some(statement)
}

/// Why it failed, or why it waits.
fn failure(object: &Object, status: &Value) -> Option<Statement> {
    let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
    let (phase, message) = (text("phase"), text("message"));
    let level = match phase {
        "Failed" | "Error" => Level::Error,
        "Pending" if !message.is_empty() && message != "PodInitializing" => Level::Warn,
        _ => return None,
    };
    let mut statement = of_status(object, "Phase", phase, message);
    statement.level = level;
    statement.time = text("finishedAt").parse().ok();
    Some(statement)
}
