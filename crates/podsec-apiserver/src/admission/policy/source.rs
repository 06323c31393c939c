//! The policies of the cluster that are bound, compiled anew when one has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_storage::{Entry, Range, Revision};

use super::binding::Binding;
use super::definition::Policy;
use crate::registry::{Registry, Resources, status};

/// A policy and what binds it.
pub(super) struct Hook {
    pub(super) policy: Arc<Policy>,
    pub(super) bindings: Vec<Arc<Binding>>,
}

/// The policies and bindings of one kind.
pub(in crate::admission) struct Source {
    registries: Option<(Registry, Registry)>,
    cached: Mutex<Cached>,
}

/// Where something is kept, and when it was written.
type Version = (Arc<str>, Revision);

#[derive(Default)]
struct Cached {
    /// Which policies and bindings were read, and as of when.
    read: Vec<Version>,
    /// Those policies that were compiled.
    compiled: HashMap<Version, Arc<Policy>>,
    hooks: Arc<[Hook]>,
}

impl Source {
    /// The `mutatingadmissionpolicies` and their bindings.
    pub(in crate::admission) fn mutating(resources: &Resources) -> Self {
        Self::new(resources, "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
    }

    /// The `validatingadmissionpolicies` and their bindings.
    pub(in crate::admission) fn validating(resources: &Resources) -> Self {
        Self::new(resources, "validatingadmissionpolicies", "validatingadmissionpolicybindings")
    }

    fn new(resources: &Resources, policies: &str, bindings: &str) -> Self {
        let registry = |resource: &str| resources.builtin("admissionregistration.k8s.io", "v1", resource);
        Self { registries: registry(policies).zip(registry(bindings)), cached: Mutex::default() }
    }

    /// The bound policies as of now, by name, each with its bindings by name.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(super) async fn hooks(&self) -> Result<Arc<[Hook]>, Status> {
        let Some((policies, bindings)) = &self.registries else { return Ok(Arc::default()) };
        let (stored_policies, stored_bindings) = (entries(policies).await?, entries(bindings).await?);
        let read = || stored_policies.iter().chain(&stored_bindings).map(version);
        let known = {
            let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            if read().eq(cached.read.iter().cloned()) {
                return Ok(Arc::clone(&cached.hooks));
            }
            cached.compiled.clone()
        };
        let mut bound: BTreeMap<String, Vec<Arc<Binding>>> = BTreeMap::new();
        for entry in &stored_bindings {
            let binding = Binding::read(&bindings.read(entry)?.object);
            bound.entry(binding.policy.clone()).or_default().push(Arc::new(binding));
        }
        let (mut hooks, mut compiled) = (Vec::new(), HashMap::new());
        for entry in &stored_policies {
            let stored = policies.read(entry)?.object;
            let Some(bindings) = bound.remove(Meta::of(&stored).name()) else { continue };
            let version = version(entry);
            let policy = known.get(&version).map_or_else(|| Arc::new(Policy::read(&stored)), Arc::clone);
            compiled.insert(version, Arc::clone(&policy));
            hooks.push(Hook { policy, bindings });
        }
        let hooks: Arc<[Hook]> = hooks.into();
        let cached = Cached { read: read().collect(), compiled, hooks: Arc::clone(&hooks) };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = cached;
        Ok(hooks)
    }
}

async fn entries(registry: &Registry) -> Result<Vec<Entry>, Status> {
    let page = registry.store().range(Range::prefix(&registry.prefix(""))).await;
    Ok(page.map_err(|error| status(&error))?.entries)
}

fn version(entry: &Entry) -> Version {
    (Arc::clone(&entry.key), entry.revision)
}
