//! Answers of Kubernetes, from the folder `conformance/` at the root of the repository.
//!
//! What is not there fails the test that asks for it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// The path of a recording that is not compressed, from `conformance/` on.
pub fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(name);
    assert!(path.is_file(), "{} is missing, which is part of the source", path.display());
    path
}

/// The text of a recording, compressed or not: `pod-security/policy.jsonl` may be `policy.jsonl.gz`.
pub fn text(name: &str) -> String {
    let compressed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../conformance/{name}.gz"));
    if !compressed.is_file() {
        return fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let bytes = fs::read(compressed).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!text.is_empty(), "{name} is empty");
    text
}

/// The folder of manifests of other projects, which `$PODSEC_SHARED` names, for tests that only `make conformance` runs.
pub fn corpus() -> PathBuf {
    let shared =
        std::env::var_os("PODSEC_SHARED").expect("PODSEC_SHARED names the folder that holds corpus/");
    // Tests run in the folders of their packages.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(shared).join("corpus");
    assert!(corpus.is_dir(), "{} is missing", corpus.display());
    corpus
}
