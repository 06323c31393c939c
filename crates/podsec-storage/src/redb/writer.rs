//! The thread that writes: all that is queued in one transaction, one fsync for all of it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, mpsc::Receiver},
    time::SystemTime,
};

use redb::{Database, Error as RedbError};
use tokio::sync::oneshot;

use super::{
    file::{LOG, META, OLDEST},
    record::Record,
};
use crate::{
    Change, Commit, Error, Event, Precondition, Revision,
    history::{History, decide},
};

/// What the writer is asked for.
pub(super) enum Request {
    Commit {
        key: Arc<str>,
        precondition: Precondition,
        change: Change,
        answer: oneshot::Sender<Result<Commit, Error>>,
    },
    Compact {
        revision: Revision,
        answer: oneshot::Sender<Result<(), Error>>,
    },
}

/// The only one that writes to the file and to the history.
pub(super) struct Writer {
    database: Database,
    history: Arc<RwLock<History>>,
}

/// Changes that are decided but not durable, and so not in the history.
struct Batch {
    revision: Revision,
    time: SystemTime,
    events: Vec<Arc<Event>>,
    /// The place in `events` of each key's newest change.
    newest: HashMap<Arc<str>, usize>,
    bytes: usize,
    decided: Vec<Decided>,
}

/// A commit whose outcome is known and may be told once the batch is durable: even a conflict, for it may be
/// one with a change of this batch.
struct Decided {
    answer: oneshot::Sender<Result<Commit, Error>>,
    outcome: Result<Commit, Error>,
}

impl Writer {
    pub(super) fn new(database: Database, history: Arc<RwLock<History>>) -> Self {
        Self { database, history }
    }

    /// Writes until the store is dropped.
    pub(super) fn run(self, queue: &Receiver<Request>) {
        while let Ok(first) = queue.recv() {
            let mut batch = Batch::new(self.read().revision());
            let mut next = Some(first);
            while let Some(Request::Commit { key, precondition, change, answer }) = next {
                let outcome = batch.add(&self.read(), &key, precondition, change);
                batch.decided.push(Decided { answer, outcome });
                next = if batch.is_full() { None } else { queue.try_recv().ok() };
            }
            self.finish(batch);
            if let Some(Request::Compact { revision, answer }) = next {
                let _ = answer.send(self.compact(revision));
            }
            let overdue = self.read().overdue(SystemTime::now());
            if let Some(revision) = overdue {
                // Nobody waits for this one. What fails here fails for the next commit as well, whose
                // caller is told.
                let _ = self.compact(revision);
            }
        }
    }

