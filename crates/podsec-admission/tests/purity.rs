//! Admission reads no clock, file, socket or environment: all that it knows comes with the request or from `Cluster`.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_source_names_nothing_that_reaches_out() {
    const OUTSIDE: [&str; 8] = [
        "std::env",
        "std::fs",
        "std::io",
        "std::net",
        "std::process",
        "std::thread",
        "Instant",
        "SystemTime",
    ];
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(files.len() > 10, "the source is not where it was");
    for file in files {
        let text = fs::read_to_string(&file).expect("the source can be read");
        for name in OUTSIDE {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the source can be read");
    entries
        .flat_map(|entry| {
            let path = entry.expect("the source can be read").path();
            if path.is_dir() { sources(&path) } else { vec![path] }
        })
        .collect()
}
