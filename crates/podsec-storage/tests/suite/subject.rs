//! The implementations under test, and short words for what the laws do with them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use podsec_storage::{
    Change, Commit, Entry, Error, Etcd, EtcdOptions, Event, Memory, Precondition, Range, Redb, Retention,
    Revision, Store, Watch,
};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Turns each `async fn(Make)` into one test for each implementation. Those after `; embedded:` are laws of
/// the stores of this process: etcd keeps its history by its own rules, and buffers for its watches.
macro_rules! laws {
    ($($law:ident)* $(; embedded: $($own:ident)*)?) => {
        $crate::subject::laws!(@ memory, $crate::subject::Subject::memory, $($law)* $($($own)*)?);
        $crate::subject::laws!(@ redb, $crate::subject::Subject::redb, $($law)* $($($own)*)?);
        $crate::subject::laws!(@ etcd, $crate::subject::Subject::etcd, #[ignore = "needs etcd"] $($law)*);
    };
    (@ $name:ident, $make:expr, $(#[$ignored:meta])? $($law:ident)*) => {
        $crate::subject::laws!(@@ $name, $make, [$(#[$ignored])?], $($law)*);
    };
    (@@ $name:ident, $make:expr, $ignored:tt, $($law:ident)*) => {
        mod $name {
            $($crate::subject::laws!(@@@ $make, $ignored, $law);)*
        }
    };
    (@@@ $make:expr, [$($ignored:tt)*], $law:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($ignored)*
        async fn $law() {
            super::$law($make).await;
        }
    };
}
pub(crate) use laws;

/// Makes a store that keeps the given history.
pub(crate) type Make = fn(Retention) -> Subject;

/// A store under test.
pub(crate) struct Subject {
    pub(crate) store: Arc<dyn Store>,
    // Dropped after the store, and its files with it.
    directory: Option<TempDir>,
    _server: Option<crate::etcd::Server>,
}

/// Keeps everything that a law can make.
pub(crate) const ALL: Retention =
    Retention { revisions: 100_000, bytes: 1 << 30, age: Duration::from_hours(1) };

impl Subject {
    fn new(store: impl Store + 'static, directory: Option<TempDir>) -> Self {
        Self { store: Arc::new(store), directory, _server: None }
    }

    pub(crate) fn etcd(retention: Retention) -> Self {
        let server = crate::etcd::Server::start();
        // No change but those of the test takes a revision, however slow the machine is.
        let barrier_after = Duration::from_secs(10);
        let options = EtcdOptions { retention, barrier_after, ..EtcdOptions::new(&[&server.url]) };
        let store = tokio::task::block_in_place(|| {
            Handle::current().block_on(Etcd::connect(&options)).expect("etcd answers")
        });
        Self { store: Arc::new(store), directory: None, _server: Some(server) }
    }

    pub(crate) fn memory(retention: Retention) -> Self {
        Self::new(Memory::new(retention), None)
    }

    pub(crate) fn redb(retention: Retention) -> Self {
        Self::at(tempfile::tempdir().expect("a directory for the store"), retention)
    }

    /// The store after a restart, if it is one that survives it.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, directory: Some(directory), .. } = self else { return self };
        drop(store);
        Self::at(directory, ALL)
    }

    fn at(directory: TempDir, retention: Retention) -> Self {
        let store = Redb::open(&directory.path().join("store.redb"), retention).expect("the store opens");
        Self::new(store, Some(directory))
    }

    pub(crate) async fn put(&self, key: &str, value: &str) -> Revision {
        self.commit(key, Precondition::Any, put(value)).await.expect("an unconditional put").revision
    }

    pub(crate) async fn delete(&self, key: &str) -> Revision {
        self.commit(key, Precondition::Any, Change::Delete).await.expect("the key is there").revision
    }

    pub(crate) async fn commit(&self, key: &str, when: Precondition, what: Change) -> Result<Commit, Error> {
        self.store.commit(key, when, what).await
    }

    pub(crate) async fn revision(&self) -> Revision {
        self.store.revision().await.expect("a store knows its revision")
    }

    pub(crate) async fn value(&self, key: &str) -> Option<String> {
        let entry = self.store.get(key).await.expect("a get");
        entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
    }

    /// `key=value` of all entries that `range` lists.
    pub(crate) async fn list(&self, range: Range<'_>) -> Vec<String> {
        let page = self.store.range(range).await.expect("a range");
        page.entries.iter().map(show).collect()
    }

    pub(crate) async fn watch(&self, prefix: &str, from: Revision) -> Box<dyn Watch> {
        self.store.watch(prefix, from).await.expect("a watch")
    }
}

pub(crate) fn put(value: &str) -> Change {
    Change::Put(Bytes::copy_from_slice(value.as_bytes()))
}

pub(crate) fn show(entry: &Entry) -> String {
    format!("{}={}", entry.key, String::from_utf8_lossy(&entry.value))
}

/// The next `count` events, each as a line.
pub(crate) async fn take(watch: &mut dyn Watch, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let batch = tokio::time::timeout(Duration::from_secs(10), watch.next());
        let events = batch.await.expect("events come").expect("the watch is complete");
        lines.extend(events.iter().map(|event| line(event)));
    }
    lines
}

/// Whether nothing comes for a moment.
pub(crate) async fn is_silent(watch: &mut dyn Watch) -> bool {
    tokio::time::timeout(Duration::from_millis(30), watch.next()).await.is_err()
}

pub(crate) fn line(event: &Event) -> String {
    let revision = event.revision();
    match event {
        Event::Create(entry) => format!("{revision} create {}", show(entry)),
        Event::Modify { entry, previous } => {
            format!("{revision} modify {} was {}", show(entry), show(previous))
        }
        Event::Delete { previous, .. } => format!("{revision} delete {}", show(previous)),
    }
}
