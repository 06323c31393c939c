//! `StorageObjectInUseProtection`: volumes, claims and classes of volumes stay while somebody uses them.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;

/// Adds finalizers to what is in use.
pub(crate) struct StorageObjectInUseProtection;

#[async_trait]
impl Plugin for StorageObjectInUseProtection {
    /// Adds the finalizer that a controller takes away when nobody uses a deleted object any more.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create {
            return Ok(());
        }
        let finalizer =
            FINALIZERS.iter().find(|(group, resource, _)| attributes.is_about(group, resource, ""));
        if let Some((_, _, finalizer)) = finalizer {
            protect(object, finalizer);
        }
        Ok(())
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    let mut finalizers: Vec<String> = Meta::of(object).finalizers().map(str::to_owned).collect();
    if finalizers.iter().all(|name| name != finalizer) {
        finalizers.push(finalizer.to_owned());
        MetaMut::of(object).set_finalizers(finalizers);
    }
}

const FINALIZERS: [(&str, &str, &str); 3] = [
    ("", "persistentvolumes", "kubernetes.io/pv-protection"),
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection"),
    ("storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_finalizer_is_added_once_behind_the_others() {
        let mut claim = json!({"metadata": {"finalizers": ["a/b"]}});
        protect(&mut claim, FINALIZERS[1].2);
        protect(&mut claim, FINALIZERS[1].2);
        assert_eq!(claim, json!({"metadata": {"finalizers": ["a/b", "kubernetes.io/pvc-protection"]}}));
    }
}
