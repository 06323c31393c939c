//! Who owns which field: `metadata.managedFields`, kept at every write.

use podsec_apimachinery::codec::Kind;
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::patch::schema::Untyped;
use podsec_apimachinery::patch::{apply, schema};
use podsec_apimachinery::schema::catalog::{self, Resource};
use podsec_apimachinery::schema::{CustomType, Definitions, Schema};
use serde_json::Value;

use super::write::Write;
use crate::request::options::WriteOptions;

/// Brings the managed fields of `new` up to date before it takes the place of `live`; `None` is a create. Comes after
/// decoding and defaulting: what admission and the kind's own preparation set belongs to nobody.
pub(crate) fn update(write: &Write<'_>, options: &WriteOptions, live: Option<&Value>, new: &mut Value) {
    with_request(write, options, |request| {
        match (schema_of(write.registry.resource()), &write.behaviour().custom) {
            (Some(schema), _) => track(live, new, &schema, request),
            (None, Some(custom)) => track(live, new, &CustomType::Root(&custom.schema), request),
            (None, None) => track(live, new, &Untyped, request),
        }
    });
}

/// The managed fields of a new object of another kind than the resource's, as a subresource takes it.
pub(crate) fn created(write: &Write<'_>, options: &WriteOptions, kind: Kind<'_>, new: &mut Value) {
    let Some(schema) = Definitions::builtin().kind(kind.group, kind.version, kind.kind) else { return };
    let version = catalog::api_version(kind.group, kind.version);
    with_request(write, options, |request| {
        track(None, new, &schema, &Request { api_version: &version, ..*request });
    });
}

/// Applies `config` to `live`, server-side; `None` creates.
///
/// # Errors
/// What does not fit the kind, and conflicts with other owners.
pub(super) fn applied(
    write: &Write<'_>,
    options: &WriteOptions,
    live: Option<&Value>,
    config: &Value,
) -> Result<Value, apply::Error> {
    fn run<S: schema::TypeSchema>(
        write: &Write<'_>,
        options: &WriteOptions,
        live: Option<&Value>,
        config: &Value,
        schema: &S,
    ) -> Result<Value, apply::Error> {
        with_request(write, options, |request| {
            apply::apply(live, config, &write.registry.resource().kind, schema, request, options.force)
        })
    }
    match (schema_of(write.registry.resource()), &write.behaviour().custom) {
        (Some(schema), _) => run(write, options, live, config, &schema),
        (None, Some(custom)) => run(write, options, live, config, &CustomType::Root(&custom.schema)),
        (None, None) => run(write, options, live, config, &Untyped),
    }
}

/// The schema of the resource's kind; none for a kind that Kubernetes has not published.
pub(super) fn schema_of(resource: &Resource) -> Option<Schema<'static>> {
    Definitions::builtin().kind(&resource.group, &resource.version, &resource.kind)
}

fn with_request<T>(write: &Write<'_>, options: &WriteOptions, run: impl FnOnce(&Request<'_>) -> T) -> T {
    let subresource = write.request.info.subresource.as_str();
    let reset = match subresource {
        "" if write.registry.resource().subresource("status").is_some() => FieldSet::of(&[&["status"]]),
        "status" => {
            FieldSet::of(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        _ => FieldSet::default(),
    };
    run(&Request {
        manager: &options.field_manager,
        api_version: &write.registry.resource().api_version(),
        subresource,
        reset: &reset,
        now: write.request.received,
    })
}
