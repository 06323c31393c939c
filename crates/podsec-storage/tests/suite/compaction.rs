//! What is forgotten, when, and what that does to who still needs it.

use std::time::Duration;

use podsec_storage::{Error, Range, Retention, Revision};

use crate::subject::{ALL, Make, Subject, is_silent, laws, take};

laws! {
    compaction_keeps_the_present
    compaction_forgets_what_came_before
    compaction_keeps_its_own_revision
    compacting_again_does_nothing
    the_future_cannot_be_compacted
    a_watch_that_missed_nothing_goes_on
    the_revision_survives_a_compacted_deletion
    ; embedded:
    a_watch_that_compaction_overtakes_ends
    a_bounded_number_of_changes_is_kept
    a_bounded_amount_of_bytes_is_kept
    old_changes_are_dropped
}

async fn compaction_keeps_the_present(make: Make) {
    let subject = busy(make(ALL)).await;
    let before = subject.list(Range::prefix("")).await;
    let newest = subject.revision().await;
    subject.store.compact(newest).await.unwrap();
    assert_eq!(subject.list(Range::prefix("")).await, before);
    assert_eq!(subject.revision().await, newest);
}

async fn compaction_forgets_what_came_before(make: Make) {
    let subject = busy(make(ALL)).await;
    subject.store.compact(Revision(4)).await.unwrap();
    for revision in 0..4 {
        let range = subject.store.range(Range::prefix("").at(Revision(revision))).await;
        assert!(matches!(range, Err(Error::Compacted { oldest: Revision(4) })), "{range:?}");
        let watch = subject.store.watch("", Revision(revision)).await.err();
        assert!(matches!(watch, Some(Error::Compacted { oldest: Revision(4) })), "{watch:?}");
    }
}

async fn compaction_keeps_its_own_revision(make: Make) {
    let subject = busy(make(ALL)).await;
    let state = subject.list(Range::prefix("").at(Revision(4))).await;
    subject.store.compact(Revision(4)).await.unwrap();
    assert_eq!(subject.list(Range::prefix("").at(Revision(4))).await, state);
    let mut watch = subject.watch("", Revision(4)).await;
    assert_eq!(take(&mut *watch, 2).await, ["5 create b=4", "6 delete a=3"]);
}

async fn compacting_again_does_nothing(make: Make) {
    let subject = busy(make(ALL)).await;
    subject.store.compact(Revision(4)).await.unwrap();
    subject.store.compact(Revision(4)).await.unwrap();
    subject.store.compact(Revision(2)).await.unwrap();
    let range = subject.store.range(Range::prefix("").at(Revision(2))).await;
    assert!(matches!(range, Err(Error::Compacted { oldest: Revision(4) })), "{range:?}");
}

async fn the_future_cannot_be_compacted(make: Make) {
    let subject = busy(make(ALL)).await;
    let refused = subject.store.compact(Revision(7)).await;
    assert!(matches!(refused, Err(Error::Future { current: Revision(6) })), "{refused:?}");
}

async fn a_watch_that_compaction_overtakes_ends(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    subject.put("a", "1").await;
    take(&mut *watch, 1).await;
    let missed = subject.put("a", "2").await;
    let kept = subject.put("a", "3").await;
    subject.store.compact(missed).await.unwrap();
    for _ in 0..2 {
        let end = watch.next().await;
        assert!(matches!(end, Err(Error::Lagged { after: Revision(2) })), "{end:?}");
    }
    assert_eq!(watch.progress(), Revision(2), "what was missed is not behind it");
    assert!(subject.store.watch("", kept).await.is_ok());
}

async fn a_watch_that_missed_nothing_goes_on(make: Make) {
    let subject = make(ALL);
    let mut taken = subject.watch("/pods/", subject.revision().await).await;
    let mut quiet = subject.watch("/nodes/", subject.revision().await).await;
    subject.put("/pods/a", "1").await;
    let newest = subject.put("/services/a", "1").await;
    take(&mut *taken, 1).await;
    subject.store.compact(newest).await.unwrap();
    assert!(is_silent(&mut *quiet).await);
    subject.put("/pods/a", "2").await;
    subject.put("/nodes/a", "1").await;
    assert_eq!(take(&mut *taken, 1).await, ["4 modify /pods/a=2 was /pods/a=1"]);
    assert_eq!(take(&mut *quiet, 1).await, ["5 create /nodes/a=1"]);
}

async fn a_bounded_number_of_changes_is_kept(make: Make) {
    let subject = make(Retention { revisions: 80, ..ALL });
    for i in 0..300 {
        subject.put("a", &i.to_string()).await;
    }
    let kept = kept(&subject).await;
    assert!((80..=90).contains(&kept), "kept {kept}");
}

async fn a_bounded_amount_of_bytes_is_kept(make: Make) {
    let subject = make(Retention { bytes: 1 << 20, ..ALL });
    let value = "x".repeat(10_000);
    for _ in 0..300 {
        subject.put("a", &value).await;
    }
    let kept = kept(&subject).await;
    assert!((90..=118).contains(&kept), "kept {kept}");
}

async fn old_changes_are_dropped(make: Make) {
    let subject = make(Retention { age: Duration::from_millis(200), ..ALL });
    subject.put("a", "1").await;
    let old = subject.put("a", "2").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    subject.put("b", "1").await;
    assert_eq!(kept(&subject).await, 1);
    assert_eq!(subject.list(Range::prefix("").at(old)).await, ["a=2"]);
}

async fn the_revision_survives_a_compacted_deletion(make: Make) {
    let subject = make(ALL);
    subject.put("a", "1").await;
    let deleted = subject.delete("a").await;
    subject.store.compact(deleted).await.unwrap();
    assert_eq!(subject.revision().await, deleted);
    assert_eq!(subject.put("a", "2").await, Revision(deleted.0 + 1));
}

/// Six revisions of two keys.
async fn busy(subject: Subject) -> Subject {
    for value in ["1", "2", "3"] {
        subject.put("a", value).await;
    }
    subject.put("b", "4").await;
    subject.delete("a").await;
    subject
}

/// How many changes can be watched from the oldest revision on.
async fn kept(subject: &Subject) -> u64 {
    // Whatever a store does after its last answer, it has done when it answers again.
    subject.store.compact(Revision(0)).await.unwrap();
    let Some(Error::Compacted { oldest }) = subject.store.watch("", Revision(0)).await.err() else {
        panic!("revision 0 is never kept");
    };
    subject.revision().await.0 - oldest.0
}
