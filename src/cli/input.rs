//! What `scan` reads: files, folders, compressed files and bundles, each log in them as one source.

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

/// Folders nested deeper than this are taken for a loop of links.
const MAX_DEPTH: usize = 32;

/// The files under a path: itself, or everything in the folder, in the order to be read.
pub(super) fn files(path: &Path) -> (Vec<PathBuf>, Vec<anyhow::Error>) {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    collect(path, 0, &mut found, &mut errors);
    (found, errors)
}

fn collect(path: &Path, depth: usize, found: &mut Vec<PathBuf>, errors: &mut Vec<anyhow::Error>) {
    let unreadable = |error: io::Error| anyhow::Error::new(error).context(format!("can't read {}", path.display()));
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() && depth < MAX_DEPTH => match entries(path) {
            Ok(entries) => entries.iter().for_each(|entry| collect(entry, depth + 1, found, errors)),
            Err(error) => errors.push(unreadable(error)),
        },
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => found.push(path.to_owned()),
        Err(error) => errors.push(unreadable(error)),
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
    let (head, mut rest) = peek(reader).with_context(|| format!("can't read {name}"))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return unpack_plain(name, &mut flate2::read::MultiGzDecoder::new(rest), take);
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(rest);
        let mut decoder = decoder.map_err(|error| anyhow::anyhow!("can't read {name}: not zstd: {error}"))?;
        return unpack_plain(name, &mut decoder, take);
    }
    unpack_plain(name, &mut rest, take)
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
    let (head, mut rest) = peek(reader).with_context(|| format!("can't read {name}"))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = flate2::read::MultiGzDecoder::new(rest);
        return take(Input { name: name.to_owned(), reader: &mut decoder });
    }
    take(Input { name: name.to_owned(), reader: &mut rest })
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
