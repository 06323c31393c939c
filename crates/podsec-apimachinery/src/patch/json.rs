//! JSON patch, RFC 6902, with the limits and the liberties of the library kube-apiserver uses (evanphx/json-patch).
//!
//! Beyond the RFC that library
//! - counts negative indices from the end (`/spec/containers/-1`; for `add`, `-1` appends) and reads `+1` and `01`;
//! - takes an absent field of a map for null: `replace` adds it, `test` finds it null, `copy` copies null;
//! - ignores what stands before the first slash of a path, and takes `~` as it is where no escape follows;
//! - lets only `replace` and `test` name the whole document.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::Value;

use super::Error;
use super::merge::json_type;

/// How many operations a patch may have.
pub const MAX_OPERATIONS: usize = 10_000;

/// How many bytes the `copy` operations of one patch may write in total.
pub const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// Applies `patch` to `object`, all of it or nothing.
///
/// # Errors
/// [`Error::Malformed`] when the patch is no list of operations, [`Error::TooLarge`] past [`MAX_OPERATIONS`],
/// [`Error::Inapplicable`] when an operation fails.
pub fn apply(mut object: Value, patch: Value) -> Result<Value, Error> {
    let operations = match patch {
        Value::Array(operations) => operations,
        // As in Go, null decodes into an empty list.
        Value::Null => Vec::new(),
        other => return Err(undecodable(&other, "[]handlers.jsonPatchOp")),
    };
    if let Some(other) = operations.iter().find(|operation| !operation.is_object() && !operation.is_null()) {
        return Err(undecodable(other, "handlers.jsonPatchOp"));
    }
    if operations.len() > MAX_OPERATIONS {
        let got = operations.len();
        return Err(Error::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {got}"
        )));
    }
    let mut copied = 0;
    for operation in &operations {
        step(&mut object, operation, &mut copied)?;
    }
    Ok(object)
}

fn step(object: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), Error> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    let name = text("op").unwrap_or_default();
    let path = text("path").ok_or_else(|| failed(name, "missing path"))?;
    let resolved = match name {
        "replace" if path.is_empty() => return replace_whole(object, value()),
        "test" if path.is_empty() => {
            PatchOperation::Test(TestOperation { path: PointerBuf::new(), value: value() })
        }
        "add" => PatchOperation::Add(AddOperation { path: landing(object, path, name)?, value: value() }),
        "remove" => PatchOperation::Remove(RemoveOperation { path: existing(object, path, name)? }),
        "replace" => {
            let path = existing(object, path, name)?;
            if object.pointer(path.as_str()).is_some() {
                PatchOperation::Replace(ReplaceOperation { path, value: value() })
            } else {
                PatchOperation::Add(AddOperation { path, value: value() })
            }
        }
        "test" => {
            let path = existing(object, path, name)?;
            if object.pointer(path.as_str()).is_none() && value().is_null() {
                return Ok(());
            }
            PatchOperation::Test(TestOperation { path, value: value() })
        }
        "move" => {
            let from = existing(object, text("from").ok_or_else(|| failed(name, "missing from"))?, name)?;
            let value =
                object.pointer(from.as_str()).cloned().ok_or_else(|| failed(name, "nothing to move"))?;
            let remove = PatchOperation::Remove(RemoveOperation { path: from });
            json_patch::patch_unsafe(object, &[remove]).map_err(|why| failed(name, &why.to_string()))?;
            // Where it lands is counted after it is gone.
            PatchOperation::Add(AddOperation { path: landing(object, path, name)?, value })
        }
        "copy" => {
            let from = existing(object, text("from").ok_or_else(|| failed(name, "missing from"))?, name)?;
            let value = object.pointer(from.as_str()).cloned().unwrap_or(Value::Null);
            *copied += value.to_string().len();
            if *copied > MAX_COPIED_BYTES {
                return Err(Error::Inapplicable(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, \
                     exceeding the limit {MAX_COPIED_BYTES}"
                )));
            }
            PatchOperation::Add(AddOperation { path: landing(object, path, name)?, value })
        }
        other => return Err(Error::Inapplicable(format!("Unexpected kind: {other}"))),
    };
    json_patch::patch_unsafe(object, &[resolved]).map_err(|why| failed(name, &why.to_string()))
}

