//! PUT: an object in place of another.

use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::patch::managed_fields::keep_times;
use podsec_storage::Precondition;
use serde_json::Value;

use super::delete::has_spec_finalizers;
use super::origin::Origin;
use super::{Operation, create, managed_fields};
use crate::admission::{Action, Attributes, Reservation};
use crate::answer::Answer;
use crate::body::{self, RequestBody};
use crate::decode;
use crate::registry::Given;
use crate::registry::{Stored, WriteError};
use crate::request::options::WriteOptions;
use podsec_kinds::object::metadata_mut;

/// Decodes the body and replaces the object.
pub(super) async fn update(operation: &Operation<'_>, body: RequestBody) -> Result<Answer, Status> {
    let request = operation.request;
    let options = WriteOptions::update(&request.query, &request.headers)?;
    let bytes = body::read(body, &operation.api.budget).await?;
    let mut object = decode::object(operation, bytes.as_ref(), options.field_validation)?;
    drop(bytes);
    operation.behaviour.default(&mut object);
    operation.sinks.recording.request_object(&object);
    create::place(operation, &mut object)?;
    check_name(operation, &object)?;
    if operation.behaviour.strategy.allow_create_on_update
        && request.info.subresource.is_empty()
        && operation.registry.find(operation.namespace(), operation.name()).await?.is_none()
    {
        let object = create::create_object(operation, object, &options, Origin::Update).await?;
        return operation.answer(201, object);
    }
    let object = update_object(operation, &options, Origin::Update, |stored| {
        check_uid(operation, &object, stored)?;
        Ok(object.clone())
    })
    .await?;
    operation.answer(200, object)
}

