//! DELETE of one object: at once, after a grace period, or when its finalizers are done.

use jiff::{SignedDuration, Timestamp};
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::status::{Details, GroupResource};
use podsec_storage::Precondition;
use serde_json::Value;

use super::write::Write;
use crate::admission::Action;
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::decode;
use crate::registry::{Stored, WriteError};
use crate::request::options::{DeleteOptions, FOREGROUND, ORPHAN, Propagation};
use podsec_kinds::object;
use podsec_kinds::{DeletionAnswer, GarbageCollection};

/// Deletes the object that the URL names.
pub(super) async fn delete(write: &Write<'_>, body: UnreadBody<'_>) -> Result<Answer, Status> {
    let options = options(write, body).await?;
    let (namespace, name) = (write.namespace(), write.name());
    let deletion = delete_object(write, namespace, name, &options, Some(name)).await?;
    let resource = write.registry.resource();
    match deletion {
        Deletion::Gone(object) if write.behaviour().strategy.deletion_answer == DeletionAnswer::Status => {
            Ok(Answer::Status(Status::success(Details {
                name: write.name().to_owned(),
                group: resource.group.clone(),
                kind: resource.resource.clone(),
                uid: Meta::of(&object).uid().to_owned(),
                ..Details::default()
            })))
        }
        Deletion::Gone(object) | Deletion::Pending(object) => write.answer(200, object),
    }
}

/// The options in the body, or without a body those in the query string.
pub(super) async fn options(write: &Write<'_>, body: UnreadBody<'_>) -> Result<DeleteOptions, Status> {
    let bytes = body.read().await?;
    let options = if bytes.as_ref().is_empty() {
        DeleteOptions::from_query(&write.request.query)?
    } else {
        let object = decode::delete_options(write.request, bytes.as_ref())?;
        write.sinks.recording.delete_options(&object);
        DeleteOptions::from_object(&object)?
    };
    let resource = write.registry.resource();
    if (&*resource.group, &*resource.resource) == ("batch", "jobs")
        && !options.say_what_happens_to_dependents()
    {
        write.sinks.warnings.add(JOBS_LEAVE_PODS);
    }
    Ok(options)
}

const JOBS_LEAVE_PODS: &str = "child pods are preserved by default when jobs are deleted; \
     set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// What became of an object.
pub(crate) enum Deletion {
    /// It is gone; this was its last state.
    Gone(Value),
    /// It waits for its grace period or its finalizers.
    Pending(Value),
}

