//! The objects that every cluster has from its first moment.

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::MetaMut;
use podsec_storage::Precondition;
use serde_json::json;
use uuid::Uuid;

use crate::apiserver::ApiServer;
use crate::registry::WriteError;
use podsec_kinds::strategy;

/// Makes the system namespaces that are not there yet.
///
/// # Errors
/// When the store fails.
pub(crate) async fn create_namespaces(api: &ApiServer) -> Result<(), Status> {
    let Some(namespaces) = api.builtin("", "v1", "namespaces") else { return Ok(()) };
    let strategy = strategy("", "namespaces");
    for name in NAMESPACES {
        let mut namespace = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}});
        let mut meta = MetaMut::of(&mut namespace);
        meta.set_uid(&Uuid::new_v4().to_string());
        meta.set_creation_timestamp(Some(Timestamp::now()));
        (strategy.default)(&mut namespace);
        (strategy.prepare_for_create)(&mut namespace);
        match namespaces.put("", name, Precondition::Absent, &mut namespace).await {
            Ok(_) | Err(WriteError::Conflict) => {}
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
    Ok(())
}

const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];
