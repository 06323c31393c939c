//! Copies of the database file: taken, verified, counted, put back.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::file;
use super::last_revision::LastRevision;
use super::writer::Writer;
use crate::history::History;
use crate::{OpenError, Retention, Revision};

/// What a database file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Its newest revision.
    pub revision: Revision,
    /// The oldest revision that can be read.
    pub oldest: Revision,
    /// Each key and the bytes of its value, in the order of the keys' bytes.
    pub keys: Vec<(Arc<str>, usize)>,
    /// The bytes of all keys and values.
    pub live_bytes: usize,
    /// The bytes of what they replaced, as far back as the oldest revision.
    pub history_bytes: usize,
    /// The bytes of the file.
    pub file_bytes: u64,
}

/// Reads and verifies all of a file that nobody has open, and counts what is in it.
///
/// # Errors
/// When the file is in use, damaged, of a newer format, or is not there.
pub fn statistics(path: &Path) -> Result<Statistics, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let file_bytes = std::fs::metadata(path).map_err(io)?.len();
    let (_database, history) = file::open(path, UNBOUNDED)?;
    Ok(count(&history, file_bytes))
}

/// Verifies a file that nobody has open and copies it, whole or not at all, without the room that it does not need.
///
/// # Errors
/// As [`statistics`]; [`OpenError::Io`] when the copy cannot be written, or something is there already.
pub fn save(from: &Path, to: &Path) -> Result<Statistics, OpenError> {
    // Open while it is copied, so that nobody writes.
    let io = |source| OpenError::Io { path: to.to_owned(), source };
    std::fs::metadata(from).map_err(|source| OpenError::Io { path: from.to_owned(), source })?;
    let (database, _) = file::open(from, UNBOUNDED)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft =
        tempfile::Builder::new().prefix(".podsec-snapshot-").tempfile_in(directory).map_err(io)?;
    let mut source =
        std::fs::File::open(from).map_err(|source| OpenError::Io { path: from.to_owned(), source })?;
    io::copy(&mut source, draft.as_file_mut()).map_err(io)?;
    drop(database);
    file::shrink(draft.path())?;
    draft.as_file().sync_all().map_err(io)?;
    draft.persist_noclobber(to).map_err(|error| io(error.error))?;
    statistics(to)
}

/// Puts a copy where a server keeps its database, once it is verified.
///
/// Clients may have seen revisions after those of the copy, and must not meet them again with other content, so the
/// database goes on [`RESTORED_AHEAD`] revisions later and everything before that is compacted: whoever watches
/// lists again.
///
/// # Errors
/// As [`save`]: a database that is there already is not replaced.
pub fn restore(snapshot: &Path, to: &Path) -> Result<Statistics, OpenError> {
    let io = |source| OpenError::Io { path: to.to_owned(), source };
    if to.try_exists().map_err(io)? {
        return Err(io(io::ErrorKind::AlreadyExists.into()));
    }
    LastRevision::remove(to).map_err(io)?;
    save(snapshot, to)?;
    let (database, history) = file::open(to, UNBOUNDED)?;
    let ahead = Revision(history.revision().0.saturating_add(RESTORED_AHEAD));
    let history = Arc::new(RwLock::new(history));
    let file = to.to_owned();
    let last = LastRevision::open(to).map_err(io)?;
    let mut writer =
        Writer::new(to, database, Arc::clone(&history), Box::new(move || file::reopen(&file))).noting(last);
    writer.skip_to(ahead).map_err(|error| OpenError::Corrupt {
        path: to.to_owned(),
        reason: format!("it cannot go on at revision {ahead}: {error}"),
    })?;
    drop(writer);
    let file_bytes = std::fs::metadata(to).map_err(io)?.len();
    Ok(count(&history.read().unwrap_or_else(PoisonError::into_inner), file_bytes))
}

fn count(history: &History, file_bytes: u64) -> Statistics {
    Statistics {
        revision: history.revision(),
        oldest: history.oldest(),
        keys: history.entries().map(|entry| (Arc::clone(&entry.key), entry.value.len())).collect(),
        live_bytes: history.live_bytes(),
        history_bytes: history.log_bytes(),
        file_bytes,
    }
}

/// How many revisions a restored database is ahead of its copy: more than a server gives between two copies.
pub const RESTORED_AHEAD: u64 = 1_000_000_000;

/// What is in a file is counted, however much it is.
const UNBOUNDED: Retention =
    Retention { revisions: usize::MAX / 16, bytes: usize::MAX / 16, age: std::time::Duration::MAX };

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tempfile::tempdir;

    use super::*;
    use crate::{Change, Error, Precondition, Range, Redb, Store};

    async fn put(store: &Redb, key: &str, value: &str) -> Revision {
        let change = Change::Put(Bytes::copy_from_slice(value.as_bytes()));
        store.commit(key, Precondition::Any, change).await.unwrap().revision
    }

    #[tokio::test]
    async fn what_was_saved_is_there_again_and_no_revision_is_given_twice() {
        let directory = tempdir().unwrap();
        let [live, copy, restored] =
            ["podsec.redb", "copy", "restored.redb"].map(|name| directory.path().join(name));
        let store = Redb::open(&live, Retention::default()).unwrap();
        put(&store, "/a", "1").await;
        put(&store, "/b", "22").await;
        assert!(matches!(save(&live, &copy), Err(OpenError::Locked { .. })), "a server has it open");
        drop(store);
        let saved = save(&live, &copy).unwrap();
        assert_eq!((saved.revision, saved.live_bytes), (Revision(3), 7));
        assert_eq!(saved.keys, [("/a".into(), 1), ("/b".into(), 2)]);

        let store = Redb::open(&live, Retention::default()).unwrap();
        let seen = put(&store, "/a", "later").await;
        drop(store);
        let statistics = restore(&copy, &restored).unwrap();
        assert_eq!(statistics.revision, Revision(3 + RESTORED_AHEAD));
        assert_eq!(statistics.oldest, statistics.revision);
        let store = Redb::open(&restored, Retention::default()).unwrap();
        let page = store.range(Range::prefix("")).await.unwrap();
        let values: Vec<_> = page.entries.iter().map(|entry| (&*entry.key, &entry.value[..])).collect();
        assert_eq!(values, [("/a", &b"1"[..]), ("/b", b"22")]);
        let watch = store.watch("", seen).await.err();
        assert!(matches!(watch, Some(Error::Compacted { .. })), "{watch:?}");
        assert!(put(&store, "/a", "2").await > statistics.revision);
    }

    #[tokio::test]
    async fn nothing_is_replaced_and_nothing_that_is_damaged_is_put_back() {
        let directory = tempdir().unwrap();
        let [live, copy] = ["podsec.redb", "copy"].map(|name| directory.path().join(name));
        drop(Redb::open(&live, Retention::default()).unwrap());
        save(&live, &copy).unwrap();
        assert!(matches!(save(&live, &copy), Err(OpenError::Io { .. })));
        assert!(matches!(restore(&copy, &live), Err(OpenError::Io { .. })));
        std::fs::write(&copy, "no database").unwrap();
        let elsewhere = directory.path().join("elsewhere.redb");
        assert!(matches!(restore(&copy, &elsewhere), Err(OpenError::Corrupt { .. })));
        assert!(!elsewhere.exists());
        let nowhere = directory.path().join("nowhere");
        assert!(matches!(statistics(&nowhere), Err(OpenError::Io { .. })));
        assert!(!nowhere.exists(), "looking makes no database");
    }
}
