//! Finding log files: one walk over the include globs gives the files, their rotated siblings, and the folders worth watching.
//!
//! Knows nothing of what is being followed or how far it was read. It looks at names and metadata; it opens no log.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use glob::Pattern;

use super::TailError;
use super::identity::Identity;
use super::listing::Listings;
use super::names::{self, Rank};
use super::walk::{Include, Match, OPTIONS, Walker, bad, compile};

/// Where Kubernetes' and Docker's own symbolic links end. Accepted as targets beside the globs' own roots.
const KNOWN_TARGETS: [&str; 2] = ["/var/log/pods", "/var/lib/docker/containers"];

/// A regular file that is to be read, or a rotated sibling of one.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The path as the include glob matched it; that of the live file for a rotated sibling.
    pub shown: PathBuf,
    /// Where it really is: no symbolic links.
    pub path: PathBuf,
    /// The path it is, or was, written as. Differs from `path` if it was rotated away.
    pub live: PathBuf,
    /// Who it is.
    pub identity: Identity,
    /// Bytes.
    pub size: u64,
    /// When its inode last changed: seconds and nanoseconds.
    pub changed: (i64, i64),
    /// When it was last written to, where the file system tells.
    pub modified: Option<SystemTime>,
    /// Whether a glob matched it; otherwise it is here only as a sibling.
    pub included: bool,
    /// Whether a glob matches its live path, be there such a file or not. Told only of what the kubelet rotated.
    pub kin: bool,
    /// Whether it is compressed. The plain file of the same name isn't there then.
    pub compressed: bool,
}

impl Sighting {
    /// Whether it was renamed away from its live path.
    pub fn rotated(&self) -> bool {
        self.path != self.live
    }
}

/// What one walk brought back.
#[derive(Debug, Default)]
pub struct Walk {
    /// Files, the oldest of a container first. Each identity once.
    pub sightings: Vec<Sighting>,
    /// Folders in which something relevant may appear or grow: no symbolic links in their paths.
    pub folders: BTreeSet<PathBuf>,
    /// Paths that can't be used, and why.
    pub refused: Vec<(PathBuf, String)>,
}

/// The compiled include and exclude globs.
#[derive(Debug)]
pub struct Globs {
    includes: Vec<Include>,
    excludes: Vec<Pattern>,
}

impl Globs {
    /// Compiles the globs. Relative ones start at the current folder.
    ///
    /// # Errors
    /// A glob that doesn't parse.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Globs, TailError> {
        let includes = include.iter().map(|glob| Include::new(glob)).collect::<Result<_, _>>()?;
        let excludes = exclude.iter().map(|glob| exclusion(glob)).collect::<Result<_, _>>()?;
        Ok(Globs { includes, excludes })
    }

    /// Walks the disk. `lives` are live paths that have been seen before: their folders are searched for rotated siblings even
    /// while the live file itself is missing, as it is between the rename and the reopening of a rotation. At most so many folders
    /// are listed.
    pub fn walk(&self, lives: &HashSet<PathBuf>, listings: &mut Listings, max_folders: usize) -> Walk {
        let mut walker = Walker::new(listings, max_folders);
        for include in &self.includes {
            walker.find(include);
        }
        let mut resolver = Resolver::new(self.includes.iter().map(|include| include.root.as_path()));
        let mut walk = Walk::default();
        let mut seen = HashMap::new();
        for found in std::mem::take(&mut walker.found) {
            self.sight(found, &mut resolver, &mut seen, &mut walk);
        }
        // Rotation happens where a file really is, which need not be where a glob found it.
        let real = walk.sightings.iter().map(|sighting| &sighting.path).chain(lives);
        for folder in real.filter_map(|path| path.parent()) {
            walker.find_rotated(folder);
        }
        for found in walker.found {
            self.sight(found, &mut resolver, &mut seen, &mut walk);
        }
        walk.folders = resolver.real(&walker.folders);
        walk.refused.append(&mut walker.refused);
        settle_rotated(&mut walk, lives);
        walk
    }

    /// Looks only at what was just created, a file or a folder, and what is in it; rotated files are left out. It has no symbolic links
    /// in its path.
    pub fn walk_below(&self, created: &Path, listings: &mut Listings, max_folders: usize) -> Walk {
        let mut walker = Walker::new(listings, max_folders);
        for include in &self.includes {
            walker.find_below(include, created);
        }
        let mut resolver = Resolver::new(self.includes.iter().map(|include| include.root.as_path()));
        let mut walk = Walk::default();
        let mut seen = HashMap::new();
        for found in std::mem::take(&mut walker.found) {
            self.sight(found, &mut resolver, &mut seen, &mut walk);
        }
        walk.sightings.retain(|sighting| sighting.included && names::rotated(&sighting.path).is_none());
        walk.folders = resolver.real(&walker.folders);
        walk
    }

    fn sight(&self, found: Match, resolver: &mut Resolver, seen: &mut HashMap<Identity, usize>, walk: &mut Walk) {
        let shown = found.folder.join(&found.name);
        if names::never_tailed(&shown) || self.excluded(&shown) {
            return;
        }
        let (path, metadata) = match resolver.resolve(&found.folder, &found.name) {
            Ok(resolved) => resolved,
            // Deleted since it was listed, or a dangling link.
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => return,
            Err(Refusal::Io(error)) => return walk.refused.push((shown, error.to_string())),
            Err(Refusal::Escapes(target)) => {
                let why = format!("it leads out of the log folders, to {}", target.display());
                return walk.refused.push((shown, why));
            }
        };
        if !metadata.is_file() || names::never_tailed(&path) || self.excluded(&path) {
            return;
        }
        let identity = Identity::of(&metadata);
        let compressed = names::compressed(&path).is_some();
        let included = found.included && !compressed;
        if let Some(&earlier) = seen.get(&identity) {
            walk.sightings[earlier].included |= included;
            return;
        }
        seen.insert(identity, walk.sightings.len());
        let live = names::live_of(&shown);
        walk.sightings.push(Sighting {
            live: path.clone(),
            shown,
            path,
            identity,
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            modified: metadata.modified().ok(),
            included,
            kin: found.kin && !live.is_some_and(|live| self.excluded(&live)),
            compressed,
        });
    }

    fn excluded(&self, path: &Path) -> bool {
        self.excludes.iter().any(|pattern| pattern.matches_path_with(path, OPTIONS))
    }
}

