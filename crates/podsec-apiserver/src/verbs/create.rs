//! POST: a new object.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut, generated_name};
use podsec_apimachinery::quote::quoted;
use podsec_kinds::certificates::certificatesigningrequests;
use podsec_storage::Precondition;
use serde_json::{Value, json};
use uuid::Uuid;

use super::managed_fields;
use super::origin::Origin;
use super::write::Write;
use crate::admission::{Action, Reservation};
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::decode;
use crate::registry::WriteError;
use crate::request::options::WriteOptions;
use crate::request_object;

/// Decodes the body and creates the object.
pub(super) async fn create(write: &Write<'_>, body: UnreadBody<'_>) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::create(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let object =
        decode::object(write.request, write.registry, write.sinks, bytes.as_ref(), options.field_validation)?;
    drop(bytes);
    let object = create_object(write, object, &options, Origin::Update).await?;
    write.answer(201, object)
}

/// Creates a decoded object.
///
/// # Errors
/// In this order: 400, 404 and 403 for the namespace, 422, 403 of Pod Security, 409.
pub(crate) async fn create_object(
    write: &Write<'_>,
    mut object: Value,
    options: &WriteOptions,
    origin: Origin,
) -> Result<Value, Status> {
    write.registry.drop_newer_fields(&mut object);
    write.behaviour().default(&mut object);
    if origin == Origin::Update {
        request_object::record(&write.sinks.recording, &object);
    }
    place(write, &mut object)?;
    wipe(&mut object);
    if origin == Origin::Update {
        managed_fields::update(write, options, None, &mut object);
    }
    let named = Meta::of(&object).name().to_owned();
    let attributes =
        write.attributes(Action::Create, &named, None, options.object("CreateOptions"), options.dry_run);
    write.admission.mutate(&attributes, &mut object).await?;
    // A webhook may have moved it.
    place(write, &mut object)?;
    write.admission.check_escalation(&attributes, &object).await?;
    stamp(write, &mut object);
    let _given = write.allocate(&mut object, None, options.dry_run).await?;
    let prefix = Meta::of(&object).generate_name().to_owned();
    let generates = Meta::of(&object).name().is_empty() && !prefix.is_empty();
    let mut attempts = if generates { GENERATE_ATTEMPTS } else { 1 };
    loop {
        if generates {
            MetaMut::of(&mut object).set_name(&generated_name(&prefix, random));
        }
        let mut candidate = object.clone();
        (write.behaviour().strategy.prepare_for_create)(&mut candidate);
        for warning in (write.behaviour().strategy.warnings_on_preparation)(&candidate) {
            write.sinks.warnings.add(warning);
        }
        if write.registry.resource().resource == "certificatesigningrequests" {
            let user = &write.request.user;
            let user =
                json!({"username": user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra});
            certificatesigningrequests::set_requestor(&mut candidate, &user);
        }
        let name = Meta::of(&candidate).name().to_owned();
        let errors = write.behaviour().validate(&candidate);
        if !errors.is_empty() {
            return Err(write.registry.invalid(&name, &errors));
        }
        for warning in write.behaviour().warnings_on_create(&candidate) {
            write.sinks.warnings.add(warning);
        }
        write.admission.validate(&attributes, &candidate).await?;
        attempts -= 1;
        // An apply may name any version, and creates what is absent all the same; a dry run does not come that far.
        if origin == Origin::Update
            && !options.dry_run
            && resource_version(&candidate).is_ok_and(|version| version != 0)
        {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Status::failure(500, "", message));
        }
        let reservation = write.admission.reserve(&attributes, &candidate).await?;
        match store(write, &name, candidate, options, reservation).await {
            Ok(object) => return Ok(object),
            Err(status) if status.reason == "AlreadyExists" && attempts > 0 => {}
            Err(status) => return Err(status),
        }
    }
}

async fn store(
    write: &Write<'_>,
    name: &str,
    mut object: Value,
    options: &WriteOptions,
    reservation: Reservation,
) -> Result<Value, Status> {
    let namespace = write.namespace();
    let registry = write.registry;
    registry.forget_empty(&mut object);
    if options.dry_run {
        if registry.find(namespace, name).await?.is_none() {
            return Ok(object);
        }
    } else {
        let work = {
            let (registry, namespace, name) = (registry.clone(), namespace.to_owned(), name.to_owned());
            async move {
                registry.put(&namespace, &name, Precondition::Absent, &mut object).await?;
                Ok(object)
            }
        };
        match reservation.keep_while(work).await {
            Ok(object) => return Ok(object),
            Err(WriteError::Conflict) => {}
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
    let mut status = Status::already_exists(write.registry.group_resource(), name);
    if registry.find(namespace, name).await?.is_some_and(|found| Meta::of(&found.object).is_being_deleted()) {
        status.message = format!("object is being deleted: {}", status.message);
    }
    Err(status)
}

/// Puts the object into the namespace of the URL.
pub(crate) fn place(write: &Write<'_>, object: &mut Value) -> Result<(), Status> {
    let expected = write.namespace();
    let actual = Meta::of(object).namespace();
    if actual.is_empty() {
        MetaMut::of(object).set_namespace(expected);
        return Ok(());
    }
    if actual == expected {
        return Ok(());
    }
    if expected.is_empty() {
        // The object lives beside the namespaces.
        MetaMut::of(object).set_namespace("");
        return Ok(());
    }
    let why = "the namespace of the provided object does not match the namespace sent on the request";
    Err(Status::bad_request(why))
}

/// The version of the stored state that an object says it is; 0 when it says none.
///
/// # Errors
/// 500 in Go's words when it is no number.
pub(super) fn resource_version(object: &Value) -> Result<u64, Status> {
    let text = Meta::of(object).resource_version();
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        Status::failure(500, "", format!("strconv.ParseUint: parsing {}: {why}", quoted(text)))
    })
}

/// Takes from the object what only the server decides.
fn wipe(object: &mut Value) {
    let mut meta = MetaMut::of(object);
    for decided_here in
        ["creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "selfLink", "uid"]
    {
        meta.set(decided_here, None);
    }
}

/// Gives the object what only the server decides.
fn stamp(write: &Write<'_>, object: &mut Value) {
    wipe(object);
    let mut meta = MetaMut::of(object);
    meta.set_uid(&Uuid::new_v4().to_string());
    meta.set_creation_timestamp(Some(write.request.received));
}

/// A random number, for one letter of a name.
fn random() -> usize {
    let [byte, ..] = *Uuid::new_v4().as_bytes();
    usize::from(byte)
}

/// As often as Kubernetes tries another name when the generated one is taken.
const GENERATE_ATTEMPTS: usize = 8;
