//! A level at a version: what a namespace asks of its pods.

use core::fmt;

use crate::{Level, Version};

/// A level at a version, as in the namespace labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How much is forbidden.
    pub level: Level,
    /// By which revision of the checks.
    pub version: Version,
}

impl Policy {
    /// A policy of this level and version.
    pub const fn new(level: Level, version: Version) -> Self {
        Self { level, version }
    }
}

impl fmt::Display for Policy {
    /// `restricted:latest`, as Kubernetes' messages write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}
