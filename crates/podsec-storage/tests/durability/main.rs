//! What a file holds after it was closed, damaged, shared, or never a store.

#![expect(clippy::unwrap_used, reason = "a store that does not answer has failed")]

mod damage;
mod opening;
mod reopening;

use std::path::Path;

use bytes::Bytes;
use podsec_storage::{Change, Entry, OpenError, Precondition, Range, Redb, Retention, Revision, Store};

fn open(path: &Path) -> Result<Redb, OpenError> {
    Redb::open(path, Retention::default())
}

async fn put(store: &Redb, key: &str, value: &str) -> Revision {
    let change = Change::Put(Bytes::copy_from_slice(value.as_bytes()));
    store.commit(key, Precondition::Any, change).await.unwrap().revision
}

async fn delete(store: &Redb, key: &str) -> Revision {
    store.commit(key, Precondition::Any, Change::Delete).await.unwrap().revision
}

async fn all(store: &Redb) -> Vec<Entry> {
    store.range(Range::prefix("")).await.unwrap().entries
}
