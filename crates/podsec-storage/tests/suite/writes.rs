//! What a commit does, and when it refuses.

use podsec_storage::{Change, Error, MAX_REQUEST_BYTES, Precondition, Revision};

use crate::subject::{ALL, Make, laws, put};

laws! {
    a_new_store_stands_at_revision_one
    each_change_takes_the_next_revision
    a_refused_change_takes_no_revision
    a_key_is_created_once
    a_change_needs_the_revision_it_expects
    a_revision_precondition_does_not_create
    a_key_that_is_not_there_cannot_be_deleted
    a_key_that_returns_is_created_anew
    a_put_of_the_same_value_is_a_change
    a_commit_answers_what_was_there_before
    an_empty_key_is_refused
    values_are_opaque_bytes
}

async fn a_new_store_stands_at_revision_one(make: Make) {
    let subject = make(ALL);
    assert_eq!(subject.revision().await, Revision(1));
}

async fn each_change_takes_the_next_revision(make: Make) {
    let subject = make(ALL);
    assert_eq!(subject.put("a", "1").await, Revision(2));
    assert_eq!(subject.put("b", "1").await, Revision(3));
    assert_eq!(subject.delete("a").await, Revision(4));
    assert_eq!(subject.revision().await, Revision(4));
}

async fn a_refused_change_takes_no_revision(make: Make) {
    let subject = make(ALL);
    subject.put("a", "1").await;
    subject.commit("a", Precondition::Absent, put("2")).await.unwrap_err();
    subject.commit("b", Precondition::Any, Change::Delete).await.unwrap_err();
    assert_eq!(subject.put("c", "1").await, Revision(3));
}

async fn a_key_is_created_once(make: Make) {
    let subject = make(ALL);
    subject.commit("a", Precondition::Absent, put("1")).await.unwrap();
    let Err(Error::Conflict { current: Some(current) }) =
        subject.commit("a", Precondition::Absent, put("2")).await
    else {
        panic!("the second creation must conflict");
    };
    assert_eq!((current.revision, &current.value[..]), (Revision(2), &b"1"[..]));
    assert_eq!(subject.value("a").await.as_deref(), Some("1"));
}

async fn a_change_needs_the_revision_it_expects(make: Make) {
    let subject = make(ALL);
    let first = subject.put("a", "1").await;
    let second = subject.commit("a", Precondition::Revision(first), put("2")).await.unwrap().revision;
    let refused = subject.commit("a", Precondition::Revision(first), Change::Delete).await;
    assert!(matches!(refused, Err(Error::Conflict { current: Some(entry) }) if entry.revision == second));
    subject.commit("a", Precondition::Revision(second), Change::Delete).await.unwrap();
    assert_eq!(subject.value("a").await, None);
}

async fn a_revision_precondition_does_not_create(make: Make) {
    let subject = make(ALL);
    let first = subject.put("a", "1").await;
    let deleted = subject.delete("a").await;
    for revision in [Revision(0), first, deleted] {
        let refused = subject.commit("a", Precondition::Revision(revision), put("2")).await;
        assert!(matches!(refused, Err(Error::Conflict { current: None })), "{refused:?}");
    }
}

async fn a_key_that_is_not_there_cannot_be_deleted(make: Make) {
    let subject = make(ALL);
    for precondition in [Precondition::Any, Precondition::Absent, Precondition::Revision(Revision(1))] {
        let refused = subject.commit("a", precondition, Change::Delete).await;
        assert!(matches!(refused, Err(Error::Conflict { current: None })), "{refused:?}");
    }
}

async fn a_key_that_returns_is_created_anew(make: Make) {
    let subject = make(ALL);
    let first = subject.put("a", "1").await;
    subject.put("a", "2").await;
    assert_eq!(subject.store.get("a").await.unwrap().unwrap().create_revision, first);
    subject.delete("a").await;
    let again = subject.commit("a", Precondition::Absent, put("3")).await.unwrap();
    let entry = subject.store.get("a").await.unwrap().unwrap();
    assert_eq!((entry.revision, entry.create_revision), (again.revision, again.revision));
    assert_eq!(again.previous, None);
}

async fn a_put_of_the_same_value_is_a_change(make: Make) {
    let subject = make(ALL);
    subject.put("a", "1").await;
    assert_eq!(subject.put("a", "1").await, Revision(3));
}

async fn a_commit_answers_what_was_there_before(make: Make) {
    let subject = make(ALL);
    let created = subject.commit("a", Precondition::Any, put("1")).await.unwrap();
    assert_eq!(created.previous, None);
    let entry = subject.store.get("a").await.unwrap();
    let deleted = subject.commit("a", Precondition::Any, Change::Delete).await.unwrap();
    assert_eq!(deleted.previous, entry);
}

async fn an_empty_key_is_refused(make: Make) {
    let subject = make(ALL);
    assert!(matches!(subject.commit("", Precondition::Any, put("1")).await, Err(Error::EmptyKey)));
    assert_eq!(subject.store.get("").await.unwrap(), None);
}

async fn values_are_opaque_bytes(make: Make) {
    let subject = make(ALL);
    let large: Vec<u8> = (0..1_500_000_u32).map(|i| i.to_le_bytes()[0] ^ 0xa5).collect();
    for (key, value) in [("empty", vec![]), ("not utf-8", vec![0xff, 0, 0xfe]), ("large", large)] {
        subject.commit(key, Precondition::Any, Change::Put(value.clone().into())).await.unwrap();
        assert_eq!(subject.store.get(key).await.unwrap().unwrap().value, value, "{key}");
    }
    let too_large = Change::Put(vec![0; MAX_REQUEST_BYTES].into());
    let refused = subject.commit("key", Precondition::Any, too_large).await;
    assert!(matches!(refused, Err(Error::TooLarge)), "{refused:?}");
}
