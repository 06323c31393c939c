//! The webhooks of the cluster, read anew when a configuration has changed.

use std::sync::{Arc, Mutex, PoisonError};

use podsec_apimachinery::Status;
use podsec_storage::{Range, Revision};

use super::hook::Hook;
use crate::registry::{Registry, Resources, status};

/// The webhooks of one kind of configuration.
pub(in crate::admission) struct Source {
    registry: Option<Registry>,
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    /// Which configurations were read, and as of when.
    read: Vec<(Arc<str>, Revision)>,
    hooks: Arc<[Hook]>,
}

impl Source {
    /// Those of the `mutatingwebhookconfigurations`.
    pub(in crate::admission) fn mutating(resources: &Resources) -> Self {
        Self::new(resources, "mutatingwebhookconfigurations")
    }

    /// Those of the `validatingwebhookconfigurations`.
    pub(in crate::admission) fn validating(resources: &Resources) -> Self {
        Self::new(resources, "validatingwebhookconfigurations")
    }

    fn new(resources: &Resources, configurations: &str) -> Self {
        let registry = resources.builtin("admissionregistration.k8s.io", "v1", configurations);
        Self { registry, cached: Mutex::default() }
    }

    /// The webhooks as of now, by the name of their configuration and then in their order.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(super) async fn hooks(&self) -> Result<Arc<[Hook]>, Status> {
        let Some(registry) = &self.registry else { return Ok(Arc::default()) };
        let page = registry.store().range(Range::prefix(&registry.prefix(""))).await;
        let entries = page.map_err(|error| status(&error))?.entries;
        let read = entries.iter().map(|entry| (Arc::clone(&entry.key), entry.revision));
        {
            let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            if read.clone().eq(cached.read.iter().cloned()) {
                return Ok(Arc::clone(&cached.hooks));
            }
        }
        let read = read.collect();
        let mut hooks = Vec::new();
        for entry in &entries {
            hooks.extend(Hook::all_of(&registry.read(entry)?.object));
        }
        let hooks: Arc<[Hook]> = hooks.into();
        let cached = Cached { read, hooks: Arc::clone(&hooks) };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = cached;
        Ok(hooks)
    }
}
