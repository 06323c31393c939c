//! What a write is about, as plugins ask and as refusals say.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use crate::verbs::Operation;

/// Whether a write is about this resource and subresource.
pub(super) fn is_about(operation: &Operation<'_>, group: &str, resource: &str, subresource: &str) -> bool {
    operation.resource.group == group
        && operation.resource.resource == resource
        && operation.request.info.subresource == subresource
}

/// 403 for an object, by its name or by what its name will begin with.
pub(super) fn forbid(operation: &Operation<'_>, object: &Value, why: &str) -> Status {
    let meta = Meta::of(object);
    let name = [operation.name(), meta.name(), meta.generate_name(), "Unknown"];
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    Status::forbidden(operation.group_resource(), name, why)
}
