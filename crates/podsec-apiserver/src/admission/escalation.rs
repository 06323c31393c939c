//! Nobody makes a role with rights that it does not hold, or gives one to somebody, unless it may `escalate` or `bind`.

use podsec_apimachinery::Status;
use podsec_rbac::{GROUP, PolicyRule, escalation};
use serde_json::Value;

use super::attributes::Attributes;
use crate::authorization::{Authorizer, rbac_user};
use crate::registry::status;
use crate::request::RequestInfo;
use crate::request::user::MASTERS;

/// Checks a role or binding that is about to be written over `old`; objects of other kinds pass.
///
/// # Errors
/// 403 that names the rights that the user does not hold, 404 for a binding to a role that is not there.
pub(super) async fn check(
    authorizer: &Authorizer,
    attributes: &Attributes<'_>,
    object: &Value,
) -> Result<(), Status> {
    if attributes.resource().group != GROUP {
        return Ok(());
    }
    let (user, old) = (attributes.user(), attributes.old);
    if user.is_in(MASTERS) || old.is_some_and(|old| changes_only_its_end(old, object)) {
        return Ok(());
    }
    match attributes.resource().resource.as_str() {
        "roles" | "clusterroles" => check_role(authorizer, attributes, object).await,
        "rolebindings" | "clusterrolebindings" => check_binding(authorizer, attributes, object).await,
        _ => Ok(()),
    }
}

async fn check_role(
    authorizer: &Authorizer,
    attributes: &Attributes<'_>,
    role: &Value,
) -> Result<(), Status> {
    let info = &attributes.request.info;
    let escalate = RequestInfo {
        is_resource: true,
        verb: "escalate".into(),
        group: info.group.clone(),
        resource: info.resource.clone(),
        namespace: attributes.namespace().to_owned(),
        name: info.name.clone(),
        ..RequestInfo::default()
    };
    if authorizer.authorize(attributes.user(), &escalate).await.is_allowed() {
        return Ok(());
    }
    let rules: Vec<PolicyRule> =
        role.get("rules").and_then(Value::as_array).into_iter().flatten().map(PolicyRule::read).collect();
    confirm(authorizer, attributes, role, &rules).await?;
    if aggregates(role) || attributes.old.is_some_and(aggregates) {
        let all = confirm(authorizer, attributes, role, &escalation::full_authority()).await;
        return all.map_err(|_| {
            forbidden(attributes, role, "must have cluster-admin privileges to use the aggregationRule")
        });
    }
    Ok(())
}

async fn check_binding(
    authorizer: &Authorizer,
    attributes: &Attributes<'_>,
    binding: &Value,
) -> Result<(), Status> {
    let text = |field: &str| {
        binding.pointer(&format!("/roleRef/{field}")).and_then(Value::as_str).unwrap_or_default()
    };
    let namespace = attributes.namespace();
    let (kind, name) = (text("kind"), text("name"));
    let resource = match kind {
        "ClusterRole" => "clusterroles",
        "Role" => "roles",
        _ => "",
    };
    if !resource.is_empty() {
        let bind = RequestInfo {
            is_resource: true,
            verb: "bind".into(),
            group: text("apiGroup").to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..RequestInfo::default()
        };
        if authorizer.authorize(attributes.user(), &bind).await.is_allowed() {
            return Ok(());
        }
    }
    let policy = authorizer.policy().await.map_err(|error| status(&error))?;
    let rules = policy.role(kind, namespace, name).map_err(|why| {
        if resource.is_empty() {
            return Status::internal(&why);
        }
        // Kubernetes names the resource of the request here.
        Status::not_found(attributes.registry.group_resource(), name)
    })?;
    confirm(authorizer, attributes, binding, &rules).await
}

/// Checks that the user holds all that `rules` allow where the object is.
async fn confirm(
    authorizer: &Authorizer,
    attributes: &Attributes<'_>,
    object: &Value,
    rules: &[PolicyRule],
) -> Result<(), Status> {
    let policy = authorizer.policy().await.map_err(|error| status(&error))?;
    let user = rbac_user(attributes.user());
    escalation::check(&policy, &user, attributes.namespace(), rules)
        .map_err(|why| forbidden(attributes, object, &why))
}

fn forbidden(attributes: &Attributes<'_>, object: &Value, why: &str) -> Status {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    Status::forbidden(attributes.registry.group_resource(), name, why)
}

fn aggregates(role: &Value) -> bool {
    let selectors = role.pointer("/aggregationRule/clusterRoleSelectors").and_then(Value::as_array);
    selectors.is_some_and(|selectors| !selectors.is_empty())
}

/// Whether only that changes which keeps an object from being deleted: who may delete it need not hold its rights.
fn changes_only_its_end(old: &Value, object: &Value) -> bool {
    let rest = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["ownerReferences", "finalizers", "managedFields", "selfLink", "resourceVersion"] {
                metadata.remove(field);
            }
        }
        object
    };
    rest(old) == rest(object)
}
