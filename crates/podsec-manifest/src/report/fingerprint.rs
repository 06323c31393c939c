//! What tells a violation from all others, and stays the same while lines move.

use crate::finding::{Finding, PodReport};

/// A fingerprint of a violation: of the file, the object, the pod in it, the check and the fields, but of no line.
pub(super) fn fingerprint(file: &str, pod: &PodReport, finding: &Finding) -> String {
    let object = &pod.object;
    let mut hash = Fnv::default();
    for part in [
        file,
        &object.api_version,
        &object.kind,
        &object.namespace,
        &object.name,
        &pod.path,
        finding.check.id,
    ] {
        hash.add(part);
    }
    // Objects without a name, and equal names in one file, are told apart by their place.
    hash.add(&format!("{} {:?}", object.document, object.item));
    for place in &finding.places {
        hash.add(&place.path);
    }
    hash.finish()
}

/// FNV-1a in 64 bits: stable over versions and machines, which the standard library's hasher is not.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(self) -> String {
        format!("{:016x}", self.0)
    }
}
