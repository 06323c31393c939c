//! Request and response bodies as events carry them.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json;
use crate::object_reference::ObjectReference;

/// A body as it is kept: JSON text.
pub(crate) type Body = Box<RawValue>;

/// Anything that has a JSON form.
pub(crate) fn of(value: &impl Serialize) -> Option<Body> {
    let text = String::from_utf8(json::to_vec(value).ok()?).ok()?;
    RawValue::from_string(text).ok()
}

/// An object, list or Table.
pub(crate) fn of_value(object: &Value, omit_managed_fields: bool) -> Option<Body> {
    if !omit_managed_fields || !has_managed_fields(object) {
        return of(object);
    }
    let mut object = object.clone();
    remove_managed_fields(&mut object);
    of(&object)
}

/// Kubernetes records delete options in its internal version.
pub(crate) fn of_delete_options(options: &Value) -> Option<Body> {
    let mut internal = Map::new();
    if let Value::Object(fields) = options {
        internal.clone_from(fields);
    }
    internal.insert("kind".to_owned(), "DeleteOptions".into());
    internal.insert("apiVersion".to_owned(), "meta.k8s.io/__internal".into());
    of(&internal)
}

/// A patch as it came when it is JSON. Kubernetes loses the whole event when it is not; here YAML becomes JSON and
/// everything else a JSON string.
pub(crate) fn of_patch(patch: &[u8]) -> Option<Body> {
    if let Ok(raw) = json::compact(patch) {
        return Some(raw);
    }
    let text = String::from_utf8_lossy(patch);
    match podsec_yaml::to_json(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => of(&value),
        _ => of(&text),
    }
}

/// Fills what the path did not say about the object from what its body says.
pub(crate) fn complete_reference(reference: &mut ObjectReference, object: &Value) {
    let metadata = object.get("metadata");
    let stated = |field: &str| metadata.and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
    for (known, field) in [
        (&mut reference.namespace, "namespace"),
        (&mut reference.name, "name"),
        (&mut reference.uid, "uid"),
        (&mut reference.resource_version, "resourceVersion"),
    ] {
        if known.is_empty()
            && let Some(stated) = stated(field)
        {
            stated.clone_into(known);
        }
    }
}

/// The objects in which managed fields may be: the object itself, the items of a list, the objects of a Table.
fn has_managed_fields(object: &Value) -> bool {
    let has = |object: &Value| object.pointer("/metadata/managedFields").is_some();
    let any = |list: &str, has: &dyn Fn(&Value) -> bool| {
        object.get(list).and_then(Value::as_array).is_some_and(|items| items.iter().any(has))
    };
    has(object) || any("items", &has) || any("rows", &|row| row.get("object").is_some_and(has))
}

fn remove_managed_fields(object: &mut Value) {
    fn remove(object: &mut Value) {
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.remove("managedFields");
        }
    }
    remove(object);
    if let Some(Value::Array(items)) = object.get_mut("items") {
        items.iter_mut().for_each(remove);
    }
    if let Some(Value::Array(rows)) = object.get_mut("rows") {
        rows.iter_mut().filter_map(|row| row.get_mut("object")).for_each(remove);
    }
}
