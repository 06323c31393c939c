//! Who owns which field: `metadata.managedFields`, kept at every write.

use podsec_apimachinery::codec::Kind;
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::patch::schema::Untyped;
use podsec_apimachinery::patch::{apply, schema};
use podsec_apimachinery::schema::{CustomType, Definitions, Schema, catalog};
use serde_json::Value;

use super::Operation;
use crate::request::options::WriteOptions;

/// Brings the managed fields of `new` up to date before it takes the place of `live`; `None` is a create. Comes after
/// decoding and defaulting: what admission and the kind's own preparation set belongs to nobody.
pub(crate) fn update(
    operation: &Operation<'_>,
    options: &WriteOptions,
    live: Option<&Value>,
    new: &mut Value,
) {
    with_request(operation, options, |request| match (schema_of(operation), &operation.behaviour.custom) {
        (Some(schema), _) => track(live, new, &schema, request),
        (None, Some(custom)) => track(live, new, &CustomType::Root(&custom.schema), request),
        (None, None) => track(live, new, &Untyped, request),
    });
}

/// The managed fields of a new object of another kind than the resource's, as a subresource takes it.
pub(crate) fn created(operation: &Operation<'_>, options: &WriteOptions, kind: Kind<'_>, new: &mut Value) {
    let Some(schema) = Definitions::builtin().kind(kind.group, kind.version, kind.kind) else { return };
    let version = catalog::api_version(kind.group, kind.version);
    with_request(operation, options, |request| {
        track(None, new, &schema, &Request { api_version: &version, ..*request });
    });
}

/// Applies `config` to `live`, server-side; `None` creates.
///
/// # Errors
/// What does not fit the kind, and conflicts with other owners.
pub(super) fn applied(
    operation: &Operation<'_>,
    options: &WriteOptions,
    live: Option<&Value>,
    config: &Value,
) -> Result<Value, apply::Error> {
    fn run<S: schema::TypeSchema>(
        operation: &Operation<'_>,
        options: &WriteOptions,
        live: Option<&Value>,
        config: &Value,
        schema: &S,
    ) -> Result<Value, apply::Error> {
        with_request(operation, options, |request| {
            apply::apply(live, config, &operation.resource.kind, schema, request, options.force)
        })
    }
    match (schema_of(operation), &operation.behaviour.custom) {
        (Some(schema), _) => run(operation, options, live, config, &schema),
        (None, Some(custom)) => run(operation, options, live, config, &CustomType::Root(&custom.schema)),
        (None, None) => run(operation, options, live, config, &Untyped),
    }
}

/// The schema of the resource's kind; none for a kind that Kubernetes has not published.
pub(super) fn schema_of(operation: &Operation<'_>) -> Option<Schema<'static>> {
    let resource = &operation.resource;
    Definitions::builtin().kind(&resource.group, &resource.version, &resource.kind)
}

fn with_request<T>(
    operation: &Operation<'_>,
    options: &WriteOptions,
    run: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let subresource = operation.request.info.subresource.as_str();
    let reset = match subresource {
        "" if operation.resource.subresource("status").is_some() => FieldSet::of(&[&["status"]]),
        "status" => {
            FieldSet::of(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        _ => FieldSet::default(),
    };
    run(&Request {
        manager: &options.field_manager,
        api_version: &operation.resource.api_version(),
        subresource,
        reset: &reset,
        now: operation.request.received,
    })
}
