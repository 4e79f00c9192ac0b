//! The walk over folders that include globs ask for.
//!
//! Looks at names only: what they lead to is for [`discover`](super::discover) to find out.
//!
//! The walk is our own because a general glob follows symbolic links under `**` and can be kept busy for ever by whoever may
//! create links in a log folder, and because files, rotated files and folders come out of the same listing.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::TailError;
use super::listing::{Listing, Listings};
use super::names;

/// Folder entries that one walk looks at, at most. A node has some ten thousand.
const WALK_LIMIT: usize = 1_000_000;

/// How wildcards match.
pub const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// An include glob.
#[derive(Debug)]
pub struct Include {
    /// The leading folders without wildcards.
    pub root: PathBuf,
    parts: Vec<Part>,
}

/// One component of a glob.
#[derive(Debug)]
enum Part {
    Name(String),
    Wild(Pattern),
    /// `**`: any number of folders.
    Folders,
}

/// A path that was found and isn't resolved yet.
#[derive(Debug)]
pub struct Match {
    /// As the glob reached it: links in it are unresolved.
    pub folder: PathBuf,
    /// The file's name there.
    pub name: String,
    /// Whether a glob matched it; otherwise its name only looks like that of a rotated file.
    pub included: bool,
    /// Where its name is one that the kubelet gives to what it rotates: whether a glob matches the live path, be there such a file or not.
    pub kin: bool,
}

impl Include {
    /// Compiles a glob. A relative one starts at the current folder.
    ///
    /// # Errors
    /// A glob that doesn't parse or can't name a file.
    pub fn new(glob: &str) -> Result<Include, TailError> {
        let absolute = std::path::absolute(glob).map_err(|error| bad(glob, &error.to_string()))?;
        let mut root = PathBuf::new();
        let mut parts = Vec::new();
        for component in absolute.components() {
            match component {
                Component::Normal(name) => {
                    let name = name.to_str().ok_or_else(|| bad(glob, "it isn't UTF-8"))?;
                    parts.push(Part::new(name, glob)?);
                }
                Component::ParentDir => return Err(bad(glob, "it has .. in it")),
                other => root.push(other),
            }
        }
        // The last part names files, so it never belongs to the root.
        while parts.len() > 1
            && let Part::Name(name) = &parts[0]
        {
            root.push(name);
            parts.remove(0);
        }
        if matches!(parts.last(), None | Some(Part::Folders)) {
            return Err(bad(glob, "it has to end in the name of a file, such as *.log"));
        }
        Ok(Include { root, parts })
    }
}

impl Part {
    fn new(name: &str, glob: &str) -> Result<Part, TailError> {
        Ok(match name {
            "**" => Part::Folders,
            _ if name.contains(['*', '?', '[']) => Part::Wild(compile(name, glob)?),
            _ => Part::Name(name.to_string()),
        })
    }
}

/// Compiles one pattern of `glob`.
///
/// # Errors
/// What is wrong with it.
pub fn compile(pattern: &str, glob: &str) -> Result<Pattern, TailError> {
    Pattern::new(pattern).map_err(|error| bad(glob, error.msg))
}

/// The error for a glob that can't be used.
pub fn bad(glob: &str, why: &str) -> TailError {
    TailError::BadGlob { glob: glob.to_string(), why: why.to_string() }
}

/// One walk.
#[derive(Debug)]
pub struct Walker<'a> {
    /// What was found since it was last taken.
    pub found: Vec<Match>,
    /// Every folder that was listed.
    pub folders: BTreeSet<PathBuf>,
    /// Folders that can't be listed, and why.
    pub refused: Vec<(PathBuf, String)>,
    /// Folders whose rotated files were found.
    searched: HashSet<PathBuf>,
    visited: usize,
    listings: &'a mut Listings,
    max_folders: usize,
    /// The walk reached a bound, and said so.
    bounded: bool,
}

