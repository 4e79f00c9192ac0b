//! Where packs come from: the built-in ones, files, and folders of files.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::{BUILTIN, Builtin, Problem};

/// The text of one pack file.
#[derive(Clone, Debug)]
pub struct PackSource {
    /// What to call it in messages: its path.
    pub name: String,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Part of the binary? A pattern of another pack replaces a built-in one of the same id.
    pub builtin: bool,
}

/// The built-in packs.
pub fn builtin() -> Vec<PackSource> {
    let source = |pack: &Builtin| PackSource { name: pack.path.into(), text: pack.text.into(), builtin: true };
    BUILTIN.iter().map(source).collect()
}

/// A built-in pack as it was read when the binary was built: JSON, quicker to read than what is written, but without the places of
/// mistakes and with values unchecked.
pub(super) fn read_before(source: &PackSource) -> Option<&'static Builtin> {
    // What is the same text at the same place needn't be compared, which would bring all of it into memory.
    let same = |text: &str| std::ptr::eq(text, &*source.text) || *text == source.text;
    BUILTIN.iter().find(|pack| source.builtin && pack.path == source.name && same(pack.text))
}

/// Reads a pack file, or every `.yaml` and `.yml` file of a folder and of the folders in it, by name.
pub fn read(path: &Path) -> Result<Vec<PackSource>, Vec<Problem>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let unreadable = |path: &Path, error: std::io::Error| Problem::of_file(path, format!("can't be read: {error}"));
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            if let Err(error) = collect(path, 0, &mut files) {
                problems.push(unreadable(path, error));
            }
            if files.is_empty() && problems.is_empty() {
                problems.push(Problem::of_file(path, "holds no .yaml file".into()));
            }
        }
        Ok(_) => files.push(path.to_owned()),
        Err(error) => problems.push(unreadable(path, error)),
    }
    let mut sources = Vec::new();
    for file in files {
        match fs::read_to_string(&file) {
            Ok(text) => {
                let name = file.display().to_string();
                sources.push(PackSource { name, text: text.into(), builtin: false });
            }
            Err(error) => problems.push(unreadable(&file, error)),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

/// Folders deeper than this are not packs but a mistake (or a loop of links).
const MAX_DEPTH: usize = 8;

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        // A mounted ConfigMap keeps its data behind hidden `..data` links; the visible names are enough.
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() && depth < MAX_DEPTH {
            collect(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    Ok(())
}
