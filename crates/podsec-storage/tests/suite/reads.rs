//! What lists show: order, prefixes, pages, and the past.

use podsec_storage::{Error, Range, Revision};

use crate::subject::{ALL, Make, Subject, laws, show};

laws! {
    a_list_is_in_the_order_of_the_keys_bytes
    a_prefix_lists_what_starts_with_it
    a_start_before_the_prefix_starts_at_the_prefix
    a_start_may_be_left_out_or_included
    a_page_tells_how_many_remain
    the_pages_of_a_list_show_one_revision
    the_past_can_be_read
    the_future_cannot_be_read
}

async fn a_list_is_in_the_order_of_the_keys_bytes(make: Make) {
    let subject = make(ALL);
    for key in ["b", "a/b", "ä", "a", "a-b", "B"] {
        subject.put(key, "1").await;
    }
    let listed = subject.list(Range::prefix("")).await;
    assert_eq!(listed, ["B=1", "a=1", "a-b=1", "a/b=1", "b=1", "ä=1"]);
}

async fn a_prefix_lists_what_starts_with_it(make: Make) {
    let subject = make(ALL);
    for key in ["/pods/a", "/pods/b", "/podsets/a", "/pod", "/services/a"] {
        subject.put(key, "1").await;
    }
    assert_eq!(subject.list(Range::prefix("/pods/")).await, ["/pods/a=1", "/pods/b=1"]);
    assert_eq!(subject.list(Range::prefix("/nothing/")).await, [""; 0]);
}

async fn a_start_before_the_prefix_starts_at_the_prefix(make: Make) {
    let subject = make(ALL);
    for key in ["a/1", "b/1", "b/2", "c/1"] {
        subject.put(key, "1").await;
    }
    assert_eq!(subject.list(Range::prefix("b/").starting_at("a/1")).await, ["b/1=1", "b/2=1"]);
    assert_eq!(subject.list(Range::prefix("b/").after("a/1")).await, ["b/1=1", "b/2=1"]);
    assert_eq!(subject.list(Range::prefix("b/").after("c/1")).await, [""; 0]);
}

async fn a_start_may_be_left_out_or_included(make: Make) {
    let subject = make(ALL);
    for key in ["a", "b", "c"] {
        subject.put(key, "1").await;
    }
    assert_eq!(subject.list(Range::prefix("").after("a")).await, ["b=1", "c=1"]);
    assert_eq!(subject.list(Range::prefix("").starting_at("b")).await, ["b=1", "c=1"]);
    assert_eq!(subject.list(Range::prefix("").after("a\0")).await, ["b=1", "c=1"]);
}

async fn a_page_tells_how_many_remain(make: Make) {
    let subject = make(ALL);
    for key in ["a", "b", "c", "d", "e"] {
        subject.put(key, "1").await;
    }
    for (limit, listed, remaining) in [(0, 0, 5), (2, 2, 3), (5, 5, 0), (9, 5, 0)] {
        let page = subject.store.range(Range::prefix("").limit(limit)).await.unwrap();
        assert_eq!((page.entries.len(), page.remaining), (listed, remaining), "limit {limit}");
    }
}

async fn the_pages_of_a_list_show_one_revision(make: Make) {
    let subject = make(ALL);
    for i in 0..10 {
        subject.put(&format!("/pods/{i}"), "old").await;
    }
    let all = subject.list(Range::prefix("/pods/")).await;

    let mut page = subject.store.range(Range::prefix("/pods/").limit(3)).await.unwrap();
    let revision = page.revision;
    let mut paged = page.entries;
    for round in 0.. {
        disturb(&subject, round).await;
        let last = paged.last().unwrap().key.clone();
        let range = Range::prefix("/pods/").after(&last).limit(3).at(revision);
        page = subject.store.range(range).await.unwrap();
        assert_eq!(page.revision, revision);
        paged.extend(page.entries);
        assert_eq!(page.remaining, 10 - paged.len());
        if page.remaining == 0 {
            break;
        }
    }
    assert_eq!(paged.iter().map(show).collect::<Vec<_>>(), all);
}

async fn disturb(subject: &Subject, round: u32) {
    subject.put(&format!("/pods/{round}"), "new").await;
    subject.put(&format!("/pods/9{round}"), "new").await;
    subject.delete(&format!("/pods/{}", 9 - round)).await;
    subject.put("/services/a", "new").await;
}

async fn the_past_can_be_read(make: Make) {
    let subject = make(ALL);
    let mut states = vec![(subject.revision().await, Vec::new())];
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", ""), ("c", "4"), ("b", "5"), ("a", "")] {
        if value.is_empty() {
            subject.delete(key).await;
        } else {
            subject.put(key, value).await;
        }
        states.push((subject.revision().await, subject.list(Range::prefix("")).await));
    }
    for (revision, state) in states {
        assert_eq!(subject.list(Range::prefix("").at(revision)).await, state, "at {revision}");
    }
}

async fn the_future_cannot_be_read(make: Make) {
    let subject = make(ALL);
    let newest = subject.put("a", "1").await;
    let range = Range::prefix("").at(Revision(newest.0 + 1));
    let refused = subject.store.range(range).await;
    assert!(matches!(refused, Err(Error::Future { current }) if current == newest), "{refused:?}");
}
