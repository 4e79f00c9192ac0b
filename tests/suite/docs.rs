//! The pages in `patterns/docs` are those that the packs give, and `patterns docs` keeps a folder so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use faultscope::pattern::docs;

use crate::support::{BUILTIN, faultscope};

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

#[test]
fn the_pages_are_as_the_packs_are() {
    let there = files(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("patterns/docs"));
    let want = docs::pages(&BUILTIN.set);
    let names = there.keys().chain(want.keys());
    let stale: Vec<&String> = names.filter(|name| there.get(*name) != want.get(*name)).collect();
    assert!(stale.is_empty(), "run `cargo run -- patterns docs patterns/docs`; stale: {stale:?}");
}

#[test]
fn a_link_leads_to_a_place() {
    let pages = docs::pages(&BUILTIN.set);
    for (name, text) in &pages {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (page, place) = link.split_once('#').unwrap_or((link, ""));
            let found =
                pages.get(page).is_some_and(|page| place.is_empty() || page.contains(&format!("<a id=\"{place}\">")));
            // Fenced logs may hold what looks like a link.
            assert!(found || !page.ends_with(".md"), "{name}: {link}");
        }
    }
}

fn docs_into(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } =
        faultscope().args(["patterns", "docs"]).arg(folder).args(more).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn check_names_what_is_stale_and_writing_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pages");
    let (status, said) = docs_into(&place, &["--check"]);
    assert!(status == Some(1) && said.contains("README.md: not as the patterns are"), "{said}");
    assert!(!place.exists(), "--check writes nothing");
    assert_eq!(docs_into(&place, &[]).0, Some(0));
    assert_eq!(docs_into(&place, &["--check"]), (Some(0), String::new()));

    fs::write(place.join("gone.md"), format!("{}\n", docs::MARK)).unwrap();
    fs::write(place.join("own.md"), "somebody's own\n").unwrap();
    fs::write(place.join("README.md"), "edited\n").unwrap();
    let (status, said) = docs_into(&place, &["--check"]);
    let names: Vec<&str> = said.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    assert_eq!((status, names), (Some(1), vec!["README.md: not as the patterns are", "gone.md: left over"]));
    let (_, said) = docs_into(&place, &[]);
    assert!(said.ends_with("1 written, 1 removed\n"), "{said}");
    assert!(place.join("own.md").exists() && docs_into(&place, &["--check"]).0 == Some(0));
}
