//! Rules that the source itself keeps.

use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;

#[test]
fn no_source_file_is_longer_than_a_person_reads() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).expect("a source file").lines().count();
            (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these, or defend them here: {long:#?}");
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let silent: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|file| !is_check(file))
        .filter(|file| !fs::read_to_string(file).expect("a source file").starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "no opening sentence: {silent:#?}");
}

/// A check opens with its static, which says what it is better than a sentence would.
fn is_check(file: &Path) -> bool {
    file.parent().is_some_and(|folder| folder.ends_with("podsec-standards/src/checks"))
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}
