//! JSON patch, RFC 6902, with the limits and the liberties of the library kube-apiserver uses (evanphx/json-patch).
//!
//! Beyond the RFC that library
//! - counts negative indices from the end (`/spec/containers/-1`; for `add`, `-1` appends) and reads `+1` and `01`;
//! - takes an absent field of a map for null: `replace` adds it, `test` finds it null, `copy` copies null;
//! - ignores what stands before the first slash of a path, and takes `~` as it is where no escape follows;
//! - lets only `replace` and `test` name the whole document.

use serde_json::{Map, Value};

use super::Error;
use super::merge::json_type;
use crate::codec::json::{MAX_TREE_DEPTH, depth};

/// How many operations a patch may have.
pub const MAX_OPERATIONS: usize = 10_000;

/// How many bytes the `copy` operations of one patch may write in total.
pub const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// Applies `patch` to `object`, all of it or nothing.
///
/// # Errors
/// [`Error::Malformed`] when the patch is no list of operations, [`Error::TooLarge`] past [`MAX_OPERATIONS`],
/// [`Error::Inapplicable`] when an operation fails.
pub fn apply(object: Value, patch: Value) -> Result<Value, Error> {
    apply_while(object, patch, || true)
}

/// [`apply`], for as long as `proceed` says so, which is asked before each operation: ten thousand insertions at the
/// front of a long list take seconds.
///
/// # Errors
/// As [`apply`], and [`Error::Interrupted`] when `proceed` says no.
pub fn apply_while(object: Value, patch: Value, proceed: impl Fn() -> bool) -> Result<Value, Error> {
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
    let mut deepest = Deepest(depth(&object));
    let (mut object, mut copied) = (object, 0);
    for operation in operations {
        if !proceed() {
            return Err(Error::Interrupted);
        }
        let fields = match operation {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        step(&mut object, fields, &mut copied, &mut deepest)?;
    }
    Ok(object)
}

/// How deep the document is at most. A patch that copies what is deep to the end of what is deep, over and over, doubles
/// the depth with each step, and a million levels are more than any stack takes.
struct Deepest(usize);

impl Deepest {
    /// Before `value` is put at `path`.
    fn put(&mut self, path: &str, value: &Value) -> Result<(), Error> {
        self.grow(levels(path).saturating_add(depth(value)))
    }

    /// Before `value`, which stood at `from`, is put at `path`. It is walked only when it might be too deep.
    fn put_from(&mut self, from: &str, path: &str, value: &Value) -> Result<(), Error> {
        let most = levels(path) + self.0.saturating_sub(levels(from));
        if most > MAX_TREE_DEPTH { self.put(path, value) } else { self.grow(most) }
    }

    fn grow(&mut self, depth: usize) -> Result<(), Error> {
        if depth > MAX_TREE_DEPTH {
            return Err(Error::Inapplicable("exceeded max depth".to_owned()));
        }
        self.0 = self.0.max(depth);
        Ok(())
    }
}

/// In how many lists and objects a path leads.
fn levels(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

fn step(
    object: &mut Value,
    mut operation: Map<String, Value>,
    copied: &mut usize,
    deepest: &mut Deepest,
) -> Result<(), Error> {
    let value = operation.remove("value").unwrap_or(Value::Null);
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let name = text("op").unwrap_or_default();
    let inapplicable = |why: String| Error::Inapplicable(why);
    let unread = |what: &str| inapplicable(format!("{name} operation does not apply: missing {what}"));
    let path = text("path").ok_or_else(|| unread("path"))?;
    let from = || text("from").ok_or_else(|| unread("from"));
    let fails = |what: &'static str, path: &str| {
        let path = path.to_owned();
        move |failure: Failure| failure.of(name, what, &path)
    };
    match name {
        "add" => {
            deepest.put(path, &value)?;
            insert(object, path, value).map_err(fails("path", path))
        }
        "remove" => take(object, path).map(drop).map_err(fails("path", path)),
        "replace" => {
            deepest.put(path, &value)?;
            if path.is_empty() {
                return replace_whole(object, value).map_err(inapplicable);
            }
            replace(object, path, value).map_err(fails("path", path))
        }
        "test" => test(object, path, &value),
        // Where it lands is counted after it is gone.
        "move" => {
            let from = from()?;
            let value = take(object, from).map_err(fails("from path", from))?;
            deepest.put_from(from, path, &value)?;
            insert(object, path, value).map_err(fails("destination path", path))
        }
        "copy" => {
            let from = from()?;
            let value = find(object, from).map_err(fails("from path", from))?;
            let value = value.cloned().unwrap_or(Value::Null);
            *copied += value.to_string().len();
            if *copied > MAX_COPIED_BYTES {
                return Err(Error::Inapplicable(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, \
                     exceeding the limit {MAX_COPIED_BYTES}"
                )));
            }
            deepest.put_from(from, path, &value)?;
            insert(object, path, value).map_err(fails("destination path", path))
        }
        other => Err(inapplicable(format!("Unexpected kind: {other}"))),
    }
}

