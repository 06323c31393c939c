//! `PersistentVolumeClaimResize`: a claim grows when it is bound and its class lets it.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_go::quantity::Quantity;
use podsec_kinds::object::Fields;
use serde_json::Value;

use super::default_storage_class::{CLASSES, class_of};
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Guards the size of claims.
pub(crate) struct PersistentVolumeClaimResize {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for PersistentVolumeClaimResize {
    /// Refuses other growth.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let Some(old) = attributes.old else { return Ok(()) };
        if attributes.action != Action::Update
            || !attributes.is_about("", "persistentvolumeclaims", "")
            || size(object) <= size(old)
        {
            return Ok(());
        }
        let name = class_of(object);
        let class = match name {
            "" => None,
            name => self.resources.find(CLASSES, "", name).await?,
        };
        check(old, name, class.as_ref()).map_err(|why| attributes.forbid(object, why))
    }
}

fn size(claim: &Value) -> Quantity {
    let text = claim.at("spec").at("resources").at("requests").text("storage");
    Quantity::parse(text).unwrap_or_default()
}

/// Whether the stored claim may grow, when the new one is of the class `name`.
fn check(old: &Value, name: &str, class: Option<&Value>) -> Result<(), &'static str> {
    if old.at("status").text("phase") != "Bound" {
        return Err("Only bound persistent volume claims can be expanded");
    }
    let may_grow = class_of(old) == name && class.is_some_and(|class| class.flag("allowVolumeExpansion"));
    if may_grow {
        return Ok(());
    }
    Err(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_grows_when_it_is_bound_and_its_class_lets_it() {
        let claim = |phase: &str| json!({"spec": {"storageClassName": "a"}, "status": {"phase": phase}});
        let class = json!({"allowVolumeExpansion": true});
        assert_eq!(check(&claim("Bound"), "a", Some(&class)), Ok(()));
        assert!(check(&claim("Bound"), "b", Some(&class)).is_err());
        assert!(check(&claim("Bound"), "a", Some(&json!({}))).is_err());
        assert!(check(&claim("Bound"), "a", None).is_err());
        assert!(check(&claim("Pending"), "a", Some(&class)).unwrap_err().starts_with("Only bound"));
    }
}
