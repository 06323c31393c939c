//! What the API server holds, kept up to date in memory: one list and one watch a kind for all controllers.

mod cache;
mod follow;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use cache::{Cache, Change};

use crate::tasks::Tasks;

/// A kind that controllers read: any of `k8s_openapi`'s.
pub trait Object:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

impl<K> Object for K where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

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
        self.tasks.spawn(follow::follow(self.client.clone(), Arc::clone(&cache)));
        caches.insert(id, Box::new(Arc::clone(&cache)));
        cache
    }
}