/// Why a path leads nowhere.
enum Failure {
    /// What the last step should lead into is not there.
    Parent,
    /// The last step does not fit what it leads into.
    Last(String),
}

impl Failure {
    /// The library's words for it. `what` names the path.
    fn of(self, operation: &str, what: &str, path: &str) -> Error {
        Error::Inapplicable(match (self, operation) {
            (Self::Parent, "add" | "remove") => {
                format!(
                    "{operation} operation does not apply: doc is missing {what}: {path:?}: missing value"
                )
            }
            (Self::Parent, _) => {
                format!("{operation} operation does not apply: doc is missing {what}: {path}: missing value")
            }
            (Self::Last(why), "replace") => format!("error in remove for path: '{path}': {why}"),
            (Self::Last(why), "copy") => format!("error while adding value during copy: {why}"),
            (Self::Last(why), _) => format!("error in {operation} for path: '{path}': {why}"),
        })
    }
}

/// Puts a value into a map, in front of an element of a list, or behind its last one.
fn insert(object: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    match parent_mut(object, path)? {
        (Value::Array(items), last) => {
            let index = if last == "-" { Some(items.len()) } else { index(&last, items.len() + 1) };
            items.insert(index.ok_or_else(|| no_index(&last))?, value);
        }
        (Value::Object(fields), last) => {
            fields.insert(last, value);
        }
        _ => return Err(Failure::Parent),
    }
    Ok(())
}

/// Takes a value out of a map or list.
fn take(object: &mut Value, path: &str) -> Result<Value, Failure> {
    match parent_mut(object, path)? {
        (Value::Array(items), last) => {
            let index = index(&last, items.len()).ok_or_else(|| no_index(&last))?;
            Ok(items.remove(index))
        }
        (Value::Object(fields), last) => {
            let why = || Failure::Last(format!("Unable to remove nonexistent key: {last}: missing value"));
            fields.remove(&last).ok_or_else(why)
        }
        _ => Err(Failure::Parent),
    }
}

fn replace(object: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    match parent_mut(object, path)? {
        (Value::Array(items), last) => {
            let item = index(&last, items.len()).and_then(|index| items.get_mut(index));
            *item.ok_or_else(|| no_index(&last))? = value;
        }
        (Value::Object(fields), last) => {
            fields.insert(last, value);
        }
        _ => return Err(Failure::Parent),
    }
    Ok(())
}

fn replace_whole(object: &mut Value, value: Value) -> Result<(), String> {
    if !value.is_object() && !value.is_array() {
        return Err("value must be object or array".to_owned());
    }
    *object = value;
    Ok(())
}

fn test(object: &Value, path: &str, expected: &Value) -> Result<(), Error> {
    let actual = if path.is_empty() { Ok(Some(object)) } else { find(object, path) };
    let actual = actual.map_err(|failure| failure.of("test", "path", path))?;
    if actual.unwrap_or(&Value::Null) == expected { Ok(()) } else { Err(Error::TestFailed(path.to_owned())) }
}

/// The value that `path` leads to; `None` when only the last step is missing, and from a map.
fn find<'v>(object: &'v Value, path: &str) -> Result<Option<&'v Value>, Failure> {
    let mut found = Some(object);
    for step in steps(path)? {
        found = match found {
            Some(Value::Array(items)) => {
                let index = index(&step, items.len()).ok_or_else(|| no_index(&step))?;
                items.get(index)
            }
            Some(Value::Object(fields)) => fields.get(&step),
            _ => return Err(Failure::Parent),
        };
    }
    Ok(found)
}

