//! Resources without a behaviour of their own: no defaults, no rules but those of metadata.

use podsec_apimachinery::field::Path;
use podsec_apimachinery::meta::{Scope, validate as validate_metadata};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::object::{Fields, FieldsMut, metadata, same};
use crate::printing;
use crate::strategy::{ColumnType, DeletionAnswer, GarbageCollection, Strategy, Subresource};
use crate::{metadata as meta, workload};

/// What most resources have in common.
pub(crate) const BASE: Strategy = Strategy {
    group: "",
    resource: "",
    deprecation: None,
    default: |_| {},
    prepare_for_create: |_| {},
    prepare_for_update: workload::keep_generation,
    validate,
    validate_update: meta::validate_update,
    warnings_on_preparation: |_| Vec::new(),
    warnings_on_create: |_| Vec::new(),
    warnings_on_update: |_, _| Vec::new(),
    warnings_on_status_update: |_, _| Vec::new(),
    subresources: &[],
    scale: false,
    columns: &[printing::NAME, printing::typed("Created At", ColumnType::Date, printing::CREATED)],
    cells: |object, _| vec![printing::name(object), metadata(object).at("creationTimestamp").clone()],
    selectable_fields: &[],
    prepare_for_delete: |_, _| {},
    forbid_delete: |_| None,
    check_graceful_delete: None,
    deletion_answer: DeletionAnswer::Status,
    default_garbage_collection: GarbageCollection::Background,
    allow_create_on_update: false,
    allow_unconditional_update: true,
};

/// A built-in resource that has no file here and no status.
pub(crate) static STRATEGY: Strategy = BASE;

/// A built-in resource that has no file here, and a status that only its own door lets through.
pub(crate) static WITH_STATUS: Strategy = Strategy {
    prepare_for_create: |object| {
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
    },
    prepare_for_update: |object, old| {
        workload::keep_status(object, old);
        workload::keep_generation(object, old);
    },
    subresources: &[STATUS],
    ..BASE
};

/// The same with a generation that counts changes.
pub(crate) static WITH_GENERATION: Strategy = Strategy {
    prepare_for_create: without_status_first_generation,
    prepare_for_update: keep_status_count_generation,
    subresources: &[STATUS],
    ..BASE
};

/// Objects of a CustomResourceDefinition, whose version may have a status subresource or not.
pub fn custom_resource(status_subresource: bool) -> &'static Strategy {
    static PLAIN: Strategy = Strategy {
        prepare_for_create: workload::start_generation,
        prepare_for_update: count_content,
        validate: validate_custom,
        allow_unconditional_update: false,
        columns: &[printing::NAME],
        cells: |object, _| vec![printing::name(object)],
        ..BASE
    };
    static WITH_STATUS_SUBRESOURCE: Strategy = Strategy {
        prepare_for_create: without_status_first_generation,
        prepare_for_update: keep_status_count_generation,
        subresources: &[STATUS],
        validate: validate_custom,
        allow_unconditional_update: false,
        columns: &[printing::NAME],
        cells: |object, _| vec![printing::name(object)],
        ..BASE
    };
    if status_subresource { &WITH_STATUS_SUBRESOURCE } else { &PLAIN }
}

pub(crate) fn without_status_first_generation(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    workload::start_generation(object);
}

/// Counts changes of anything but metadata and status.
pub(crate) fn count_content(object: &mut Value, old: &Value) {
    workload::count_generation(object, old, content_changed(object, old));
}

/// Counts changes of the spec, for kinds that start without a generation.
pub(crate) fn count_spec(object: &mut Value, old: &Value) {
    if same(object.at("spec"), old.at("spec")) {
        workload::keep_generation(object, old);
    } else {
        workload::count_generation(object, old, true);
    }
}

/// What most writes of a status do: metadata stays but for its version and managed fields, as do `fields`.
pub(crate) fn metadata_of_stored(object: &mut Value, old: &Value, fields: &[&str]) {
    let Some(object) = object.as_object_mut() else { return };
    for field in fields {
        object.copy(field, old);
    }
    if let Some(kept) = object.ensure("metadata") {
        for field in
            ["deletionTimestamp", "generation", "labels", "annotations", "finalizers", "ownerReferences"]
        {
            kept.copy(field, metadata(old));
        }
    }
}

pub(crate) fn keep_status_count_generation(object: &mut Value, old: &Value) {
    workload::keep_status(object, old);
    count_content(object, old);
}

pub(crate) const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: |object, old| {
        let status = object.at("status").clone();
        let metadata = metadata(object).clone();
        *object = old.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.insert("metadata".to_owned(), metadata);
            fields.insert("status".to_owned(), status);
        }
        workload::keep_generation(object, old);
    },
    validate_update: meta::validate_update,
};

/// Whether anything but metadata and status differs.
fn content_changed(object: &Value, old: &Value) -> bool {
    let content = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        fields.remove("metadata");
        fields.remove("status");
        Value::Object(fields)
    };
    !same(&content(object), &content(old))
}

fn validate(object: &Value) -> Vec<podsec_apimachinery::field::Error> {
    let namespaced = metadata(object).has("namespace");
    meta::validate(object, namespaced, NameRule::PathSegment)
}

/// The finalizers of a custom object may have any name.
fn validate_custom(object: &Value) -> Vec<podsec_apimachinery::field::Error> {
    let scope = if metadata(object).has("namespace") { Scope::Namespaced } else { Scope::Cluster };
    validate_metadata(object, scope, NameRule::Dns1123Subdomain, &Path::new("metadata"))
}
