//! The objects of one kind as they were last seen, with the indexes that controllers look through.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kube::Resource;
use tokio::sync::watch;

use super::object::Object;
use crate::key::ObjectKey;
use crate::ownership::controller_of;

/// What happened to one object: made when there is no `old`, gone when there is no `new`.
#[derive(Debug)]
pub struct Change<'a, K> {
    /// As it was.
    pub old: Option<&'a Arc<K>>,
    /// As it is now.
    pub new: Option<&'a Arc<K>>,
}

type Handler<K> = Box<dyn Fn(Change<'_, K>) + Send + Sync>;

/// The objects of one kind.
///
/// What a controller has written it adds itself, with [`Cache::wrote`] and [`Cache::deleted`]: its next look at an
/// object then sees its own writes, and it does nothing twice. Revisions decide which of two versions is the newer one.
pub struct Cache<K> {
    state: RwLock<State<K>>,
    handlers: RwLock<Vec<Handler<K>>>,
    synced: watch::Sender<bool>,
}

struct State<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    /// By the uid of the owner that controls them.
    controlled: HashMap<String, BTreeSet<ObjectKey>>,
    /// Those that nobody controls.
    orphans: BTreeSet<ObjectKey>,
    /// The last revision that the watch has told of.
    revision: u64,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        let state = State {
            objects: BTreeMap::new(),
            controlled: HashMap::new(),
            orphans: BTreeSet::new(),
            revision: 0,
        };
        Self { state: RwLock::new(state), handlers: RwLock::default(), synced: watch::Sender::new(false) }
    }
}

