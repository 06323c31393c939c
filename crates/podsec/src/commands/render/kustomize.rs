//! Overlays, built by the user's own kustomize or kubectl.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use podsec_manifest::input::{Input, KUSTOMIZATION_NAMES, Rendered, relative};

use super::program::{Failure, printed};

/// What Kustomize makes of a folder. `kustomizations` are its file and those that it builds on.
pub(super) fn built(folder: &Path, kustomizations: Vec<PathBuf>) -> Result<Vec<Input>, Failure> {
    let (text, from) = match with_origins(folder) {
        Ok(Ok((text, from))) => (text, from),
        Ok(Err(Failure::Absent)) => return Err(Failure::Absent),
        // Then it says itself what is wrong with its folder, or does without notes of the origins.
        Ok(Err(Failure::Failed(_))) | Err(_) => (build(folder)?, folder.to_owned()),
    };
    let documents = Rendered::by_kustomize(&text, folder, &from, kustomizations);
    Ok(documents.into_iter().map(Input::Rendered).collect())
}

/// What Kustomize makes of the folder when it notes where each object comes from, as an overlay in another folder asks it
/// to; and that other folder, where the paths begin.
fn with_origins(folder: &Path) -> io::Result<Result<(String, PathBuf), Failure>> {
    let stage = tempfile::Builder::new().prefix("podsec-").tempdir()?;
    let from = fs::canonicalize(stage.path())?;
    let way = relative(&fs::canonicalize(folder)?, &from);
    let asked = serde_json::json!({"resources": [way], "buildMetadata": ["originAnnotations"]});
    let [name, ..] = KUSTOMIZATION_NAMES;
    fs::write(from.join(name), asked.to_string())?;
    Ok(build(&from).map(|text| (text, from)))
}

fn build(folder: &Path) -> Result<String, Failure> {
    let words = |verb: &str| -> [OsString; 2] { [verb.into(), folder.into()] };
    match printed("kustomize", &words("build")) {
        Err(Failure::Absent) => printed("kubectl", &words("kustomize")),
        other => other,
    }
}
