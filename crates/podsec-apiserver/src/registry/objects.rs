//! The objects of one resource in the store: where they are kept, and how they are read and written there.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use podsec_apimachinery::codec::json::parse_tree;
use podsec_apimachinery::emulation::Emulation;
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::schema::catalog::{Catalog, Resource};
use podsec_apimachinery::schema::{Definitions, Schema, forget_empty};
use podsec_apimachinery::status::GroupResource;
use podsec_apimachinery::{Status, field};
use podsec_storage::{Change, Entry, Event, Precondition, Revision, Store};
use serde_json::Value;

use super::conversion;
use super::error::{WriteError, status};
use super::service_pool::{Given, ServicePool};
use super::stored_json::StoredJson;
use podsec_kinds::custom::CustomResource;
use podsec_kinds::{Behaviour, object};

/// An object and the revision at which it was last written.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The object, its `resourceVersion` included.
    pub(crate) object: Value,
    /// The same as a number.
    pub(crate) revision: Revision,
}

/// The objects of one resource.
#[derive(Clone)]
pub(crate) struct Registry {
    store: Arc<dyn Store>,
    resource: Arc<Resource>,
    behaviour: Behaviour,
    service_pool: Arc<ServicePool>,
    emulation: Arc<Emulation>,
    /// Brings custom objects into the version of the resource.
    converter: Option<Arc<dyn Convert>>,
}

/// Brings objects into another version of theirs.
pub(crate) trait Convert: Send + Sync {
    /// An object in the version `to`.
    ///
    /// # Errors
    /// Why it cannot be converted.
    fn convert<'a>(&'a self, object: &'a Value, to: &'a str) -> BoxFuture<'a, Result<Value, Status>>;

    /// A stored object in the version `to`.
    ///
    /// # Errors
    /// Why it cannot be converted.
    fn convert_entry<'a>(&'a self, entry: Entry, to: &'a str) -> BoxFuture<'a, Result<Entry, Status>>;
}