impl<K: Object> Cache<K> {
    /// One object.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read().objects.get(key).cloned()
    }

    /// All objects, sorted by namespace and name.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read().objects.values().cloned().collect()
    }

    /// The objects of a namespace, sorted by name.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        let state = self.read();
        let from = ObjectKey::new(namespace, "");
        let inside = state.objects.range(from..).take_while(|(key, _)| key.namespace == namespace);
        inside.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The objects that the owner with this uid controls, sorted by name.
    pub fn controlled_by(&self, uid: &str) -> Vec<Arc<K>> {
        let state = self.read();
        let keys = state.controlled.get(uid).into_iter().flatten();
        keys.filter_map(|key| state.objects.get(key).cloned()).collect()
    }

    /// The objects of a namespace that nobody controls, sorted by name.
    pub fn orphans(&self, namespace: &str) -> Vec<Arc<K>> {
        let state = self.read();
        let from = ObjectKey::new(namespace, "");
        let inside = state.orphans.range(from..).take_while(|key| key.namespace == namespace);
        inside.filter_map(|key| state.objects.get(key).cloned()).collect()
    }

    /// Calls `handler` for every object that is there and for every change from now on. It must not block.
    pub fn subscribe(&self, handler: impl Fn(Change<'_, K>) + Send + Sync + 'static) {
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        for object in self.all() {
            handler(Change { old: None, new: Some(&object) });
        }
        handlers.push(Box::new(handler));
    }

    /// Waits until all objects have been read once.
    pub async fn synced(&self) {
        // It fails when the cache is gone, and then nobody waits.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Takes in what the API server answered to a write.
    pub fn wrote(&self, object: K) {
        self.apply(object, Source::Write);
    }

    /// Takes in that the API server has said that an object is gone.
    pub fn deleted(&self, key: &ObjectKey) {
        self.remove(key);
    }

    pub(super) fn saw(&self, object: K) {
        self.apply(object, Source::Watch);
    }

    pub(super) fn saw_deleted(&self, object: &K) {
        let revision = revision_of(object);
        let key = ObjectKey::of(object);
        {
            let mut state = self.write();
            state.revision = state.revision.max(revision);
            // Made anew under the same name, and written by ourselves, before the watch told of the end of the old one.
            if state.objects.get(&key).is_some_and(|known| revision_of(known.as_ref()) > revision) {
                return;
            }
        }
        self.remove(&key);
    }

    pub(super) fn bookmark(&self, revision: u64) {
        let mut state = self.write();
        state.revision = state.revision.max(revision);
    }

    /// Puts a whole list in the place of what was known.
    pub(super) fn replace(&self, objects: Vec<K>, revision: u64) {
        let listed: BTreeSet<ObjectKey> = objects.iter().map(ObjectKey::of).collect();
        let gone: Vec<ObjectKey> = {
            let state = self.read();
            let unlisted = state
                .objects
                .iter()
                .filter(|(key, object)| !listed.contains(key) && revision_of(object.as_ref()) <= revision);
            unlisted.map(|(key, _)| key.clone()).collect()
        };
        for key in &gone {
            self.remove(key);
        }
        for object in objects {
            self.apply(object, Source::List);
        }
        self.bookmark(revision);
        self.synced.send_replace(true);
    }

    fn apply(&self, object: K, source: Source) {
        let revision = revision_of(&object);
        let key = ObjectKey::of(&object);
        let object = Arc::new(object);
        let old = {
            let mut state = self.write();
            let old = state.objects.get(&key).cloned();
            let is_older = match &old {
                Some(old) => revision <= revision_of(old.as_ref()),
                // The watch is beyond this write, so the object has been deleted since.
                None => source == Source::Write && revision <= state.revision,
            };
            if source == Source::Watch {
                state.revision = state.revision.max(revision);
            }
            if is_older && revision != 0 {
                return;
            }
            if let Some(old) = &old {
                state.unindex(&key, old.as_ref());
            }
            state.index(&key, object.as_ref());
            state.objects.insert(key, Arc::clone(&object));
            old
        };
        self.tell(&Change { old: old.as_ref(), new: Some(&object) });
    }

    fn remove(&self, key: &ObjectKey) {
        let old = {
            let mut state = self.write();
            let Some(old) = state.objects.remove(key) else { return };
            state.unindex(key, old.as_ref());
            old
        };
        self.tell(&Change { old: Some(&old), new: None });
    }

    fn tell(&self, change: &Change<'_, K>) {
        let handlers = self.handlers.read().unwrap_or_else(PoisonError::into_inner);
        for handler in handlers.iter() {
            handler(Change { old: change.old, new: change.new });
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State<K>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<K>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    List,
    Watch,
    Write,
}

impl<K: Object> State<K> {
    fn index(&mut self, key: &ObjectKey, object: &K) {
        match controller_of(object) {
            Some(owner) => {
                self.controlled.entry(owner.uid.clone()).or_default().insert(key.clone());
            }
            None => {
                self.orphans.insert(key.clone());
            }
        }
    }

    fn unindex(&mut self, key: &ObjectKey, object: &K) {
        match controller_of(object) {
            Some(owner) => {
                if let Some(keys) = self.controlled.get_mut(&owner.uid) {
                    keys.remove(key);
                    if keys.is_empty() {
                        self.controlled.remove(&owner.uid);
                    }
                }
            }
            None => {
                self.orphans.remove(key);
            }
        }
    }
}

/// The revision of an object; 0 for one that has none, which counts as newer than any.
pub(super) fn revision_of<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::core::ObjectMeta;
    use std::sync::Mutex;

    use super::*;

    fn object(name: &str, revision: u64) -> ConfigMap {
        let metadata = ObjectMeta {
            namespace: Some("n".to_owned()),
            name: Some(name.to_owned()),
            resource_version: Some(revision.to_string()),
            ..ObjectMeta::default()
        };
        ConfigMap { metadata, ..ConfigMap::default() }
    }

    fn revision(cache: &Cache<ConfigMap>, name: &str) -> Option<u64> {
        cache.get(&ObjectKey::new("n", name)).map(|object| revision_of(object.as_ref()))
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let cache = Cache::default();
        cache.replace(vec![object("a", 3)], 5);
        cache.wrote(object("a", 7));
        cache.saw(object("a", 6));
        assert_eq!(revision(&cache, "a"), Some(7));
        cache.saw(object("a", 8));
        assert_eq!(revision(&cache, "a"), Some(8));
    }

    #[test]
    fn what_the_watch_has_seen_go_does_not_come_back_with_a_late_answer() {
        let cache = Cache::default();
        cache.replace(vec![], 5);
        cache.saw(object("a", 6));
        cache.saw_deleted(&object("a", 7));
        cache.wrote(object("a", 6));
        assert_eq!(revision(&cache, "a"), None);
        cache.wrote(object("a", 8));
        assert_eq!(revision(&cache, "a"), Some(8));
        cache.saw_deleted(&object("a", 7));
        assert_eq!(revision(&cache, "a"), Some(8));
    }

    #[test]
    fn a_list_removes_what_it_lacks_and_tells_each_change_once() {
        let cache = Cache::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        cache.subscribe(move |change: Change<'_, ConfigMap>| {
            told.lock().unwrap().push((change.old.is_some(), change.new.is_some()));
        });
        cache.replace(vec![object("a", 1), object("b", 2)], 3);
        cache.replace(vec![object("a", 1)], 4);
        assert_eq!(*seen.lock().unwrap(), [(false, true), (false, true), (true, false)]);
    }
}
