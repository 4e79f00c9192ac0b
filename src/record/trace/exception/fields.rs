//! The exception that a JSON log tells by fields of its own: the error beside the stack.

use memchr::memmem;

use super::{message, owned, string_end};
use crate::event::Exception;

const STACKS: [&str; 4] = ["stacktrace", "stack_trace", "exception.stacktrace", "stack"];
const MESSAGES: [&str; 3] = ["error", "exception.message", "err"];

pub(super) fn find(text: &[u8]) -> Option<Exception> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let stack = STACKS.iter().find_map(|name| field(text, name)).filter(|stack| stack.contains(&b'\n'))?;
    let said = MESSAGES.iter().find_map(|name| field(text, name))?;
    let said = message(owned(said))?;
    Some(Exception { kind: None, message: Some(said), stacktrace: Some(owned(stack)) })
}

/// The text of a field, up to the next field or the end of the object.
fn field<'t>(text: &'t [u8], name: &str) -> Option<&'t [u8]> {
    let key = format!("\"{name}\":");
    let value = text[memmem::find(text, key.as_bytes())? + key.len()..].trim_ascii_start().strip_prefix(b"\"")?;
    Some(&value[..string_end(value, true)?])
}
