//! The present state of all keys and the changes that led to it, in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    iter::{Peekable, from_fn},
    ops::Bound,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Change, Entry, Error, Event, Page, Precondition, Range, Retention, Revision, Watch, feed::Feeds,
};

/// The newest entry of each key, and every change after revision `oldest`.
///
/// There are no chains of versions: each logged event holds what it replaced, so the past is the present
/// with the later events undone. That keeps the read of the present as simple as a map, and compaction as
/// simple as dropping the front of a queue.
pub(crate) struct History {
    current: BTreeMap<Arc<str>, Entry>,
    log: VecDeque<Logged>,
    log_bytes: usize,
    /// The bytes of the keys and values that are there now.
    live_bytes: usize,
    /// Reads at and watches from this revision and all later ones can be answered.
    oldest: Revision,
    revision: Revision,
    retention: Retention,
    feeds: Feeds,
}

/// A change with the time it was made.
pub(crate) struct Logged {
    pub(crate) event: Arc<Event>,
    pub(crate) time: SystemTime,
}

impl History {
    /// A history without entries that stands at `revision`.
    pub(crate) fn new(revision: Revision, retention: Retention) -> Self {
        Self {
            current: BTreeMap::new(),
            log: VecDeque::new(),
            log_bytes: 0,
            live_bytes: 0,
            oldest: revision,
            revision,
            retention,
            feeds: Feeds::new(revision),
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.current.get(key)
    }

    pub(crate) fn oldest(&self) -> Revision {
        self.oldest
    }

    /// All entries that are there now, in the order of their keys' bytes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.current.values()
    }

    /// Adds an entry that was there before the history begins.
    pub(crate) fn restore(&mut self, entry: Entry) {
        self.live_bytes += size(&entry);
        self.current.insert(Arc::clone(&entry.key), entry);
    }

    /// The bytes of the keys and values that are there now.
    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// The bytes of the history before them.
    pub(crate) fn log_bytes(&self) -> usize {
        self.log_bytes
    }

    pub(crate) fn range(&self, range: Range<'_>) -> Result<Page, Error> {
        let at = range.at.unwrap_or(self.revision);
        let lower = range.lower();
        let mut changed = BTreeMap::new();
        for event in self.after(at)? {
            let key = &**event.key();
            if key.starts_with(range.prefix) && is_at_or_after(key, lower) {
                changed.entry(key).or_insert(event.previous());
            }
        }
        let unchanged = self
            .current
            .range::<str, _>((lower, Bound::Unbounded))
            .map(|(_, entry)| entry)
            .take_while(|entry| entry.key.starts_with(range.prefix))
            .filter(|entry| !changed.contains_key(&*entry.key));
        let mut all = merge(unchanged.peekable(), changed.values().copied().flatten().peekable());
        let entries = all.by_ref().take(range.limit.unwrap_or(usize::MAX)).cloned().collect();
        Ok(Page { entries, revision: at, remaining: all.count() })
    }

