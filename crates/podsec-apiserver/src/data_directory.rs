//! Who else may read and write the data directory: whoever can needs no credentials.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Files or folders that are open to others.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory can be written by everybody, who could put another authority there.
    #[error("everybody may write the data directory {0}: chmod o-w {0}")]
    Writable(String),
    /// A secret can be read by everybody.
    #[error(
        "everybody may read {0}, which makes anybody an administrator: chmod o= {0}, or remove it and ca.crt to get others"
    )]
    Readable(String),
    /// It cannot be looked at.
    #[error("cannot look at {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// Refuses a directory that everybody may write, and secrets in it that everybody may read; warns of those that a group
/// may, as volumes of Kubernetes have it.
///
/// # Errors
/// What must be closed first.
pub(crate) fn expect_closed(directory: &Path) -> Result<(), Error> {
    let mut is_closed = true;
    if let Some(mode) = mode(directory)? {
        // Where the sticky bit is set, others cannot replace what is there.
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            return Err(Error::Writable(directory.display().to_string()));
        }
        if mode & 0o020 != 0 {
            tracing::warn!("a group may write the data directory {}", directory.display());
        }
        is_closed = [0o070, 0o007].iter().all(|others| mode & others == 0);
    }
    for name in ["ca.key", "token", "podsec.redb"] {
        let path = directory.join(name);
        let Some(mode) = mode(&path)? else { continue };
        // The database holds Secrets, but podsec of old left it to the umask.
        if mode & 0o007 != 0 && name != "podsec.redb" {
            return Err(Error::Readable(path.display().to_string()));
        }
        if mode & 0o077 != 0 && !is_closed {
            tracing::warn!("others may read {}: chmod go= {0}", path.display());
        }
    }
    Ok(())
}

/// The permissions of what is there.
fn mode(path: &Path) -> Result<Option<u32>, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.permissions().mode())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_that_everybody_may_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, is_closed) in [(0o700, true), (0o770, true), (0o755, true), (0o777, false), (0o1777, true)]
        {
            set(directory.path(), mode);
            assert_eq!(expect_closed(directory.path()).is_ok(), is_closed, "{mode:o}");
        }
    }

    #[test]
    fn a_key_that_everybody_may_read_is_refused_with_the_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("ca.key");
        fs::write(&key, "key").unwrap();
        set(&key, 0o600);
        expect_closed(directory.path()).unwrap();
        set(&key, 0o644);
        let error = expect_closed(directory.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod o= {}", key.display())), "{error}");
    }
}
