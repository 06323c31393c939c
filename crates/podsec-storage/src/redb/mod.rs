//! The store in a single file, on top of the database redb.
//!
//! ```text
//! commit ─► queue ─► writer thread: decide, write the records, fsync once for all ─► history ─► answers
//! get, range, watch ◄──────────────────────────────────────────────────────────────── history
//! ```
//!
//! Reads are answered from memory and the file is only read on opening. Pod Security needs the objects of
//! one server, which fit; a list costs a walk through a map instead of a decoding of pages; and no read ever
//! waits for the disk, not even for its own earlier write.

mod file;
mod last_revision;
mod record;
pub mod snapshot;
mod writer;

use std::{
    future::ready,
    path::Path,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        mpsc::{Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

use self::last_revision::LastRevision;
use self::writer::{Request, Writer};
use crate::{
    Answer, Change, Commit, Entry, Error, OpenError, Page, Precondition, Range, Retention, Revision, Store,
    Watch, history::History,
};

/// A store in one file. A commit is answered when it is on disk (fsync), and not before any reader sees it.
pub struct Redb {
    history: Arc<RwLock<History>>,
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Redb {
    /// Opens the store in `path`, or creates it there. The directory must exist.
    ///
    /// Reads the whole file and verifies its checksums. When changes that were durable are not there any more, it
    /// says so in the log, goes on behind their revisions, and drops the history before them, so that nobody takes the
    /// objects for what they were.
    ///
    /// # Errors
    /// When the file is in use, damaged, of a newer format, or cannot be opened for writing.
    pub fn open(path: &Path, retention: Retention) -> Result<Self, OpenError> {
        Self::open_with_quota(path, retention, usize::MAX)
    }

    /// [`Redb::open`], with a bound on the bytes of all keys and values together, the history left out: at the bound
    /// puts are refused with [`Error::NoSpace`], and deletions make room at once.
    ///
    /// # Errors
    /// As [`Redb::open`]. A store that holds more already opens.
    pub fn open_with_quota(path: &Path, retention: Retention, quota: usize) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        if !path.try_exists().map_err(io)? {
            LastRevision::remove(path).map_err(io)?;
        }
        let (database, history) = file::open(path, retention)?;
        let mut last = LastRevision::open(path).map_err(io)?;
        let (newest, durable) = (history.revision(), last.read());
        let history = Arc::new(RwLock::new(history));
        let (requests, queue) = channel();
        let file = path.to_owned();
        let reopen = move || file::reopen(&file);
        let mut writer =
            Writer::new(path, database, Arc::clone(&history), Box::new(reopen)).noting(last).within(quota);
        if let Some(durable) = durable.filter(|durable| *durable > newest) {
            tracing::error!(
                path = %path.display(), first = newest.0 + 1, last = durable.0,
                "the last transaction is damaged: the changes of these revisions were acknowledged and are lost",
            );
            writer.skip_to(durable).map_err(|error| OpenError::Corrupt {
                path: path.to_owned(),
                reason: format!("its last transaction is lost, and it cannot go on behind it: {error}"),
            })?;
        }
        let writer =
            Builder::new().name("store-writer".to_owned()).spawn(move || writer.run(&queue)).map_err(io)?;
        Ok(Self { history, requests: Some(requests), writer: Some(writer) })
    }

    fn read(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what `request` makes of the place for its answer.
    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Request,
    ) -> Answer<'_, T> {
        let (sender, answer) = oneshot::channel();
        // If the writer has died it has dropped the queue, and this request with its sender.
        if let Some(requests) = &self.requests {
            let _ = requests.send(request(sender));
        }
        Box::pin(async { answer.await.unwrap_or(Err(Error::Closed)) })
    }
}

impl Store for Redb {
    fn revision(&self) -> Answer<'_, Revision> {
        Box::pin(ready(Ok(self.read().revision())))
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(ready(Ok(self.read().get(key).cloned())))
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page> {
        Box::pin(ready(self.read().range(range)))
    }

    fn commit<'a>(&'a self, key: &'a str, precondition: Precondition, change: Change) -> Answer<'a, Commit> {
        self.ask(|answer| Request::Commit { key: key.into(), precondition, change, answer })
    }

    fn watch<'a>(&'a self, prefix: &'a str, from: Revision) -> Answer<'a, Box<dyn Watch>> {
        let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(history.watch(prefix, from)))
    }

    fn compact(&self, revision: Revision) -> Answer<'_, ()> {
        self.ask(|answer| Request::Compact { revision, answer })
    }

    fn check(&self) -> Answer<'_, ()> {
        self.ask(|answer| Request::Check { answer })
    }
}

impl Drop for Redb {
    /// Writes what is queued and closes the file, so that it can be opened again at once.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
