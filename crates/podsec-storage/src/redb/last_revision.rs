//! The newest durable revision in a small file of its own, beside the database.
//!
//! A database that finds its last transaction damaged goes back to the one before, as if the damaged one had been
//! interrupted. This file tells the two apart: it is written when the transaction is on disk and before anybody hears
//! of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::Revision;

/// The file, of sixteen bytes: the revision and its complement, both little-endian.
pub(super) struct LastRevision {
    file: File,
    is_failing: bool,
}

impl LastRevision {
    /// Opens the file beside the database, or makes it.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: options.open(path(database))?, is_failing: false })
    }

    /// Removes the file of a database that is no longer there.
    pub(super) fn remove(database: &Path) -> io::Result<()> {
        match std::fs::remove_file(path(database)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What was written last; `None` when nothing was, or not whole.
    pub(super) fn read(&mut self) -> Option<Revision> {
        let mut bytes = [0; 16];
        self.file.seek(SeekFrom::Start(0)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        let (revision, complement) = bytes.split_first_chunk()?;
        let revision = u64::from_le_bytes(*revision);
        let complement = u64::from_le_bytes(*complement.first_chunk()?);
        (revision == !complement).then_some(Revision(revision))
    }

    /// Notes a revision. It survives the process, and not always the machine: then less is noticed, and nothing wrong.
    pub(super) fn write(&mut self, revision: Revision) {
        let mut bytes = [0; 16];
        let halves = [revision.0.to_le_bytes(), (!revision.0).to_le_bytes()];
        bytes.copy_from_slice(halves.as_flattened());
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&bytes));
        if let Err(error) = &written
            && !self.is_failing
        {
            tracing::warn!(%error, "the newest revision cannot be noted beside the database");
        }
        self.is_failing = written.is_err();
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".revision");
    path.into()
}
