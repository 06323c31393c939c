//! The store in an etcd cluster, one key of etcd for each key of the store.

mod client;
mod message;
mod watch;

use std::{ops::Bound, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::runtime::Handle;
use tonic::{
    Code, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use self::{
    client::Client,
    message::{
        CREATE, CompactionRequest, Compare, DeleteRequest, EQUAL, KeyValue, MOD, NOT_EQUAL, PutRequest,
        RangeRequest, Request, RequestOp, Response, ResponseOp, Target, TxnRequest, WatchCreate,
    },
};
use crate::{Answer, Change, Commit, Entry, Error, Page, Precondition, Range, Revision, Store, Watch};

/// A store in an etcd cluster, whose keys, values and revisions are etcd's own.
///
/// What is kept of the past is what the cluster keeps: whoever runs it compacts it, or calls
/// [`Store::compact`]. A watch that is slower than its buffer ends with [`Error::Lagged`]; one whose connection
/// breaks resumes by itself.
pub struct Etcd {
    client: Client,
}

/// What it takes to trust a cluster, and to be trusted by it. All in PEM.
pub struct EtcdTls {
    /// The certificates of the authority that signed etcd's.
    pub authority: Vec<u8>,
    /// The certificate to show to etcd, and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Etcd {
    /// A store in the cluster at `endpoints`, such as `https://127.0.0.1:2379`. Connects when it is first used,
    /// and again when the connection is lost. It needs a Tokio runtime around it, for its connections.
    ///
    /// # Errors
    /// When an endpoint is no URL, a certificate is none, or there is no runtime.
    pub fn new(endpoints: &[&str], tls: Option<&EtcdTls>) -> Result<Self, Error> {
        let _runtime = Handle::try_current().map_err(failed)?;
        let mut parsed = Vec::new();
        for endpoint in endpoints {
            let mut endpoint = Endpoint::from_shared((*endpoint).to_owned()).map_err(failed)?;
            if let Some(tls) = tls {
                endpoint = endpoint.tls_config(tls.into()).map_err(failed)?;
            }
            // Without it a watch could wait for ever on a connection that is dead.
            let endpoint = endpoint.http2_keep_alive_interval(KEEP_ALIVE).keep_alive_timeout(KEEP_ALIVE);
            parsed.push(endpoint.keep_alive_while_idle(true).connect_timeout(KEEP_ALIVE));
        }
        Ok(Self { client: Client::new(Channel::balance_list(parsed.into_iter())) })
    }

    async fn newest(&self) -> Result<Revision, Error> {
        // Any key will do; the answer's header is what is asked for.
        let request = RangeRequest { count_only: true, ..key_only("\0") };
        let response = self.client.range(request).await.map_err(failed)?;
        Ok(from_wire(response.header.map_or(0, |header| header.revision)))
    }

    async fn current(&self, key: &str) -> Result<Option<Entry>, Error> {
        if key.is_empty() {
            return Ok(None);
        }
        let response = self.client.range(key_only(key)).await.map_err(failed)?;
        response.kvs.first().map(entry).transpose()
    }

    async fn page(&self, range: Range<'_>) -> Result<Page, Error> {
        if range.at == Some(Revision(0)) {
            return Err(self.compacted().await);
        }
        let mut start = match range.lower() {
            Bound::Included(key) => key.as_bytes().to_vec(),
            // The key after a key is that key with a zero byte.
            Bound::Excluded(key) => [key.as_bytes(), b"\0"].concat(),
            Bound::Unbounded => Vec::new(),
        };
        if start.is_empty() {
            start.push(0);
        }
        let request = RangeRequest {
            key: start.into(),
            range_end: end_of(range.prefix),
            limit: range.limit.map_or(0, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            revision: range.at.map_or(0, to_wire),
            count_only: range.limit == Some(0),
        };
        if request.range_end[..] <= request.key[..] && request.range_end[..] != [0] {
            let revision = match range.at {
                Some(revision) => revision,
                None => self.newest().await?,
            };
            return Ok(Page { entries: Vec::new(), revision, remaining: 0 });
        }
        let response = match self.client.range(request).await {
            Err(status) => return Err(self.out_of_range(status).await),
            Ok(response) => response,
        };
        let entries = response.kvs.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let newest = from_wire(response.header.map_or(0, |header| header.revision));
        let remaining = usize::try_from(response.count).unwrap_or(0).saturating_sub(entries.len());
        Ok(Page { entries, revision: range.at.unwrap_or(newest), remaining })
    }

    async fn change(&self, key: &str, precondition: Precondition, change: Change) -> Result<Commit, Error> {
        change.check(key)?;
        let bytes = Bytes::copy_from_slice(key.as_bytes());
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
        let transaction = TxnRequest {
            compare,
            success: vec![RequestOp { request: Some(request) }],
            failure: vec![RequestOp { request: Some(Request::Range(key_only(key))) }],
        };
        let answer = self.client.transaction(transaction).await.map_err(failed)?;
        let revision = from_wire(answer.header.map_or(0, |header| header.revision));
        let known = answer.responses.into_iter().next().and_then(known).as_ref().map(entry).transpose()?;
        if answer.succeeded {
            Ok(Commit { revision, previous: known })
        } else {
            Err(Error::Conflict { current: known })
        }
    }

    async fn start_watch(&self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, Error> {
        // etcd takes a watch on before it finds that its start is compacted, so that is found out first.
        let revision = to_wire(from.max(Revision::FIRST));
        let probe = RangeRequest { revision, count_only: true, ..key_only("\0") };
        match self.client.range(probe).await.map_err(Refusal::from) {
            Ok(_) | Err(Refusal::Future) => {}
            Err(Refusal::Compacted) => return Err(self.compacted().await),
            Err(Refusal::Other(status)) => return Err(failed(status)),
        }
        watch::start(self.client.clone(), prefix, from).await
    }

    async fn drop_history(&self, revision: Revision) -> Result<(), Error> {
        let answer = self.client.compact(CompactionRequest { revision: to_wire(revision) }).await;
        match answer.map_err(Refusal::from) {
            Ok(_) | Err(Refusal::Compacted) => Ok(()),
            Err(Refusal::Future) => Err(Error::Future { current: self.newest().await? }),
            Err(Refusal::Other(status)) => Err(failed(status)),
        }
    }

    async fn out_of_range(&self, status: Status) -> Error {
        match Refusal::from(status) {
            Refusal::Compacted => self.compacted().await,
            Refusal::Future => match self.newest().await {
                Ok(current) => Error::Future { current },
                Err(error) => error,
            },
            Refusal::Other(status) => failed(status),
        }
    }

    /// The error that names the oldest revision, which etcd only tells to watches.
    async fn compacted(&self) -> Error {
        let create =
            WatchCreate { key: Bytes::from_static(b"\0"), start_revision: 1, ..WatchCreate::default() };
        let oldest = async {
            let mut responses = self.client.watch(create).await?;
            let response = responses.message().await?;
            Ok(response.map_or(0, |response| response.compact_revision))
        };
        match oldest.await {
            Ok(oldest) => Error::Compacted { oldest: from_wire(oldest).max(Revision::FIRST) },
            Err(status) => failed::<Status>(status),
        }
    }
}

impl Store for Etcd {
    fn revision(&self) -> Answer<'_, Revision> {
        Box::pin(self.newest())
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
        Box::pin(self.start_watch(prefix, from))
    }

    fn compact(&self, revision: Revision) -> Answer<'_, ()> {
        Box::pin(self.drop_history(revision))
    }
}

impl From<&EtcdTls> for ClientTlsConfig {
    fn from(tls: &EtcdTls) -> Self {
        let config = Self::new().ca_certificate(Certificate::from_pem(&tls.authority));
        match &tls.identity {
            Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
            None => config,
        }
    }
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

fn failed<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    Error::Etcd(Arc::new(error))
}

fn key_only(key: &str) -> RangeRequest {
    RangeRequest { key: Bytes::copy_from_slice(key.as_bytes()), ..RangeRequest::default() }
}

/// The first key after all that start with `prefix`: its last byte that can be raised, raised.
fn end_of(prefix: &str) -> Bytes {
    let mut end = prefix.as_bytes().to_vec();
    // UTF-8 has no byte 255, so only the empty prefix has no end.
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end.into()
}

fn entry(kv: &KeyValue) -> Result<Entry, Error> {
    Ok(Entry {
        key: str::from_utf8(&kv.key).map_err(failed)?.into(),
        value: kv.value.clone(),
        revision: from_wire(kv.mod_revision),
        create_revision: from_wire(kv.create_revision),
    })
}

/// The entry before a change, or instead of one.
fn known(response: ResponseOp) -> Option<KeyValue> {
    match response.response? {
        Response::Put(put) => put.prev_kv,
        Response::Delete(delete) => delete.prev_kvs.into_iter().next(),
        Response::Range(range) => range.kvs.into_iter().next(),
    }
}

fn from_wire(revision: i64) -> Revision {
    Revision(u64::try_from(revision).unwrap_or(0))
}

fn to_wire(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

const KEEP_ALIVE: Duration = Duration::from_secs(10);
