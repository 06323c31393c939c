//! Any sequence of operations has the outcome that a list of all states predicts.

use std::collections::BTreeMap;

use podsec_storage::{Change, Error, Event, Precondition, Range, Revision};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::subject::{ALL, Make, Subject, put};

/// What a law may do. Keys and values are few, so that they meet.
#[derive(Clone, Debug)]
enum Operation {
    Put(u8, When, u8),
    Delete(u8, When),
    /// Compacts this many revisions behind the newest.
    Compact(u64),
}

#[derive(Clone, Copy, Debug)]
enum When {
    Any,
    Absent,
    /// At the revision that the key has.
    Current,
    /// At a revision that it may have had.
    Stale,
}

/// All states so far, which no store could keep.
struct Model {
    /// The state after revision 1, 2, …: key → (value, revision, create revision).
    states: Vec<State>,
    oldest: u64,
}

type State = BTreeMap<String, (String, u64, u64)>;

impl Model {
    fn newest(&self) -> (u64, &State) {
        (self.states.len() as u64, self.states.last().unwrap())
    }

    fn at(&self, revision: u64) -> &State {
        &self.states[usize::try_from(revision).unwrap() - 1]
    }

    /// The changes of the key that the step to `revision` made, as `(revision, before, after)`.
    fn change(&self, revision: u64) -> (u64, State, State) {
        let (before, after) = (self.at(revision - 1), self.at(revision));
        let only = |one: &State, other: &State| {
            one.iter().filter(|(key, entry)| other.get(*key) != Some(entry)).map(owned).collect()
        };
        (revision, only(before, after), only(after, before))
    }
}

fn owned((key, entry): (&String, &(String, u64, u64))) -> (String, (String, u64, u64)) {
    (key.clone(), entry.clone())
}

#[test]
fn memory_does_what_the_model_does() {
    run(Subject::memory, 256);
}

#[test]
fn redb_does_what_the_model_does() {
    run(Subject::redb, 24);
}

#[test]
#[ignore = "needs etcd"]
fn etcd_does_what_the_model_does() {
    run(Subject::etcd, 4);
}

fn run(make: Make, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let operations = prop::collection::vec(operation(), 1..60);
    runner
        .run(&operations, |operations| {
            runtime.block_on(async { replay(make(ALL), operations).await });
            Ok(())
        })
        .unwrap();
}

fn operation() -> impl Strategy<Value = Operation> {
    let when = || prop_oneof![Just(When::Any), Just(When::Absent), Just(When::Current), Just(When::Stale)];
    prop_oneof![
        6 => (0..5_u8, when(), any::<u8>()).prop_map(|(key, when, value)| Operation::Put(key, when, value)),
        3 => (0..5_u8, when()).prop_map(|(key, when)| Operation::Delete(key, when)),
        1 => (0..6_u64).prop_map(Operation::Compact),
    ]
}

async fn replay(subject: Subject, operations: Vec<Operation>) {
    let mut model = Model { states: vec![State::new()], oldest: 1 };
    let mut live = subject.watch("", Revision(1)).await;
    let mut told = Vec::new();
    for operation in operations {
        match operation {
            Operation::Put(key, when, value) => {
                commit(&subject, &mut model, key, when, Some(value.to_string())).await;
            }
            Operation::Delete(key, when) => commit(&subject, &mut model, key, when, None).await,
            Operation::Compact(behind) => {
                let revision = model.newest().0.saturating_sub(behind);
                subject.store.compact(Revision(revision)).await.unwrap();
                model.oldest = model.oldest.max(revision);
            }
        }
        // Taken as it comes, so that no compaction overtakes this watch.
        while told.len() as u64 + 1 < model.newest().0 {
            told.extend(live.next().await.unwrap().iter().map(|event| seen(event)));
        }
        assert!(live.progress() <= Revision(model.newest().0));
    }
    compare(&subject, &model, &told).await;
    compare(&subject.reopened(), &model, &told).await;
}

/// Commits to the store and to the model, and compares what both say.
async fn commit(subject: &Subject, model: &mut Model, key: u8, when: When, value: Option<String>) {
    let key = format!("/{}", ["a", "a/b", "b", "ba", "c"][usize::from(key)]);
    let (newest, state) = model.newest();
    let current = state.get(&key).cloned();
    let precondition = match (when, &current) {
        (When::Any, _) => Precondition::Any,
        (When::Absent, _) => Precondition::Absent,
        (When::Current, Some((_, revision, _))) => Precondition::Revision(Revision(*revision)),
        (When::Current, None) | (When::Stale, _) => Precondition::Revision(Revision(newest / 2)),
    };
    let holds = match precondition {
        Precondition::Any => true,
        Precondition::Absent => current.is_none(),
        Precondition::Revision(wanted) => current.as_ref().is_some_and(|entry| entry.1 == wanted.0),
    };
    let change = value.as_deref().map_or(Change::Delete, put);
    let outcome = subject.commit(&key, precondition, change).await;
    if !holds || (value.is_none() && current.is_none()) {
        let Err(Error::Conflict { current: told }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(told.map(|entry| entry.revision.0), current.map(|entry| entry.1));
        return;
    }
    let committed = outcome.unwrap();
    assert_eq!(committed.revision.0, newest + 1);
    assert_eq!(committed.previous.map(|entry| entry.revision.0), current.as_ref().map(|entry| entry.1));
    let mut state = state.clone();
    match value {
        Some(value) => {
            let created = current.map_or(newest + 1, |entry| entry.2);
            state.insert(key, (value, newest + 1, created));
        }
        None => _ = state.remove(&key),
    }
    model.states.push(state);
}

/// Compares every state and every replay that is kept, and the refusal of all others.
async fn compare(subject: &Subject, model: &Model, told: &[(u64, State, State)]) {
    let newest = model.newest().0;
    let history: Vec<_> = (2..=newest).map(|revision| model.change(revision)).collect();
    assert_eq!(told, history);
    for revision in 1..=newest {
        let page = subject.store.range(Range::prefix("").at(Revision(revision))).await;
        let watch = subject.store.watch("", Revision(revision)).await;
        if revision < model.oldest {
            assert!(matches!(page, Err(Error::Compacted { oldest }) if oldest.0 == model.oldest));
            assert!(matches!(watch.err(), Some(Error::Compacted { oldest }) if oldest.0 == model.oldest));
            continue;
        }
        assert_eq!(page.unwrap().entries.iter().map(flat).collect::<State>(), *model.at(revision));
        let mut watch = watch.unwrap();
        let rest: Vec<_> = history.iter().filter(|change| change.0 > revision).cloned().collect();
        let mut replayed = Vec::new();
        while replayed.len() < rest.len() {
            replayed.extend(watch.next().await.unwrap().iter().map(|event| seen(event)));
        }
        assert_eq!(replayed, rest);
    }
}

fn seen(event: &Event) -> (u64, State, State) {
    let one = |entry| Option::map(entry, flat).into_iter().collect();
    (event.revision().0, one(event.previous()), one(event.entry()))
}

fn flat(entry: &podsec_storage::Entry) -> (String, (String, u64, u64)) {
    let value = String::from_utf8_lossy(&entry.value).into_owned();
    (entry.key.to_string(), (value, entry.revision.0, entry.create_revision.0))
}
