//! Why a store did not do what it was asked.

use std::sync::Arc;

use crate::{Entry, Revision};

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The precondition did not hold, or a key that is not there was to be deleted.
    #[error("the key {}", match current {
        Some(entry) => format!("is at revision {}, which is not what the change expects", entry.revision),
        None => "does not exist, and the change expects it to".to_owned(),
    })]
    Conflict {
        /// What the key holds.
        current: Option<Entry>,
    },
    /// The history before `oldest` has been dropped.
    #[error("the revision has been compacted; the oldest one kept is {oldest}")]
    Compacted {
        /// The oldest revision that can be read at or watched from.
        oldest: Revision,
    },
    /// The revision has not happened yet.
    #[error("the revision is in the future; the newest one is {current}")]
    Future {
        /// The newest revision.
        current: Revision,
    },
    /// A watch was so slow that changes it had not taken were compacted.
    #[error("the watch was too slow: changes after revision {after} were dropped before it took them")]
    Lagged {
        /// The revision up to which the watch is complete.
        after: Revision,
    },
    /// A key without characters, which no implementation stores.
    #[error("a key must not be empty")]
    EmptyKey,
    /// The store has been closed, or what writes for it has died.
    #[error("the store is closed")]
    Closed,
    /// The change could not be made durable. It may or may not be there after the store is opened again.
    #[error("the change could not be written")]
    Write(#[source] Arc<dyn std::error::Error + Send + Sync>),
}
