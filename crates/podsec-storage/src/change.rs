//! What a commit asks for and what it answers.

use bytes::Bytes;

use crate::{Entry, Error, Revision};

/// How many bytes a key and its value may have together: etcd's `--max-request-bytes`.
pub const MAX_REQUEST_BYTES: usize = 1_572_864;

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

impl Change {
    /// Refuses what no store takes. What a file holds already is not measured: it may be older than the limit.
    pub(crate) fn check(&self, key: &str) -> Result<(), Error> {
        match self {
            _ if key.is_empty() => Err(Error::EmptyKey),
            Self::Put(value) if key.len() + value.len() > MAX_REQUEST_BYTES => Err(Error::TooLarge),
            Self::Put(_) | Self::Delete => Ok(()),
        }
    }
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The revision that the change took.
    pub revision: Revision,
    /// The key's entry before the change.
    pub previous: Option<Entry>,
}
