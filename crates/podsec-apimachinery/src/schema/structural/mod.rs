//! Structural schemas: what a CustomResourceDefinition says about the objects of one of its versions.
//!
//! ```text
//! openAPIV3Schema ─► parse ─► Structural ─► prune, fill_defaults, validate, CustomType (server-side apply)
//! ```

mod defaults;
mod parse;
mod pattern;
mod prune;
mod types;
mod validate;

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::patch::schema::{ListType, MapType};

use pattern::Pattern;

pub use defaults::TooManyDefaults;
pub use pattern::{Patterns, compile as compile_pattern};
pub use types::CustomType;

/// A schema, or a part of one: every object and list in it says what it holds
/// (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>).
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the schema itself")]
pub struct Structural {
    kind: Option<Type>,
    nullable: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    preserves_unknown: bool,
    /// `x-kubernetes-embedded-resource`: an object with a kind, an apiVersion and metadata of its own.
    embedded: bool,
    /// `x-kubernetes-int-or-string`.
    int_or_string: bool,
    properties: BTreeMap<String, Structural>,
    /// The values of a map; whatever they are when the schema says `additionalProperties: true`.
    values: Option<Box<Structural>>,
    items: Option<Box<Structural>>,
    default: Option<Value>,
    list_type: Option<ListType>,
    map_type: Option<MapType>,
    rules: Rules,
}

impl Structural {
    /// The values of a map whose keys are free.
    fn value_of(&self, key: &str) -> Option<&Self> {
        self.properties.get(key).or(self.values.as_deref())
    }

    /// Whether a value of it is a whole Kubernetes object; `root` says that the schema is that of the kind itself.
    fn is_resource(&self, root: bool) -> bool {
        root || self.embedded
    }
}

/// `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    String,
}

impl Type {
    const ALL: [Self; 6] =
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Object, Self::String];

    fn name(self) -> &'static str {
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
struct Rules {
    required: Vec<String>,
    allowed: Option<Vec<Value>>,
    format: Option<String>,
    pattern: Option<Pattern>,
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    multiple_of: Option<Number>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    all_of: Vec<Structural>,
    any_of: Vec<Structural>,
    one_of: Vec<Structural>,
    not: Option<Box<Structural>>,
}

/// `minimum` or `maximum`.
#[derive(Clone, Debug)]
struct Bound {
    number: Number,
    exclusive: bool,
}

/// The fields that every Kubernetes object has, and that no schema needs to declare.
const TYPE_META: [&str; 2] = ["apiVersion", "kind"];
const METADATA: &str = "metadata";

/// `spec` under nothing, `spec.list` under `spec`.
fn below(place: &str, field: &str) -> String {
    if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") }
}
