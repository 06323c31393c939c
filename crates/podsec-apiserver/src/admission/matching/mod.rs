//! Which requests policies and webhooks are about, and in which version they see the objects.

pub(super) mod rules;
pub(super) mod version;

/// Whether a rule that names one version stands for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchPolicy {
    /// It does.
    Equivalent,
    /// It does not.
    Exact,
}

/// What becomes of a request that cannot be judged, or whose webhook cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It goes on.
    Ignore,
}
