//! `NodeRestriction`: a kubelet writes its own Node, its own pods and its own Lease, and nothing that would draw more
//! pods to it.

mod objects;
mod pods;
mod request;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;
use request::Request;

/// Keeps a kubelet to what is its own.
pub(crate) struct NodeRestriction {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for NodeRestriction {
    fn handles(&self, _: Action) -> bool {
        true
    }

    /// Refuses what a node may not do. `object` is null for a removal.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        let user = attributes.user();
        let Some(node) = user.name.strip_prefix("system:node:").filter(|_| user.is_in("system:nodes")) else {
            return Ok(());
        };
        let request = Request {
            node,
            action: attributes.action,
            name: [attributes.name, attributes.request.name(), Meta::of(object).name()]
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default(),
            object,
            old: attributes.old.unwrap_or(&Value::Null),
        };
        let subresource = attributes.subresource();
        let resource = (attributes.resource().group.as_str(), attributes.resource().resource.as_str());
        let checked = match (resource, subresource) {
            (("", "pods"), "") => {
                let own = self.resources.find(("", "nodes"), "", node).await?;
                request.pod(own.as_ref())
            }
            (("", "pods"), "status") => request.pod_status(),
            (("", "pods"), "eviction") => {
                let pod = self.resources.find(("", "pods"), attributes.namespace(), request.name).await?;
                request.eviction(pod.as_ref())
            }
            (("", "pods"), other) => Err(format!(
                "unexpected pod subresource {}, only 'status' and 'eviction' are allowed",
                quoted(other)
            )),
            (("", "nodes"), _) => request.own_node(),
            (("", "persistentvolumeclaims"), "status") => request.claim_status(),
            (("", "persistentvolumeclaims"), _) => Err("may only update PVC status".to_owned()),
            (("", "serviceaccounts"), "token") if attributes.action == Action::Create => {
                let name =
                    object.pointer("/spec/boundObjectRef/name").and_then(Value::as_str).unwrap_or_default();
                let pod = self.resources.find(("", "pods"), attributes.namespace(), name).await?;
                request.token(pod.as_ref())
            }
            (("coordination.k8s.io", "leases"), _) => request.lease(attributes.namespace()),
            (("storage.k8s.io", "csinodes"), _) => request.csi_node(),
            (("resource.k8s.io", "resourceslices"), _) => request.resource_slice(),
            _ => Ok(()),
        };
        checked.map_err(|why| attributes.forbid(object, &why))
    }
}