impl<'a> Walker<'a> {
    /// A walk that lists at most so many folders.
    pub fn new(listings: &'a mut Listings, max_folders: usize) -> Walker<'a> {
        Walker {
            found: Vec::new(),
            folders: BTreeSet::new(),
            refused: Vec::new(),
            searched: HashSet::new(),
            visited: 0,
            listings,
            max_folders,
            bounded: false,
        }
    }

    /// Finds what an include glob matches.
    pub fn find(&mut self, include: &Include) {
        self.descend(&include.root, &include.parts);
    }

    /// Finds what an include glob matches at or below one path, which has no symbolic links in it.
    pub fn find_below(&mut self, include: &Include, real: &Path) {
        let Ok(root) = fs::canonicalize(&include.root) else {
            return;
        };
        let Ok(below) = real.strip_prefix(root) else {
            return;
        };
        let names: Option<Vec<&str>> = below.iter().map(OsStr::to_str).collect();
        if let Some(names) = names {
            self.approach(&include.root, &include.parts, &names);
        }
    }

    fn approach(&mut self, folder: &Path, parts: &[Part], names: &[&str]) {
        let Some((name, deeper)) = names.split_first() else {
            return self.descend(folder, parts);
        };
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        if let Part::Folders = part {
            self.approach(folder, rest, names);
            self.approach(&folder.join(name), parts, deeper);
        } else if part.matches(name) {
            match (rest.is_empty(), deeper.is_empty()) {
                (false, _) => self.approach(&folder.join(name), rest, deeper),
                (true, true) => {
                    let (folder, name) = (folder.to_path_buf(), name.to_string());
                    self.found.push(Match { folder, name, included: true, kin: false });
                }
                (true, false) => {}
            }
        }
    }

    fn descend(&mut self, folder: &Path, parts: &[Part]) {
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        let entries = self.list(folder);
        if let Part::Folders = part {
            self.descend(folder, rest);
            for (name, kind) in entries.iter() {
                // Links aren't followed here, so the walk ends.
                if kind.is_dir() {
                    self.descend(&folder.join(name), parts);
                }
            }
            return;
        }
        for (name, kind) in entries.iter() {
            let included = part.matches(name);
            if rest.is_empty() {
                if included || was_rotated(name) {
                    let kin = names::live_of(Path::new(name)).is_some_and(|live| part.matches(&live.to_string_lossy()));
                    let (folder, name) = (folder.to_path_buf(), name.clone());
                    self.found.push(Match { folder, name, included, kin });
                }
            } else if included && (kind.is_dir() || kind.is_symlink()) {
                self.descend(&folder.join(name), rest);
            }
        }
        if rest.is_empty() {
            self.searched.insert(folder.to_path_buf());
        }
    }

    /// Finds rotated files in a folder where that hasn't been done.
    pub fn find_rotated(&mut self, folder: &Path) {
        if !self.searched.insert(folder.to_path_buf()) {
            return;
        }
        for (name, _) in self.list(folder).iter() {
            if was_rotated(name) {
                let (folder, name) = (folder.to_path_buf(), name.clone());
                self.found.push(Match { folder, name, included: false, kin: false });
            }
        }
    }

    fn list(&mut self, folder: &Path) -> Listing {
        if self.folders.len() >= self.max_folders && !self.folders.contains(folder) {
            self.stop_at(
                folder,
                format!("the globs reach more than {} folders, the rest is not read", self.max_folders),
            );
            return Listing::default();
        }
        let left = WALK_LIMIT - self.visited;
        let listing = match self.listings.list(folder, left) {
            Ok(listing) => listing,
            Err(error) => {
                let expected = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
                if !expected {
                    self.refused.push((folder.to_path_buf(), error.to_string()));
                }
                return Listing::default();
            }
        };
        self.folders.insert(folder.to_path_buf());
        self.visited += listing.len().min(left);
        if self.visited == WALK_LIMIT {
            self.stop_at(folder, format!("the globs reach more than {WALK_LIMIT} entries, the rest is not read"));
        }
        listing
    }

    fn stop_at(&mut self, folder: &Path, why: String) {
        if !self.bounded {
            self.bounded = true;
            self.refused.push((folder.to_path_buf(), why));
        }
    }
}

fn was_rotated(name: &str) -> bool {
    let name = Path::new(name);
    names::rotated(name).is_some() || names::compressed(name).is_some()
}

impl Part {
    fn matches(&self, name: &str) -> bool {
        match self {
            Part::Name(own) => own == name,
            Part::Wild(pattern) => pattern.matches_with(name, OPTIONS),
            Part::Folders => true,
        }
    }
}
