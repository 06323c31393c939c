//! The thread that writes: all that is queued in one transaction, one fsync for all of it.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, mpsc::Receiver},
    time::{Duration, Instant, SystemTime},
};

use redb::{Database, Error as RedbError};
use tokio::sync::oneshot;

use super::{
    file::{self, LOG, META, OLDEST},
    last_revision::LastRevision,
    record::Record,
};
use crate::{
    Change, Commit, Error, Event, OpenError, Precondition, Revision,
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
    Check {
        answer: oneshot::Sender<Result<(), Error>>,
    },
}

/// Opens the database again.
pub(super) type Reopen = Box<dyn FnMut() -> Result<Database, OpenError> + Send>;

/// The only one that writes to the file and to the history.
///
/// ```text
/// writing ─ a write fails, as on a full disk ─► failed ─ the next request, once a second at most: reopen ─► writing
/// ```
/// After a write that failed redb takes no other: what the file holds is only known when it is opened again. It may
/// hold what failed; the history is brought up to it before anything else is written.
pub(super) struct Writer {
    database: Option<Database>,
    history: Arc<RwLock<History>>,
    reopen: Reopen,
    /// Of the file, for messages.
    path: PathBuf,
    last: Option<LastRevision>,
    /// How many bytes all keys and values may have.
    quota: usize,
    failed: Option<Failed>,
}

/// What keeps the writer from writing.
struct Failed {
    why: Error,
    /// When opening the file was tried last.
    tried: Option<Instant>,
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
    pub(super) fn new(
        path: &Path,
        database: Database,
        history: Arc<RwLock<History>>,
        reopen: Reopen,
    ) -> Self {
        let path = path.to_owned();
        Self { database: Some(database), history, reopen, path, last: None, quota: usize::MAX, failed: None }
    }

    /// The same that notes the newest durable revision beside the file.
    pub(super) fn noting(self, last: LastRevision) -> Self {
        Self { last: Some(last), ..self }
    }

    /// The same with a bound on the bytes of all keys and values.
    pub(super) fn within(self, quota: usize) -> Self {
        Self { quota, ..self }
    }

