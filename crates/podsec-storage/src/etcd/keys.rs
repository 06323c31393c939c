//! The store's keys and values as the cluster has them, and back.

use std::sync::Arc;

use bytes::Bytes;

use super::message::{KeyValue, RangeRequest};
use super::options::{Decode, EtcdOptions};
use super::wire::from_wire;
use crate::Entry;

/// Which keys of the cluster are the store's, and how their values are read.
pub(super) struct Keys {
    /// What all keys start with here.
    here: String,
    /// What all keys start with there.
    there: String,
    decode: Option<Decode>,
}

impl Keys {
    pub(super) fn new(options: &EtcdOptions) -> Self {
        let (here, there) = options.prefix.clone();
        Self { here, there, decode: options.decode.clone() }
    }

    /// The cluster's key of `key`; a key without the store's prefix is put below the cluster's as it is.
    pub(super) fn wire(&self, key: &str) -> Bytes {
        let rest = key.strip_prefix(&*self.here).unwrap_or(key);
        format!("{}{rest}", self.there).into()
    }

    /// All keys of the store, from the first one that is not before `start`.
    pub(super) fn all_from(&self, start: Bytes) -> RangeRequest {
        let (key, range_end) = self.all();
        RangeRequest { key: if start.is_empty() { key } else { start }, range_end, ..RangeRequest::default() }
    }

    /// The first key that the store could have, and the first one behind it.
    pub(super) fn all(&self) -> (Bytes, Bytes) {
        // `/registry` must not take in `/registry-of-others`.
        let directory = if self.there.is_empty() { String::new() } else { format!("{}/", self.there) };
        (first(&directory), end_of(&directory))
    }

    /// A key without meaning, whose changes come in order with all others.
    pub(super) fn barrier(&self) -> Bytes {
        format!("{}/podsec.dev/barrier", self.there).into()
    }

    /// The entry of a key and its value; none for a key that is not the store's, or a value that is left out.
    pub(super) fn entry(&self, kv: &KeyValue) -> Option<Entry> {
        let key = self.key(&kv.key)?;
        // A copy: the bytes of an answer of etcd stay as long as one value of it is held.
        let value = match &self.decode {
            Some(decode) => decode.value(&key, &kv.value)?,
            None => Bytes::copy_from_slice(&kv.value),
        };
        let (revision, create_revision) = (from_wire(kv.mod_revision), from_wire(kv.create_revision));
        Some(Entry { key, value, revision, create_revision })
    }

    /// The store's name of a key of the cluster.
    pub(super) fn key(&self, wire: &Bytes) -> Option<Arc<str>> {
        if *wire == self.barrier() {
            return None;
        }
        let rest = str::from_utf8(wire).ok()?.strip_prefix(&*self.there)?;
        Some(format!("{}{rest}", self.here).into())
    }
}

/// A prefix as the start of a range: for etcd no key is empty.
pub(super) fn first(prefix: &str) -> Bytes {
    if prefix.is_empty() { Bytes::from_static(b"\0") } else { Bytes::copy_from_slice(prefix.as_bytes()) }
}

/// The first key after all that start with `prefix`: its last byte that can be raised, raised.
pub(super) fn end_of(prefix: &str) -> Bytes {
    let mut end = prefix.as_bytes().to_vec();
    // UTF-8 has no byte 255, so only the empty prefix has no end.
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_changed_both_ways() {
        let prefix = ("/registry".to_owned(), "/other".to_owned());
        let keys = Keys::new(&EtcdOptions { prefix, ..EtcdOptions::new(&[]) });
        assert_eq!(keys.wire("/registry/pods/a/b"), "/other/pods/a/b");
        assert_eq!(keys.key(&Bytes::from_static(b"/other/pods/a/b")).as_deref(), Some("/registry/pods/a/b"));
        assert_eq!(keys.key(&Bytes::from_static(b"/registry/pods/a/b")), None);
        assert_eq!(keys.all(), (Bytes::from_static(b"/other/"), Bytes::from_static(b"/other0")));
    }
}
