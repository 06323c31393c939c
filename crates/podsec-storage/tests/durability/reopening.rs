//! A store that is opened again is the store that was closed.

use podsec_storage::{Change, Error, Precondition, Range, Retention, Revision, Store};

use crate::{Redb, all, delete, open, put};

#[tokio::test]
async fn a_reopened_store_has_its_past_and_its_present() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    for round in 0..5 {
        for key in ["a", "b", "c"] {
            put(&store, key, &format!("{key}{round}")).await;
        }
        delete(&store, ["a", "b", "c"][round % 3]).await;
    }
    let newest = store.revision().await.unwrap();
    let past = states(&store, Revision(1), newest).await;
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(store.revision().await.unwrap(), newest);
    assert_eq!(states(&store, Revision(1), newest).await, past);
    assert_eq!(put(&store, "a", "next").await, Revision(newest.0 + 1));
}

#[tokio::test]
async fn a_watch_resumes_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    put(&store, "a", "1").await;
    put(&store, "a", "2").await;
    delete(&store, "a").await;
    let mut before = Vec::new();
    let mut watch = store.watch("", Revision(1)).await.unwrap();
    while before.len() < 3 {
        before.extend(watch.next().await.unwrap());
    }
    drop(store);

    let store = open(&path).unwrap();
    let mut watch = store.watch("", Revision(1)).await.unwrap();
    assert_eq!(watch.next().await.unwrap(), before);
}

#[tokio::test]
async fn a_compacted_store_reopens_compacted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    for key in ["a", "b", "c"] {
        put(&store, key, "old").await;
    }
    put(&store, "a", "new").await;
    let oldest = delete(&store, "b").await;
    put(&store, "c", "new").await;
    let newest = delete(&store, "a").await;
    store.compact(oldest).await.unwrap();
    let past = states(&store, oldest, newest).await;
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(states(&store, oldest, newest).await, past);
    let refused = store.range(Range::prefix("").at(Revision(oldest.0 - 1))).await;
    assert!(matches!(refused, Err(Error::Compacted { oldest: told }) if told == oldest), "{refused:?}");
}

#[tokio::test]
async fn the_revision_does_not_go_back_when_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    put(&store, "a", "1").await;
    let newest = delete(&store, "a").await;
    store.compact(newest).await.unwrap();
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(store.revision().await.unwrap(), newest);
    assert_eq!(all(&store).await, []);
}

#[tokio::test]
async fn a_bounded_history_bounds_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let retention = Retention { revisions: 64, ..Retention::default() };
    let store = Redb::open(&path, retention).unwrap();
    let value = "x".repeat(20_000);
    for _ in 0..500 {
        put(&store, "a", &value).await;
    }
    drop(store);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 8 << 20, "{size} bytes for 72 kept values of 20 kB, not for 500");
}

/// The whole store at each revision.
async fn states(store: &Redb, from: Revision, to: Revision) -> Vec<podsec_storage::Page> {
    let mut states = Vec::new();
    for revision in from.0..=to.0 {
        states.push(store.range(Range::prefix("").at(Revision(revision))).await.unwrap());
    }
    states
}

#[tokio::test]
async fn at_its_quota_a_store_takes_deletions_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = Redb::open_with_quota(&path, Retention::default(), 1000).unwrap();
    put(&store, "a", &"x".repeat(900)).await;
    let change = || Change::Put("y".repeat(200).into());
    let refused = store.commit("b", Precondition::Any, change()).await;
    assert!(matches!(refused, Err(Error::NoSpace)), "{refused:?}");
    delete(&store, "a").await;
    store.commit("b", Precondition::Any, change()).await.unwrap();
    assert_eq!(all(&store).await.len(), 1);
}
