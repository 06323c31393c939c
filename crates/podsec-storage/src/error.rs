//! Why a store did not do what it was asked.

use std::{io, path::PathBuf, sync::Arc};

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
    /// Key and value have more than [`crate::MAX_REQUEST_BYTES`]; the words are etcd's.
    #[error("etcdserver: request is too large")]
    TooLarge,
    /// The objects have reached the quota of the store; deletions and reads go on. The words are etcd's.
    #[error("etcdserver: mvcc: database space exceeded")]
    NoSpace,
    /// The store was opened for reading alone.
    #[error("the store is read-only")]
    ReadOnly,
    /// The store has been closed, or what writes for it has died.
    #[error("the store is closed")]
    Closed,
    /// The change could not be made durable. It may or may not be there after the store is opened again.
    #[error("the change could not be written")]
    Write(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// etcd did not answer, or not as it should. A change may or may not have been made.
    #[error("etcd did not do what it was asked")]
    Etcd(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// Why a store could not be opened. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another store of this one, has the file open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory cannot be read or written.
    #[error("cannot open {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what was written to it, or was never a store.
    #[error("{} is damaged or not a store: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by a newer podsec.
    #[error("{} has format {found}, and this version reads up to {supported}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The newest format that can be read.
        supported: u64,
    },
}
