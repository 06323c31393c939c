//! `NamespaceLifecycle`: nothing is made in a namespace that is absent or going away, and three namespaces stay.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::status::{GroupResource, StatusCause};
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Guards namespaces, and what is made in them.
pub(crate) struct NamespaceLifecycle {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for NamespaceLifecycle {
    fn handles(&self, _: Action) -> bool {
        true
    }

    /// Refuses what has no place in its namespace.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        let action = attributes.action;
        let removed = attributes.old.filter(|_| action == Action::Delete);
        let name = Meta::of(removed.unwrap_or(object)).name();
        let resource = attributes.resource();
        let is_namespace = resource.group.is_empty() && resource.resource == "namespaces";
        if is_namespace && action == Action::Delete && IMMORTAL.contains(&name) {
            let why = "this namespace may not be deleted";
            return Err(Status::forbidden(resource.group_resource(), name, why));
        }
        let namespace = attributes.namespace();
        // Whether somebody may do something may be asked about any namespace.
        let is_review = resource.resource == "localsubjectaccessreviews";
        if namespace.is_empty() || is_review || matches!(action, Action::Delete | Action::Connect) {
            return Ok(());
        }
        let Some(found) = self.resources.v1("", "namespaces")?.find("", namespace).await? else {
            return Err(Status::not_found(GroupResource { group: "", resource: "namespaces" }, namespace));
        };
        let phase = found.object.pointer("/status/phase").and_then(Value::as_str);
        if action == Action::Create && phase == Some("Terminating") {
            return Err(terminating(resource.group_resource(), namespace, name));
        }
        Ok(())
    }
}

fn terminating(resource: GroupResource<'_>, namespace: &str, name: &str) -> Status {
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut status = Status::forbidden(resource, name, &why);
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
