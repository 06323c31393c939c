//! The database file: created, opened, verified, and read into a history.

use std::{
    any::Any,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};

use super::record::Record;
use crate::{
    Change, Entry, OpenError, Precondition, Retention, Revision,
    history::{History, decide},
};

/// Every change that is kept: those after `oldest`, and of each key that existed at `oldest` the last put up
/// to it.
pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

/// `format` and `oldest`.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const OLDEST: &str = "oldest";

/// Opens the file, creating it if there is none, and reads all of it.
pub(super) fn open(path: &Path, retention: Retention) -> Result<(Database, History), OpenError> {
    if !path.try_exists().map_err(|source| OpenError::Io { path: path.to_owned(), source })? {
        guarded(path, || create(path))?;
    }
    guarded(path, || {
        let database = builder().open(path)?;
        let history = load(&database, retention)?;
        Ok((database, history))
    })
}

/// Gives back the room in a file that it does not need.
pub(super) fn shrink(path: &Path) -> Result<(), OpenError> {
    guarded(path, || {
        let mut database = builder().open(path)?;
        while database.compact()? {}
        Ok(database.close()?)
    })
}

/// Opens the file again after a write failed: what it holds is only known from its checksums. While there is no room,
/// the file is left alone.
pub(super) fn reopen(path: &Path) -> Result<Database, OpenError> {
    guarded(path, || {
        let mut probe = tempfile::Builder::new().prefix(".podsec-store-").tempfile_in(directory(path))?;
        probe.write_all(&vec![0; ROOM])?;
        probe.as_file().sync_data()?;
        drop(probe);
        Ok(builder().open(path)?)
    })
}

/// Brings a history up to what the file holds: a write that failed may have become durable all the same.
pub(super) fn catch_up(path: &Path, database: &Database, history: &mut History) -> Result<(), OpenError> {
    guarded(path, || {
        let transaction = database.begin_read()?;
        let known = history.revision();
        let log = transaction.open_table(LOG)?;
        for row in log.range(known.next().0..)? {
            let (revision, bytes) = row?;
            replay(history, Revision(revision.value()), bytes.value())?;
        }
        let oldest = number(&transaction.open_table(META)?, OLDEST)?;
        history.compact(Revision(oldest));
        let newest = log.last()?.map_or(oldest, |(revision, _)| oldest.max(revision.value()));
        if newest < known.0 {
            return Err(Failure::Corrupt(format!(
                "it ends at revision {newest}, and {known} was acknowledged"
            )));
        }
        Ok(())
    })
}

/// Makes an empty store beside `path` and moves it there when it is whole, so that neither a crash in between
/// nor another process that does the same leaves anything that could be taken for a damaged store.
fn create(path: &Path) -> Result<(), Failure> {
    let directory = directory(path);
    // Only its owner can read a temporary file, and so the store: it holds Secrets.
    let draft = tempfile::Builder::new().prefix(".podsec-store-").tempfile_in(directory)?;
    let database = builder().create(draft.path())?;
    let transaction = database.begin_write()?;
    transaction.open_table(LOG)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(FORMAT, SUPPORTED_FORMAT)?;
    meta.insert(OLDEST, Revision::FIRST.0)?;
    drop(meta);
    transaction.commit()?;
    database.close()?;

    match draft.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error.into()),
        _ => {}
    }
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}

/// Builds the history from the log, and refuses a log that no sequence of commits could have written.
fn load(database: &Database, retention: Retention) -> Result<History, Failure> {
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(META)?;
    let format = number(&meta, FORMAT)?;
    if format > SUPPORTED_FORMAT {
        return Err(Failure::NewerFormat(format));
    }
    let mut history = History::new(Revision(number(&meta, OLDEST)?), retention);
    for row in transaction.open_table(LOG)?.iter()? {
        let (revision, bytes) = row?;
        replay(&mut history, Revision(revision.value()), bytes.value())?;
    }
    Ok(history)
}

/// Adds a record of the log to the history.
fn replay(history: &mut History, revision: Revision, bytes: &[u8]) -> Result<(), Failure> {
    let wrong = |what: &str| Failure::Corrupt(format!("the record of revision {revision} {what}"));
    let record = Record::decode(bytes).ok_or_else(|| wrong("cannot be read"))?;
    let current = history.get(record.key);
    let value = record.value();
    if revision <= history.oldest() {
        let value = value.filter(|_| current.is_none() && record.create_revision <= revision);
        let value = value.ok_or_else(|| wrong("should have been compacted"))?;
        let create_revision = record.create_revision;
        history.restore(Entry { key: record.key.into(), value, revision, create_revision });
        return Ok(());
    }
    if revision != history.revision().next() {
        return Err(wrong("does not follow the one before it"));
    }
    let change = value.map_or(Change::Delete, Change::Put);
    let event = decide(record.key, current, Precondition::Any, change, revision)
        .map_err(|_| wrong("deletes a key that is not there"))?;
    let created = event.entry().or(event.previous()).map(|entry| entry.create_revision);
    if created != Some(record.create_revision) {
        return Err(wrong("disagrees about when its key was created"));
    }
    history.apply(Arc::new(event), record.time);
    Ok(())
}

fn number(meta: &impl ReadableTable<&'static str, u64>, name: &str) -> Result<u64, Failure> {
    let number = meta.get(name)?.map(|guard| guard.value());
    number.ok_or_else(|| Failure::Corrupt(format!("the number `{name}` is missing")))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    // The history answers all reads; the cache only serves the writer's walk to the end of the log.
    builder.set_cache_size(CACHE);
    builder.set_check_integrity_on_open(true);
    builder
}

/// Runs `action` and names the file in what fails. redb panics on some damage that its checks do not find;
/// nothing of what it was doing is used after that.
fn guarded<T>(path: &Path, action: impl FnOnce() -> Result<T, Failure>) -> Result<T, OpenError> {
    let path = path.to_owned();
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(failure.of(path)),
        Err(panic) => Err(OpenError::Corrupt { path, reason: message(&*panic) }),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the database gave up").to_owned()
}

/// An [`OpenError`] that does not know its file yet.
enum Failure {
    Corrupt(String),
    Io(io::Error),
    Locked,
    NewerFormat(u64),
}

impl Failure {
    fn of(self, path: PathBuf) -> OpenError {
        match self {
            Self::Corrupt(reason) => OpenError::Corrupt { path, reason },
            Self::Io(source) => OpenError::Io { path, source },
            Self::Locked => OpenError::Locked { path },
            Self::NewerFormat(found) => OpenError::NewerFormat { path, found, supported: SUPPORTED_FORMAT },
        }
    }
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            redb::Error::Io(error) => error.into(),
            other => Self::Corrupt(other.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Corrupt(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

macro_rules! failure_from {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}
failure_from!(
    DatabaseError,
    StorageError,
    redb::CommitError,
    redb::CompactionError,
    redb::TableError,
    redb::TransactionError
);

const FORMAT: &str = "format";
const SUPPORTED_FORMAT: u64 = 1;
const CACHE: usize = 16 << 20;
/// The bytes for which there must be room before a file that could not be written is opened again.
const ROOM: usize = 256 << 10;
