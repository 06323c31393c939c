//! Who decides the owners of the fields that a write changes.

/// Where a new state comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Server-side apply, which has decided who owns what.
    Apply,
    /// Anything else: what changes belongs to who changes it.
    Update,
}