    pub(crate) fn watch(&mut self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, Error> {
        if from < self.oldest {
            return Err(Error::Compacted { oldest: self.oldest });
        }
        let log = self.log.iter().map(|logged| &logged.event);
        Ok(Box::new(self.feeds.watch(prefix, from, log)))
    }

    /// Makes `event`, which [`decide`] decided on and which is durable by now, visible to all.
    pub(crate) fn apply(&mut self, event: Arc<Event>, time: SystemTime) {
        self.apply_all(&[event], time);
    }

    /// Makes the events of one revision, each of another key, visible to all at once.
    pub(crate) fn apply_all(&mut self, events: &[Arc<Event>], time: SystemTime) {
        let Some(last) = events.last() else { return };
        self.revision = last.revision();
        for event in events {
            match event.entry() {
                Some(entry) => self.current.insert(Arc::clone(&entry.key), entry.clone()),
                None => self.current.remove(&**event.key()),
            };
            self.log_bytes += cost(event);
            self.live_bytes += event.entry().map_or(0, size);
            self.live_bytes -= event.previous().map_or(0, size);
            self.log.push_back(Logged { event: Arc::clone(event), time });
        }
        self.feeds.publish(self.revision, events);
    }

    /// Stands at `revision`, up to which nothing has happened to these keys.
    pub(crate) fn advance_to(&mut self, revision: Revision) {
        if revision > self.revision {
            self.revision = revision;
            self.feeds.skip_to(revision);
        }
    }

    /// Begins anew with `entries` at `revision`; watches that are not as far hear that they have missed something.
    pub(crate) fn begin_again(&mut self, entries: Vec<Entry>, revision: Revision) {
        self.current.clear();
        self.log.clear();
        (self.log_bytes, self.live_bytes) = (0, 0);
        for entry in entries {
            self.restore(entry);
        }
        (self.oldest, self.revision) = (revision, revision);
        self.feeds.cut_off(revision);
    }

    /// Up to where the retention wants the history dropped, if so much has gathered that it is worth it.
    pub(crate) fn overdue(&self, now: SystemTime) -> Option<Revision> {
        let Retention { revisions, bytes, age } = self.retention;
        let age_of = |logged: &Logged| now.duration_since(logged.time).unwrap_or(Duration::ZERO);
        let is_worth_it = self.log.len() > revisions + revisions / 8
            || self.log_bytes > bytes + bytes / 8
            || age_of(self.log.front()?) > age + age / 8;
        if !is_worth_it {
            return None;
        }
        let (mut kept, mut kept_bytes) = (self.log.len(), self.log_bytes);
        let last_dropped = self
            .log
            .iter()
            .take_while(|logged| {
                let is_dropped = kept > revisions || kept_bytes > bytes || age_of(logged) > age;
                kept -= 1;
                kept_bytes -= cost(&logged.event);
                is_dropped
            })
            .last()?;
        Some(last_dropped.event.revision())
    }

    /// The events that compacting to `revision` drops.
    pub(crate) fn up_to(&self, revision: Revision) -> impl Iterator<Item = &Event> {
        self.log.iter().map(|logged| &*logged.event).take_while(move |event| event.revision() <= revision)
    }

    pub(crate) fn compact(&mut self, revision: Revision) {
        while let Some(logged) = self.log.pop_front_if(|logged| logged.event.revision() <= revision) {
            self.log_bytes -= cost(&logged.event);
        }
        self.oldest = self.oldest.max(revision);
        self.feeds.compact(revision);
    }

    /// Goes on behind `revision`, which others have seen and this history has not: nothing before it can be read.
    pub(crate) fn skip_to(&mut self, revision: Revision) {
        self.compact(revision);
        self.revision = self.revision.max(revision);
        self.feeds.skip_to(self.revision);
    }

    /// The events after `revision`, if all of them are kept.
    fn after(&self, revision: Revision) -> Result<impl Iterator<Item = &Event>, Error> {
        if revision > self.revision {
            return Err(Error::Future { current: self.revision });
        }
        if revision < self.oldest {
            return Err(Error::Compacted { oldest: self.oldest });
        }
        let start = self.log.partition_point(|logged| logged.event.revision() <= revision);
        Ok(self.log.iter().skip(start).map(|logged| &*logged.event))
    }
}

/// What `change` does to a key that holds `current`, as the event that takes `revision`.
pub(crate) fn decide(
    key: &str,
    current: Option<&Entry>,
    precondition: Precondition,
    change: Change,
    revision: Revision,
) -> Result<Event, Error> {
    let conflict = || Error::Conflict { current: current.cloned() };
    if !precondition.holds(current) {
        return Err(conflict());
    }
    let entry = |key, create_revision, value| Entry { key, value, revision, create_revision };
    Ok(match (change, current.cloned()) {
        (Change::Put(value), None) => Event::Create(entry(key.into(), revision, value)),
        (Change::Put(value), Some(previous)) => Event::Modify {
            entry: entry(Arc::clone(&previous.key), previous.create_revision, value),
            previous,
        },
        (Change::Delete, Some(previous)) => Event::Delete { revision, previous },
        (Change::Delete, None) => return Err(conflict()),
    })
}

/// The bytes that are free again when `event` is dropped: of its value, none, for that is current or the
/// previous one of a later event.
fn cost(event: &Event) -> usize {
    const BOOKKEEPING: usize = size_of::<Event>() + size_of::<Logged>();
    BOOKKEEPING + event.key().len() + event.previous().map_or(0, |previous| previous.value.len())
}

fn size(entry: &Entry) -> usize {
    entry.key.len() + entry.value.len()
}

fn is_at_or_after(key: &str, lower: Bound<&str>) -> bool {
    match lower {
        Bound::Included(start) => key >= start,
        Bound::Excluded(start) => key > start,
        Bound::Unbounded => true,
    }
}

/// Two sequences of entries in the order of their keys, as one.
fn merge<'a>(
    mut left: Peekable<impl Iterator<Item = &'a Entry>>,
    mut right: Peekable<impl Iterator<Item = &'a Entry>>,
) -> impl Iterator<Item = &'a Entry> {
    from_fn(move || match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if other.key < one.key => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}