/// Compiles an exclude glob. It is held against absolute paths, so a relative one starts at the current folder.
fn exclusion(glob: &str) -> Result<Pattern, TailError> {
    if glob.starts_with("**") {
        return compile(glob, glob);
    }
    let absolute = std::path::absolute(glob).map_err(|error| bad(glob, &error.to_string()))?;
    compile(&absolute.to_string_lossy(), glob)
}

enum Refusal {
    Io(io::Error),
    Escapes(PathBuf),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Io(error)
    }
}

/// Finds where a path really leads, and refuses targets outside the log folders. Remembers folders for one walk.
struct Resolver {
    roots: Vec<PathBuf>,
    folders: HashMap<PathBuf, PathBuf>,
}

impl Resolver {
    fn new<'a>(roots: impl Iterator<Item = &'a Path>) -> Resolver {
        let all = roots.chain(KNOWN_TARGETS.iter().map(Path::new));
        Resolver { roots: all.filter_map(|root| fs::canonicalize(root).ok()).collect(), folders: HashMap::new() }
    }

    /// The folder without links in its path.
    fn folder(&mut self, folder: &Path) -> io::Result<PathBuf> {
        if let Some(real) = self.folders.get(folder) {
            return Ok(real.clone());
        }
        // One look for each folder of a walk, instead of one for each of its ancestors every time.
        let real = match (folder.parent(), folder.file_name()) {
            (Some(parent), Some(name)) if !fs::symlink_metadata(folder)?.is_symlink() => {
                self.folder(parent)?.join(name)
            }
            _ => fs::canonicalize(folder)?,
        };
        self.folders.insert(folder.to_path_buf(), real.clone());
        Ok(real)
    }

    /// Under one name each: hints come under the name that a folder was last watched by.
    fn real(&mut self, folders: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let real: BTreeSet<PathBuf> = folders.iter().filter_map(|folder| self.folder(folder).ok()).collect();
        real.into_iter().filter(|folder| self.is_inside(folder)).collect()
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn resolve(&mut self, folder: &Path, name: &str) -> Result<(PathBuf, fs::Metadata), Refusal> {
        let folder = self.folder(folder)?;
        let mut path = folder.join(name);
        let mut metadata = fs::symlink_metadata(&path)?;
        if metadata.is_symlink() {
            path = fs::canonicalize(&path)?;
            metadata = fs::symlink_metadata(&path)?;
        }
        match self.is_inside(&path) {
            true => Ok((path, metadata)),
            false => Err(Refusal::Escapes(path)),
        }
    }
}

/// Tells rotated files from live ones, drops look-alikes that belong to nothing, and puts older files first.
fn settle_rotated(walk: &mut Walk, lives: &HashSet<PathBuf>) {
    let shown: HashMap<PathBuf, PathBuf> = walk
        .sightings
        .iter()
        .filter(|sighting| sighting.included)
        .map(|sighting| (sighting.path.clone(), sighting.shown.clone()))
        .collect();
    let plain: HashSet<PathBuf> =
        walk.sightings.iter().filter(|sighting| !sighting.compressed).map(|sighting| sighting.path.clone()).collect();
    walk.sightings.retain_mut(|sighting| {
        let before = names::compressed(&sighting.path);
        if before.as_ref().is_some_and(|before| plain.contains(before)) {
            // Just being compressed: the plain file goes in a moment, and as long as it is there it is the one to read.
            return false;
        }
        let Some((live, _)) = names::rotated(before.as_ref().unwrap_or(&sighting.path)) else {
            return sighting.included;
        };
        if let Some(live_shown) = shown.get(&live) {
            sighting.shown.clone_from(live_shown);
        } else if let Some(live_shown) = names::live_of(&sighting.shown).filter(|_| sighting.kin) {
            sighting.shown = live_shown;
        } else if lives.contains(&live) {
            sighting.shown.clone_from(&live);
        } else {
            return sighting.included;
        }
        sighting.live = live;
        true
    });
    walk.sightings.sort_by_cached_key(|sighting| Rank::of(&sighting.live, &sighting.path));
}