impl Registry {
    /// `custom` is what is particular to a custom resource, `service_pool` what services being written have been given.
    pub(super) fn new(
        store: &Arc<dyn Store>,
        resource: &Arc<Resource>,
        custom: Option<Arc<CustomResource>>,
        service_pool: &Arc<ServicePool>,
        emulation: &Arc<Emulation>,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            behaviour: Behaviour::of(resource, custom),
            resource: Arc::clone(resource),
            service_pool: Arc::clone(service_pool),
            converter: None,
            emulation: Arc::clone(emulation),
        }
    }

    /// The same for objects that `converter` brings into the version of the resource.
    #[must_use]
    pub(super) fn with_converter(mut self, converter: Arc<dyn Convert>) -> Self {
        self.converter = Some(converter);
        self
    }

    /// Stored entries in the version of the resource, whichever they are stored in.
    ///
    /// # Errors
    /// Why one of them cannot be converted.
    pub(crate) async fn converted(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, Status> {
        if self.converter.is_none() {
            return Ok(entries);
        }
        let each = entries.into_iter().map(|entry| self.converted_entry(entry));
        futures::stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    /// The same for one entry.
    ///
    /// # Errors
    /// Why it cannot be converted.
    pub(crate) async fn converted_entry(&self, entry: Entry) -> Result<Entry, Status> {
        let Some(converter) = &self.converter else { return Ok(entry) };
        let own = self.resource.api_version();
        let is_own = StoredJson::parse(&entry.value)
            .is_some_and(|parts| parts.api_version() == format!("\"{own}\"").as_bytes());
        if is_own { Ok(entry) } else { converter.convert_entry(entry, &own).await }
    }

    /// The same for a change.
    ///
    /// # Errors
    /// Why one of its states cannot be converted.
    pub(crate) async fn converted_event(&self, event: Arc<Event>) -> Result<Arc<Event>, Status> {
        if self.converter.is_none() {
            return Ok(event);
        }
        Ok(Arc::new(match &*event {
            Event::Create(entry) => Event::Create(self.converted_entry(entry.clone()).await?),
            Event::Modify { entry, previous } => Event::Modify {
                entry: self.converted_entry(entry.clone()).await?,
                previous: self.converted_entry(previous.clone()).await?,
            },
            Event::Delete { revision, previous } => {
                Event::Delete { revision: *revision, previous: self.converted_entry(previous.clone()).await? }
            }
        }))
    }

    /// The store behind it.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Where the objects of a namespace are kept; of all namespaces, when it is empty.
    pub(crate) fn prefix(&self, namespace: &str) -> String {
        let directory = directory(&self.resource);
        if namespace.is_empty() { format!("{directory}/") } else { format!("{directory}/{namespace}/") }
    }

    /// Where one object is kept.
    ///
    /// # Errors
    /// 400 for a name that cannot stand in a path.
    pub(crate) fn key(&self, namespace: &str, name: &str) -> Result<String, Status> {
        let why = match name {
            "" => "Name parameter required.".to_owned(),
            "." | ".." => format!("Name parameter invalid: {name:?}: may not be '{name}'"),
            _ if name.contains('/') => {
                format!("Name parameter invalid: {}: may not contain '/'", quoted(name))
            }
            _ if name.contains('%') => {
                format!("Name parameter invalid: {}: may not contain '%'", quoted(name))
            }
            _ => return Ok(self.prefix(namespace) + name),
        };
        Err(Status::bad_request(why))
    }

    /// The object, or `None`.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(crate) async fn find(&self, namespace: &str, name: &str) -> Result<Option<Stored>, Status> {
        let key = self.key(namespace, name)?;
        let entry = self.store.get(&key).await.map_err(|error| status(&error))?;
        match entry {
            Some(entry) => self.read(&self.converted_entry(entry).await?).map(Some),
            None => Ok(None),
        }
    }

    /// The object.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) async fn get(&self, namespace: &str, name: &str) -> Result<Stored, Status> {
        let found = self.find(namespace, name).await?;
        found.ok_or_else(|| Status::not_found(self.resource.group_resource(), name))
    }

    /// Reads a stored entry.
    ///
    /// # Errors
    /// 500 when it holds no JSON.
    pub(crate) fn read(&self, entry: &Entry) -> Result<Stored, Status> {
        self.read_at(entry, entry.revision)
    }

    /// Reads a stored entry as it is shown at another revision, that of its deletion.
    ///
    /// # Errors
    /// 500 when it holds no JSON.
    pub(crate) fn read_at(&self, entry: &Entry, revision: Revision) -> Result<Stored, Status> {
        let mut object = parse_tree(&entry.value)
            .map_err(|error| Status::internal(&format!("stored object {}: {error}", entry.key)))?;
        conversion::to_version_of(&self.resource, &mut object);
        if let Some(custom) = &self.behaviour.custom {
            // The schema may have changed since it was written.
            custom.complete(&mut object).map_err(|error| {
                Status::internal(&format!("object {} of a changed definition: {error}", entry.key))
            })?;
        }
        MetaMut::of(&mut object).set_resource_version(&revision.to_string());
        Ok(Stored { object, revision })
    }

    /// Whether an object that is stored in this version, in quotes, has the same fields in that of the resource and
    /// needs nothing that its definition says now. Only events have different ones.
    pub(crate) fn is_current(&self, api_version: &[u8]) -> bool {
        self.behaviour.custom.is_none()
            && (self.resource.kind != "Event" || {
                let own = self.resource.api_version();
                api_version.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""))
                    == Some(own.as_bytes())
            })
    }

    /// Tells apart the schemas that complete what is read; 0 where nothing does.
    pub(crate) fn schema_digest(&self) -> u64 {
        self.behaviour.custom.as_ref().map_or(0, |custom| custom.digest)
    }

    /// The resource whose objects these are.
    pub(crate) fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    /// How these objects behave.
    pub(crate) fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// The resource as messages name it.
    pub(crate) fn group_resource(&self) -> GroupResource<'_> {
        self.resource.group_resource()
    }

    /// 422 for an object of this resource.
    pub(crate) fn invalid(&self, name: &str, errors: &[field::Error]) -> Status {
        Status::invalid(conversion::group_of_kind(&self.resource), &self.resource.kind, name, errors)
    }

    /// Drops the fields that the emulated version of Kubernetes does not have.
    pub(crate) fn drop_newer_fields(&self, object: &mut Value) {
        if let Some(schema) = self.schema() {
            self.emulation.drop_fields(schema, object);
        }
    }

    /// Makes of an object what it is once it is stored; without a schema nothing is lost.
    pub(crate) fn forget_empty(&self, object: &mut Value) {
        if let Some(schema) = self.schema() {
            forget_empty(schema, object);
        }
    }

    fn schema(&self) -> Option<Schema<'static>> {
        let Resource { group, version, kind, .. } = &*self.resource;
        Definitions::builtin().kind(group, version, kind)
    }

    /// 409: someone else was faster.
    pub(crate) fn modified(&self, name: &str) -> Status {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Status::conflict(self.group_resource(), name, why)
    }

    /// Gives a service that is about to be written the addresses and ports it needs; what is no service needs none.
    ///
    /// # Errors
    /// As [`ServicePool::allocate`].
    pub(crate) async fn allocate(
        &self,
        object: &mut Value,
        stored: Option<&Value>,
        dry_run: bool,
    ) -> Result<Option<Given>, Status> {
        let is_service = self.resource.group.is_empty() && self.resource.resource == "services";
        if !is_service {
            return Ok(None);
        }
        self.service_pool.allocate(&*self.store, object, stored, dry_run).await
    }

    /// Stores an object if `precondition` holds, and puts the new `resourceVersion` into it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it does not hold.
    pub(crate) async fn put(
        &self,
        namespace: &str,
        name: &str,
        precondition: Precondition,
        object: &mut Value,
    ) -> Result<Revision, WriteError> {
        let key = self.key(namespace, name)?;
        self.check_type(object)?;
        object::metadata_mut(object).remove("resourceVersion");
        let stored = self.in_storage_version(object).await?;
        let bytes = serde_json::to_vec(stored.as_ref().unwrap_or(object))
            .map_err(|error| Status::internal(&error.to_string()))?;
        let commit = self.store.commit(&key, precondition, Change::Put(Bytes::from(bytes))).await;
        let revision = commit.map_err(WriteError::from)?.revision;
        if let (Some(stored), Some(converter)) = (stored, &self.converter) {
            // What is answered is what was stored.
            *object = converter.convert(&stored, &self.resource.api_version()).await?;
        }
        MetaMut::of(object).set_resource_version(&revision.to_string());
        Ok(revision)
    }

    /// A custom object in the version in which its definition keeps it; `None` when that is the one it has.
    async fn in_storage_version(&self, object: &Value) -> Result<Option<Value>, Status> {
        let (Some(custom), Some(converter)) = (&self.behaviour.custom, &self.converter) else {
            return Ok(None);
        };
        let storage = &custom.conversion.storage;
        if *storage == self.resource.api_version() {
            return Ok(None);
        }
        converter.convert(object, storage).await.map(Some)
    }

    /// Whatever way an object has come, it is stored as one of its resource's kind or not at all.
    fn check_type(&self, object: &Value) -> Result<(), Status> {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let expected = self.resource.api_version();
        if version == expected && kind == self.resource.kind {
            return Ok(());
        }
        let resource = self.resource.group_resource();
        let why = format!(
            "{kind} of {version} cannot be stored among {resource}: must be {} of {expected}",
            self.resource.kind
        );
        Err(Status::internal(&why))
    }

    /// Removes an object that is still at `revision`.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when it is not.
    pub(crate) async fn remove(
        &self,
        namespace: &str,
        name: &str,
        revision: Revision,
    ) -> Result<Revision, WriteError> {
        let key = self.key(namespace, name)?;
        let commit = self.store.commit(&key, Precondition::Revision(revision), Change::Delete).await;
        Ok(commit.map_err(WriteError::from)?.revision)
    }
}

/// How many objects of a list are converted at one time.
const AT_ONCE: usize = 16;

/// The directory of a resource in etcd's layout, which has grown over the years.
fn directory(resource: &Resource) -> String {
    let plural = resource.resource.as_str();
    match (resource.group.as_str(), plural) {
        ("", "services") => "/registry/services/specs".to_owned(),
        ("", "endpoints") => "/registry/services/endpoints".to_owned(),
        ("", "nodes") => "/registry/minions".to_owned(),
        ("", "replicationcontrollers") => "/registry/controllers".to_owned(),
        ("networking.k8s.io", "ingresses") => "/registry/ingress".to_owned(),
        ("apiregistration.k8s.io" | "apiextensions.k8s.io", _) => {
            format!("/registry/{}/{plural}", resource.group)
        }
        (group, _) if Catalog::builtin().find(group, &resource.version, plural).is_some() => {
            format!("/registry/{plural}")
        }
        (group, _) => custom_directory(group, plural),
    }
}

/// The directory of all objects of a CustomResourceDefinition, with its last slash left out.
pub(crate) fn custom_directory(group: &str, plural: &str) -> String {
    format!("/registry/{group}/{plural}")
}
