//! The resources that a server has now, and the way to the objects of each.

use std::sync::Arc;

use arc_swap::ArcSwap;
use podsec_apimachinery::Status;
use podsec_apimachinery::emulation::Emulation;
use podsec_apimachinery::schema::catalog::{Catalog, Resource};
use podsec_kinds::allocation::ServiceRange;
use podsec_kinds::custom::{Conversion, CustomResource, Served};
use podsec_storage::{Range, Store};
use serde_json::Value;

use super::error::status;
use super::objects::{Convert, Registry};
use super::service_pool::ServicePool;

/// What is served, and the store that holds it. Clones are of the same server.
#[derive(Clone)]
pub(crate) struct Resources {
    store: Arc<dyn Store>,
    served: Arc<ArcSwap<Served>>,
    service_pool: Arc<ServicePool>,
    emulation: Arc<Emulation>,
    converters: Option<Arc<dyn Converters>>,
}

/// Who brings custom objects from one version into another.
pub(crate) trait Converters: Send + Sync {
    /// The converter of the objects of a definition.
    fn of(&self, conversion: &Arc<Conversion>) -> Arc<dyn Convert>;
}

impl Resources {
    /// The built-in resources over `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let served = Arc::new(ArcSwap::from_pointee(Served::builtin()));
        Self { store, served, service_pool: Arc::default(), emulation: Arc::default(), converters: None }
    }

    /// The same with converters of custom objects; without any, only the `apiVersion` of objects changes.
    #[must_use]
    pub(crate) fn with_converters(mut self, converters: Arc<dyn Converters>) -> Self {
        self.converters = Some(converters);
        self
    }

    /// The built-in resources of an earlier minor of Kubernetes, with the fields that they had.
    #[must_use]
    pub(crate) fn with_emulated_version(self, emulation: Emulation) -> Self {
        // Whoever has a clone already sees the same resources.
        self.served.store(Arc::new(Served::of(emulation.catalog())));
        Self { emulation: Arc::new(emulation), ..self }
    }

    /// The minor of Kubernetes that clients see.
    pub(crate) fn emulation(&self) -> &Emulation {
        &self.emulation
    }

    /// The same with addresses of `range` for Services.
    #[must_use]
    pub(crate) fn with_service_range(self, range: ServiceRange) -> Self {
        Self { service_pool: Arc::new(ServicePool::of(range)), ..self }
    }

    /// The addresses that Services get theirs from.
    pub(crate) fn service_range(&self) -> ServiceRange {
        self.service_pool.range()
    }

    /// Where all objects are.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What is served now.
    pub(crate) fn served(&self) -> Arc<Served> {
        self.served.load_full()
    }

    /// Serves these versions of a definition from now on, and no others; none when it is gone.
    pub(crate) fn serve_definition(&self, group: &str, plural: &str, versions: &[Arc<CustomResource>]) {
        self.served.rcu(|served| served.with(group, plural, versions));
    }

    /// The objects of a resource.
    pub(crate) fn registry(&self, resource: &Arc<Resource>) -> Registry {
        let custom = self.served.load().custom(resource).cloned();
        let conversion = custom.as_ref().map(|custom| Arc::clone(&custom.conversion));
        let registry = Registry::new(&self.store, resource, custom, &self.service_pool, &self.emulation);
        match (conversion, &self.converters) {
            (Some(conversion), Some(converters)) => registry.with_converter(converters.of(&conversion)),
            _ => registry,
        }
    }

    /// The objects of a built-in resource.
    pub(crate) fn builtin(&self, group: &str, version: &str, resource: &str) -> Option<Registry> {
        let resource = Catalog::builtin().find(group, version, resource)?;
        Some(Registry::new(&self.store, resource, None, &self.service_pool, &self.emulation))
    }

    /// The objects of a built-in resource in version `v1`.
    ///
    /// # Errors
    /// 404 when the resource is not built in, which is a mistake of the caller.
    pub(crate) fn v1(&self, group: &str, resource: &str) -> Result<Registry, Status> {
        self.builtin(group, "v1", resource).ok_or_else(Status::no_such_resource)
    }

    /// One object of version `v1` by its name; `None` for one that is absent, and for what cannot be a name.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(crate) async fn find(
        &self,
        (group, resource): (&str, &str),
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Status> {
        let registry = self.v1(group, resource)?;
        if registry.key(namespace, name).is_err() {
            return Ok(None);
        }
        Ok(registry.find(namespace, name).await?.map(|stored| stored.object))
    }

    /// All objects of version `v1` of a namespace, or of the cluster when the namespace is empty; in the order of their
    /// names.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(crate) async fn list(
        &self,
        (group, resource): (&str, &str),
        namespace: &str,
    ) -> Result<Vec<Value>, Status> {
        let registry = self.v1(group, resource)?;
        let prefix = registry.prefix(namespace);
        let page = self.store.range(Range::prefix(&prefix)).await.map_err(|error| status(&error))?;
        page.entries.iter().map(|entry| registry.read(entry).map(|stored| stored.object)).collect()
    }
}
