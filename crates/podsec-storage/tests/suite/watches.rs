//! What a watch tells: everything after its revision, in order, once.

use podsec_storage::{Error, Event, Revision, Watch};

use crate::subject::{ALL, Make, is_silent, laws, take};

laws! {
    a_watch_tells_creations_modifications_and_deletions
    a_watch_tells_only_of_its_prefix
    a_watch_from_the_past_replays_it
    a_watch_from_the_future_leaves_out_what_comes_before
    a_watch_tells_a_long_past_without_gaps
    watches_of_one_prefix_do_not_disturb_each_other
    a_watch_that_is_not_waited_for_loses_nothing
    a_watch_knows_how_far_it_is
    an_event_carries_the_whole_entries
    ; embedded:
    a_watch_ends_with_its_store
}

async fn a_watch_tells_creations_modifications_and_deletions(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    subject.put("a", "1").await;
    subject.put("a", "2").await;
    subject.delete("a").await;
    subject.put("a", "3").await;
    let told = take(&mut *watch, 4).await;
    assert_eq!(told, ["2 create a=1", "3 modify a=2 was a=1", "4 delete a=2", "5 create a=3"]);
    assert!(is_silent(&mut *watch).await);
}

async fn a_watch_tells_only_of_its_prefix(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("/pods/", subject.revision().await).await;
    for key in ["/podsets/a", "/pods/a", "/services/a", "/pods/b"] {
        subject.put(key, "1").await;
    }
    assert_eq!(take(&mut *watch, 2).await, ["3 create /pods/a=1", "5 create /pods/b=1"]);
    assert!(is_silent(&mut *watch).await);
}

async fn a_watch_from_the_past_replays_it(make: Make) {
    let subject = make(ALL);
    subject.put("a", "1").await;
    let from = subject.put("a", "2").await;
    subject.put("b", "1").await;
    subject.delete("a").await;
    let mut watch = subject.watch("", from).await;
    assert_eq!(take(&mut *watch, 2).await, ["4 create b=1", "5 delete a=2"]);
    subject.put("a", "3").await;
    assert_eq!(take(&mut *watch, 1).await, ["6 create a=3"]);
}

async fn a_watch_from_the_future_leaves_out_what_comes_before(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", Revision(3)).await;
    for value in ["2", "3", "4"] {
        subject.put("a", value).await;
    }
    assert_eq!(take(&mut *watch, 1).await, ["4 modify a=4 was a=3"]);
}

async fn a_watch_tells_a_long_past_without_gaps(make: Make) {
    let subject = make(ALL);
    let from = subject.revision().await;
    for i in 0..600 {
        subject.put(&format!("/pods/{}", i % 7), &i.to_string()).await;
    }
    let mut watch = subject.watch("/pods/", from).await;
    let mut revision = from.0;
    while revision < from.0 + 600 {
        for event in watch.next().await.unwrap() {
            revision += 1;
            assert_eq!(event.revision(), Revision(revision));
        }
    }
}

async fn watches_of_one_prefix_do_not_disturb_each_other(make: Make) {
    let subject = make(ALL);
    let mut early = subject.watch("", subject.revision().await).await;
    subject.put("a", "1").await;
    let mut late = subject.watch("", subject.revision().await).await;
    subject.put("a", "2").await;
    assert_eq!(take(&mut *late, 1).await, ["3 modify a=2 was a=1"]);
    drop(late);
    subject.put("a", "3").await;
    let told = take(&mut *early, 3).await;
    assert_eq!(told, ["2 create a=1", "3 modify a=2 was a=1", "4 modify a=3 was a=2"]);
}

async fn a_watch_that_is_not_waited_for_loses_nothing(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    for i in 2..100 {
        // Dropped while it waits, and dropped when it could have answered.
        assert!(tokio::time::timeout(std::time::Duration::ZERO, watch.next()).await.is_err());
        subject.put("a", "1").await;
        drop(watch.next());
        assert!(take(&mut *watch, 1).await[0].starts_with(&format!("{i} ")));
    }
}

async fn a_watch_knows_how_far_it_is(make: Make) {
    let subject = make(ALL);
    let start = subject.put("/pods/a", "1").await;
    let mut watch = subject.watch("/pods/", start).await;
    assert_eq!(watch.progress(), start);

    let other = subject.put("/services/a", "1").await;
    assert!(reaches(&*watch, other).await, "changes elsewhere are none of its business");

    let waiting = subject.put("/pods/a", "2").await;
    subject.put("/services/a", "2").await;
    assert!(watch.progress() < waiting, "a change that was not taken is not behind it");

    take(&mut *watch, 1).await;
    assert!(reaches(&*watch, subject.revision().await).await);
}

/// Whether the watch comes to know of `revision`: at once in this process, in a while from afar.
async fn reaches(watch: &dyn Watch, revision: Revision) -> bool {
    for _ in 0..1000 {
        if watch.progress() == revision {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    false
}

async fn a_watch_ends_with_its_store(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    subject.put("a", "1").await;
    drop(subject);
    assert_eq!(take(&mut *watch, 1).await, ["2 create a=1"]);
    assert!(matches!(watch.next().await, Err(Error::Closed)));
}

async fn an_event_carries_the_whole_entries(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    subject.put("a", "1").await;
    let first = subject.store.get("a").await.unwrap().unwrap();
    subject.put("a", "2").await;
    let second = subject.store.get("a").await.unwrap().unwrap();
    let deleted = subject.delete("a").await;
    let expected = [
        Event::Create(first.clone()),
        Event::Modify { entry: second.clone(), previous: first },
        Event::Delete { revision: deleted, previous: second },
    ];
    let mut events = Vec::new();
    while events.len() < expected.len() {
        events.extend(watch.next().await.unwrap().iter().map(|event| (**event).clone()));
    }
    assert_eq!(events, expected);
}
