//! Thousands of real manifests: what was decoded once decodes to itself, and nearly all of them decode.

use std::path::{Path, PathBuf};

use podsec_apimachinery::codec::{Encoding, Kind, decode};
use podsec_apimachinery::schema::{Definitions, catalog};
use podsec_testing::recorded;
use serde_json::Value;

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn what_was_decoded_decodes_to_itself() {
    let (mut decoded, mut refused) = (0_usize, Vec::new());
    for file in manifests(&recorded::corpus()) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for document in podsec_yaml::documents(&text).flatten() {
            let object = document.to_json();
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
            let Some((group, version)) = catalog::group_version(text("apiVersion")) else { continue };
            let kind = Kind { group, version, kind: text("kind") };
            if Definitions::builtin().kind(kind.group, kind.version, kind.kind).is_none() {
                continue;
            }
            match decode(object.to_string().as_bytes(), Encoding::Json, kind) {
                Err(error) => refused.push(format!("{}: {error}", file.display())),
                Ok(first) => {
                    decoded += 1;
                    let again = decode(first.object.to_string().as_bytes(), Encoding::Json, kind).unwrap();
                    assert_eq!(again.object, first.object, "{}", file.display());
                    assert!(again.strict.is_empty(), "{}", file.display());
                }
            }
        }
    }
    // The few that do not are templates and tests of broken manifests.
    assert!(decoded > 8_000 && refused.len() < 50, "{decoded} decoded, refused: {refused:#?}");
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(manifests(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    found
}
