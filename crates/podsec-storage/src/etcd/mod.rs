//! The store in an etcd cluster, one key of etcd for each key of the store.
//!
//! ```text
//! commit ──► transaction ──► etcd ──► watch ──► cache
//! get, range, watch ──► how far is etcd? ──► cache, once it is as far
//! range of long ago ──► etcd
//! ```
//!
//! Reads are as fresh as etcd's own linearizable ones, and answered from memory; see [`read_index`] and [`cache`].

mod cache;
mod client;
mod keys;
mod message;
mod options;
mod read_index;
mod wire;

use std::future::ready;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use self::cache::{Cache, Follower};
use self::client::Client;
use self::keys::{Keys, end_of, first};
use self::message::{
    CREATE, CompactionRequest, Compare, DeleteRequest, EQUAL, KeyValue, MOD, NOT_EQUAL, PutRequest,
    RangeRequest, Request, RequestOp, Response, ResponseOp, Target, TxnRequest,
};
pub use self::options::{Decode, EtcdOptions, EtcdTls};
use self::read_index::ReadIndex;
use self::wire::{PAUSE, Unanswered, failed, from_wire, to_wire, unanswered};
use crate::{Answer, Change, Commit, Entry, Error, Page, Precondition, Range, Revision, Store, Watch};

/// A store in an etcd cluster, whose keys, values and revisions are etcd's own.
///
/// Any number of processes may use one cluster, kube-apiserver among them: what one has committed, the others read.
pub struct Etcd {
    client: Client,
    keys: Arc<Keys>,
    cache: Arc<Cache>,
    read_index: ReadIndex,
    barrier_after: Duration,
    /// The revision of the newest barrier, locked by whoever writes the next one.
    barrier: Mutex<Revision>,
    is_read_only: bool,
    tasks: Vec<JoinHandle<()>>,
}

impl Etcd {
    /// Connects, reads everything, and follows what changes. Connections that break are made again. It needs a Tokio
    /// runtime around it, for its connections.
    ///
    /// # Errors
    /// When an endpoint is no URL, a certificate is none, there is no runtime, or the cluster does not answer.
    pub async fn connect(options: &EtcdOptions) -> Result<Self, Error> {
        Handle::try_current().map_err(failed)?;
        let mut endpoints = Vec::new();
        for endpoint in &options.endpoints {
            let mut endpoint = Endpoint::from_shared(endpoint.clone()).map_err(failed)?;
            if let Some(tls) = &options.tls {
                endpoint = endpoint.tls_config(tls.into()).map_err(failed)?;
            }
            // Without it a watch could wait for ever on a connection that is dead.
            let endpoint = endpoint.http2_keep_alive_interval(KEEP_ALIVE).keep_alive_timeout(KEEP_ALIVE);
            endpoints.push(endpoint.keep_alive_while_idle(true).connect_timeout(KEEP_ALIVE));
        }
        let client = Client::new(Channel::balance_list(endpoints.into_iter()));
        let keys = Arc::new(Keys::new(options));
        let cache = load(&client, &keys, options).await.map_err(unanswered)?;
        let cache = Arc::new(cache);
        let follower = Follower { client: client.clone(), keys: keys.clone(), cache: cache.clone() };
        let tasks = vec![tokio::spawn(follower.run())];
        let read_index = ReadIndex::start(client.clone());
        Ok(Self {
            client,
            keys,
            cache,
            read_index,
            barrier_after: options.barrier_after,
            barrier: Mutex::default(),
            is_read_only: false,
            tasks,
        })
    }

    /// The same, without writing anything: commits are refused. What others write is read as soon as etcd tells it.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// The same, with all history dropped from the cluster that is older than `interval`, as often.
    #[must_use]
    pub fn compacting_every(mut self, interval: Duration) -> Self {
        self.tasks.push(tokio::spawn(compact_every(interval, self.client.clone(), Arc::clone(&self.cache))));
        self
    }

