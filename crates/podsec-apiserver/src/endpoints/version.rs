//! `/version`: the Kubernetes version whose API this is.

use podsec_apimachinery::emulation::Emulation;
use podsec_apimachinery::kubernetes::{MAJOR, MINOR, VERSION};
use serde_json::json;

use crate::answer::Answer;

/// The version as clients see it: that of Kubernetes, and podsec's behind a plus.
pub fn git_version() -> String {
    format!("{VERSION}+podsec-{}", env!("CARGO_PKG_VERSION"))
}

/// The version document, indented as upstream indents it.
pub(super) fn version(emulation: &Emulation) -> Answer {
    let platform = format!("{}/{}", std::env::consts::OS, go_architecture());
    let version = json!({
        "major": MAJOR.to_string(),
        "minor": MINOR.to_string(),
        "emulationMajor": MAJOR.to_string(),
        "emulationMinor": emulation.minor().to_string(),
        "minCompatibilityMajor": MAJOR.to_string(),
        "minCompatibilityMinor": (emulation.minor() - 1).to_string(),
        "gitVersion": git_version(),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": platform,
    });
    Answer::document("application/json", serde_json::to_vec_pretty(&version).unwrap_or_default())
}

/// The architecture as Go names it.
fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
