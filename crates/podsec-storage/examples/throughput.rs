//! Prints how fast the stores write, list and tell: `cargo run --release -p podsec-storage --example throughput`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for developers"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use podsec_storage::{Change, Memory, Precondition, Range, Redb, Retention, Revision, Store};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() {
    // On the disk of the build, for a temporary directory may be in memory.
    let directory = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    for name in ["memory", "redb"] {
        println!("{name}");
        let path = directory.path().join("store.redb");
        let store: Arc<dyn Store> = match name {
            "memory" => Arc::new(Memory::default()),
            _ => Arc::new(Redb::open(&path, Retention::default()).unwrap()),
        };
        for writers in [1, 32] {
            writes(&store, writers).await;
        }
        lists(&store).await;
        for watches in [1, 100, 1000] {
            fan_out(&store, watches).await;
        }
        if name == "redb" {
            drop(store);
            let start = Instant::now();
            let store = Redb::open(&path, Retention::default()).unwrap();
            let revision = store.revision().await.unwrap();
            let size = std::fs::metadata(&path).unwrap().len() >> 20;
            println!("  opening {size} MiB with {revision} revisions: {:?}", start.elapsed());
        }
    }
}

/// A second of puts of 1.5 kB to 5000 keys.
async fn writes(store: &Arc<dyn Store>, writers: usize) {
    let value = bytes::Bytes::from(vec![b'x'; 1500]);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (store, value) = (Arc::clone(store), value.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < Duration::from_secs(1) {
                let key = format!("/pods/{:04}", (writer * 7919 + latencies.len()) % 5000);
                let begin = Instant::now();
                store.commit(&key, Precondition::Any, Change::Put(value.clone())).await.unwrap();
                latencies.push(begin.elapsed());
            }
            latencies
        });
    }
    let mut latencies: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    latencies.sort_unstable();
    let (count, total) = (latencies.len(), start.elapsed());
    let at = |percent: usize| latencies[(count - 1) * percent / 100];
    println!(
        "  {writers:4} writers: {:.0} writes/s, p50 {:?}, p99 {:?}",
        count as f64 / total.as_secs_f64(),
        at(50),
        at(99)
    );
}

/// Whole lists, and one in pages of an old revision.
async fn lists(store: &Arc<dyn Store>) {
    let start = Instant::now();
    let page = store.range(Range::prefix("/pods/")).await.unwrap();
    println!("  list of {}: {:?}", page.entries.len(), start.elapsed());

    let at = Revision(page.revision.0 - 1000);
    let start = Instant::now();
    let (mut pages, mut last) = (1, String::from("/pods/"));
    loop {
        let page = store.range(Range::prefix("/pods/").after(&last).limit(500).at(at)).await.unwrap();
        last = page.entries.last().unwrap().key.to_string();
        if page.remaining == 0 {
            break;
        }
        pages += 1;
    }
    println!("  the same in {pages} pages, 1000 revisions ago: {:?}", start.elapsed());
}

/// The time until every one of many watches has told every one of many changes.
async fn fan_out(store: &Arc<dyn Store>, watches: usize) {
    const CHANGES: usize = 1000;
    let from = store.revision().await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..watches {
        let mut watch = store.watch("/pods/", from).await.unwrap();
        tasks.spawn(async move {
            let mut told = 0;
            while told < CHANGES {
                told += watch.next().await.unwrap().len();
            }
        });
    }
    let value = bytes::Bytes::from(vec![b'x'; 1500]);
    let start = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..20 {
        let (store, value) = (Arc::clone(store), value.clone());
        writers.spawn(async move {
            for i in 0..CHANGES / 20 {
                let key = format!("/pods/{writer}/{i}");
                store.commit(&key, Precondition::Any, Change::Put(value.clone())).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let written = start.elapsed();
    tasks.join_all().await;
    let told = start.elapsed();
    let rate = (CHANGES * watches) as f64 / told.as_secs_f64();
    println!(
        "  {watches:4} watches: {CHANGES} changes written in {written:?}, told in {told:?}: {rate:.0} events/s"
    );
}