fn replace_whole(object: &mut Value, value: Value) -> Result<(), Error> {
    if !value.is_object() && !value.is_array() {
        return Err(failed("replace", "value must be object or array"));
    }
    *object = value;
    Ok(())
}

/// Whether a pointer must lead to something, or may lead one past the end of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Existing,
    Insert,
}

fn existing(object: &Value, path: &str, operation: &str) -> Result<PointerBuf, Error> {
    target(object, path, Reach::Existing).map_err(|why| failed(operation, &why))
}

fn landing(object: &Value, path: &str, operation: &str) -> Result<PointerBuf, Error> {
    target(object, path, Reach::Insert).map_err(|why| failed(operation, &why))
}

/// `path` with its list indices counted from the start. Everything above its last step exists.
fn target(object: &Value, path: &str, reach: Reach) -> Result<PointerBuf, String> {
    let Some((_, steps)) = path.split_once('/') else { return Err(format!("doc is missing path: {path}")) };
    let count = steps.split('/').count();
    let mut resolved = PointerBuf::new();
    let mut parent = Some(object);
    for (position, step) in steps.split('/').enumerate() {
        let step = unescaped(step);
        let inserts = reach == Reach::Insert && position + 1 == count;
        match parent {
            Some(Value::Array(items)) if inserts && step == "-" => {
                resolved.push_back(items.len());
                parent = None;
            }
            Some(Value::Array(items)) => {
                let length = if inserts { items.len() + 1 } else { items.len() };
                let index = index(&step, length).ok_or_else(|| format!("{step} is no index of {path}"))?;
                resolved.push_back(index);
                parent = items.get(index);
            }
            Some(Value::Object(fields)) => {
                parent = fields.get(&step);
                resolved.push_back(step);
            }
            _ => return Err(format!("doc is missing path: {path}")),
        }
    }
    Ok(resolved)
}

/// `~1` is a slash and `~0` a tilde; any other tilde is itself.
fn unescaped(step: &str) -> String {
    let mut plain = String::with_capacity(step.len());
    let mut rest = step;
    while let Some((before, after)) = rest.split_once('~') {
        plain.push_str(before);
        let (character, after) = match (after.strip_prefix('1'), after.strip_prefix('0')) {
            (Some(after), _) => ('/', after),
            (_, Some(after)) => ('~', after),
            _ => ('~', after),
        };
        plain.push(character);
        rest = after;
    }
    plain + rest
}

fn index(text: &str, length: usize) -> Option<usize> {
    let index: i64 = text.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let from_start = if index < 0 { index + length } else { index };
    (0..length).contains(&from_start).then(|| usize::try_from(from_start).ok())?
}

fn failed(operation: &str, why: &str) -> Error {
    Error::Inapplicable(format!("{operation} operation does not apply: {why}"))
}

