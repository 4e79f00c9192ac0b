//! The configurations in the manifests are those that the real binary accepts, and the chart's tables have every key.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::documents::{Manifest, all, deploy, of_folder, parse, read, rendered, text};
use crate::support::faultscope;

/// The configuration in a ConfigMap, by the ConfigMap's name.
fn configurations(manifests: &[Manifest]) -> BTreeMap<&str, &str> {
    let config_maps = manifests.iter().filter(|manifest| manifest.kind() == "ConfigMap");
    let with = config_maps.filter_map(|manifest| {
        let text = manifest.value["data"]["faultscope.yaml"].as_str()?;
        Some((manifest.value["metadata"]["name"].as_str().unwrap(), text))
    });
    with.collect()
}

#[test]
fn health_is_asked_for_where_it_is_served_and_its_own_log_is_left_out() {
    for manifests in all() {
        let configurations = configurations(&manifests);
        for manifest in &manifests {
            let (name, Some(pod)) = (manifest.name(), manifest.pod()) else { continue };
            for container in manifest.containers() {
                let volume =
                    pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "config").unwrap();
                let config_map = volume["configMap"]["name"].as_str().unwrap();
                let config = parse(&manifest.file, configurations[config_map]).remove(0);
                let port = &container["ports"][0];
                assert_eq!(port["name"], "metrics", "{name}");
                let listen = config["admin"]["listen"].as_str().unwrap();
                assert!(
                    listen.ends_with(&format!(":{}", port["containerPort"])) && !listen.contains("127."),
                    "{name}: {listen}"
                );
                assert_eq!(config["state_dir"], "/var/lib/faultscope", "{name}");
                if manifest.kind() == "DaemonSet" {
                    let excluded = config["sources"]["files"]["exclude"].as_array().unwrap();
                    assert!(excluded.contains(&json!("/var/log/pods/*/faultscope/*.log")), "{name}: reads its own log");
                }
            }
        }
    }
}

/// Checks a configuration with the real binary, in the environment that its container has.
fn check(manifest: &Manifest, container: &Value, config: &str, packs: &BTreeMap<String, String>) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    packs.iter().for_each(|(name, pack)| fs::write(folder.path().join(name), pack).unwrap());
    let config = config.replace("/etc/faultscope/patterns", &folder.path().display().to_string());
    let file = folder.path().join("config");
    fs::write(&file, config).unwrap();
    let mut command = faultscope();
    command.env_clear().arg("check").arg("--config").arg(&file);
    for variable in container["env"].as_array().into_iter().flatten() {
        command.env(variable["name"].as_str().unwrap(), "value");
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or_else(|| format!("{}: {said}", manifest.name()))
}

/// In the renderings of the chart, and what is in the repository beside them.
#[test]
fn every_configuration_is_right() {
    let mut renderings = rendered();
    renderings.extend(["kustomize/base", "kustomize/components/cluster-events", "examples"].map(of_folder));
    for manifests in renderings {
        let configurations = configurations(&manifests);
        let packs = manifests
            .iter()
            .filter(|manifest| manifest.value["metadata"]["name"].as_str().unwrap().ends_with("-patterns"));
        let packs: BTreeMap<String, String> = packs
            .flat_map(|manifest| serde_json::from_value::<BTreeMap<String, String>>(manifest.value["data"].clone()))
            .flatten()
            .collect();
        for manifest in &manifests {
            for container in manifest.containers() {
                let volumes = manifest.pod().unwrap()["volumes"].as_array().unwrap();
                let volume = volumes.iter().find(|volume| volume["name"] == "config").unwrap();
                let config = configurations[volume["configMap"]["name"].as_str().unwrap()];
                check(manifest, container, config, &packs).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

/// The keys of a YAML mapping as `a.b.c`, down to what holds no further keys.
fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
    match value.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys(value, &path, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn the_charts_readme_has_every_value() {
    let readme = text(&deploy("helm/faultscope/README.md"));
    let mut found = Vec::new();
    keys(&read(&deploy("helm/faultscope/values.yaml")).remove(0), "", &mut found);
    // A row may stand for all that is below it: `resources`.
    let told = |key: &String| {
        let ends = key.match_indices('.').map(|(at, _)| at).chain([key.len()]);
        ends.map(|end| &key[..end]).any(|start| readme.contains(&format!("\n| `{start}` |")))
    };
    let missing: Vec<&String> = found.iter().filter(|key| !told(key)).collect();
    assert!(missing.is_empty(), "README.md of the chart says nothing of {missing:?}");
}

/// Whether a schema has a key, by the properties that it names.
fn has(root: &Value, schema: &Value, key: &[&str]) -> bool {
    let resolved =
        schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#'))).unwrap_or(schema);
    let Some((first, rest)) = key.split_first() else { return true };
    let kinds = resolved["oneOf"].as_array().into_iter().flatten();
    let open = resolved["type"] == "object" && resolved.get("properties").is_none();
    open || resolved["properties"].get(first).is_some_and(|schema| has(root, schema, rest))
        || kinds.into_iter().any(|kind| has(root, kind, key))
}

/// A key that the configuration gets has to get into the chart's schema, or helm refuses it.
#[test]
fn the_charts_schema_has_every_key_of_the_configuration() {
    let readme = text(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")));
    let config = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let schema: Value = serde_json::from_str(&text(&deploy("helm/faultscope/values.schema.json"))).unwrap();
    let mut found = Vec::new();
    keys(&parse(Path::new("README.md"), config).remove(0), "", &mut found);
    // The chart sets these itself, or in pods of their own.
    let own = ["state_dir", "admin.", "sources.kubernetes_"];
    let asked = found.iter().filter(|key| !own.iter().any(|own| key.starts_with(own)));
    let missing: Vec<&String> = asked
        .filter(|key| !has(&schema, &schema["properties"]["config"], &key.split('.').collect::<Vec<_>>()))
        .collect();
    assert!(found.len() > 30 && missing.is_empty(), "values.schema.json refuses {missing:?}");
}