/// The map or list that the last step of `path` leads into, and that step.
fn parent_mut<'v>(object: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Failure> {
    let mut steps = steps(path)?;
    let mut last = steps.next().unwrap_or_default();
    let mut parent = object;
    for next in steps {
        let step = std::mem::replace(&mut last, next);
        let child = match parent {
            Value::Array(items) => {
                let index = index(&step, items.len()).ok_or_else(|| no_index(&step))?;
                items.get_mut(index)
            }
            Value::Object(fields) => fields.get_mut(&step),
            _ => None,
        };
        parent = child.ok_or(Failure::Parent)?;
    }
    Ok((parent, last))
}

/// The steps of a pointer, of which there is at least one.
fn steps(path: &str) -> Result<impl Iterator<Item = String>, Failure> {
    let (_, steps) = path.split_once('/').ok_or(Failure::Parent)?;
    Ok(steps.split('/').map(unescaped))
}

fn no_index(step: &str) -> Failure {
    Failure::Last(match step.parse::<i64>() {
        Ok(index) => format!("Unable to access invalid index: {index}: invalid index referenced"),
        Err(_) => format!("strconv.Atoi: parsing {step:?}: invalid syntax"),
    })
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
            assert!(matches!(error, Error::Inapplicable(_) | Error::TestFailed(_)), "{patch}: {error}");
        }
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_kubernetes_library() {
        let words = |patch| apply(json!({"data": {"a": "1"}, "list": [1]}), patch).unwrap_err().to_string();
        assert_eq!(
            words(json!([{"op": "remove", "path": "/data/z"}])),
            "error in remove for path: '/data/z': Unable to remove nonexistent key: z: missing value"
        );
        assert_eq!(
            words(json!([{"op": "add", "path": "/no/parent", "value": "1"}])),
            r#"add operation does not apply: doc is missing path: "/no/parent": missing value"#
        );
        assert_eq!(words(json!([{"op": "bogus", "path": "/data/a"}])), "Unexpected kind: bogus");
        assert_eq!(
            words(json!([{"op": "test", "path": "/data/a", "value": "2"}])),
            "testing value /data/a failed: test failed"
        );
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
    fn moving_a_large_value_does_not_copy_it() {
        // Copying two megabytes ten thousand times would take minutes.
        let moves = (0..MAX_OPERATIONS).map(|round| {
            let (from, path) = if round % 2 == 0 { ("/a", "/b") } else { ("/b", "/a") };
            json!({"op": "move", "from": from, "path": path})
        });
        let large: Vec<String> = (0..20_000).map(|number| format!("{number:0>100}")).collect();
        let object = json!({"a": large});
        let place = object["a"][7].as_str().map(str::as_ptr);
        let patched = apply(object, moves.collect()).unwrap();
        assert_eq!(patched["a"][7].as_str().map(str::as_ptr), place);
    }

    #[test]
    fn copies_that_double_the_depth_are_stopped_before_any_stack_is_too_short() {
        let mut operations = vec![json!({"op": "add", "path": "/a", "value": [[[[]]]]})];
        let mut levels = 4;
        while levels < 100_000 {
            let path = format!("/a{}", "/0".repeat(levels - 1));
            operations.push(json!({"op": "copy", "from": "/a", "path": format!("{path}/-")}));
            levels *= 2;
        }
        let error = apply(json!({}), operations.into()).unwrap_err();
        assert_eq!(error, Error::Inapplicable("exceeded max depth".to_owned()));
        let back_and_forth = (0..MAX_OPERATIONS).map(|round| {
            let (from, path) = if round % 2 == 0 { ("/a", "/b/c") } else { ("/b/c", "/a") };
            json!({"op": "move", "from": from, "path": path})
        });
        assert!(
            apply(json!({"a": [1], "b": {}}), back_and_forth.collect()).is_ok(),
            "no depth is gained by this"
        );
    }

    #[test]
    fn a_patch_ends_when_it_is_told_to() {
        let asked = std::cell::Cell::new(0);
        let proceed = || asked.replace(asked.get() + 1) < 2;
        let add = json!({"op": "add", "path": "/list/0", "value": 1});
        let result = apply_while(json!({"list": []}), Value::from(vec![add; 5]), proceed);
        assert_eq!((result, asked.get()), (Err(Error::Interrupted), 3));
        assert_eq!(Error::Interrupted.status().code, 504);
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
