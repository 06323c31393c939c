//! What the cells of Tables share: ages, container names and images.

use jiff::Timestamp;
use podsec_apimachinery::table;
use serde_json::Value;

use crate::object::{Fields, metadata};
use crate::strategy::{Column, ColumnType};

/// The cell of a field that is not set.
pub(crate) const NONE: &str = "<none>";

/// The column of names.
pub(crate) const NAME: Column = typed(
    "Name",
    ColumnType::Name,
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a \
     client to request the generation of an appropriate name automatically. Name is primarily intended for creation \
     idempotence and configuration definition. Cannot be updated. More info: \
     https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
);

/// The column of ages.
pub(crate) const AGE: Column = column("Age", CREATED);

/// What Kubernetes says of the time of creation.
pub(crate) const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was \
     created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this \
     value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More \
     info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The columns that `-o wide` adds to workloads.
pub(crate) const CONTAINERS: Column = wide("Containers", "Names of each container in the template.");
/// The images of those containers.
pub(crate) const IMAGES: Column = wide("Images", "Images referenced by each container in the template.");

/// A column of strings.
pub(crate) const fn column(name: &'static str, description: &'static str) -> Column {
    typed(name, ColumnType::String, description)
}

/// A column of numbers.
pub(crate) const fn integer(name: &'static str, description: &'static str) -> Column {
    typed(name, ColumnType::Integer, description)
}

/// A column of strings that only `-o wide` shows.
pub(crate) const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { name, column_type: ColumnType::String, description, priority: 1 }
}

/// A column of any type.
pub(crate) const fn typed(name: &'static str, column_type: ColumnType, description: &'static str) -> Column {
    Column { name, column_type, description, priority: 0 }
}

/// The object's name.
pub(crate) fn name(object: &Value) -> Value {
    metadata(object).text("name").into()
}

/// How long ago the object was created.
pub(crate) fn age(object: &Value, now: Timestamp) -> Value {
    since(metadata(object).text("creationTimestamp"), now).into()
}

/// How long ago a time in RFC 3339 was; `<unknown>` when it is none.
pub(crate) fn since(time: &str, now: Timestamp) -> String {
    table::age(time.parse().ok(), now)
}

/// Two counts: `1/2`.
pub(crate) fn of(part: i64, whole: i64) -> Value {
    format!("{part}/{whole}").into()
}

/// The text, or `<none>`.
pub(crate) fn or_none(text: &str) -> Value {
    if text.is_empty() { NONE.into() } else { text.into() }
}

/// The text, or `<unset>`.
pub(crate) fn or_unset(text: &str) -> Value {
    if text.is_empty() { "<unset>".into() } else { text.into() }
}

/// The names and the images of the containers of a pod template.
pub(crate) fn containers_and_images(template: &Value) -> [Value; 2] {
    let joined = |field: &str| -> Value {
        let texts: Vec<&str> =
            template.at("spec").list("containers").iter().map(|container| container.text(field)).collect();
        texts.join(",").into()
    };
    [joined("name"), joined("image")]
}