    /// Writes until the store is dropped.
    pub(super) fn run(mut self, queue: &Receiver<Request>) {
        while let Ok(first) = queue.recv() {
            let mut batch = Batch::new(self.read().revision());
            let mut next = Some(first);
            while let Some(Request::Commit { key, precondition, change, answer }) = next {
                let outcome = batch.add(&self.read(), self.quota, &key, precondition, change);
                batch.decided.push(Decided { answer, outcome });
                next = if batch.is_full() { None } else { queue.try_recv().ok() };
            }
            self.finish(batch);
            match next {
                Some(Request::Compact { revision, answer }) => {
                    let _ = answer.send(self.compact(revision));
                }
                Some(Request::Check { answer }) => {
                    let _ = answer.send(self.check());
                }
                Some(Request::Commit { .. }) | None => {}
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
    fn finish(&mut self, batch: Batch) {
        let Batch { revision, time, events, decided, .. } = batch;
        if let Err(error) = self.write(&events, time) {
            for Decided { answer, .. } in decided {
                let _ = answer.send(Err(error.clone()));
            }
            return;
        }
        if let Some(last) = self.last.as_mut().filter(|_| !events.is_empty()) {
            last.write(revision);
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

    fn write(&mut self, events: &[Arc<Event>], time: SystemTime) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        self.open()?;
        // What failed before may have turned out to be durable, and then all was decided on another state.
        let next = self.read().revision().next();
        if events.first().map(|event| event.revision()) != Some(next) {
            let why = "what failed before has been written after all; ask again";
            return Err(Error::Write(Arc::new(io::Error::other(why))));
        }
        self.transact(|database| {
            let transaction = database.begin_write()?;
            let mut log = transaction.open_table(LOG)?;
            for event in events {
                let record =
                    Record::new(event, time).encode().ok_or(RedbError::ValueTooLarge(event.key().len()))?;
                log.insert(event.revision().0, record.as_slice())?;
            }
            drop(log);
            transaction.commit()?;
            Ok(())
        })
    }

    /// Whether a write is possible; after one that failed, by writing.
    fn check(&mut self) -> Result<(), Error> {
        if self.failed.is_none() {
            return Ok(());
        }
        let oldest = self.read().oldest();
        self.delete(&[], oldest)
    }

    /// Runs a transaction on the database, which is opened again first if the last one has failed.
    fn transact(&mut self, run: impl FnOnce(&Database) -> Result<(), RedbError>) -> Result<(), Error> {
        match run(self.open()?) {
            Ok(()) => {
                if self.failed.take().is_some() {
                    tracing::info!("the store can be written again");
                }
                Ok(())
            }
            Err(error) => {
                let why = Error::Write(Arc::new(error));
                self.fail(why.clone(), None);
                Err(why)
            }
        }
    }

    /// The database, opened again after a failure.
    fn open(&mut self) -> Result<&Database, Error> {
        if self.database.is_none() {
            if let Some(Failed { why, tried: Some(tried) }) = &self.failed
                && tried.elapsed() < RETRY
            {
                return Err(why.clone());
            }
            let opened = (self.reopen)().and_then(|database| {
                let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
                file::catch_up(&self.path, &database, &mut history)?;
                Ok(database)
            });
            match opened {
                Ok(database) => self.database = Some(database),
                Err(error) => {
                    let why = Error::Write(Arc::new(error));
                    self.fail(why.clone(), Some(Instant::now()));
                    return Err(why);
                }
            }
        }
        self.database.as_ref().ok_or(Error::Closed)
    }

    /// Says once what is wrong, and lets go of the database.
    fn fail(&mut self, why: Error, tried: Option<Instant>) {
        if self.failed.is_none() {
            tracing::error!(
                error = &why as &dyn std::error::Error,
                "the store cannot be written; reads go on, and writes as soon as it can"
            );
        }
        self.database = None;
        self.failed = Some(Failed { why, tried });
    }

    /// Goes on behind a revision that was given to changes that are not there any more.
    pub(super) fn skip_to(&mut self, revision: Revision) -> Result<(), Error> {
        let obsolete = self.obsolete(revision);
        self.delete(&obsolete, revision)?;
        self.history.write().unwrap_or_else(PoisonError::into_inner).skip_to(revision);
        Ok(())
    }

    fn compact(&mut self, revision: Revision) -> Result<(), Error> {
        let history = self.read();
        if revision > history.revision() {
            return Err(Error::Future { current: history.revision() });
        }
        if revision <= history.oldest() {
            return Ok(());
        }
        drop(history);
        let obsolete = self.obsolete(revision);
        self.delete(&obsolete, revision)?;
        self.history.write().unwrap_or_else(PoisonError::into_inner).compact(revision);
        self.shrink();
        Ok(())
    }

    /// Gives the disk back what the file has far too much of.
    fn shrink(&mut self) {
        let Ok(length) = std::fs::metadata(&self.path).map(|metadata| metadata.len()) else { return };
        let history = self.read();
        let held = history.live_bytes() + history.log_bytes();
        drop(history);
        if length < SMALL || length / 4 < u64::try_from(held).unwrap_or(u64::MAX) {
            return;
        }
        if let Some(database) = &mut self.database
            && let Err(error) = database.compact()
        {
            tracing::warn!(%error, "the file of the store keeps its size");
        }
    }

    /// The records that nobody needs when the history up to `revision` is dropped.
    fn obsolete(&self, revision: Revision) -> Vec<Revision> {
        // A dropped change is never replayed, so what it replaced is not needed any more; nor is it itself,
        // if it is a deletion. A put stays, for it is the key's entry until a later change is dropped.
        let mut obsolete = Vec::new();
        for event in self.read().up_to(revision) {
            obsolete.extend(event.previous().map(|previous| previous.revision));
            if event.entry().is_none() {
                obsolete.push(event.revision());
            }
        }
        obsolete
    }

    fn delete(&mut self, obsolete: &[Revision], oldest: Revision) -> Result<(), Error> {
        self.transact(|database| {
            let transaction = database.begin_write()?;
            let mut log = transaction.open_table(LOG)?;
            for revision in obsolete {
                log.remove(revision.0)?;
            }
            drop(log);
            transaction.open_table(META)?.insert(OLDEST, oldest.0)?;
            transaction.commit()?;
            Ok(())
        })
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
        quota: usize,
        key: &Arc<str>,
        precondition: Precondition,
        change: Change,
    ) -> Result<Commit, Error> {
        change.check(key)?;
        let current = match self.newest.get(key).and_then(|&place| self.events.get(place)) {
            Some(event) => event.entry(),
            None => history.get(key),
        };
        if let Change::Put(value) = &change
            && history.live_bytes() + self.bytes + key.len() + value.len() > quota
        {
            return Err(Error::NoSpace);
        }
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
/// A file below this is left as it is.
const SMALL: u64 = 64 << 20;
/// How long a file that could not be opened again is left alone.
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::{StorageBackend, backends::InMemoryBackend};

    use super::*;
    use crate::Retention;

    /// A disk that is full when it is told so.
    #[derive(Clone, Debug)]
    struct Disk {
        memory: Arc<InMemoryBackend>,
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

    /// A store on a disk, and the means to write to it.
    fn store(disk: &Disk) -> (Arc<RwLock<History>>, std::sync::mpsc::Sender<Request>) {
        let database = Database::builder().create_with_backend(disk.clone()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(LOG).unwrap();
        transaction.open_table(META).unwrap().insert(OLDEST, 1).unwrap();
        transaction.commit().unwrap();
        let history = Arc::new(RwLock::new(History::new(Revision::FIRST, Retention::default())));
        let again = disk.clone();
        let reopen = move || {
            let path = PathBuf::from("disk");
            if again.is_full.load(Ordering::Relaxed) {
                let source = io::Error::from(io::ErrorKind::StorageFull);
                return Err(OpenError::Io { path, source });
            }
            let opened = Database::builder().create_with_backend(again.clone());
            opened.map_err(|error| OpenError::Corrupt { path, reason: error.to_string() })
        };
        let writer = Writer::new(Path::new("disk"), database, Arc::clone(&history), Box::new(reopen));
        let (requests, queue) = std::sync::mpsc::channel();
        std::thread::spawn(move || writer.run(&queue));
        (history, requests)
    }

    fn put(requests: &std::sync::mpsc::Sender<Request>, value: &'static str) -> Result<Commit, Error> {
        let (answer, outcome) = oneshot::channel();
        let change = Change::Put(value.into());
        let commit = Request::Commit { key: "a".into(), precondition: Precondition::Any, change, answer };
        requests.send(commit).unwrap();
        outcome.blocking_recv().unwrap()
    }

    fn check(requests: &std::sync::mpsc::Sender<Request>) -> Result<(), Error> {
        let (answer, outcome) = oneshot::channel();
        requests.send(Request::Check { answer }).unwrap();
        outcome.blocking_recv().unwrap()
    }

    #[test]
    fn what_could_not_be_written_is_not_seen_and_writes_go_on_when_there_is_room() {
        let disk = Disk { memory: Arc::new(InMemoryBackend::new()), is_full: Arc::default() };
        let (history, requests) = store(&disk);
        put(&requests, "1").unwrap();
        assert!(check(&requests).is_ok());
        disk.is_full.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            let refused = put(&requests, "2");
            assert!(matches!(refused, Err(Error::Write(_))), "{refused:?}");
            assert!(check(&requests).is_err());
        }
        assert_eq!(history.read().unwrap().get("a").unwrap().value, "1");
        disk.is_full.store(false, Ordering::Relaxed);
        // Nobody needs to write for it to be found out that writes are possible again.
        while check(&requests).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        put(&requests, "3").unwrap();
        let history = history.read().unwrap();
        assert_eq!(history.revision(), Revision(3));
        assert_eq!(history.get("a").unwrap().value, "3");
    }
}
