//! A damaged file is refused, or what it holds is right: never a panic, never something else.

use std::{fs, path::Path};

use podsec_storage::{Entry, Error, OpenError, Revision, Store};
use redb::{ReadableTable, TableDefinition};

use crate::{all, delete, open, opening::set, put};

/// The file of a store that has seen some life.
struct Image {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The entries before the last commit, if the file was not closed after it: damage to that commit looks
    /// like a crash in the middle of it, and it is taken back as one that was never acknowledged.
    unfinished: Option<Vec<Entry>>,
    name: &'static str,
}

/// A store's file as it is after closing, and as a crash would have left it.
async fn images(directory: &Path) -> [Image; 2] {
    let path = directory.join("store.redb");
    let store = open(&path).unwrap();
    for i in 0..40 {
        put(&store, &format!("/pods/{}", i % 11), &format!("value {i} {}", "x".repeat(i * 50))).await;
    }
    let before = all(&store).await;
    delete(&store, "/pods/3").await;
    let entries = all(&store).await;
    let bytes = fs::read(&path).unwrap();
    let crashed = Image { bytes, entries: entries.clone(), unfinished: Some(before), name: "crashed" };
    drop(store);
    let bytes = fs::read(&path).unwrap();
    [Image { bytes, entries, unfinished: None, name: "closed" }, crashed]
}

impl Image {
    /// Opens a file of these bytes, and tells whether it was refused.
    async fn refuses(&self, directory: &Path, bytes: &[u8], damage: &str) -> bool {
        let path = directory.join("damaged.redb");
        fs::write(&path, bytes).unwrap();
        let _ = fs::remove_file(directory.join("damaged.redb.revision"));
        match open(&path) {
            Ok(store) => {
                let entries = all(&store).await;
                let is_right = entries == self.entries || Some(entries) == self.unfinished;
                assert!(is_right, "{damage} of the {} file changed what it says", self.name);
                false
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?} after {damage}");
                assert!(error.to_string().contains("damaged.redb"), "{error}");
                true
            }
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_is_noticed_where_it_matters() {
    let directory = tempfile::tempdir().unwrap();
    for image in images(directory.path()).await {
        let pages = image.bytes.chunks(4096).zip((0..).step_by(4096));
        let used = pages.filter(|(page, _)| page.iter().any(|byte| *byte != 0)).map(|(_, place)| place);
        let body = used.flat_map(|page| [0, 9, 1000].map(|offset| page + offset));
        let mut refused = 0;
        for place in (0..320).step_by(11).chain(body) {
            let mut bytes = image.bytes.clone();
            bytes[place] ^= 0x41;
            let damage = format!("a flip of byte {place}");
            refused += u32::from(image.refuses(directory.path(), &bytes, &damage).await);
        }
        assert!(refused > 20, "only {refused} flips of the {} file were noticed", image.name);
    }
}

#[tokio::test]
async fn the_revision_of_a_damaged_last_transaction_is_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    for i in 0..40 {
        put(&store, &format!("/pods/{}", i % 11), &format!("value {i} {}", "x".repeat(i * 50))).await;
    }
    let before = fs::read(&path).unwrap();
    let lost = put(&store, "/pods/3", "acknowledged").await;
    // As a crash leaves it, with a page of the last transaction damaged.
    let crashed = fs::read(&path).unwrap();
    drop(store);
    let changed: Vec<usize> = (320..crashed.len()).filter(|at| before.get(*at) != crashed.get(*at)).collect();
    let mut taken_back = 0;
    for at in changed.iter().step_by(changed.len() / 40 + 1) {
        let mut bytes = crashed.clone();
        bytes[*at] ^= 0x41;
        fs::write(&path, bytes).unwrap();
        let Ok(store) = open(&path) else { continue };
        if store.get("/pods/3").await.unwrap().unwrap().value == "acknowledged" {
            continue;
        }
        taken_back += 1;
        assert_eq!(store.revision().await.unwrap(), lost, "it goes on behind what was acknowledged");
        // Who has seen what is lost must list again.
        let watch = store.watch("/pods/", Revision(lost.0 - 1)).await;
        assert!(matches!(watch, Err(Error::Compacted { oldest }) if oldest == lost));
        assert!(put(&store, "/pods/3", "again").await > lost);
        drop(store);
        let store = open(&path).unwrap();
        assert_eq!(store.get("/pods/3").await.unwrap().unwrap().value, "again");
        drop(store);
        fs::write(directory.path().join("store.redb.revision"), note(lost)).unwrap();
    }
    assert!(taken_back > 0, "no damage took the last transaction back");
}

/// What is noted beside the file.
fn note(revision: Revision) -> Vec<u8> {
    [revision.0.to_le_bytes(), (!revision.0).to_le_bytes()].concat()
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for image in images(directory.path()).await {
        let length = image.bytes.len();
        for kept in [0, 1, 100, 4095, 4096, 8192, 20_000, 65_536, length / 2] {
            let damage = format!("truncation to {kept} of {length} bytes");
            let bytes = &image.bytes[..kept];
            assert!(image.refuses(directory.path(), bytes, &damage).await, "{damage} of the {}", image.name);
        }
    }
}

#[tokio::test]
async fn a_log_that_no_commits_could_have_written_is_refused() {
    type Edit = fn(&mut redb::Table<'_, u64, &[u8]>);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let edits: [(&str, Edit); 5] = [
        ("a gap", |log| drop(log.remove(3).unwrap())),
        ("garbage", |log| drop(log.insert(6, &b"garbage"[..]).unwrap())),
        ("an unknown kind", |log| drop(log.insert(6, &[[3; 1].as_slice(), &[0; 30]].concat()[..]).unwrap())),
        ("a deletion of nothing", |log| {
            let deletion = log.get(5).unwrap().unwrap().value().to_vec();
            log.insert(6, &deletion[..]).unwrap();
        }),
        ("a creation that came before", |log| {
            let creation = log.get(4).unwrap().unwrap().value().to_vec();
            log.insert(6, &creation[..]).unwrap();
        }),
    ];
    for (damage, edit) in edits {
        let _ = fs::remove_file(&path);
        let store = open(&path).unwrap();
        put(&store, "a", "1").await;
        put(&store, "a", "2").await;
        put(&store, "b", "3").await;
        delete(&store, "b").await;
        drop(store);
        let database = redb::Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        edit(&mut transaction.open_table(TableDefinition::<u64, &[u8]>::new("log")).unwrap());
        transaction.commit().unwrap();
        drop(database);
        let refused = open(&path).err().unwrap_or_else(|| panic!("{damage} was accepted"));
        assert!(matches!(refused, OpenError::Corrupt { .. }), "{damage}: {refused:?}");
    }
}

#[tokio::test]
async fn a_record_that_compaction_would_have_removed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let store = open(&path).unwrap();
    put(&store, "a", "1").await;
    put(&store, "a", "2").await;
    assert_eq!(store.revision().await.unwrap().0, 3);
    drop(store);
    set(&path, "oldest", 3);
    let refused = open(&path).err().unwrap();
    assert!(
        refused.to_string().ends_with("the record of revision 3 should have been compacted"),
        "{refused}"
    );
}
