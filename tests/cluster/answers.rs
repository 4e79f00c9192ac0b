//! How answers look: JSON, and the `Status` objects by which a server says no, in its own words.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::kinds::Kind;

pub fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": message,
    })
}

fn refused(code: u16, reason: &str, message: &str) -> Response {
    let mut response = json(&status(code, reason, message));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

pub fn unauthorized() -> Response {
    refused(401, "Unauthorized", "Unauthorized")
}

pub fn forbidden(verb: &str, kind: &Kind, resource: &str, namespace: Option<&str>) -> Response {
    let (plural, group) = (resource, kind.group);
    let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    let scope = namespace.map_or("at the cluster scope".into(), |name| format!("in the namespace \"{name}\""));
    let user = "system:serviceaccount:observability:faultscope";
    let message = format!(
        "{full} is forbidden: User \"{user}\" cannot {verb} resource \"{plural}\" in API group \"{group}\" {scope}"
    );
    refused(403, "Forbidden", &message)
}

pub fn no_such_resource() -> Response {
    refused(404, "NotFound", "the server could not find the requested resource")
}

pub fn not_found(kind: &Kind, name: &str) -> Response {
    refused(404, "NotFound", &format!("{} \"{name}\" not found", kind.full_name()))
}

pub fn exists(kind: &Kind, name: &str) -> Response {
    refused(409, "AlreadyExists", &format!("{} \"{name}\" already exists", kind.full_name()))
}

pub fn conflict(kind: &Kind, name: &str) -> Response {
    let message = format!(
        "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
        kind.full_name()
    );
    refused(409, "Conflict", &message)
}

pub fn bad_request(message: &str) -> Response {
    refused(400, "BadRequest", message)
}

pub fn no_such_verb() -> Response {
    refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

/// What a list or a watch of forgotten versions gets.
pub fn gone(asked: u64, oldest: u64) -> Value {
    status(410, "Expired", &format!("too old resource version: {asked} ({oldest})"))
}

pub fn expired() -> Response {
    refused(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
}
