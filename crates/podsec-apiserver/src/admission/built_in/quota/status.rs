//! The quotas of a namespace, and what they say of themselves.

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::schema::Definitions;
use podsec_kinds::object::as_map;
use podsec_storage::{Precondition, Revision};
use serde_json::Value;

use crate::registry::{Registry, Resources, WriteError};

/// Stores another status of a quota that nobody has changed since it was read.
pub(super) async fn put_status(
    registry: &Registry,
    quota: &Value,
    status: Value,
    manager: &str,
) -> Result<Revision, WriteError> {
    let mut object = quota.clone();
    as_map(&mut object).insert("status".to_owned(), status);
    if let Some(schema) = Definitions::builtin().kind("", "v1", "ResourceQuota") {
        let reset = FieldSet::of(&[&["spec"]]);
        let now = Timestamp::now();
        let request = Request { manager, api_version: "v1", subresource: "status", reset: &reset, now };
        track(Some(quota), &mut object, &schema, &request);
    }
    let meta = Meta::of(quota);
    let revision = meta.resource_version().parse().map(Revision).unwrap_or_default();
    let (namespace, name) = (meta.namespace().to_owned(), meta.name().to_owned());
    registry.put(&namespace, &name, Precondition::Revision(revision), &mut object).await
}

/// All quotas of a namespace.
pub(super) async fn quotas(resources: &Resources, namespace: &str) -> Result<Vec<Value>, Status> {
    resources.list(("", "resourcequotas"), namespace).await
}

/// Where quotas are kept.
pub(super) fn registry(resources: &Resources) -> Result<Registry, Status> {
    resources.v1("", "resourcequotas")
}
