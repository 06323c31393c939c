//! How sure a fix is: whether a program can notice it, and how that is known.
//!
//! | kind | what it promises |
//! |---|---|
//! | safe | it only adds a field that nobody wrote, and nothing in the manifest asks for what the field takes away |
//! | checked | it only adds a field that nobody wrote, and the manifest proves that no program can notice |
//! | unsafe | nothing: it may break the program, and [`crate::Fix::risk`] says what and how to find out |
//!
//! That the field is missing is demanded here, for every check; what else must hold stands with each check.

use core::fmt;

use crate::field::{Field, Owner};
use crate::pod::{Container, Pod};

/// How sure the fix of one field of one pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// It adds what nobody wrote, and nothing in the manifest asks for what it takes away. The text says what must hold
    /// for that.
    Safe(&'static str),
    /// The manifest proves that no program can notice. The text says by what.
    Checked(&'static str),
    /// It may break the program.
    Unsafe,
}

/// A ground on which a fix is more than unsafe.
#[derive(Debug)]
pub struct Ground {
    /// What the fix is where the ground holds.
    pub safety: Safety,
    /// Whether it holds for a field that is missing.
    pub(crate) holds: for<'p> fn(&'p Pod<'p>, &Field<'p>) -> bool,
}

impl Safety {
    /// The kind in a word: `safe`, `checked` or `unsafe`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe(_) => "safe",
            Self::Checked(_) => "checked",
            Self::Unsafe => "unsafe",
        }
    }

    /// Whether the fix is made without being asked for by name.
    pub const fn is_made_unasked(self) -> bool {
        !matches!(self, Self::Unsafe)
    }

    /// Whether a program may notice, however rarely: then [`crate::Fix::risk`] is to be told.
    pub const fn may_be_noticed(self) -> bool {
        !matches!(self, Self::Checked(_))
    }

    /// The less sure of two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unsafe, _) | (_, Self::Unsafe) => Self::Unsafe,
            (Self::Safe(_), _) => self,
            _ => other,
        }
    }
}

impl fmt::Display for Safety {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The container that a field belongs to.
pub(crate) fn container<'p>(pod: &'p Pod<'p>, field: &Field<'p>) -> Option<&'p Container<'p>> {
    match field.owner {
        Owner::Container { kind, index, .. } => pod.containers_of(kind).get(index),
        _ => None,
    }
}

/// The user that a container is started as, where the manifest names one.
pub(crate) fn user(pod: &Pod<'_>, container: &Container<'_>) -> Option<i64> {
    container.security_context.run_as_user.or(pod.spec.security_context.run_as_user)
}

/// Whether the manifest says that a container's user is another one than root.
pub(crate) fn is_told_non_root(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let non_root = container.security_context.run_as_non_root.or(pod.spec.security_context.run_as_non_root);
    user(pod, container).map_or(non_root == Some(true), |user| user != 0)
}

/// Whether a container asks for powers beyond those of any other.
pub(crate) fn asks_for_powers(container: &Container<'_>) -> bool {
    let context = &container.security_context;
    context.privileged == Some(true) || context.capabilities.add.iter().next().is_some()
}

/// Whether a container drops all capabilities.
pub(crate) fn drops_all(container: &Container<'_>) -> bool {
    container.security_context.capabilities.drop.iter().any(|capability| capability == "ALL")
}
