//! Where the recorded answers of Kubernetes are.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The folder of all recorded answers, if this machine has it.
pub(crate) fn all() -> Option<PathBuf> {
    let shared = std::env::var_os("PODSEC_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("conformance");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is missing; PODSEC_SHARED can name another folder", folder.display());
    None
}

/// The folder of the recorded answers that come with the source.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The lines of a file of JSON Lines.
pub(crate) fn lines<T: for<'de> Deserialize<'de>>(file: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(file).expect("the file of recorded answers can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is a recorded answer")).collect()
}
