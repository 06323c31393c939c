//! Objects one by one out of long texts, so that a dump of any length takes little memory.

pub mod json;
pub mod yaml;

/// So many bytes may a single object have; what is longer is told and passed over.
pub const MOST_BYTES: usize = 32 << 20;
