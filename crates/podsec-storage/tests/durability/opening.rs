//! What cannot be opened, and what is said about it.

use std::{fs, path::Path, thread};

use podsec_storage::{OpenError, Store};
use redb::TableDefinition;

use crate::{open, put};

#[tokio::test]
async fn a_file_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    put(&store, "a", "1").await;
    let refused = open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
    assert_eq!(refused.to_string(), format!("{} is in use by another process", path.display()));
    put(&store, "a", "2").await;
    drop(store);
    assert_eq!(open(&path).unwrap().revision().await.unwrap().0, 3);
}

#[test]
fn a_missing_directory_is_named() {
    let path = tempfile::tempdir().unwrap().path().join("missing/store.redb");
    let refused = open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
    assert_eq!(refused.to_string(), format!("cannot open {}", path.display()));
}

#[test]
fn a_directory_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let refused = open(directory.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
}

#[test]
fn a_file_under_a_file_cannot_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = open(&file.join("store.redb")).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    for content in ["", "#", "not a store, but the only copy of something else\n"] {
        fs::write(&path, content).unwrap();
        let refused = open(&path).err().unwrap();
        assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused:?}");
        assert!(refused.to_string().starts_with(&format!("{} is damaged", path.display())), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.redb");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused:?}");
}

#[test]
fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    drop(open(&path).unwrap());
    set(&path, "format", 2);
    let refused = open(&path).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!("{} has format 2, and this version reads up to 1", path.display())
    );
}

#[test]
fn of_many_first_starts_one_wins_and_leaves_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let starts: Vec<_> =
        (0..8).map(|_| path.clone()).map(|path| thread::spawn(move || open(&path))).collect();
    // Held until all have tried.
    let outcomes: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
    }
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["store.redb", "store.redb.revision"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    drop(open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

pub(crate) fn set(path: &Path, name: &str, number: u64) {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<&str, u64>::new("meta")).unwrap().insert(name, number).unwrap();
    transaction.commit().unwrap();
}
