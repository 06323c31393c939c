//! Replaces a file's text in one step, and only if it is still the text that was read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file was not replaced. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// Someone wrote to it meanwhile.
    #[error("{} changed since it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Its permissions say that it is not to be written.
    #[error("{} is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

/// Replaces `old`, the text of a file, by `new`: whoever reads the file sees one or the other, even after a power cut.
///
/// A symbolic link stays one, what it points at is replaced. Permissions are kept, and so is the owner where the
/// operating system lets us.
///
/// # Errors
/// When the file holds something else than `old`, is read-only, or cannot be written.
pub fn replace(path: &Path, old: &str, new: &str) -> Result<(), ReplaceError> {
    let failed = |source| ReplaceError::Write { path: path.to_owned(), source };
    let target = fs::canonicalize(path).map_err(failed)?;
    let metadata = fs::metadata(&target).map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err(ReplaceError::ReadOnly { path: path.to_owned() });
    }
    let (temporary, mut file) = create_beside(&target).map_err(failed)?;
    let written = (|| {
        file.write_all(new.as_bytes())?;
        keep_owner(&file, &metadata);
        file.set_permissions(metadata.permissions())?;
        file.sync_all()
    })();
    drop(file);
    // As late as can be: between this look and the renaming nothing else happens.
    let replaced = written.map_err(failed).and_then(|()| match fs::read(&target) {
        Ok(now) if now == old.as_bytes() => fs::rename(&temporary, &target).map_err(failed),
        Ok(_) => Err(ReplaceError::Changed { path: path.to_owned() }),
        Err(source) => Err(failed(source)),
    });
    if replaced.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// A new, empty file in the same folder, so that renaming it does not copy.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for attempt in 0..100_u32 {
        let path = target.with_file_name(format!(".{name}.{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (path, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Matters when root mends another user's file; others own what they write.
#[cfg(unix)]
fn keep_owner(file: &File, metadata: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let _ = fchown(file, Some(metadata.uid()), Some(metadata.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").unwrap();
        replace(&path, "old", "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "someone else's").unwrap();
        assert!(matches!(replace(&path, "old", "new"), Err(ReplaceError::Changed { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "someone else's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.yaml"), folder.path().join("link.yaml"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.yaml", &link).unwrap();
        replace(&link, "old", "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        assert!(matches!(replace(&link, "new", "newer"), Err(ReplaceError::ReadOnly { .. })));
    }
}