/// Deletes an object, as far as it can be now. `requested` is the name in the request, by which admission knows it;
/// `None` when admission has let the removal pass in another form.
///
/// # Errors
/// In this order: 404, 409 when a precondition does not hold, and what admission answers.
pub(crate) async fn delete_object(
    write: &Write<'_>,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
    requested: Option<&str>,
) -> Result<Deletion, Status> {
    for _ in 0..ATTEMPTS {
        let stored = write.registry.get(namespace, name).await?;
        if let Some(why) = (write.behaviour().strategy.forbid_delete)(&stored.object) {
            return Err(Status::forbidden(write.registry.group_resource(), name, why));
        }
        check_preconditions(write, &stored.object, options)?;
        let step = next_step(write, &stored.object, options);
        if let Some(requested) = requested
            && !matches!(step, Step::Wait)
        {
            let attributes = write.attributes(
                Action::Delete,
                requested,
                Some(&stored.object),
                options.object(),
                options.dry_run,
            );
            write.admission.delete(&attributes).await?;
        }
        match take(write, namespace, name, stored, step, options).await {
            Ok(deletion) => return Ok(deletion),
            Err(WriteError::Conflict) => {}
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
    Err(write.registry.modified(name))
}

/// What a DELETE does to an object in its present state.
enum Step {
    /// Nothing: it is on its way already.
    Wait,
    /// It is marked, and waits.
    Mark(Value),
    /// It goes; this is its last state.
    Remove(Value),
}

fn next_step(write: &Write<'_>, stored: &Value, options: &DeleteOptions) -> Step {
    let mut object = stored.clone();
    set_propagation(write, &mut object, options);
    if !Meta::of(stored).is_being_deleted() {
        (write.behaviour().strategy.prepare_for_delete)(&mut object, write.request.received);
    }
    let is_namespace =
        write.registry.resource().kind == "Namespace" && write.registry.resource().group.is_empty();
    let asked = options.grace_period_seconds;
    let grace = write.behaviour().strategy.check_graceful_delete.map(|check| check(stored, asked).max(0));
    let waits_for_finalizers =
        Meta::of(&object).finalizers().next().is_some() || (is_namespace && has_spec_finalizers(stored));
    if Meta::of(stored).is_being_deleted() {
        let sooner =
            asked.is_some_and(|asked| asked < Meta::of(stored).deletion_grace_period_seconds().unwrap_or(0));
        let over = Meta::of(stored).deletion_grace_period_seconds().unwrap_or(0) == 0;
        return match grace {
            Some(grace) if sooner && grace > 0 => {
                mark(&mut object, grace, write.request.received);
                Step::Mark(object)
            }
            Some(0) if (sooner || over) && !waits_for_finalizers => {
                mark(&mut object, 0, write.request.received);
                Step::Remove(object)
            }
            Some(0) if sooner => {
                mark(&mut object, 0, write.request.received);
                Step::Mark(object)
            }
            None if !waits_for_finalizers => Step::Remove(object),
            _ => Step::Wait,
        };
    }
    match grace {
        Some(grace) if grace > 0 || waits_for_finalizers => {
            mark(&mut object, grace, write.request.received);
            Step::Mark(object)
        }
        Some(_) => {
            mark(&mut object, 0, write.request.received);
            Step::Remove(object)
        }
        None if is_namespace && waits_for_finalizers => {
            // A namespace has no grace period; its phase says that it is going.
            MetaMut::of(&mut object).set_deletion_timestamp(Some(write.request.received));
            let status = object::as_map(&mut object).entry("status").or_insert(Value::Null);
            object::as_map(status).insert("phase".to_owned(), "Terminating".into());
            Step::Mark(object)
        }
        None if waits_for_finalizers => {
            mark(&mut object, 0, write.request.received);
            Step::Mark(object)
        }
        None => Step::Remove(object),
    }
}

/// A namespace has finalizers of its own in its spec.
pub(super) fn has_spec_finalizers(namespace: &Value) -> bool {
    let finalizers = namespace.pointer("/spec/finalizers").and_then(Value::as_array);
    finalizers.is_some_and(|list| !list.is_empty())
}

/// Notes in the finalizers what is to happen to dependents: the garbage collector reads it there.
fn set_propagation(write: &Write<'_>, object: &mut Value, options: &DeleteOptions) {
    let by_default = match write.behaviour().strategy.default_garbage_collection {
        GarbageCollection::Background => Propagation::Background,
        GarbageCollection::Orphan => Propagation::Orphan,
    };
    let has = |wanted: &str| Meta::of(object).finalizers().any(|name| name == wanted);
    let propagation = match options.propagation {
        Some(asked) => asked,
        // What an earlier DELETE or the object's author has asked for stays.
        None if has(ORPHAN) => Propagation::Orphan,
        None if has(FOREGROUND) => Propagation::Foreground,
        None => by_default,
    };
    let mut finalizers: Vec<String> = Meta::of(object)
        .finalizers()
        .filter(|name| !matches!(*name, ORPHAN | FOREGROUND))
        .map(str::to_owned)
        .collect();
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(FOREGROUND.to_owned()),
        Propagation::Orphan => finalizers.push(ORPHAN.to_owned()),
    }
    MetaMut::of(object).set_finalizers(finalizers);
}

/// Notes when the object is to be gone. The mark counts as a change of the wanted state.
fn mark(object: &mut Value, grace: i64, now: Timestamp) {
    let meta = Meta::of(object);
    let (first, generation) = (!meta.is_being_deleted(), meta.generation());
    let at = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    let mut meta = MetaMut::of(object);
    meta.set_deletion_timestamp(Some(at));
    meta.set_deletion_grace_period_seconds(Some(grace));
    if first && generation > 0 {
        meta.set_generation(generation + 1);
    }
}

async fn take(
    write: &Write<'_>,
    namespace: &str,
    name: &str,
    stored: Stored,
    step: Step,
    options: &DeleteOptions,
) -> Result<Deletion, WriteError> {
    match step {
        Step::Wait => Ok(Deletion::Pending(stored.object)),
        Step::Mark(object) if options.dry_run => Ok(Deletion::Pending(object)),
        Step::Remove(object) if options.dry_run => Ok(Deletion::Gone(object)),
        Step::Mark(mut object) => {
            let precondition = Precondition::Revision(stored.revision);
            write.registry.put(namespace, name, precondition, &mut object).await?;
            Ok(Deletion::Pending(object))
        }
        Step::Remove(mut object) => {
            let revision = write.registry.remove(namespace, name, stored.revision).await?;
            MetaMut::of(&mut object).set_resource_version(&revision.to_string());
            Ok(Deletion::Gone(object))
        }
    }
}

/// 409 when the object is not the one that the options are about.
pub(crate) fn check_preconditions(
    write: &Write<'_>,
    object: &Value,
    options: &DeleteOptions,
) -> Result<(), Status> {
    // In these messages Kubernetes names the kind, not the resource.
    let conflict = |why: String| {
        let kind = GroupResource {
            group: &write.registry.resource().group,
            resource: &write.registry.resource().kind,
        };
        Err(Status::conflict(kind, Meta::of(object).name(), &why))
    };
    let uid = Meta::of(object).uid();
    if let Some(asked) = options.uid.as_deref().filter(|asked| *asked != uid) {
        return conflict(format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might \
             have been deleted and then recreated"
        ));
    }
    let version = Meta::of(object).resource_version();
    if let Some(asked) = options.resource_version.as_deref().filter(|asked| *asked != version) {
        return conflict(format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        ));
    }
    Ok(())
}

/// How often a deletion is tried again after losing a race.
const ATTEMPTS: usize = 20;
