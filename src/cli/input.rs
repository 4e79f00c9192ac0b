//! What `scan` reads: files, folders, compressed files and bundles, each log in them as one source.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One log to read.
pub(super) struct Input<'r> {
    /// Its path; for an entry of a bundle the bundle's path, `!/` and the entry's.
    pub name: String,
    /// The bytes, decompressed.
    pub reader: &'r mut dyn Read,
}

/// The files under a path: itself, or every regular file in the folder, in the order to be read.
pub(super) fn files(path: &Path) -> (Vec<PathBuf>, Vec<anyhow::Error>) {
    let mut walk = Walk::default();
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk.folder(path),
        // What is named is read, be it a pipe.
        Ok(_) => walk.found.push(path.to_owned()),
        Err(error) => walk.complain(path, error),
    }
    (walk.found, walk.errors)
}

/// A walk over a folder. Links are followed, as `/var/log/containers` is made of them, but no folder is entered twice.
#[derive(Default)]
struct Walk {
    found: Vec<PathBuf>,
    errors: Vec<anyhow::Error>,
    entered: HashSet<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path) {
        let entries = fs::canonicalize(folder).and_then(|real| match self.entered.insert(real) {
            true => entries(folder),
            false => Ok(Vec::new()),
        });
        match entries {
            Ok(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            Err(error) => self.complain(folder, error),
        }
    }

    fn entry(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.folder(path),
            Ok(meta) if meta.is_file() => self.found.push(path.to_owned()),
            // Reading a pipe or a device would wait for ever.
            Ok(_) => {}
            Err(error) => self.complain(path, error),
        }
    }

    fn complain(&mut self, path: &Path, error: io::Error) {
        self.errors.push(anyhow::Error::new(error).context(format!("can't read {}", path.display())));
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort_by_cached_key(|path| reading_order(path));
    Ok(entries)
}

/// Restarts in order, and in each the rotated files before the live one.
fn reading_order(path: &Path) -> (u32, bool, PathBuf) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (number, rest) = name.split_once(".log").unwrap_or(("", ""));
    (number.parse().unwrap_or(0), rest.is_empty(), path.to_owned())
}

/// Opens a file, undoes its compression, and hands each log in it to `take`.
pub(super) fn open(path: &Path, take: &mut dyn FnMut(Input<'_>) -> Result<()>) -> Result<()> {
    let file = File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    let name = path.display().to_string();
    unpack(&name, &mut BufReader::with_capacity(PEEK, file), take)
}

/// Enough to tell gzip, zstd and tar by their magic numbers.
const PEEK: usize = 512;

fn unpack(name: &str, reader: &mut dyn Read, take: &mut dyn FnMut(Input<'_>) -> Result<()>) -> Result<()> {
    let mut reader = decompressed(name, reader)?;
    unpack_plain(name, &mut *reader, take)
}

/// Undoes gzip or zstd, told by their magic numbers; anything else is given as it is.
fn decompressed<'r>(name: &str, reader: &'r mut dyn Read) -> Result<Box<dyn Read + 'r>> {
    let (head, rest) = peek(reader).with_context(|| format!("can't read {name}"))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(rest)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(rest);
        return Ok(Box::new(decoder.map_err(|error| anyhow::anyhow!("can't read {name}: not zstd: {error}"))?));
    }
    Ok(Box::new(rest))
}

/// A tar archive or a log.
fn unpack_plain(name: &str, reader: &mut dyn Read, take: &mut dyn FnMut(Input<'_>) -> Result<()>) -> Result<()> {
    let (head, mut rest) = peek(reader).with_context(|| format!("can't read {name}"))?;
    if head.get(257..262) != Some(b"ustar") {
        return take(Input { name: name.to_owned(), reader: &mut rest });
    }
    let mut archive = tar::Archive::new(rest);
    let broken = || format!("can't read {name}: not a whole tar archive");
    for entry in archive.entries().with_context(broken)? {
        let mut entry = entry.with_context(broken)?;
        if entry.header().entry_type().is_file() {
            let inner = format!("{name}!/{}", entry.path_bytes().escape_ascii());
            take_entry(&inner, &mut entry, take)?;
        }
    }
    Ok(())
}

/// An entry of an archive: a log, which may be compressed by itself. Archives in archives are left alone.
fn take_entry(name: &str, reader: &mut dyn Read, take: &mut dyn FnMut(Input<'_>) -> Result<()>) -> Result<()> {
    let mut reader = decompressed(name, reader)?;
    take(Input { name: name.to_owned(), reader: &mut *reader })
}

/// A reader whose first bytes were looked at and are given once more.
type Peeked<'r> = io::Chain<io::Cursor<Vec<u8>>, &'r mut dyn Read>;

/// The first bytes, and a reader that gives them and the rest.
fn peek(reader: &mut dyn Read) -> io::Result<(Vec<u8>, Peeked<'_>)> {
    let mut head = Vec::with_capacity(PEEK);
    let mut limited = <&mut dyn Read as Read>::take(reader, PEEK as u64);
    limited.read_to_end(&mut head)?;
    let reader = limited.into_inner();
    Ok((head.clone(), io::Cursor::new(head).chain(reader)))
}
