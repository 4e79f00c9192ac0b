//! Puts every pack under `patterns/` into the binary, as it is written and as JSON, for `pattern::BUILTIN`.
//!
//! YAML takes long to read, with a place for every mistake, and so do regular expressions; the same are read by every start. The JSON of a
//! pack is a list of (line, pattern) pairs and one of the patterns' examples, which matching does without, and what the engine wants to know of expressions is a table of its own. A pack that isn't right has none, so that a start reads the text and says what is wrong.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::{Value, json};

#[allow(dead_code, reason = "the engine needs more of it")]
#[path = "src/engine/expression.rs"]
mod expression;
#[allow(dead_code, reason = "the engine needs more of it")]
#[path = "src/engine/required.rs"]
mod required;
#[allow(dead_code, unused_imports, reason = "the room offers more than is needed here")]
#[path = "src/yaml/mod.rs"]
mod yaml;

fn packs(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            packs(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

/// A pack as JSON; nothing if it isn't right.
fn as_json(text: &str) -> Option<Value> {
    let root = yaml::parse(text).ok()?;
    let patterns = root.get("patterns").map(yaml::Node::items).unwrap_or_default();
    // What else the file holds is a mistake, which is told by reading the text.
    let alone = matches!(&root.kind, yaml::Kind::Map(entries) if entries.len() == 1) && !patterns.is_empty();
    alone.then(|| Value::from_iter(patterns.iter().map(|node| json!([node.line(), value(node)]))))
}

/// Takes the examples out of each pattern of a pack; nothing if one has none.
fn take_examples(pack: &mut Value) -> Option<Value> {
    let patterns = pack.as_array_mut()?.iter_mut();
    let examples = patterns.map(|placed| {
        let tests = placed.get_mut(1)?.get_mut("tests")?;
        Some(std::mem::replace(tests, json!({ "fires": [], "silent": [] })))
    });
    examples.collect()
}

fn value(node: &yaml::Node) -> Value {
    match &node.kind {
        yaml::Kind::Null => Value::Null,
        yaml::Kind::Bool(value) => json!(value),
        yaml::Kind::Int(value) => json!(value),
        yaml::Kind::Float(value) => json!(value),
        yaml::Kind::Text(text) => json!(text),
        yaml::Kind::List(items) => items.iter().map(value).collect(),
        yaml::Kind::Map(entries) => {
            entries.iter().map(|(key, own)| (key.text().unwrap_or_default().to_owned(), value(own))).collect()
        }
    }
}

/// Every text under a key `regex`, with what the engine wants to know of it.
fn expressions(value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, own) in map {
                match own {
                    Value::String(text) if key == "regex" => add_expression(text, found),
                    Value::Array(texts) if key == "regex" => {
                        texts.iter().filter_map(Value::as_str).for_each(|text| add_expression(text, found));
                    }
                    other => expressions(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

/// What can't be read, or isn't text, is left to the engine.
fn add_expression(text: &str, found: &mut BTreeMap<String, String>) {
    if let Some(kept) = expression::read(text).ok().and_then(|read| read.kept()) {
        found.insert(text.to_owned(), kept);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=patterns");
    println!("cargo::rerun-if-changed=build.rs");
    for included in ["src/yaml", "src/engine/expression.rs", "src/engine/required.rs"] {
        println!("cargo::rerun-if-changed={included}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut found = Vec::new();
    packs(&root.join("patterns"), &mut found)?;
    found.sort();
    let mut code = String::from("&[\n");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut found_expressions = BTreeMap::new();
    for (number, path) in found.iter().enumerate() {
        let name = path.strip_prefix(&root)?.display().to_string();
        let mut read = as_json(&fs::read_to_string(path)?);
        let apart = read.as_mut().and_then(take_examples);
        let read = read.filter(|_| apart.is_some());
        read.iter().for_each(|pack| expressions(pack, &mut found_expressions));
        let written = |kind: &str, json: &Option<Value>| {
            let path = out.join(format!("{kind}-{number}.json"));
            fs::write(&path, json.as_ref().map(Value::to_string).unwrap_or_default()).map(|()| path)
        };
        let (patterns, examples) = (written("patterns", &read)?, written("examples", &apart)?);
        writeln!(code, "    crate::pattern::Builtin {{ path: {name:?}, text: include_str!({path:?}),")?;
        writeln!(code, "        patterns: include_str!({patterns:?}), examples: include_str!({examples:?}) }},")?;
    }
    code.push_str("]\n");
    fs::write(out.join("packs.rs"), code)?;
    let rows: Vec<(String, String)> = found_expressions.into_iter().collect();
    fs::write(out.join("expressions.rs"), format!("&{rows:?}"))?;
    Ok(())
}
