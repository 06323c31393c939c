//! Resources without a behaviour of their own: no defaults, no rules but those of metadata.

use jiff::Timestamp;
use serde_json::Value;

use super::strategy::{Column, ColumnType, DeletionAnswer, GarbageCollection, Strategy, Subresource};

/// A built-in resource that has no file here.
pub(super) static STRATEGY: Strategy = Strategy {
    group: "",
    resource: "",
    default: |_| {},
    admit: |_, _, _| Ok(()),
    prepare_for_create: |_| {},
    prepare_for_update: |_, _| {},
    validate: |_| Vec::new(),
    validate_update: |_, _| Vec::new(),
    warnings_on_create: |_| Vec::new(),
    warnings_on_update: |_, _| Vec::new(),
    subresources: &[STATUS],
    scale: false,
    columns: COLUMNS,
    cells,
    selectable_fields: &[],
    check_graceful_delete: None,
    deletion_answer: DeletionAnswer::Status,
    default_garbage_collection: GarbageCollection::Background,
    allow_create_on_update: false,
    allow_unconditional_update: true,
};

/// Objects of a CustomResourceDefinition.
pub fn custom_resource() -> &'static Strategy {
    &STRATEGY
}

const STATUS: Subresource =
    Subresource { name: "status", prepare_for_update: |_, _| {}, validate_update: |_, _| Vec::new() };

const COLUMNS: &[Column] = &[
    Column {
        name: "Name",
        column_type: ColumnType::Name,
        description: "Unique within its namespace.",
        priority: 0,
    },
    Column {
        name: "Created At",
        column_type: ColumnType::Date,
        description: "When the server created the object.",
        priority: 0,
    },
];

fn cells(object: &Value, _now: Timestamp) -> Vec<Value> {
    let metadata = |field: &str| object.get("metadata").and_then(|metadata| metadata.get(field)).cloned();
    vec![metadata("name").unwrap_or_default(), metadata("creationTimestamp").unwrap_or_default()]
}
