//! The store that forgets with the process.

use std::{
    future::ready,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::SystemTime,
};

use crate::{
    Answer, Change, Commit, Entry, Error, Page, Precondition, Range, Retention, Revision, Store, Watch,
    history::{History, decide},
};

/// A store in memory, for tests and for servers that may forget.
pub struct Memory {
    history: RwLock<History>,
}

impl Memory {
    /// An empty store.
    pub fn new(retention: Retention) -> Self {
        Self { history: RwLock::new(History::new(Revision::FIRST, retention)) }
    }

    fn read(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, History> {
        self.history.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, key: &str, precondition: Precondition, change: Change) -> Result<Commit, Error> {
        change.check(key)?;
        let mut history = self.write();
        let revision = history.revision().next();
        let event = decide(key, history.get(key), precondition, change, revision)?;
        let previous = event.previous().cloned();
        let now = SystemTime::now();
        history.apply(event.into(), now);
        if let Some(revision) = history.overdue(now) {
            history.compact(revision);
        }
        Ok(Commit { revision, previous })
    }

    fn compact_now(&self, revision: Revision) -> Result<(), Error> {
        let mut history = self.write();
        if revision > history.revision() {
            return Err(Error::Future { current: history.revision() });
        }
        history.compact(revision);
        Ok(())
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl Store for Memory {
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
        Box::pin(ready(self.commit_now(key, precondition, change)))
    }

    fn watch<'a>(&'a self, prefix: &'a str, from: Revision) -> Answer<'a, Box<dyn Watch>> {
        Box::pin(ready(self.write().watch(prefix, from)))
    }

    fn compact(&self, revision: Revision) -> Answer<'_, ()> {
        Box::pin(ready(self.compact_now(revision)))
    }
}
