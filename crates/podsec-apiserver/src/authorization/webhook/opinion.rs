//! What a service that decides may say.

/// What the service says of a request, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::authorization) enum Opinion {
    /// It is allowed.
    Allow(String),
    /// It is refused, whatever others say.
    Deny(String),
    /// Others decide.
    None(String),
}
