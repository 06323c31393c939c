//! What plugins look up: built-in objects as they are stored now.

use podsec_apimachinery::Status;
use podsec_storage::Range;
use serde_json::Value;

use crate::apiserver::ApiServer;
use crate::registry::{Registry, status};

/// The objects of a built-in resource.
///
/// # Errors
/// 404 when the resource is not built in, which is a mistake of the caller.
pub(super) fn registry(api: &ApiServer, group: &str, resource: &str) -> Result<Registry, Status> {
    api.builtin(group, "v1", resource).ok_or_else(Status::no_such_resource)
}

/// One object by its name; `None` for one that is absent, and for what cannot be a name.
///
/// # Errors
/// 500 when the store fails.
pub(super) async fn find(
    api: &ApiServer,
    (group, resource): (&str, &str),
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, Status> {
    let registry = registry(api, group, resource)?;
    if registry.key(namespace, name).is_err() {
        return Ok(None);
    }
    Ok(registry.find(namespace, name).await?.map(|stored| stored.object))
}

/// All objects of a namespace, or of the cluster when the namespace is empty; in the order of their names.
///
/// # Errors
/// 500 when the store fails.
pub(super) async fn list(
    api: &ApiServer,
    (group, resource): (&str, &str),
    namespace: &str,
) -> Result<Vec<Value>, Status> {
    let registry = registry(api, group, resource)?;
    let prefix = registry.prefix(namespace);
    let page = registry.store().range(Range::prefix(&prefix)).await.map_err(|error| status(&error))?;
    page.entries.iter().map(|entry| registry.read(entry).map(|stored| stored.object)).collect()
}
