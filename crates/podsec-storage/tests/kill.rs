//! Every acknowledged write survives `kill -9` of the process that acknowledged it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without the harness")]

use std::{
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, mpsc::channel},
    thread,
    time::Duration,
};

use podsec_storage::{Change, Precondition, Redb, Retention, Revision, Store};

/// A small history, so that the child is killed in the middle of compactions as well.
const RETENTION: Retention = Retention { revisions: 200, bytes: 1 << 20, age: Duration::from_hours(1) };
const ROUNDS: u64 = 8;
const WRITERS: usize = 8;

/// The only test here, under the name by which test runners ask for it.
const NAME: &str = "an_acknowledged_write_survives_kill_9";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match arguments.as_slice() {
        [flag, path] if flag == "--write" => runtime.block_on(write(Path::new(path))),
        _ if !is_wanted(&arguments) => {}
        _ if arguments.iter().any(|argument| argument == "--list") => println!("{NAME}: test"),
        _ => runtime.block_on(survive()),
    }
}

/// Whether the arguments of the standard harness ask for the test: `kill_9`, `--exact NAME`, `--skip kill`, `--ignored`.
fn is_wanted(arguments: &[String]) -> bool {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let matches = |filter: &str| if has("--exact") { NAME == filter } else { NAME.contains(filter) };
    let (mut filters, mut skipped) = (Vec::new(), false);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "--skip" => skipped |= rest.next().is_some_and(matches),
            "--color" | "--format" | "--logfile" | "--shuffle-seed" | "--test-threads" | "-Z" => {
                rest.next();
            }
            flag if flag.starts_with('-') => {}
            filter => filters.push(filter),
        }
    }
    let is_named = filters.is_empty() || filters.into_iter().any(matches);
    is_named && !skipped && !has("--ignored")
}

/// The child: writes for ever and prints `revision key` when a write is acknowledged.
async fn write(path: &Path) {
    let store = Arc::new(Redb::open(path, RETENTION).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    let local = tokio::task::LocalSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn_local_on(
            async move {
                for i in 0_u64.. {
                    let key = format!("{writer}/{}", i % 50);
                    let value = format!("{key} {}", "x".repeat(500)).into();
                    let commit = store.commit(&key, Precondition::Any, Change::Put(value)).await.unwrap();
                    // One call, so that a kill leaves whole lines or a line without its end.
                    stdout().lock().write_all(format!("{} {key}\n", commit.revision).as_bytes()).unwrap();
                }
            },
            &local,
        );
    }
    local.run_until(writers.join_all()).await;
}

/// The parent: starts the child, kills it, and looks for what it acknowledged; several times with one file.
async fn survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .arg("--write")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (started, first) = channel();
        let reader = thread::spawn(move || {
            let mut newest = std::collections::BTreeMap::new();
            let mut line = String::new();
            while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
                let (revision, key) = line.trim().split_once(' ').unwrap();
                let revision = Revision(revision.parse().unwrap());
                let known = newest.entry(key.to_owned()).or_insert(revision);
                *known = revision.max(*known);
                line.clear();
                let _ = started.send(());
            }
            newest
        });
        first.recv().expect("the child writes");
        thread::sleep(Duration::from_millis(20 + 37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let newest = reader.join().unwrap();

        let store = Redb::open(&path, RETENTION).unwrap();
        let last = newest.values().max().copied().unwrap();
        assert!(store.revision().await.unwrap() >= last);
        for (key, revision) in &newest {
            let entry = store.get(key).await.unwrap().unwrap_or_else(|| panic!("{key} is lost"));
            assert!(entry.revision >= *revision, "{key} fell back to {} from {revision}", entry.revision);
            assert!(entry.value.starts_with(key.as_bytes()));
        }
        acknowledged = last.0;
    }
    println!("test {NAME} ... ok ({ROUNDS} kills, {acknowledged} revisions)");
}
