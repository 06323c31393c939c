//! Many writers at once.

use podsec_storage::{Error, Precondition, Range, Revision};
use tokio::task::JoinSet;

use crate::subject::{ALL, Make, laws, put, take};

laws! {
    one_writer_wins_each_revision
    a_key_is_created_by_one_of_many
    no_change_of_many_writers_is_lost
    a_list_shows_one_moment
}

async fn one_writer_wins_each_revision(make: Make) {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 25;
    let subject = make(ALL);
    let start = subject.put("counter", "0").await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let store = subject.store.clone();
        writers.spawn(async move {
            let mut won = Vec::new();
            while (won.len() as u64) < ROUNDS {
                let current = store.get("counter").await.unwrap().unwrap();
                let count: u64 = String::from_utf8_lossy(&current.value).parse().unwrap();
                let next = put(&(count + 1).to_string());
                match store.commit("counter", Precondition::Revision(current.revision), next).await {
                    Ok(commit) => won.push(commit.revision),
                    Err(Error::Conflict { .. }) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other}"),
                }
            }
            won
        });
    }
    let mut won: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    won.sort_unstable();
    let all: Vec<_> = (1..=WRITERS * ROUNDS).map(|i| Revision(start.0 + i)).collect();
    assert_eq!(won, all);
    assert_eq!(subject.value("counter").await, Some((WRITERS * ROUNDS).to_string()));
}

async fn a_key_is_created_by_one_of_many(make: Make) {
    let subject = make(ALL);
    let mut writers = JoinSet::new();
    for i in 0..32 {
        let store = subject.store.clone();
        writers
            .spawn(async move { store.commit("a", Precondition::Absent, put(&i.to_string())).await.is_ok() });
    }
    let winners = writers.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(winners, 1);
}

async fn no_change_of_many_writers_is_lost(make: Make) {
    let subject = make(ALL);
    let mut watch = subject.watch("", subject.revision().await).await;
    let mut writers = JoinSet::new();
    for writer in 0..32 {
        let store = subject.store.clone();
        writers.spawn(async move {
            for i in 0..10 {
                store.commit(&format!("{writer}/{i}"), Precondition::Absent, put("1")).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(subject.revision().await, Revision(321));
    let told = take(&mut *watch, 320).await;
    for (line, revision) in told.iter().zip(2..) {
        assert!(line.starts_with(&format!("{revision} create ")), "{line}");
    }
}

async fn a_list_shows_one_moment(make: Make) {
    let subject = make(ALL);
    subject.put("ahead", "0").await;
    subject.put("behind", "0").await;
    let store = subject.store.clone();
    let writer = tokio::spawn(async move {
        for i in 1..=200 {
            for key in ["ahead", "behind"] {
                store.commit(key, Precondition::Any, put(&i.to_string())).await.unwrap();
            }
        }
    });
    let mut last = Revision(0);
    while !writer.is_finished() {
        let page = subject.store.range(Range::prefix("")).await.unwrap();
        let [ahead, behind] = &page.entries[..] else { panic!("two keys") };
        let [a, b] =
            [ahead, behind].map(|entry| String::from_utf8_lossy(&entry.value).parse::<u32>().unwrap());
        assert!(a == b || a == b + 1, "ahead at {a} and behind at {b} never were at once");
        assert_eq!(page.revision, ahead.revision.max(behind.revision));
        assert!(page.revision >= last, "time went back");
        last = page.revision;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}
