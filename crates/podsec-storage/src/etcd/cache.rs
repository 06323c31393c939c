//! What the cluster holds, in memory: listed once, then followed by one watch, whoever writes.
//!
//! ```text
//! etcd ── list at revision R ──► History ◄── events after R ── watch (resumed where it broke)
//!                                   │
//!                  reads, watches of any number of clients
//! ```

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

use super::client::Client;
use super::keys::Keys;
use super::message::{KeyValue, RangeRequest, WatchCreate, WatchEvent, WatchResponse};
use super::wire::from_wire;
use super::wire::{PAUSE, to_wire};
use crate::history::History;
use crate::{Entry, Event, Retention, Revision};

/// The store's keys as the cluster has them, a moment late.
pub(super) struct Cache {
    history: RwLock<History>,
    /// How far it is.
    newest: watch::Sender<Revision>,
}

/// Lists and watches for a cache.
pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) keys: Arc<Keys>,
    pub(super) cache: Arc<Cache>,
}

impl Cache {
    /// Everything as it is now.
    pub(super) async fn load(client: &Client, keys: &Keys, retention: Retention) -> Result<Self, Status> {
        let (entries, revision) = list(client, keys).await?;
        let mut history = History::new(revision, retention);
        for entry in entries {
            history.restore(entry);
        }
        Ok(Self { history: RwLock::new(history), newest: watch::Sender::new(revision) })
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, History> {
        self.history.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything up to `revision` is known, as long as `patience`.
    pub(super) async fn reaches(&self, revision: Revision, patience: Duration) -> bool {
        let mut newest = self.newest.subscribe();
        if *newest.borrow_and_update() >= revision {
            return true;
        }
        let reached = newest.wait_for(|newest| *newest >= revision);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }
}

/// Why a watch of the cluster ended.
enum Ended {
    /// What comes next is compacted.
    Compacted,
    /// The connection broke, or the member stopped.
    Broken,
}

impl Follower {
    /// Follows the cluster for ever.
    pub(super) async fn run(self) {
        loop {
            let after = self.cache.read().revision();
            let ended = match self.client.watch(self.create(after)).await {
                Ok(responses) => self.follow(responses).await,
                Err(status) => {
                    tracing::debug!(%status, "etcd cannot be watched");
                    Ended::Broken
                }
            };
            tokio::time::sleep(PAUSE).await;
            if let Ended::Compacted = ended {
                self.begin_again().await;
            }
        }
    }

    async fn follow(&self, mut responses: Streaming<WatchResponse>) -> Ended {
        while let Ok(Some(response)) = responses.message().await {
            if response.compact_revision > 0 {
                return Ended::Compacted;
            }
            if response.canceled {
                return Ended::Broken;
            }
            self.take_in(response);
        }
        Ended::Broken
    }

    fn take_in(&self, response: WatchResponse) {
        let now = SystemTime::now();
        let mut history = self.cache.write();
        if response.events.is_empty() {
            // A progress notification: etcd has sent all up to here.
            history.advance_to(from_wire(response.header.map_or(0, |header| header.revision)));
        }
        for events in response.events.chunk_by(|one, other| revision_of(one) == revision_of(other)) {
            let revision = events.first().map_or(Revision(0), revision_of);
            // Told twice, as after a connection that broke.
            if revision <= history.revision() {
                continue;
            }
            let told: Vec<_> = events.iter().filter_map(|event| self.event(&history, event)).collect();
            history.apply_all(&told, now);
            // Where all of it was left out.
            history.advance_to(revision);
        }
        if let Some(revision) = history.overdue(now) {
            history.compact(revision);
        }
        let newest = history.revision();
        drop(history);
        self.cache.newest.send_replace(newest);
    }

    /// What an event of etcd does to what is known.
    fn event(&self, history: &History, event: &WatchEvent) -> Option<Arc<Event>> {
        const PUT: i32 = 0;
        let kv = event.kv.as_ref()?;
        let previous = history.get(&self.keys.key(&kv.key)?).cloned();
        // A value that is left out is as good as none.
        let entry = if event.kind == PUT { self.keys.entry(kv) } else { None };
        Some(Arc::new(match (entry, previous) {
            (Some(entry), None) => Event::Create(entry),
            (Some(entry), Some(previous)) => Event::Modify { entry, previous },
            (None, Some(previous)) => Event::Delete { revision: from_wire(kv.mod_revision), previous },
            (None, None) => return None,
        }))
    }

    /// Lists again, for what was compacted while nothing was heard.
    async fn begin_again(&self) {
        loop {
            match list(&self.client, &self.keys).await {
                Ok((entries, revision)) => {
                    tracing::warn!(%revision, "etcd was compacted before its changes were read: all watches begin anew");
                    self.cache.write().begin_again(entries, revision);
                    self.cache.newest.send_replace(revision);
                    return;
                }
                Err(status) => tracing::debug!(%status, "etcd cannot be listed"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn create(&self, after: Revision) -> WatchCreate {
        let (key, range_end) = self.keys.all();
        WatchCreate {
            key,
            range_end,
            start_revision: to_wire(after.next()),
            progress_notify: true,
            prev_kv: false,
        }
    }
}

fn revision_of(event: &WatchEvent) -> Revision {
    from_wire(event.kv.as_ref().map_or(0, |kv: &KeyValue| kv.mod_revision))
}

/// All entries at one revision, page by page.
async fn list(client: &Client, keys: &Keys) -> Result<(Vec<Entry>, Revision), Status> {
    'again: loop {
        let (mut entries, mut revision, mut start) = (Vec::new(), 0, Bytes::new());
        loop {
            let request = RangeRequest { limit: PAGE, revision, ..keys.all_from(start) };
            let response = match client.range(request).await {
                // Compacted between two pages.
                Err(status) if status.code() == Code::OutOfRange => continue 'again,
                response => response?,
            };
            if revision == 0 {
                revision = response.header.map_or(0, |header| header.revision);
            }
            entries.extend(response.kvs.iter().filter_map(|kv| keys.entry(kv)));
            let Some(last) = response.kvs.last().filter(|_| response.more) else {
                return Ok((entries, from_wire(revision)));
            };
            // The key after a key is that key with a zero byte.
            start = [&last.key[..], b"\0"].concat().into();
        }
    }
}

/// Keys that are listed at one time.
const PAGE: i64 = 1000;
