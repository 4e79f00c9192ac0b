//! Reading the files of `deploy/`.

use std::fs;
use std::path::{Path, PathBuf};

use faultscope::yaml;
use serde_json::Value;

/// A path below `deploy`.
pub fn deploy(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML text; empty ones are left out.
pub fn parse(origin: &Path, text: &str) -> Vec<Value> {
    let nodes = yaml::parse_all(text).unwrap_or_else(|mistake| panic!("{}:{mistake}", origin.display()));
    let read = |node| yaml::read::<Value>(node).unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", origin.display()));
    nodes.iter().map(read).filter(|value| !value.is_null()).collect()
}

/// One file's documents.
pub fn read(path: &Path) -> Vec<Value> {
    parse(path, &text(path))
}

/// One manifest and where it stands.
pub struct Manifest {
    pub file: PathBuf,
    pub value: Value,
}

impl Manifest {
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap()
    }

    pub fn name(&self) -> String {
        let name = self.value["metadata"]["name"].as_str().unwrap();
        format!("{}: {} {name}", self.file.display(), self.kind())
    }

    /// The pod template, of what has one.
    pub fn pod(&self) -> Option<&Value> {
        self.value.pointer("/spec/template/spec")
    }

    /// The containers that run faultscope.
    pub fn containers(&self) -> Vec<&Value> {
        let of = |list: &str| self.pod().and_then(|pod| pod[list].as_array()).into_iter().flatten();
        of("initContainers").chain(of("containers")).filter(|container| container["name"] == "faultscope").collect()
    }
}

/// Manifests of these files, without the kustomizations among them.
fn manifests(files: impl IntoIterator<Item = PathBuf>) -> Vec<Manifest> {
    let of = |file: PathBuf| read(&file).into_iter().map(move |value| Manifest { file: file.clone(), value });
    let all = files.into_iter().flat_map(of);
    let api = |manifest: &Manifest| manifest.value["apiVersion"].as_str().unwrap_or_default().to_owned();
    all.filter(|manifest| !api(manifest).starts_with("kustomize.config.k8s.io/")).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

/// The manifests of a folder below `deploy`.
pub fn of_folder(name: &str) -> Vec<Manifest> {
    manifests(yaml_files(&deploy(name)))
}

pub const FOLDERS: [&str; 4] =
    ["kustomize/base", "kustomize/components/cluster-events", "kustomize/components/monitoring", "examples"];

/// What `tests/e2e/chart.sh` rendered: a file for each set of values. None outside of it.
pub fn rendered() -> Vec<Vec<Manifest>> {
    let folder = std::env::var_os("FAULTSCOPE_E2E_MANIFESTS").map(PathBuf::from);
    let files = folder.map(|folder| yaml_files(&folder)).unwrap_or_default();
    files.into_iter().map(|file| manifests([file])).collect()
}

/// All manifests, folder by folder (those of a rendering are a folder too).
pub fn all() -> Vec<Vec<Manifest>> {
    let mut all: Vec<_> = FOLDERS.iter().map(|folder| of_folder(folder)).collect();
    all.extend(rendered());
    all
}
