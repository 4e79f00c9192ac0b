//! Label and field selectors, as far as the client's go: `=`, `==`, `!=`, `in`, `notin`, a key alone, `!key`.

use serde_json::Value;

/// What a request selects.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    labels: Vec<String>,
    fields: Vec<String>,
}

impl Selector {
    pub fn new(labels: Option<&String>, fields: Option<&String>) -> Selector {
        Selector { labels: parts(labels), fields: parts(fields) }
    }

    pub fn takes(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str).map(str::to_owned);
        let field = |path: &str| {
            let value = object.pointer(&format!("/{}", path.replace('.', "/")));
            Some(value.and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        self.labels.iter().all(|part| holds(part, label)) && self.fields.iter().all(|part| holds(part, field))
    }
}

/// The parts between commas, those in parentheses left whole.
fn parts(selector: Option<&String>) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in selector.map(String::as_str).unwrap_or_default().chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        match parts.last_mut() {
            Some(last) if letter != ',' || depth > 0 => last.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn holds(part: &str, value: impl Fn(&str) -> Option<String>) -> bool {
    let listed = |key: &str, list: &str| {
        let list = list.trim_matches(|c| "() ".contains(c));
        value(key.trim()).is_some_and(|value| list.split(',').any(|item| item.trim() == value))
    };
    if let Some((key, list)) = part.split_once(" notin ") {
        !listed(key, list)
    } else if let Some((key, list)) = part.split_once(" in ") {
        listed(key, list)
    } else if let Some((key, wanted)) = part.split_once("!=") {
        value(key).as_deref() != Some(wanted)
    } else if let Some((key, wanted)) = part.split_once('=') {
        value(key).as_deref() == Some(wanted.trim_start_matches('='))
    } else if let Some(key) = part.strip_prefix('!') {
        value(key).is_none()
    } else {
        value(part).is_some()
    }
}
