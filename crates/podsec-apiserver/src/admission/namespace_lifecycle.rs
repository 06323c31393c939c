//! `NamespaceLifecycle`: nothing is made in a namespace that is absent or going away, and three namespaces stay.

use podsec_apimachinery::Status;
use podsec_apimachinery::status::{GroupResource, StatusCause};
use serde_json::Value;

use super::Action;
use crate::verbs::Operation;

/// Refuses what has no place in its namespace.
pub(super) async fn admit(operation: &Operation<'_>, action: Action, name: &str) -> Result<(), Status> {
    let is_namespace = operation.resource.group.is_empty() && operation.resource.resource == "namespaces";
    if is_namespace && action == Action::Delete && IMMORTAL.contains(&name) {
        let why = "this namespace may not be deleted";
        return Err(Status::forbidden(operation.group_resource(), name, why));
    }
    let namespace = operation.namespace();
    // Whether somebody may do something may be asked about any namespace.
    let is_review = operation.resource.resource == "localsubjectaccessreviews";
    if namespace.is_empty() || is_review || matches!(action, Action::Delete | Action::Connect) {
        return Ok(());
    }
    let found = match operation.api.builtin("", "v1", "namespaces") {
        Some(namespaces) => namespaces.find("", namespace).await?,
        None => None,
    };
    let Some(found) = found else {
        return Err(Status::not_found(GroupResource { group: "", resource: "namespaces" }, namespace));
    };
    let phase = found.object.pointer("/status/phase").and_then(Value::as_str);
    if action == Action::Create && phase == Some("Terminating") {
        return Err(terminating(operation, namespace, name));
    }
    Ok(())
}

fn terminating(operation: &Operation<'_>, namespace: &str, name: &str) -> Status {
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut status = Status::forbidden(operation.group_resource(), name, &why);
    if let Some(details) = &mut status.details {
        details.causes.push(StatusCause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        });
    }
    status
}

const IMMORTAL: &[&str] = &["default", "kube-public", "kube-system"];
