//! A structural schema as a type.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::patch::schema::{ListType, MapType};

use super::pattern::Pattern;

/// A schema, or a part of one: every object and list in it says what it holds
/// (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>).
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the schema itself")]
pub struct Structural {
    pub(super) kind: Option<Type>,
    pub(super) nullable: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub(super) preserves_unknown: bool,
    /// `x-kubernetes-embedded-resource`: an object with a kind, an apiVersion and metadata of its own.
    pub(super) embedded: bool,
    /// `x-kubernetes-int-or-string`.
    pub(super) int_or_string: bool,
    pub(super) properties: BTreeMap<String, Structural>,
    /// The values of a map; whatever they are when the schema says `additionalProperties: true`.
    pub(super) values: Option<Box<Structural>>,
    pub(super) items: Option<Box<Structural>>,
    pub(super) default: Option<Value>,
    pub(super) list_type: Option<ListType>,
    pub(super) map_type: Option<MapType>,
    pub(super) rules: Rules,
}

impl Structural {
    /// The values of a map whose keys are free.
    pub(super) fn value_of(&self, key: &str) -> Option<&Self> {
        self.properties.get(key).or(self.values.as_deref())
    }

    /// Whether a value of it is a whole Kubernetes object; `root` says that the schema is that of the kind itself.
    pub(super) fn is_resource(&self, root: bool) -> bool {
        root || self.embedded
    }
}

/// `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    String,
}

impl Type {
    pub(super) const ALL: [Self; 6] =
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Object, Self::String];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

/// What a value must keep beyond its type.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) required: Vec<String>,
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) format: Option<String>,
    pub(super) pattern: Option<Pattern>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    pub(super) multiple_of: Option<Number>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) all_of: Vec<Structural>,
    pub(super) any_of: Vec<Structural>,
    pub(super) one_of: Vec<Structural>,
    pub(super) not: Option<Box<Structural>>,
}

/// `minimum` or `maximum`.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) number: Number,
    pub(super) exclusive: bool,
}

/// The fields that every Kubernetes object has, and that no schema needs to declare.
pub(super) const TYPE_META: [&str; 2] = ["apiVersion", "kind"];
pub(super) const METADATA: &str = "metadata";

/// `spec` under nothing, `spec.list` under `spec`.
pub(in crate::schema::structural) fn below(place: &str, field: &str) -> String {
    if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") }
}
