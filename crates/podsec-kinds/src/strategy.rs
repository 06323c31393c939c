//! What a kind may decide for itself when it is created, updated, shown, selected and deleted.

use jiff::Timestamp;
use podsec_apimachinery::field;
use serde_json::Value;

/// The behaviour of one resource, after kube-apiserver's `rest.RESTCreateStrategy` and its siblings.
///
/// All functions take whole objects, never panic on any JSON, and read an absent or `null` field as its zero
/// value, as Go does. They expect objects that the schema has decoded; what has the wrong type they ignore.
pub struct Strategy {
    /// The API group; empty for core.
    pub group: &'static str,
    /// The plural resource.
    pub resource: &'static str,
    /// What every request for a deprecated resource is warned with.
    pub deprecation: Option<&'static str>,
    /// Fills absent fields of a decoded object, as the versioned defaults of the API do. Idempotent.
    pub default: fn(&mut Value),
    /// Resets what a client may not set on create: status, generation, generated selectors. Name, namespace
    /// and uid are set before.
    pub prepare_for_create: fn(&mut Value),
    /// Brings a new object in line with the stored one: keeps the status, counts the generation.
    pub prepare_for_update: fn(&mut Value, &Value),
    /// What is wrong with a new object, metadata included.
    pub validate: fn(&Value) -> Vec<field::Error>,
    /// What is wrong with a change to the stored object (the second argument), metadata included.
    pub validate_update: fn(&Value, &Value) -> Vec<field::Error>,
    /// What a client is told about a new object before anybody looks whether it is valid, as `Warning` texts.
    pub warnings_on_preparation: fn(&Value) -> Vec<String>,
    /// What a client should be told about a new object that is accepted, as `Warning` texts.
    pub warnings_on_create: fn(&Value) -> Vec<String>,
    /// The same for a change to the stored object (the second argument).
    pub warnings_on_update: fn(&Value, &Value) -> Vec<String>,
    /// The same for a change through `status`. The other subresources warn of nothing.
    pub warnings_on_status_update: fn(&Value, &Value) -> Vec<String>,
    /// The subresources that are the same object written through another door, `status` among them.
    pub subresources: &'static [Subresource],
    /// Whether the resource has the `scale` subresource; see [`crate::scale`].
    pub scale: bool,
    /// The columns of its Table.
    pub columns: &'static [Column],
    /// The cells of one row at a time, one for each column.
    pub cells: fn(&Value, Timestamp) -> Vec<Value>,
    /// The fields that a field selector may name besides `metadata.name` and `metadata.namespace`.
    pub selectable_fields: &'static [SelectableField],
    /// Notes on an object that is to be deleted what must happen before, at the first DELETE.
    pub prepare_for_delete: fn(&mut Value, Timestamp),
    /// Why an object may not be deleted, as the reason of a 403.
    pub forbid_delete: fn(&Value) -> Option<&'static str>,
    /// How many seconds an object stays after DELETE, from what the client asked for; `None` for kinds that
    /// go at once.
    pub check_graceful_delete: Option<fn(&Value, Option<i64>) -> i64>,
    /// What DELETE answers with once the object is gone.
    pub deletion_answer: DeletionAnswer,
    /// What happens to dependents when the client does not say.
    pub default_garbage_collection: GarbageCollection,
    /// Whether PUT creates an absent object instead of answering 404.
    pub allow_create_on_update: bool,
    /// Whether PUT without a resourceVersion replaces whatever is stored.
    pub allow_unconditional_update: bool,
}

impl Strategy {
    /// The value of a field that a field selector names; `None` when the label is not supported.
    pub fn field(&self, object: &Value, label: &str) -> Option<String> {
        match label {
            "metadata.name" | "metadata.namespace" => Some(at_path(object, label)),
            _ => self
                .selectable_fields
                .iter()
                .find(|field| field.label == label)
                .map(|field| (field.value)(object, label)),
        }
    }

    /// The subresource called `name`, when writing it is writing the object.
    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

/// A subresource through which a part of the object is written.
pub struct Subresource {
    /// Its name in the URL.
    pub name: &'static str,
    /// Takes from the new object the part that this door lets through, and the rest from the stored one.
    pub prepare_for_update: fn(&mut Value, &Value),
    /// What is wrong with the change to the stored object (the second argument).
    pub validate_update: fn(&Value, &Value) -> Vec<field::Error>,
}

/// One column of a Table, as `metav1.TableColumnDefinition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The header.
    pub name: &'static str,
    /// The OpenAPI type of the cells.
    pub column_type: ColumnType,
    /// What the column says.
    pub description: &'static str,
    /// 0 is always shown, 1 only by `-o wide`.
    pub priority: u8,
}

/// The type of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// The object's name: a string of format `name`.
    Name,
    /// A string.
    String,
    /// A number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A time in RFC 3339.
    Date,
}

impl ColumnType {
    /// The `type` of the column definition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name | Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }

    /// The `format` of the column definition.
    pub fn format(self) -> &'static str {
        if self == Self::Name { "name" } else { "" }
    }
}

/// A field that a field selector may name.
pub struct SelectableField {
    /// The name in the selector, as in `spec.nodeName`.
    pub label: &'static str,
    /// The value compared with the selector's.
    pub value: fn(&Value, &str) -> String,
}

impl SelectableField {
    /// A field whose label is its path.
    pub(crate) const fn path(label: &'static str) -> Self {
        Self { label, value: at_path }
    }
}

/// The body of a successful DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionAnswer {
    /// The last state of the object.
    Object,
    /// A `Status` that names the object.
    Status,
}

/// What happens to the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageCollection {
    /// They are deleted after it.
    Background,
    /// They stay without an owner.
    Orphan,
}

fn at_path(object: &Value, path: &str) -> String {
    let mut value = object;
    for field in path.split('.') {
        match value.get(field) {
            Some(inner) => value = inner,
            None => return String::new(),
        }
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}