    /// Waits until everything is in the cache that was committed anywhere before this call.
    async fn catch_up(&self) -> Result<Revision, Error> {
        let newest = self.read_index.newest().await?;
        if self.cache.reaches(newest, self.barrier_after).await {
            return Ok(newest);
        }
        // Nothing comes for what others do beside the store's keys: a change among them shows that all before it
        // has come.
        let mut barrier = self.barrier.lock().await;
        // One that another read has written behind `newest` serves this one too.
        if !self.is_read_only && *barrier < newest && !self.cache.reaches(newest, Duration::ZERO).await {
            let put = PutRequest { key: self.keys.barrier(), value: Bytes::new(), prev_kv: false };
            let put = RequestOp { request: Some(Request::Put(put)) };
            let transaction = TxnRequest { success: vec![put], ..TxnRequest::default() };
            let written = self.client.transaction(transaction).await.map_err(unanswered)?;
            *barrier = from_wire(written.header.map_or(0, |header| header.revision));
        }
        drop(barrier);
        // Who may not write takes what has come: nobody writes to the copy of a cluster.
        if self.is_read_only || self.cache.reaches(newest, TIMEOUT).await {
            return Ok(newest);
        }
        Err(failed(Unanswered("its watch does not tell what it holds".to_owned())))
    }

    async fn current(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.catch_up().await?;
        Ok(self.cache.read().get(key).cloned())
    }

    async fn page(&self, range: Range<'_>) -> Result<Page, Error> {
        let is_known = |revision| {
            let history = self.cache.read();
            history.oldest() <= revision && revision <= history.revision()
        };
        match range.at {
            Some(revision) if is_known(revision) => {}
            Some(revision) if revision < self.cache.read().oldest() => return self.past_page(range).await,
            _ => drop(self.catch_up().await?),
        }
        self.cache.read().range(range)
    }

