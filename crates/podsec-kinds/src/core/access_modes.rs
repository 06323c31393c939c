//! What PersistentVolumes and their claims share: the modes of access, the modes of volumes, and the annotation that
//! once named the class.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;

/// What is wrong with `accessModes`.
pub(super) fn validate(modes: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let modes: Vec<&str> = modes.iter().map(|mode| mode.as_str().unwrap_or_default()).collect();
    for mode in modes.iter().filter(|mode| !MODES.contains(mode)) {
        errors.push(formats::unsupported(path, mode, MODES));
    }
    let is_known = |mode: &&str| MODES.contains(mode) && *mode != "ReadWriteOncePod";
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(is_known) {
        let detail = "may not use ReadWriteOncePod with other access modes";
        errors.push(Error::forbidden(path.clone(), detail));
    }
    errors
}

/// `RWO,ROX,RWX,RWOP`, those that are there.
pub(super) fn shown(modes: &[Value]) -> String {
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let present = short.iter().filter(|(mode, _)| modes.iter().any(|other| other == mode));
    present.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

/// How a volume appears in a pod.
pub(super) const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

/// The annotation that named the class before the field did.
pub(super) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// What to say about it.
pub(super) const CLASS_ANNOTATION_DEPRECATED: &str =
    "deprecated since v1.8; use \"storageClassName\" attribute instead";

const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
