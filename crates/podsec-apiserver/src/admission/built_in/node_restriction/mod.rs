//! `NodeRestriction`: a kubelet writes its own Node, its own pods and its own Lease, and nothing that would draw more
//! pods to it.

mod objects;
mod pods;
mod request;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::lookup;
use super::target::forbid;
use crate::admission::{Action, Write};
use crate::verbs::Operation;
use request::Request;

/// Refuses what a node may not do. `object` is null for a removal.
pub(super) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    let user = &operation.request.user;
    let Some(node) = user.name.strip_prefix("system:node:").filter(|_| user.is_in("system:nodes")) else {
        return Ok(());
    };
    let request = Request {
        node,
        action: write.action,
        name: [write.name, operation.name(), Meta::of(object).name()]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default(),
        object,
        old: write.old.unwrap_or(&Value::Null),
    };
    let subresource = operation.request.info.subresource.as_str();
    let resource = (operation.resource.group.as_str(), operation.resource.resource.as_str());
    let checked = match (resource, subresource) {
        (("", "pods"), "") => {
            let own = lookup::find(operation.api, ("", "nodes"), "", node).await?;
            request.pod(own.as_ref())
        }
        (("", "pods"), "status") => request.pod_status(),
        (("", "pods"), "eviction") => {
            let pod = lookup::find(operation.api, ("", "pods"), operation.namespace(), request.name).await?;
            request.eviction(pod.as_ref())
        }
        (("", "pods"), other) => Err(format!(
            "unexpected pod subresource {}, only 'status' and 'eviction' are allowed",
            quoted(other)
        )),
        (("", "nodes"), _) => request.own_node(),
        (("", "persistentvolumeclaims"), "status") => request.claim_status(),
        (("", "persistentvolumeclaims"), _) => Err("may only update PVC status".to_owned()),
        (("", "serviceaccounts"), "token") if write.action == Action::Create => {
            let name =
                object.pointer("/spec/boundObjectRef/name").and_then(Value::as_str).unwrap_or_default();
            let pod = lookup::find(operation.api, ("", "pods"), operation.namespace(), name).await?;
            request.token(pod.as_ref())
        }
        (("coordination.k8s.io", "leases"), _) => request.lease(operation.namespace()),
        (("storage.k8s.io", "csinodes"), _) => request.csi_node(),
        (("resource.k8s.io", "resourceslices"), _) => request.resource_slice(),
        _ => Ok(()),
    };
    checked.map_err(|why| forbid(operation, object, &why))
}
