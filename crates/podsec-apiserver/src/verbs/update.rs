//! PUT: an object in place of another.

use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::patch::managed_fields::keep_times;
use podsec_storage::Precondition;
use serde_json::Value;

use super::delete::has_spec_finalizers;
use super::origin::Origin;
use super::write::Write;
use super::{create, managed_fields};
use crate::admission::{Action, Reservation};
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::decode;
use crate::registry::Given;
use crate::registry::{Stored, WriteError};
use crate::request::options::WriteOptions;
use crate::request_object;
use podsec_kinds::object::metadata_mut;

/// Decodes the body and replaces the object.
pub(super) async fn update(write: &Write<'_>, body: UnreadBody<'_>) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::update(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let mut object =
        decode::object(write.request, write.registry, write.sinks, bytes.as_ref(), options.field_validation)?;
    drop(bytes);
    write.behaviour().default(&mut object);
    request_object::record(&write.sinks.recording, &object);
    create::place(write, &mut object)?;
    check_name(write, &object)?;
    if write.behaviour().strategy.allow_create_on_update
        && request.info.subresource.is_empty()
        && write.registry.find(write.namespace(), write.name()).await?.is_none()
    {
        let object = create::create_object(write, object, &options, Origin::Update).await?;
        return write.answer(201, object);
    }
    let object = update_object(write, &options, Origin::Update, |stored| {
        check_uid(write, &object, stored, options.dry_run)?;
        Ok(object.clone())
    })
    .await?;
    write.answer(200, object)
}

/// Changes an object: `change` makes the new one from the stored one, again and again while someone else is faster
/// and the client has not said which state it means; the deadline of the request ends that.
///
/// # Errors
/// In this order: 404, 409 for another state, 400, 403, 422, 403 of Pod Security.
pub(crate) async fn update_object(
    write: &Write<'_>,
    options: &WriteOptions,
    origin: Origin,
    change: impl Fn(&Value) -> Result<Value, Status>,
) -> Result<Value, Status> {
    loop {
        let stored = write.registry.get(write.namespace(), write.name()).await?;
        let mut object = change(&stored.object)?;
        write.registry.drop_newer_fields(&mut object);
        check_resource_version(write, &object, stored.revision.0)?;
        if origin == Origin::Update {
            managed_fields::update(write, options, Some(&stored.object), &mut object);
        }
        let managed_fields = object.pointer("/metadata/managedFields").cloned();
        let Prepared { object: mut prepared, _given, reservation } =
            prepare(write, object, &stored.object, options).await?;
        // Some subresources take the metadata from the stored object.
        MetaMut::of(&mut prepared).set("managedFields", managed_fields);
        match store(write, stored, prepared, options, reservation).await {
            Ok(object) => return Ok(object),
            // The deadline must have its turn, even where everything is in memory.
            Err(WriteError::Conflict) => tokio::task::yield_now().await,
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
}

/// An update may say which state it means; some kinds insist.
fn check_resource_version(write: &Write<'_>, object: &Value, stored: u64) -> Result<(), Status> {
    match create::resource_version(object)? {
        0 if write.behaviour().strategy.allow_unconditional_update => Ok(()),
        0 => {
            let path = Path::new("metadata").child("resourceVersion");
            let error = Error::invalid(path, &Value::from(0), "must be specified for an update");
            // Kubernetes names the resource here, where it names the kind elsewhere.
            let resource = write.registry.resource();
            Err(Status::invalid(&resource.group, &resource.resource, write.name(), &[error]))
        }
        asked if asked == stored => Ok(()),
        _ => Err(write.registry.modified(write.name())),
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
    write: &Write<'_>,
    mut object: Value,
    stored: &Value,
    options: &WriteOptions,
) -> Result<Prepared, Status> {
    let strategy = write.behaviour().strategy;
    let attributes = write.attributes(
        Action::Update,
        write.name(),
        Some(stored),
        options.object("UpdateOptions"),
        options.dry_run,
    );
    write.admission.mutate(&attributes, &mut object).await?;
    write.admission.check_escalation(&attributes, &object).await?;
    keep(&mut object, stored);
    let given = write.allocate(&mut object, Some(stored), options.dry_run).await?;
    let subresource = write.request.info.subresource.as_str();
    let door = strategy.subresource(subresource);
    let prepare = door.map_or(strategy.prepare_for_update, |door| door.prepare_for_update);
    prepare(&mut object, stored);
    let mut warnings = Vec::new();
    let errors = write.behaviour().validate_update(subresource, &object, stored, &mut warnings);
    for warning in &warnings {
        write.sinks.warnings.add(warning);
    }
    if !errors.is_empty() {
        return Err(write.registry.invalid(write.name(), &errors));
    }
    for warning in write.behaviour().warnings_on_update(subresource, &object, stored) {
        write.sinks.warnings.add(warning);
    }
    write.admission.validate(&attributes, &object).await?;
    let reservation = write.admission.reserve(&attributes, &object).await?;
    Ok(Prepared { object, _given: given, reservation })
}

/// Stores the object, unless nothing has changed. A terminating object that nothing keeps any more goes.
async fn store(
    write: &Write<'_>,
    stored: Stored,
    mut object: Value,
    options: &WriteOptions,
    reservation: Reservation,
) -> Result<Value, WriteError> {
    let version = Meta::of(&stored.object).resource_version().to_owned();
    MetaMut::of(&mut object).set_resource_version(&version);
    write.registry.forget_empty(&mut object);
    keep_times(&stored.object, &mut object);
    if object == stored.object {
        return Ok(stored.object);
    }
    let is_released = Meta::of(&object).is_being_deleted()
        && Meta::of(&object).finalizers().next().is_none()
        && Meta::of(&object).deletion_grace_period_seconds().unwrap_or(0) == 0
        && !(write.registry.resource().kind == "Namespace" && has_spec_finalizers(&object));
    if options.dry_run {
        return Ok(object);
    }
    let (namespace, name) = (write.namespace(), write.name());
    if is_released {
        write.registry.remove(namespace, name, stored.revision).await?;
        return Ok(object);
    }
    let precondition = Precondition::Revision(stored.revision);
    let (registry, namespace, name) = (write.registry.clone(), namespace.to_owned(), name.to_owned());
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
pub(crate) fn check_name(write: &Write<'_>, object: &Value) -> Result<(), Status> {
    let (name, expected) = (Meta::of(object).name(), write.name());
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
fn check_uid(write: &Write<'_>, object: &Value, stored: &Value, dry_run: bool) -> Result<(), Status> {
    let (asked, actual) = (Meta::of(object).uid(), Meta::of(stored).uid());
    if asked.is_empty() || asked == actual {
        return Ok(());
    }
    let key = write.registry.key(write.namespace(), write.name())?;
    // A dry run does not come to where keys get their prefix.
    let key = if dry_run { key.trim_start_matches("/registry") } else { &*key };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {asked}, UID in object meta: {actual}"
    );
    Err(Status::conflict(write.registry.group_resource(), write.name(), &why))
}
