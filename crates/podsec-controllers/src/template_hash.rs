//! The hash that names what is made of a pod template.

use k8s_openapi::api::core::v1::PodTemplateSpec;

/// The hash of a template, in letters that form no words. `collisions` is how often another object had the name already.
pub(crate) fn template_hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    let text = serde_json::to_string(template).unwrap_or_default();
    let mut hash = fnv(FNV_OFFSET, text.as_bytes());
    if let Some(collisions) = collisions {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&collisions.to_le_bytes());
        hash = fnv(hash, &bytes);
    }
    safe(hash)
}

/// FNV-1a of 32 bits.
pub(crate) fn fnv(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// The digits of a number as letters and digits without vowels.
pub(crate) fn safe(hash: u32) -> String {
    let letter = |digit: u8| char::from(LETTERS[usize::from(digit) % LETTERS.len()]);
    hash.to_string().bytes().map(letter).collect()
}

pub(crate) const FNV_OFFSET: u32 = 0x811c_9dc5;
pub(crate) const FNV_PRIME: u32 = 0x0100_0193;
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
