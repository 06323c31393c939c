//! Files that are read again when they change.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use crate::cluster::chain;

/// How often watched files are looked at. Polling their contents, and not asking the kernel for events, sees every
/// way in which a file is replaced: in place, by a rename, or by the symbolic link swap of a mounted ConfigMap or
/// Secret.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A group of files that belong together, as a certificate and its key do.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    contents: Vec<Vec<u8>>,
    /// Other contents that were seen once, and are believed when they are seen again.
    candidate: Option<Vec<Vec<u8>>>,
}

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The operating system's answer.
    pub source: io::Error,
}

impl Files {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(paths: Vec<PathBuf>) -> Result<Self, FileError> {
        let contents = read_all(&paths)?;
        Ok(Self { paths, contents, candidate: None })
    }

    /// The files, in the order in which they were named.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// What the file at `index` held when last read; empty when there is no such file.
    pub fn content(&self, index: usize) -> &[u8] {
        self.contents.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    /// Looks at the files again, and says whether any of them differs. A change counts when it is seen twice in a
    /// row: a file that is being written in place is half of one and half of the other for a moment, and empty for
    /// another.
    ///
    /// # Errors
    /// When one of them cannot be read; the contents stay what they were.
    pub fn changed(&mut self) -> Result<bool, FileError> {
        let seen = read_all(&self.paths)?;
        if seen == self.contents {
            self.candidate = None;
            return Ok(false);
        }
        if self.candidate.as_ref() == Some(&seen) {
            self.contents = seen;
            self.candidate = None;
            return Ok(true);
        }
        self.candidate = Some(seen);
        Ok(false)
    }
}

/// An error that comes again with every look at the files, and is logged once.
#[derive(Default)]
pub(crate) struct Repeated {
    logged: bool,
}

impl Repeated {
    pub(crate) fn log(&mut self, error: &FileError) {
        if !self.logged {
            tracing::warn!(error = chain(error), "a file cannot be read any more; what it held stays");
        }
        self.logged = true;
    }

    pub(crate) fn clear(&mut self) {
        self.logged = false;
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, FileError> {
    let read = |path: &Path| fs::read(path).map_err(|source| FileError { path: path.to_owned(), source });
    paths.iter().map(|path| read(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_symbolic_link_swap_is_a_change_and_a_missing_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("v1"), "one").unwrap();
        fs::write(path("v2"), "two").unwrap();
        symlink(path("v1"), path("current")).unwrap();
        let mut files = Files::read(vec![path("current")]).unwrap();
        assert!(!files.changed().unwrap());

        fs::remove_file(path("current")).unwrap();
        assert_eq!(files.changed().unwrap_err().path, path("current"));
        assert_eq!(files.content(0), b"one");

        symlink(path("v2"), path("next")).unwrap();
        fs::rename(path("next"), path("current")).unwrap();
        assert!(!files.changed().unwrap(), "seen once");
        assert!(files.changed().unwrap(), "seen twice");
        assert_eq!(files.content(0), b"two");
        assert!(!files.changed().unwrap());
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone_until_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, "old").unwrap();
        let mut files = Files::read(vec![path.clone()]).unwrap();
        for half in ["", "n", "new"] {
            fs::write(&path, half).unwrap();
            assert!(!files.changed().unwrap(), "{half:?} was believed");
        }
        assert!(files.changed().unwrap());
        assert_eq!(files.content(0), b"new");
    }
}
