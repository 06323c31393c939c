//! `OwnerReferencesPermissionEnforcement`: an owner is named by who may delete the object, and kept from going by who may
//! finalize it.

use std::sync::Arc;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::group_version;
use podsec_kinds::object::{Fields, metadata, same};
use serde_json::Value;

use super::access;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::authorization::Authorizer;
use crate::registry::Resources;
use crate::request::RequestInfo;

/// Guards the owners of objects.
pub(crate) struct OwnerReferencesPermissionEnforcement {
    pub(crate) resources: Resources,
    pub(crate) authorizer: Arc<Authorizer>,
}

#[async_trait]
impl Plugin for OwnerReferencesPermissionEnforcement {
    /// Refuses owners named by somebody else.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let old = attributes.old.unwrap_or(&Value::Null);
        let (new_owners, old_owners) = (metadata(object).at(OWNERS), metadata(old).at(OWNERS));
        // A binding becomes no object.
        let is_exempt = attributes.resource().group.is_empty()
            && attributes.resource().resource == "pods"
            && matches!(attributes.subresource(), "binding" | "eviction");
        let is_write = matches!(attributes.action, Action::Create | Action::Update);
        if !is_write || is_exempt || same(new_owners, old_owners) {
            return Ok(());
        }
        if attributes.action == Action::Update {
            let info = RequestInfo { verb: "delete".into(), ..attributes.request.info.clone() };
            if let Err(refusal) = access::may(&self.authorizer, attributes.user(), &info).await {
                let why = format!("cannot set an ownerRef on a resource you can't delete: {refusal}, <nil>");
                return Err(attributes.forbid(object, &why));
            }
        }
        let anything = finalizers("*", "*", "*", "*", "");
        let blocking = newly_blocking(metadata(object).list(OWNERS), metadata(old).list(OWNERS));
        if blocking.is_empty() || access::may(&self.authorizer, attributes.user(), &anything).await.is_ok() {
            return Ok(());
        }
        for owner in blocking {
            self.may_block(attributes, owner).await.map_err(|why| attributes.forbid(object, &why))?;
        }
        Ok(())
    }
}

impl OwnerReferencesPermissionEnforcement {
    async fn may_block(&self, attributes: &Attributes<'_>, owner: &Value) -> Result<(), String> {
        let (api_version, kind) = (owner.text("apiVersion"), owner.text("kind"));
        let served = self.resources.served();
        let resource = group_version(api_version)
            .and_then(|(group, version)| served.catalog.by_kind(group, version, kind));
        let Some(resource) = resource else {
            return Err(format!(
                "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {api_version} Kind \
                 {kind}: no matches for kind \"{kind}\" in version \"{api_version}\""
            ));
        };
        let namespace = if resource.namespaced { attributes.namespace() } else { "" };
        let (group, version) = (&resource.group, &resource.version);
        let info = finalizers(group, version, &resource.resource, owner.text("name"), namespace);
        access::may(&self.authorizer, attributes.user(), &info).await.map_err(|refusal| {
            format!(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: \
                 {refusal}, <nil>"
            )
        })
    }
}

fn finalizers(group: &str, version: &str, resource: &str, name: &str, namespace: &str) -> RequestInfo {
    RequestInfo {
        verb: "update".into(),
        is_resource: true,
        group: group.to_owned(),
        version: version.to_owned(),
        resource: resource.to_owned(),
        subresource: "finalizers".to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        ..RequestInfo::default()
    }
}

/// The owners whose deletion is held up and was not before.
fn newly_blocking<'a>(owners: &'a [Value], old: &[Value]) -> Vec<&'a Value> {
    let blocks = |owner: &Value| owner.flag("blockOwnerDeletion");
    let did = |owner: &Value| old.iter().any(|old| old.text("uid") == owner.text("uid") && blocks(old));
    owners.iter().filter(|owner| blocks(owner) && !did(owner)).collect()
}

const OWNERS: &str = "ownerReferences";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_owner_that_was_held_up_before_is_no_news() {
        let owner = |uid: &str, blocks: bool| json!({"uid": uid, "blockOwnerDeletion": blocks});
        let owners = [owner("a", true), owner("b", true), owner("c", false)];
        assert_eq!(newly_blocking(&owners, &[owner("a", true), owner("b", false)]), [&owners[1]]);
        assert_eq!(newly_blocking(&owners, &[]).len(), 2);
    }
}