/// Changes an object: `change` makes the new one from the stored one, again and again while someone else is faster
/// and the client has not said which state it means; the deadline of the request ends that.
///
/// # Errors
/// In this order: 404, 409 for another state, 400, 403, 422, 403 of Pod Security.
pub(crate) async fn update_object(
    operation: &Operation<'_>,
    options: &WriteOptions,
    origin: Origin,
    change: impl Fn(&Value) -> Result<Value, Status>,
) -> Result<Value, Status> {
    loop {
        let stored = operation.registry.get(operation.namespace(), operation.name()).await?;
        let mut object = change(&stored.object)?;
        check_resource_version(operation, &object, stored.revision.0)?;
        if origin == Origin::Update {
            managed_fields::update(operation, options, Some(&stored.object), &mut object);
        }
        let managed_fields = object.pointer("/metadata/managedFields").cloned();
        let Prepared { object: mut prepared, _given, reservation } =
            prepare(operation, object, &stored.object, options).await?;
        // Some subresources take the metadata from the stored object.
        MetaMut::of(&mut prepared).set("managedFields", managed_fields);
        match store(operation, stored, prepared, options, reservation).await {
            Ok(object) => return Ok(object),
            // The deadline must have its turn, even where everything is in memory.
            Err(WriteError::Conflict) => tokio::task::yield_now().await,
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
}

/// An update may say which state it means; some kinds insist.
fn check_resource_version(operation: &Operation<'_>, object: &Value, stored: u64) -> Result<(), Status> {
    match create::resource_version(object)? {
        0 if operation.behaviour.strategy.allow_unconditional_update => Ok(()),
        0 => {
            let path = Path::new("metadata").child("resourceVersion");
            let error = Error::invalid(path, &Value::from(0), "must be specified for an update");
            // Kubernetes names the resource here, where it names the kind elsewhere.
            let resource = &operation.resource;
            Err(Status::invalid(&resource.group, &resource.resource, operation.name(), &[error]))
        }
        asked if asked == stored => Ok(()),
        _ => Err(operation.modified(operation.name())),
    }
}

/// An object that may be stored, and what is held for it until it is.
struct Prepared {
    object: Value,
    _given: Option<Given>,
    reservation: Reservation,
}

/// Brings the new object in line with the stored one and lets admission and validation judge it.
async fn prepare(
    operation: &Operation<'_>,
    mut object: Value,
    stored: &Value,
    options: &WriteOptions,
) -> Result<Prepared, Status> {
    let strategy = operation.behaviour.strategy;
    let attributes = Attributes {
        action: Action::Update,
        name: operation.name(),
        old: Some(stored),
        options: options.object("UpdateOptions"),
        dry_run: options.dry_run,
        request: operation.request,
        registry: &operation.registry,
        sinks: operation.sinks,
    };
    operation.api.admission.mutate(&attributes, &mut object).await?;
    operation.api.admission.check_escalation(&attributes, &object).await?;
    keep(&mut object, stored);
    let given = operation.allocate(&mut object, Some(stored), options.dry_run).await?;
    let subresource = operation.request.info.subresource.as_str();
    let door = strategy.subresource(subresource);
    let prepare = door.map_or(strategy.prepare_for_update, |door| door.prepare_for_update);
    prepare(&mut object, stored);
    let mut warnings = Vec::new();
    let errors = operation.behaviour.validate_update(subresource, &object, stored, &mut warnings);
    for warning in &warnings {
        operation.sinks.warnings.add(warning);
    }
    if !errors.is_empty() {
        return Err(operation.invalid(operation.name(), &errors));
    }
    for warning in operation.behaviour.warnings_on_update(subresource, &object, stored) {
        operation.sinks.warnings.add(warning);
    }
    operation.api.admission.validate(&attributes, &object).await?;
    let reservation = operation.api.admission.reserve(&attributes, &object).await?;
    Ok(Prepared { object, _given: given, reservation })
}

/// Stores the object, unless nothing has changed. A terminating object that nothing keeps any more goes.
async fn store(
    operation: &Operation<'_>,
    stored: Stored,
    mut object: Value,
    options: &WriteOptions,
    reservation: Reservation,
) -> Result<Value, WriteError> {
    let version = Meta::of(&stored.object).resource_version().to_owned();
    MetaMut::of(&mut object).set_resource_version(&version);
    keep_times(&stored.object, &mut object);
    if object == stored.object {
        return Ok(stored.object);
    }
    let is_released = Meta::of(&object).is_being_deleted()
        && Meta::of(&object).finalizers().next().is_none()
        && Meta::of(&object).deletion_grace_period_seconds().unwrap_or(0) == 0
        && !(operation.resource.kind == "Namespace" && has_spec_finalizers(&object));
    if options.dry_run {
        return Ok(object);
    }
    let (namespace, name) = (operation.namespace(), operation.name());
    if is_released {
        operation.registry.remove(namespace, name, stored.revision).await?;
        return Ok(object);
    }
    let precondition = Precondition::Revision(stored.revision);
    let (registry, namespace, name) = (operation.registry.clone(), namespace.to_owned(), name.to_owned());
    let work = async move {
        registry.put(&namespace, &name, precondition, &mut object).await?;
        Ok(object)
    };
    reservation.keep_while(work).await
}

/// The metadata that an update cannot change, whatever it says.
fn keep(object: &mut Value, stored: &Value) {
    let Some(kept) = stored.get("metadata") else { return };
    let metadata = metadata_mut(object);
    for field in ["creationTimestamp", "deletionTimestamp"] {
        // Where there is none yet, validation finds that a client may not set one.
        if let Some(value) = kept.get(field) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    match kept.get("generation") {
        Some(value) => metadata.insert("generation".to_owned(), value.clone()),
        None => metadata.remove("generation"),
    };
    for field in ["uid", "namespace", "generateName", "deletionGracePeriodSeconds"] {
        let absent = metadata.get(field).is_none_or(|value| value.is_null() || value == "");
        if let Some(value) = kept.get(field)
            && absent
        {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    metadata.remove("selfLink");
}

/// The body must be about the object that the URL names.
pub(crate) fn check_name(operation: &Operation<'_>, object: &Value) -> Result<(), Status> {
    let (name, expected) = (Meta::of(object).name(), operation.name());
    if name == expected {
        return Ok(());
    }
    Err(Status::bad_request(if name.is_empty() {
        format!("the name of the object ({expected} based on URL) was undeterminable: name must be provided")
    } else {
        format!("the name of the object ({name}) does not match the name on the URL ({expected})")
    }))
}

/// A PUT of another object than the stored one is refused; a patch may only find the uid immutable.
fn check_uid(operation: &Operation<'_>, object: &Value, stored: &Value) -> Result<(), Status> {
    let (asked, actual) = (Meta::of(object).uid(), Meta::of(stored).uid());
    if asked.is_empty() || asked == actual {
        return Ok(());
    }
    let key = operation.registry.key(operation.namespace(), operation.name())?;
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {asked}, UID in object meta: {actual}"
    );
    Err(Status::conflict(operation.group_resource(), operation.name(), &why))
}
