//! A custom kind as the patch engines see it.

use serde_json::Value;

use super::schema::{METADATA, Structural, TYPE_META, Type};
use crate::patch::schema::{ListType, MapType, PatchStrategy, Scalar, Shape, TypeSchema};
use crate::schema::{Definitions, Schema};

/// A place in the schema of a custom kind.
#[derive(Clone, Debug)]
pub enum CustomType<'a> {
    /// The object itself.
    Root(&'a Structural),
    /// A place that the schema declares.
    Declared(&'a Structural),
    /// The metadata, which all kinds share.
    Metadata(Schema<'a>),
    /// `apiVersion` and `kind`.
    Text,
    /// A place inside of what is kept whole.
    Unknown,
}

impl<'a> CustomType<'a> {
    fn schema(&self) -> Option<&'a Structural> {
        match self {
            Self::Root(schema) | Self::Declared(schema) => Some(schema),
            _ => None,
        }
    }
}

impl TypeSchema for CustomType<'_> {
    fn shape(&self) -> Shape {
        let schema = match self {
            Self::Metadata(schema) => return TypeSchema::shape(schema),
            Self::Text => return Shape::Scalar(Scalar::String),
            Self::Unknown => return Shape::Untyped,
            Self::Root(schema) | Self::Declared(schema) => *schema,
        };
        if schema.int_or_string {
            return Shape::Scalar(Scalar::Any);
        }
        match schema.kind {
            Some(Type::Array) => Shape::List(schema.list_type.clone().unwrap_or(ListType::Atomic)),
            Some(Type::Object) => Shape::Map(schema.map_type.unwrap_or(MapType::Granular)),
            Some(Type::String) => Shape::Scalar(Scalar::String),
            Some(Type::Integer | Type::Number) => Shape::Scalar(Scalar::Numeric),
            Some(Type::Boolean) => Shape::Scalar(Scalar::Boolean),
            None => Shape::Untyped,
        }
    }

    fn field(&self, name: &str) -> Option<Self> {
        let schema = match self {
            Self::Metadata(schema) => return TypeSchema::field(schema, name).map(Self::Metadata),
            Self::Unknown => return Some(Self::Unknown),
            Self::Text => return None,
            Self::Root(schema) | Self::Declared(schema) => *schema,
        };
        if schema.is_resource(matches!(self, Self::Root(_))) {
            if TYPE_META.contains(&name) {
                return Some(Self::Text);
            }
            if name == METADATA {
                return Some(Definitions::builtin().named(OBJECT_META).map_or(Self::Unknown, Self::Metadata));
            }
        }
        match schema.value_of(name) {
            Some(schema) => Some(Self::Declared(schema)),
            None if schema.preserves_unknown || schema.kind.is_none() => Some(Self::Unknown),
            None => None,
        }
    }

    fn declares(&self, name: &str) -> bool {
        match self {
            Self::Metadata(schema) => schema.declares(name),
            Self::Text | Self::Unknown => false,
            Self::Root(schema) | Self::Declared(schema) => {
                let root = matches!(self, Self::Root(_));
                schema.properties.contains_key(name)
                    || (schema.is_resource(root) && (name == METADATA || TYPE_META.contains(&name)))
            }
        }
    }

    fn element(&self) -> Option<Self> {
        match self {
            Self::Metadata(schema) => TypeSchema::element(schema).map(Self::Metadata),
            Self::Unknown => Some(Self::Unknown),
            _ => self.schema()?.items.as_deref().map(Self::Declared),
        }
    }

    fn key_default(&self, key: &str) -> Option<Value> {
        match self {
            Self::Metadata(schema) => schema.key_default(key),
            _ => self.schema()?.properties.get(key)?.default.clone(),
        }
    }

    fn patch_strategy(&self) -> PatchStrategy {
        // A strategic merge patch of a custom object is refused.
        PatchStrategy::default()
    }
}

/// The definition of the metadata of every object.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