    /// Makes the batch durable, then visible, then answers: in this order.
    fn finish(&self, batch: Batch) {
        let Batch { time, events, decided, .. } = batch;
        if let Err(error) = self.write(&events, time) {
            let error = Error::Write(Arc::new(error));
            for Decided { answer, .. } in decided {
                let _ = answer.send(Err(error.clone()));
            }
            return;
        }
        let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            history.apply(event, time);
        }
        drop(history);
        for Decided { answer, outcome } in decided {
            let _ = answer.send(outcome);
        }
    }

    fn write(&self, events: &[Arc<Event>], time: SystemTime) -> Result<(), RedbError> {
        if events.is_empty() {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        let mut log = transaction.open_table(LOG)?;
        for event in events {
            let record =
                Record::new(event, time).encode().ok_or(RedbError::ValueTooLarge(event.key().len()))?;
            log.insert(event.revision().0, record.as_slice())?;
        }
        drop(log);
        transaction.commit()?;
        Ok(())
    }

    fn compact(&self, revision: Revision) -> Result<(), Error> {
        let history = self.read();
        if revision > history.revision() {
            return Err(Error::Future { current: history.revision() });
        }
        if revision <= history.oldest() {
            return Ok(());
        }
        // A dropped change is never replayed, so what it replaced is not needed any more; nor is it itself,
        // if it is a deletion. A put stays, for it is the key's entry until a later change is dropped.
        let mut obsolete = Vec::new();
        for event in history.up_to(revision) {
            obsolete.extend(event.previous().map(|previous| previous.revision));
            if event.entry().is_none() {
                obsolete.push(event.revision());
            }
        }
        drop(history);
        self.delete(&obsolete, revision).map_err(|error| Error::Write(Arc::new(error)))?;
        self.history.write().unwrap_or_else(PoisonError::into_inner).compact(revision);
        Ok(())
    }

    fn delete(&self, obsolete: &[Revision], oldest: Revision) -> Result<(), RedbError> {
        let transaction = self.database.begin_write()?;
        let mut log = transaction.open_table(LOG)?;
        for revision in obsolete {
            log.remove(revision.0)?;
        }
        drop(log);
        transaction.open_table(META)?.insert(OLDEST, oldest.0)?;
        transaction.commit()?;
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    fn new(revision: Revision) -> Self {
        Self {
            revision,
            time: SystemTime::now(),
            events: Vec::new(),
            newest: HashMap::new(),
            bytes: 0,
            decided: Vec::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES || self.decided.len() >= MAX_COMMITS
    }

    /// Decides on a change in the light of the history and of the batch so far.
    fn add(
        &mut self,
        history: &History,
        key: &Arc<str>,
        precondition: Precondition,
        change: Change,
    ) -> Result<Commit, Error> {
        change.check(key)?;
        let current = match self.newest.get(key).and_then(|&place| self.events.get(place)) {
            Some(event) => event.entry(),
            None => history.get(key),
        };
        let revision = self.revision.next();
        let event = decide(key, current, precondition, change, revision)?;
        let previous = event.previous().cloned();
        self.bytes += event.entry().map_or(0, |entry| entry.value.len());
        self.newest.insert(Arc::clone(key), self.events.len());
        self.events.push(Arc::new(event));
        self.revision = revision;
        Ok(Commit { revision, previous })
    }
}

/// What a batch holds at most, even though more is queued; the last value may exceed the bytes.
const MAX_BYTES: usize = 16 << 20;
const MAX_COMMITS: usize = 4096;

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::atomic::{AtomicBool, Ordering},
    };

    use redb::{StorageBackend, backends::InMemoryBackend};

    use super::*;
    use crate::Retention;

    /// A disk that is full when it is told so.
    #[derive(Debug)]
    struct Disk {
        memory: InMemoryBackend,
        is_full: Arc<AtomicBool>,
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.memory.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.memory.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.memory.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.memory.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if self.is_full.load(Ordering::Relaxed) {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.memory.write(offset, data)
        }
    }

    #[test]
    fn what_could_not_be_written_is_not_seen() {
        let is_full = Arc::new(AtomicBool::new(false));
        let disk = Disk { memory: InMemoryBackend::new(), is_full: Arc::clone(&is_full) };
        let database = Database::builder().create_with_backend(disk).unwrap();
        let history = Arc::new(RwLock::new(History::new(Revision::FIRST, Retention::default())));
        let writer = Writer::new(database, Arc::clone(&history));
        let (requests, queue) = std::sync::mpsc::channel();
        let writer = std::thread::spawn(move || writer.run(&queue));
        let put = |value: &'static str| {
            let (answer, outcome) = oneshot::channel();
            let change = Change::Put(value.into());
            let commit = Request::Commit { key: "a".into(), precondition: Precondition::Any, change, answer };
            requests.send(commit).unwrap();
            outcome.blocking_recv().unwrap()
        };
        put("1").unwrap();
        // After a write that failed, redb takes no other: what the disk holds is only known on opening.
        for space in [true, true, false] {
            is_full.store(space, Ordering::Relaxed);
            let refused = put("2");
            assert!(matches!(refused, Err(Error::Write(_))), "{refused:?}");
        }
        drop(requests);
        writer.join().unwrap();
        let history = history.read().unwrap();
        assert_eq!(history.revision(), Revision(2));
        assert_eq!(history.get("a").unwrap().value, "1");
    }
}
