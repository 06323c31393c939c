//! One cache a kind.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Cache;
use super::follow::follow;
use super::object::Object;
use crate::tasks::Tasks;

/// The caches of all kinds that somebody has asked for.
pub struct Informers {
    client: kube::Client,
    tasks: Tasks,
    caches: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl Informers {
    pub(crate) fn new(client: kube::Client, tasks: Tasks) -> Self {
        Self { client, tasks, caches: Mutex::default() }
    }

    /// The cache of a kind, which is filled from the first call on.
    pub fn of<K: Object>(&self) -> Arc<Cache<K>> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let id = TypeId::of::<K>();
        if let Some(cache) = caches.get(&id).and_then(|cache| cache.downcast_ref::<Arc<Cache<K>>>()) {
            return Arc::clone(cache);
        }
        let cache = Arc::new(Cache::<K>::default());
        self.tasks.spawn(follow(self.client.clone(), Arc::clone(&cache)));
        caches.insert(id, Box::new(Arc::clone(&cache)));
        cache
    }
}