fn undecodable(value: &Value, into: &str) -> Error {
    Error::Malformed(format!(
        "error decoding patch: json: cannot unmarshal {} into Go value of type {into}",
        json_type(value)
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_apply_in_order() {
        let object = json!({"metadata": {"labels": {"x": "1"}}, "spec": {"list": [1, 2, 3]}});
        let cases = [
            (
                json!([{"op": "add", "path": "/metadata/labels/a~1b", "value": "y"}]),
                "/metadata/labels",
                json!({"x": "1", "a/b": "y"}),
            ),
            (json!([{"op": "remove", "path": "/metadata/labels/x"}]), "/metadata/labels", json!({})),
            (json!([{"op": "replace", "path": "/spec/list/0", "value": 9}]), "/spec/list", json!([9, 2, 3])),
            (json!([{"op": "add", "path": "/spec/list/-", "value": 4}]), "/spec/list", json!([1, 2, 3, 4])),
            (json!([{"op": "add", "path": "/spec/list/-1", "value": 4}]), "/spec/list", json!([1, 2, 3, 4])),
            (json!([{"op": "add", "path": "/spec/list/1", "value": 4}]), "/spec/list", json!([1, 4, 2, 3])),
            (json!([{"op": "remove", "path": "/spec/list/-1"}]), "/spec/list", json!([1, 2])),
            (
                json!([{"op": "move", "from": "/spec/list/0", "path": "/spec/list/-"}]),
                "/spec/list",
                json!([2, 3, 1]),
            ),
            (
                json!([{"op": "copy", "from": "/spec/list/-1", "path": "/spec/list/0"}]),
                "/spec/list",
                json!([3, 1, 2, 3]),
            ),
            (
                json!([{"op": "test", "path": "/metadata/labels/none", "value": null}]),
                "/spec/list",
                json!([1, 2, 3]),
            ),
            (
                json!([{"op": "test", "path": "/metadata/labels/x", "value": "1"}]),
                "/spec/list",
                json!([1, 2, 3]),
            ),
            (
                json!([{"op": "replace", "path": "/metadata/labels/y", "value": "2"}]),
                "/metadata/labels",
                json!({"x": "1", "y": "2"}),
            ),
            (json!([{"op": "replace", "path": "", "value": {"a": 1}}]), "", json!({"a": 1})),
            (
                json!([{"op": "copy", "from": "/metadata/none", "path": "/spec/list/+0"}]),
                "/spec/list",
                json!([null, 1, 2, 3]),
            ),
            (json!([{"op": "remove", "path": "#/spec/list/01"}]), "/spec/list", json!([1, 3])),
            (json!([{"op": "add", "path": "/spec/~2", "value": 1}]), "/spec/~02", json!(1)),
            (json!([]), "/spec/list", json!([1, 2, 3])),
        ];
        for (patch, pointer, expected) in cases {
            let patched = apply(object.clone(), patch.clone()).unwrap();
            assert_eq!(patched.pointer(pointer), Some(&expected), "{patch}");
        }
    }

    #[test]
    fn an_operation_that_does_not_fit_is_refused() {
        let object = json!({"metadata": {"name": "e1", "labels": {}}, "list": [1]});
        let cases = [
            json!([{"op": "test", "path": "/metadata/name", "value": "zz"}]),
            json!([{"op": "remove", "path": "/metadata/nosuch"}]),
            json!([{"op": "add", "path": "/no/parent", "value": "1"}]),
            json!([{"op": "add", "path": "/list/5", "value": "1"}]),
            json!([{"op": "remove", "path": "/list/-2"}]),
            json!([{"op": "replace", "path": "", "value": 1}]),
            json!([{"op": "add", "path": "", "value": {}}]),
            json!([{"op": "test", "path": "", "value": {}}]),
            json!([{"op": "test", "path": "/list/-", "value": null}]),
            json!([{"op": "add", "path": "metadata", "value": {}}]),
            json!([{"op": "frob", "path": "/metadata"}]),
            json!([{"op": "add"}]),
            json!([{"op": "copy", "path": "/a"}]),
            json!([{"op": "move", "from": "/nosuch", "path": "/a"}]),
            json!([null]),
        ];
        for patch in cases {
            let error = apply(object.clone(), patch.clone()).unwrap_err();
            assert!(matches!(error, Error::Inapplicable(_)), "{patch}: {error}");
        }
    }

    #[test]
    fn a_patch_must_be_a_list_of_operations() {
        let words = |patch| apply(json!({}), patch).unwrap_err().status().message;
        assert_eq!(
            words(json!({})),
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        );
        assert_eq!(
            words(json!([1])),
            "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"
        );
        let long = Value::from(vec![json!({"op": "test", "path": "/a", "value": null}); MAX_OPERATIONS + 1]);
        assert_eq!(
            words(long),
            "Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
        );
    }

    #[test]
    fn copies_that_double_the_object_are_stopped() {
        let double = json!({"op": "copy", "from": "/a", "path": "/a/-"});
        let error = apply(json!({"a": ["x".repeat(1024)]}), Value::from(vec![double; 30])).unwrap_err();
        assert!(error.to_string().contains("exceeding the limit 3145728"), "{error}");
    }

    proptest! {
        #[test]
        fn no_patch_panics(
            name in prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", ""]),
            path in "(/([a-c]|-?[0-3]|-|~[01])?){0,3}",
            from in "(/([a-c]|-?[0-3]|-))?{0,3}",
        ) {
            let object = json!({"a": [1, {"b": []}], "b": {"c": [[0]]}, "": null});
            let operation = json!({"op": name, "path": path, "from": from, "value": {"a": 1}});
            let _ = apply(object, json!([operation]));
        }
    }
}
