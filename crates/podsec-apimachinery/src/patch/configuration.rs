//! A configuration merged into an object as a server-side apply merges it, without owners: what a
//! MutatingAdmissionPolicy does.

use serde_json::Value;

use super::field_set::{FieldPath, PathElement};
use super::schema::{ListType, MapType, Shape, TypeSchema};
use super::typed;
use crate::schema::ConvertError;

/// Why a configuration cannot be merged, in Kubernetes' words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not fit the kind.
    #[error("failed to convert patch object to typed object: {0}")]
    Misfit(String),
    /// It sets parts of what can only be replaced as a whole, at these places.
    #[error("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {0}")]
    Atomic(String),
    /// The result is no object of the kind.
    #[error("failed to convert typed object to object: {0}")]
    Unconvertible(#[from] ConvertError),
}

/// Merges `config` into `object`.
///
/// # Errors
/// See [`Error`].
pub fn merge<S: TypeSchema>(object: &Value, config: &Value, schema: &S) -> Result<Value, Error> {
    typed::validate(config, schema).map_err(Error::Misfit)?;
    let mut found = Vec::new();
    atomics(config, schema, &FieldPath::default(), &mut found);
    if !found.is_empty() {
        return Err(Error::Atomic(found.join(", ")));
    }
    Ok(schema.converted(typed::merge(object, config, schema))?)
}

/// The places in a value that can only be replaced as a whole.
fn atomics<S: TypeSchema>(value: &Value, schema: &S, path: &FieldPath, found: &mut Vec<String>) {
    match (schema.shape(), value) {
        (Shape::Map(relation), Value::Object(fields)) => {
            if relation == MapType::Atomic {
                found.push(path.to_string());
            }
            for (name, value) in fields {
                if schema.declares(name)
                    && let Some(field) = schema.field(name)
                {
                    atomics(value, &field, &path.child(PathElement::field(name)), found);
                }
            }
        }
        (Shape::List(relation), Value::Array(items)) => {
            if relation == ListType::Atomic {
                found.push(path.to_string());
            }
            if let Some(element) = schema.element() {
                for (index, item) in items.iter().enumerate() {
                    atomics(item, &element, &path.child(PathElement::Index(index)), found);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;

    fn merged(config: &Value) -> Result<Value, String> {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "c", "image": "i", "env": [{"name": "X", "value": "1"}]}]
        }});
        let schema = Definitions::builtin().kind("", "v1", "Pod").unwrap();
        merge(&pod, config, &schema).map_err(|error| error.to_string())
    }

    #[test]
    fn elements_merge_by_their_keys() {
        let config = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"name": "c", "env": [{"name": "ADDED", "value": "1"}]}]
        }});
        let merged = merged(&config).unwrap();
        let container = &merged["spec"]["containers"][0];
        assert_eq!(container["image"], "i");
        let names: Vec<&Value> =
            container["env"].as_array().unwrap().iter().map(|variable| &variable["name"]).collect();
        assert_eq!(names, ["X", "ADDED"]);
    }

    #[test]
    fn what_does_not_fit_or_is_atomic_is_refused() {
        let with = |field: &str, value: Value| merged(&json!({"spec": {field: value}})).unwrap_err();
        assert_eq!(
            with("x", json!(1)),
            "failed to convert patch object to typed object: .spec.x: field not declared in schema"
        );
        assert_eq!(
            with("containers", json!([{"name": "c", "args": ["a"]}])),
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args"
        );
    }
}
