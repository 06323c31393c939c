//! Revisions, and the entries and events that carry them.

use std::{fmt, sync::Arc};

use bytes::Bytes;

/// The number of a change. One counter serves all keys, so it orders all changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Where a new store stands, as a new etcd does.
    pub const FIRST: Self = Self(1);

    /// The revision of the change after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key with its value at some revision. Cloning it copies no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Arc<str>,
    /// The value as it was put.
    pub value: Bytes,
    /// The revision of the put that wrote this value.
    pub revision: Revision,
    /// The revision of the put that created the key, after its last deletion if there was one.
    pub create_revision: Revision,
}

/// One committed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key that was not there was put.
    Create(Entry),
    /// A key that was there was put.
    Modify {
        /// What it is now.
        entry: Entry,
        /// What it was before.
        previous: Entry,
    },
    /// A key was deleted.
    Delete {
        /// The revision of the deletion.
        revision: Revision,
        /// What it was before.
        previous: Entry,
    },
}

impl Event {
    /// The changed key.
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Create(entry) | Self::Modify { entry, .. } => &entry.key,
            Self::Delete { previous, .. } => &previous.key,
        }
    }

    /// The revision of the change.
    pub fn revision(&self) -> Revision {
        match self {
            Self::Create(entry) | Self::Modify { entry, .. } => entry.revision,
            Self::Delete { revision, .. } => *revision,
        }
    }

    /// The key's entry after the change.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Create(entry) | Self::Modify { entry, .. } => Some(entry),
            Self::Delete { .. } => None,
        }
    }

    /// The key's entry before the change.
    pub fn previous(&self) -> Option<&Entry> {
        match self {
            Self::Create(_) => None,
            Self::Modify { previous, .. } | Self::Delete { previous, .. } => Some(previous),
        }
    }
}
