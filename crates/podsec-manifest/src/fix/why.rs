//! Why a field stays as it is.

use std::fmt;

/// Why a field that breaks a rule stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Mending it may break the program, and only safe fixes were asked for.
    NeedsUnsafe,
    /// No edit of the manifest mends it without knowing more.
    NoFix,
    /// It would be mended, but for this.
    Refused(String),
    /// The image has no user for it: this one is to be built into it.
    NoUser(String),
    /// No edit is right for the pod, for this reason: it is made for its node, or for another system than it says.
    Unfit(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsUnsafe => f.write_str("needs --unsafe-fixes"),
            Self::NoFix => f.write_str("cannot be mended by an edit"),
            Self::Refused(reason) | Self::Unfit(reason) | Self::NoUser(reason) => f.write_str(reason),
        }
    }
}
