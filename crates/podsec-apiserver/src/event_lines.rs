//! The lines of recent watch events, made once for all watches that show them alike.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use podsec_storage::Revision;

/// What tells a line from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LineKey {
    /// That of the event, which has one object.
    pub(crate) revision: Revision,
    /// `ADDED`, `MODIFIED` or `DELETED`: selectors make different ones of the same event.
    pub(crate) kind: &'static str,
    /// The version in which the object is shown.
    pub(crate) api_version: Arc<str>,
    /// Of the schema by which it is completed; 0 without one.
    pub(crate) schema: u64,
}

/// The newest lines, up to [`MAX_BYTES`]. Watches that are slower hold lines of their own.
#[derive(Default)]
pub(crate) struct EventLines {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    lines: HashMap<LineKey, Bytes>,
    /// From the oldest to the newest.
    order: VecDeque<LineKey>,
    bytes: usize,
}

impl EventLines {
    /// The line under `key`; `write` makes it when nobody has. Two watches that ask at once may both make it.
    pub(crate) fn get_or_write(&self, key: &LineKey, write: impl FnOnce() -> Option<Bytes>) -> Option<Bytes> {
        if let Some(line) = self.lock().lines.get(key) {
            return Some(line.clone());
        }
        let line = write()?;
        let mut kept = self.lock();
        if let Some(line) = kept.lines.get(key) {
            return Some(line.clone());
        }
        kept.bytes += line.len();
        kept.lines.insert(key.clone(), line.clone());
        kept.order.push_back(key.clone());
        while kept.bytes > MAX_BYTES
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.bytes -= kept.lines.remove(&oldest).map_or(0, |line| line.len());
        }
        Some(line)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(revision: u64, kind: &'static str) -> LineKey {
        LineKey { revision: Revision(revision), kind, api_version: "v1".into(), schema: 0 }
    }

    #[test]
    fn a_line_is_made_once_for_all_who_ask() {
        let lines = EventLines::default();
        let first = lines.get_or_write(&key(1, "ADDED"), || Some(Bytes::from_static(b"a"))).unwrap();
        let second = lines.get_or_write(&key(1, "ADDED"), || panic!("it is there")).unwrap();
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(lines.get_or_write(&key(1, "MODIFIED"), || None), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let lines = EventLines::default();
        for revision in 0..100 {
            lines.get_or_write(&key(revision, "ADDED"), || Some(vec![0; 1 << 20].into()));
        }
        let kept = lines.lock();
        assert_eq!((kept.lines.len(), kept.order.len(), kept.bytes), (8, 8, 8 << 20));
    }
}