    /// Reads from the cluster what the cache has never had, or has dropped.
    async fn past_page(&self, range: Range<'_>) -> Result<Page, Error> {
        let compacted = || Error::Compacted { oldest: self.cache.read().oldest() };
        let Some(revision) = range.at.filter(|revision| revision.0 > 0) else { return Err(compacted()) };
        let key = match range.lower() {
            Bound::Included(key) => first(str::from_utf8(&self.keys.wire(key)).map_err(failed)?),
            Bound::Excluded(key) => [&self.keys.wire(key)[..], b"\0"].concat().into(),
            Bound::Unbounded => self.keys.all().0,
        };
        let range_end = end_of(str::from_utf8(&self.keys.wire(range.prefix)).map_err(failed)?);
        if range_end <= key && range_end[..] != [0] {
            return Ok(Page { entries: Vec::new(), revision, remaining: 0 });
        }
        let request = RangeRequest {
            key,
            range_end,
            limit: range.limit.map_or(0, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            revision: to_wire(revision),
            count_only: range.limit == Some(0),
        };
        let response = match self.client.range(request).await.map_err(Refusal::from) {
            Ok(response) => response,
            Err(Refusal::Compacted) => return Err(compacted()),
            Err(Refusal::Future) => return Err(Error::Future { current: self.read_index.newest().await? }),
            Err(Refusal::Other(status)) => return Err(unanswered(status)),
        };
        let remaining = usize::try_from(response.count).unwrap_or(0).saturating_sub(response.kvs.len());
        let entries = response.kvs.iter().filter_map(|kv| self.keys.entry(kv)).collect();
        Ok(Page { entries, revision, remaining })
    }

    async fn change(&self, key: &str, precondition: Precondition, change: Change) -> Result<Commit, Error> {
        change.check(key)?;
        if self.is_read_only {
            return Err(Error::ReadOnly);
        }
        let bytes = self.keys.wire(key);
        let condition =
            |result, target, value| vec![Compare { result, target, key: bytes.clone(), value: Some(value) }];
        let compare = match (precondition, &change) {
            (Precondition::Any, Change::Put(_)) => vec![],
            (Precondition::Any, Change::Delete) => condition(NOT_EQUAL, CREATE, Target::CreateRevision(0)),
            (Precondition::Absent, Change::Put(_)) => condition(EQUAL, CREATE, Target::CreateRevision(0)),
            // For etcd a key that is not there has revision 0; here it has none.
            (Precondition::Revision(Revision(0)), _) | (Precondition::Absent, Change::Delete) => {
                return Err(Error::Conflict { current: self.current(key).await? });
            }
            (Precondition::Revision(revision), _) => {
                condition(EQUAL, MOD, Target::ModRevision(to_wire(revision)))
            }
        };
        let request = match change {
            Change::Put(value) => Request::Put(PutRequest { key: bytes.clone(), value, prev_kv: true }),
            Change::Delete => Request::Delete(DeleteRequest { key: bytes.clone(), prev_kv: true }),
        };
        let read = RangeRequest { key: bytes.clone(), ..RangeRequest::default() };
        let transaction = TxnRequest {
            compare,
            success: vec![RequestOp { request: Some(request) }],
            failure: vec![RequestOp { request: Some(Request::Range(read)) }],
        };
        let answer = self.client.transaction(transaction).await.map_err(refused)?;
        let revision = from_wire(answer.header.map_or(0, |header| header.revision));
        let known = answer.responses.into_iter().next().and_then(known);
        let known = known.as_ref().and_then(|kv| self.keys.entry(kv));
        if answer.succeeded {
            Ok(Commit { revision, previous: known })
        } else {
            Err(Error::Conflict { current: known })
        }
    }

    async fn drop_history(&self, revision: Revision) -> Result<(), Error> {
        if self.is_read_only {
            return Err(Error::ReadOnly);
        }
        let newest = self.catch_up().await?;
        if revision > newest {
            return Err(Error::Future { current: newest });
        }
        compact(&self.client, &self.cache, revision).await.map_err(unanswered)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Store for Etcd {
    fn revision(&self) -> Answer<'_, Revision> {
        Box::pin(self.catch_up())
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(self.current(key))
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page> {
        Box::pin(self.page(range))
    }

    fn commit<'a>(&'a self, key: &'a str, precondition: Precondition, change: Change) -> Answer<'a, Commit> {
        Box::pin(self.change(key, precondition, change))
    }

    fn watch<'a>(&'a self, prefix: &'a str, from: Revision) -> Answer<'a, Box<dyn Watch>> {
        Box::pin(ready(self.cache.write().watch(prefix, from)))
    }

    fn compact(&self, revision: Revision) -> Answer<'_, ()> {
        Box::pin(self.drop_history(revision))
    }
}

/// Reads everything, from a cluster that may be about to start.
async fn load(client: &Client, keys: &Keys, options: &EtcdOptions) -> Result<Cache, Status> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match Cache::load(client, keys, options.retention).await {
            Err(status) if status.code() == Code::Unavailable && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Compacts to where the cluster was an interval ago, each interval, as kube-apiserver does. Several servers on one
/// cluster do so each by its own clock; the past is kept for an interval all the same.
async fn compact_every(interval: Duration, client: Client, cache: Arc<Cache>) {
    loop {
        let revision = cache.read().revision();
        tokio::time::sleep(interval).await;
        if let Err(status) = compact(&client, &cache, revision).await {
            tracing::warn!(%status, "etcd cannot be compacted");
        }
    }
}

async fn compact(client: &Client, cache: &Cache, revision: Revision) -> Result<(), Status> {
    let answer = client.compact(CompactionRequest { revision: to_wire(revision) }).await;
    match answer.map_err(Refusal::from) {
        Ok(_) | Err(Refusal::Compacted) => cache.write().compact(revision),
        // Another cluster answers than the one that was read.
        Err(Refusal::Future) => return Err(Status::out_of_range("the revision has not happened")),
        Err(Refusal::Other(status)) => return Err(status),
    }
    Ok(())
}

/// What etcd says about a revision that it does not have. The code is the same for both, so the words count.
enum Refusal {
    Compacted,
    Future,
    Other(Status),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::OutOfRange if status.message().contains("compacted") => Self::Compacted,
            Code::OutOfRange if status.message().contains("future") => Self::Future,
            _ => Self::Other(status),
        }
    }
}

/// What a transaction is refused for, in the store's words where it has some.
fn refused(status: Status) -> Error {
    match status.code() {
        Code::ResourceExhausted if status.message().contains("database space exceeded") => Error::NoSpace,
        Code::InvalidArgument if status.message().contains("request is too large") => Error::TooLarge,
        _ => unanswered(status),
    }
}

/// The entry before a change, or instead of one.
fn known(response: ResponseOp) -> Option<KeyValue> {
    match response.response? {
        Response::Put(put) => put.prev_kv,
        Response::Delete(delete) => delete.prev_kvs.into_iter().next(),
        Response::Range(range) => range.kvs.into_iter().next(),
    }
}

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a read waits for the cluster's changes.
const TIMEOUT: Duration = Duration::from_secs(10);
