//! `faultscope patterns docs`: the pages of `pattern::docs`, written to a folder or compared with it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::load::PatternArgs;
use super::super::{DONE, FOUND};
use crate::pattern::docs::{self, MARK};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the pages go.
    folder: PathBuf,
    /// Write nothing; name the pages that are not as they should be, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    patterns: PatternArgs,
}

pub(super) fn run(args: Args, out: &mut impl Write) -> Result<u8> {
    let pages = docs::pages(&args.patterns.load()?);
    let left_over = left_over(&args.folder, |name| pages.contains_key(name))?;
    let stale: Vec<(&String, &String)> =
        pages.iter().filter(|(name, text)| !is_written(&args.folder.join(name), text)).collect();
    if args.check {
        for (name, _) in &stale {
            writeln!(out, "{}: not as the patterns are", args.folder.join(name).display())?;
        }
        for path in &left_over {
            writeln!(out, "{}: left over", path.display())?;
        }
        return Ok(if stale.is_empty() && left_over.is_empty() { DONE } else { FOUND });
    }
    fs::create_dir_all(&args.folder).with_context(|| format!("can't make {}", args.folder.display()))?;
    for (name, text) in &stale {
        let path = args.folder.join(name);
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    }
    for path in &left_over {
        fs::remove_file(path).with_context(|| format!("can't remove {}", path.display()))?;
    }
    writeln!(out, "{} pages; {} written, {} removed", pages.len(), stale.len(), left_over.len())?;
    Ok(DONE)
}

fn is_written(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|there| there == text.as_bytes())
}

/// Pages of ours that no system has any more. Files that don't begin as ours do are somebody's own.
fn left_over(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("can't read {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(unreadable),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ours = || fs::read(&path).is_ok_and(|text| text.starts_with(MARK.as_bytes()));
        if name.ends_with(".md") && !wanted(&name) && ours() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
