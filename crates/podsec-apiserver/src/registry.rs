//! Objects in the store: where they are kept, and how they are read and written there.

use std::sync::Arc;

use bytes::Bytes;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::schema::catalog::{Catalog, Resource};
use podsec_apimachinery::status::{Details, StatusCause};
use podsec_storage::{Change, Entry, Error, Precondition, Revision, Store};
use serde_json::Value;

use crate::conversion;
use podsec_kinds::custom::CustomResource;
use podsec_kinds::object;

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
    custom: Option<Arc<CustomResource>>,
}

impl Registry {
    /// `custom` is what is particular to a custom resource.
    pub(crate) fn new(
        store: &Arc<dyn Store>,
        resource: &Arc<Resource>,
        custom: Option<Arc<CustomResource>>,
    ) -> Self {
        Self { store: Arc::clone(store), resource: Arc::clone(resource), custom }
    }

    /// The objects of a built-in resource.
    pub(crate) fn builtin(
        store: &Arc<dyn Store>,
        group: &str,
        version: &str,
        resource: &str,
    ) -> Option<Self> {
        let resource = Catalog::builtin().find(group, version, resource)?;
        Some(Self::new(store, resource, None))
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
        entry.as_ref().map(|entry| self.read(entry)).transpose()
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
        let mut object: Value = serde_json::from_slice(&entry.value)
            .map_err(|error| Status::internal(&format!("stored object {}: {error}", entry.key)))?;
        conversion::to_version_of(&self.resource, &mut object);
        if let Some(custom) = &self.custom {
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
        self.custom.is_none()
            && (self.resource.kind != "Event" || {
                let own = self.resource.api_version();
                api_version.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""))
                    == Some(own.as_bytes())
            })
    }

    /// Tells apart the schemas that complete what is read; 0 where nothing does.
    pub(crate) fn schema_digest(&self) -> u64 {
        self.custom.as_ref().map_or(0, |custom| custom.digest)
    }

    /// The resource whose objects these are.
    pub(crate) fn resource(&self) -> &Resource {
        &self.resource
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
        let bytes = serde_json::to_vec(object).map_err(|error| Status::internal(&error.to_string()))?;
        let commit = self.store.commit(&key, precondition, Change::Put(Bytes::from(bytes))).await;
        let revision = commit.map_err(WriteError::from)?.revision;
        MetaMut::of(object).set_resource_version(&revision.to_string());
        Ok(revision)
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

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Someone else has written or deleted the object in between.
    Conflict,
    /// Anything else, as the client's answer.
    Fail(Status),
}

impl From<Status> for WriteError {
    fn from(status: Status) -> Self {
        Self::Fail(status)
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict { .. } => Self::Conflict,
            error => Self::Fail(status(&error)),
        }
    }
}

/// What a client is told when the store does not do what it was asked.
pub(crate) fn status(error: &Error) -> Status {
    match error {
        Error::Compacted { .. } => {
            Status::failure(410, "Expired", "The resourceVersion for the provided list is too old.")
        }
        Error::Closed => Status::failure(503, "ServiceUnavailable", "the server is shutting down"),
        // As kube-apiserver passes on what etcd says: without a reason.
        Error::TooLarge | Error::NoSpace => Status::failure(500, "", error.to_string()),
        other => Status::internal(&chain(other)),
    }
}

/// An error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

/// 504: a `resourceVersion` that has not happened yet.
pub(crate) fn too_large_resource_version(asked: u64, current: Revision) -> Status {
    let cause = StatusCause {
        reason: "ResourceVersionTooLarge".to_owned(),
        message: "Too large resource version".to_owned(),
        ..StatusCause::default()
    };
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    Status { details: Some(details), ..Status::failure(504, "Timeout", message) }
}

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
