//! What a commit asks for and what it answers.

use bytes::Bytes;

use crate::{Entry, Revision};

/// What must be true of a key for its change to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The key is not there.
    Absent,
    /// The key's newest change has this revision, and is no deletion.
    Revision(Revision),
    /// Nothing.
    Any,
}

impl Precondition {
    /// Whether it is true of a key whose newest entry is `current`.
    pub(crate) fn holds(self, current: Option<&Entry>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::Revision(revision) => current.is_some_and(|entry| entry.revision == revision),
            Self::Any => true,
        }
    }
}

/// What a commit does to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Creates the key or replaces its value, even by an equal one: whether an update that changes nothing
    /// is worth a revision is the caller's decision.
    Put(Bytes),
    /// Removes the key.
    Delete,
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The revision that the change took.
    pub revision: Revision,
    /// The key's entry before the change.
    pub previous: Option<Entry>,
}
