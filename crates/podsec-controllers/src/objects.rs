//! The objects of one kind: read from the cache, written through the API, and what was written is in the cache at once.

use std::sync::Arc;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ClusterResourceScope, NamespaceResourceScope};
use kube::{Api, Resource};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::informer::{Cache, Object};
use crate::key::ObjectKey;

/// A cache and the client that writes what it holds.
pub struct Objects<K> {
    client: kube::Client,
    cache: Arc<Cache<K>>,
    api: fn(kube::Client, &str) -> Api<K>,
}

impl<K> Clone for Objects<K> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), cache: Arc::clone(&self.cache), api: self.api }
    }
}

impl<K: Object + Resource<Scope = NamespaceResourceScope>> Objects<K> {
    /// Objects that have a namespace.
    pub fn namespaced(client: kube::Client, cache: Arc<Cache<K>>) -> Self {
        Self { client, cache, api: |client, namespace| Api::namespaced(client, namespace) }
    }
}

impl<K: Object + Resource<Scope = ClusterResourceScope>> Objects<K> {
    /// Objects without a namespace.
    pub fn cluster(client: kube::Client, cache: Arc<Cache<K>>) -> Self {
        Self { client, cache, api: |client, _| Api::all(client) }
    }
}

impl<K: Object> Objects<K> {
    /// What is known of them.
    pub fn cache(&self) -> &Arc<Cache<K>> {
        &self.cache
    }

    /// The object as the API server has it now.
    ///
    /// # Errors
    /// The API server's refusal, also when it is not there.
    pub async fn get(&self, key: &ObjectKey) -> Result<K> {
        let object = self.api(&key.namespace).get(&key.name).await?;
        self.cache.wrote(object.clone());
        Ok(object)
    }

    /// Creates an object in its namespace.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn create(&self, object: &K) -> Result<K> {
        let namespace = object.meta().namespace.as_deref().unwrap_or_default();
        let created = self.api(namespace).create(&PostParams::default(), object).await?;
        self.cache.wrote(created.clone());
        Ok(created)
    }

    /// Puts an object in the place of the one with its name and revision.
    ///
    /// # Errors
    /// The API server's refusal; a conflict when somebody else was faster.
    pub async fn replace(&self, object: &K) -> Result<K> {
        let key = ObjectKey::of(object);
        let replaced = self.api(&key.namespace).replace(&key.name, &PostParams::default(), object).await?;
        self.cache.wrote(replaced.clone());
        Ok(replaced)
    }

    /// The same for the status alone.
    ///
    /// # Errors
    /// The API server's refusal; a conflict when somebody else was faster.
    pub async fn replace_status(&self, object: &K) -> Result<K> {
        let key = ObjectKey::of(object);
        let api = self.api(&key.namespace);
        let replaced: K =
            api.replace_subresource("status", &key.name, &PostParams::default(), object).await?;
        self.cache.wrote(replaced.clone());
        Ok(replaced)
    }

    /// Changes an object with a strategic merge patch.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn patch(&self, key: &ObjectKey, patch: &Value) -> Result<K> {
        let api = self.api(&key.namespace);
        let patched = api.patch(&key.name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        self.cache.wrote(patched.clone());
        Ok(patched)
    }

    /// The same for its status.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn patch_status(&self, key: &ObjectKey, patch: &Value) -> Result<K> {
        let api = self.api(&key.namespace);
        let parameters = PatchParams::default();
        let patched =
            api.patch_subresource("status", &key.name, &parameters, &Patch::Strategic(patch)).await?;
        self.cache.wrote(patched.clone());
        Ok(patched)
    }

    /// Deletes an object. It may stay for a while, for its grace period or its finalizers.
    ///
    /// # Errors
    /// The API server's refusal, also when it is not there.
    pub async fn delete(&self, object: &K) -> Result<()> {
        self.delete_with(object, DeleteParams::default()).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// The API server's refusal, also when it is not there.
    pub async fn delete_with(&self, object: &K, parameters: DeleteParams) -> Result<()> {
        let key = ObjectKey::of(object);
        match self.api(&key.namespace).delete(&key.name, &parameters).await.map_err(Error::from) {
            Ok(answer) => {
                answer.map_left(|left| self.cache.wrote(left)).map_right(|_| self.forget(&key, object));
                Ok(())
            }
            Err(error) => {
                if error.is_not_found() {
                    self.forget(&key, object);
                }
                Err(error)
            }
        }
    }

    /// Takes an object out of the cache that the API server no longer has.
    fn forget(&self, key: &ObjectKey, object: &K) {
        if self.cache.get(key).is_some_and(|known| known.meta().uid == object.meta().uid) {
            self.cache.deleted(key);
        }
    }

    fn api(&self, namespace: &str) -> Api<K> {
        (self.api)(self.client.clone(), namespace)
    }
}

/// That a request is about this very object, not another of the same name.
pub fn with_uid<K: Resource>(object: &K) -> Preconditions {
    Preconditions { uid: object.meta().uid.clone(), resource_version: None }
}
