//! The manifest that Helm keeps of a release, in a Secret of its own type.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

/// The type of the Secrets.
pub(super) const TYPE: &str = "helm.sh/release.v1";

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    manifest: String,
}

/// The manifest in the data of a Secret: base64 of Kubernetes', base64 of Helm's, gzip, JSON.
pub(super) fn manifest(data: &BTreeMap<String, Value>) -> Result<String, String> {
    let release = data.get("release").and_then(Value::as_str).ok_or("holds no release")?;
    let once = STANDARD.decode(release).map_err(|error| format!("is no base64: {error}"))?;
    let twice =
        STANDARD.decode(once.trim_ascii()).map_err(|error| format!("is no base64 within: {error}"))?;
    let mut json = Vec::new();
    if twice.starts_with(&[0x1f, 0x8b]) {
        let mut reader = GzDecoder::new(twice.as_slice()).take(MOST_BYTES + 1);
        reader.read_to_end(&mut json).map_err(|error| format!("cannot be decompressed: {error}"))?;
    } else {
        json = twice;
    }
    if json.len() as u64 > MOST_BYTES {
        return Err("is longer than 64 MiB".to_owned());
    }
    let release: Release =
        serde_json::from_slice(&json).map_err(|error| format!("is no release: {error}"))?;
    Ok(release.manifest)
}

const MOST_BYTES: u64 = 64 << 20;
