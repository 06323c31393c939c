//! Kubernetes' built-in types as the patch engines see them.

use serde_json::{Map, Value};

use super::schema::{ListType, MapType, PatchStrategy, Scalar, Shape, TypeSchema};
use crate::schema::{self, ConvertError, Schema};

impl TypeSchema for Schema<'_> {
    fn converted(&self, tree: Value) -> Result<Value, ConvertError> {
        schema::convert(*self, &tree).map(|converted| converted.object)
    }

    fn shape(&self) -> Shape {
        match Schema::shape(*self) {
            schema::Shape::Boolean => Shape::Scalar(Scalar::Boolean),
            schema::Shape::Integer32 | schema::Shape::Integer64 | schema::Shape::Number => {
                Shape::Scalar(Scalar::Numeric)
            }
            schema::Shape::String | schema::Shape::Bytes | schema::Shape::Time | schema::Shape::MicroTime => {
                Shape::Scalar(Scalar::String)
            }
            schema::Shape::Quantity | schema::Shape::IntOrString => Shape::Scalar(Scalar::Any),
            schema::Shape::List(_) => Shape::List(match self.list_type() {
                Some(schema::ListType::Set) => ListType::Set,
                Some(schema::ListType::Map) => ListType::Map(self.list_map_keys().to_vec()),
                // What declares nothing, but merges under a strategic merge patch, merges here by the same key.
                None if self.patch_strategy().merge => match self.patch_merge_key() {
                    Some(key) => ListType::Map(vec![key.to_owned()]),
                    None => ListType::Set,
                },
                _ => ListType::Atomic,
            }),
            schema::Shape::Map(_) | schema::Shape::Struct(_) => Shape::Map(match self.map_type() {
                Some(schema::MapType::Atomic) => MapType::Atomic,
                _ => MapType::Granular,
            }),
            _ => Shape::Untyped,
        }
    }

    fn field(&self, name: &str) -> Option<Self> {
        match Schema::shape(*self) {
            schema::Shape::Any => Some(*self),
            _ => self.property(name),
        }
    }

    fn declares(&self, name: &str) -> bool {
        matches!(Schema::shape(*self), schema::Shape::Struct(fields) if fields.field(name).is_some())
    }

    fn element(&self) -> Option<Self> {
        match Schema::shape(*self) {
            schema::Shape::Any => Some(*self),
            _ => self.items(),
        }
    }

    fn key_default(&self, key: &str) -> Option<Value> {
        let schema::Shape::Struct(fields) = Schema::shape(*self) else { return None };
        // The published document leaves defaults out; these are the ones of list-map keys.
        match (fields.go_struct(), key) {
            ("ContainerPort" | "ServicePort", "protocol") => Some(Value::from("TCP")),
            ("LocalObjectReference", "name") | ("AllocatedDeviceStatus", "shareID") => Some(Value::from("")),
            // What is no pointer and always written has its zero value where it is left out.
            _ => fields.field(key).filter(|field| !field.absent_when_empty()).and_then(|field| {
                match field.shape() {
                    schema::Shape::String => Some(Value::from("")),
                    schema::Shape::Integer32 | schema::Shape::Integer64 => Some(Value::from(0)),
                    _ => None,
                }
            }),
        }
    }

    fn patch_strategy(&self) -> PatchStrategy {
        PatchStrategy {
            merge: Schema::patch_strategy(*self).merge,
            merge_key: self.patch_merge_key().map(str::to_owned),
        }
    }

    fn zero(&self) -> Option<Value> {
        let schema::Shape::Struct(fields) = Schema::shape(*self) else { return None };
        let mut zero = Map::new();
        for name in fields.always_written() {
            let field = fields.field(name).and_then(|field| TypeSchema::zero(&field));
            zero.insert((*name).to_owned(), field.unwrap_or(Value::Null));
        }
        zero.extend(fields.written_zeros().map(|(name, value)| (name.to_owned(), value)));
        Some(Value::Object(zero))
    }
}
