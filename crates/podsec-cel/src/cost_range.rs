//! Bounds of costs and sizes, and what is known of the sizes of variables before any value is.

use std::fmt::Debug;

use crate::types::Type;

/// At least and at most; of a cost or of a size. What has no bound has `u64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostRange {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

impl CostRange {
    /// Exactly `value`.
    pub const fn fixed(value: u64) -> Self {
        Self { min: value, max: value }
    }

    /// Anything.
    pub const UNKNOWN: Self = Self { min: 0, max: u64::MAX };
    pub(crate) const EMPTY: Self = Self { min: u64::MAX, max: 0 };

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    /// Each bound times `factor`, rounded up.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { min: scaled(self.min, factor), max: scaled(self.max, factor) }
    }

    /// What covers both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates are rounded as Kubernetes' are, in doubles"
)]
fn scaled(value: u64, factor: f64) -> u64 {
    let value = value as f64;
    if value > 0.0 && factor > 0.0 && value > u64::MAX as f64 / factor {
        return u64::MAX;
    }
    // A conversion beyond the bounds of u64 yields its greatest value.
    (value * factor).ceil() as u64
}

/// What is known of the sizes of variables and their fields.
pub trait SizeHints: Debug {
    /// The size of what a path leads to: a variable, then field names, `@items`, `@keys` or `@values`; `None` when
    /// nothing is known. Without a path only the type is known.
    fn size(&self, path: Option<&[String]>, of: &Type) -> Option<CostRange>;
}

/// Nothing is known of any size.
impl SizeHints for () {
    fn size(&self, _: Option<&[String]>, _: &Type) -> Option<CostRange> {
        None
    }
}
