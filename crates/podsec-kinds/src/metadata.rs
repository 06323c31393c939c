//! The rules of `metadata` that hold for every kind, and of the labels and annotations of pod templates.

use podsec_apimachinery::field::{Cause, Error, Path};
use podsec_apimachinery::meta::{self, Scope};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// The bytes that all annotations of an object may take.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// What is wrong with the metadata of a new object.
pub(crate) fn validate(object: &Value, namespaced: bool, name_rule: NameRule) -> Vec<Error> {
    let scope = if namespaced { Scope::Namespaced } else { Scope::Cluster };
    let path = Path::new("metadata");
    let mut errors = meta::validate(object, scope, name_rule, &path);
    errors.extend(meta::validate_finalizers_of_builtin(object, &path));
    errors
}

/// For a kind that asks nothing of the metadata: when nothing else is wrong with a new object, what is asked of any.
pub(crate) fn or_of_any(own: Vec<Error>, object: &Value) -> Vec<Error> {
    if own.is_empty() { validate_any_finalizers(object, true, NameRule::PathSegment) } else { own }
}

/// What is wrong with a change of the metadata. Kubernetes looks once for every kind, as at a new object whose name may
/// be anything and as at a change, and once more for the kind itself, and reports each error each time; so does this. The
/// resourceVersion is the verb's affair: it compares it with the store's.
pub(crate) fn validate_update(object: &Value, old: &Value) -> Vec<Error> {
    let mut errors = common_update(object, old);
    errors.extend(own_update(object, old));
    errors
}

/// What most kinds ask of the metadata of a change themselves.
pub(crate) fn own_update(object: &Value, old: &Value) -> Vec<Error> {
    let mut errors = changes(object, old);
    errors.extend(meta::validate_finalizers_of_builtin(object, &Path::new("metadata")));
    errors
}

/// What Kubernetes finds wrong with the metadata of a change before it asks the kind.
pub(crate) fn common_update(object: &Value, old: &Value) -> Vec<Error> {
    let scope = if object.at("metadata").has("namespace") { Scope::Namespaced } else { Scope::Cluster };
    let mut errors = meta::validate(object, scope, NameRule::PathSegment, &Path::new("metadata"));
    errors.extend(changes(object, old));
    errors
}

fn changes(object: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("metadata");
    let mut errors = meta::validate_update(object, old, &path);
    let version = path.child("resourceVersion");
    errors.retain(|error| error.path != version);
    errors
}

/// The time of the write that is under way: the last that `managedFields` tell of, else that of the creation.
pub(crate) fn last_written(object: &Value) -> Value {
    let metadata = object.at("metadata");
    let times = metadata.list("managedFields").iter().map(|entry| entry.text("time"));
    match times.max() {
        None | Some("") => metadata.at("creationTimestamp").clone(),
        Some(time) => time.into(),
    }
}

/// The rules of a new object's metadata for a kind whose names follow a rule of its own and whose finalizers may have
/// any name; `prefix` is the rule of `generateName`.
pub(crate) fn validate_named(
    object: &Value,
    namespaced: bool,
    name: impl Fn(&str) -> Vec<String>,
    prefix: impl Fn(&str) -> Vec<String>,
) -> Vec<Error> {
    let path = Path::new("metadata");
    let (name_path, prefix_path) = (path.child("name"), path.child("generateName"));
    let own = |path: &Path, text: &str, wrong: Vec<String>| formats::invalid(path, text, wrong);
    let (given, generated) = (object.at("metadata").text("name"), object.at("metadata").text("generateName"));
    let mut errors = Vec::new();
    if !generated.is_empty() {
        errors.extend(own(&prefix_path, generated, prefix(generated)));
    }
    if !given.is_empty() {
        errors.extend(own(&name_path, given, name(given)));
    }
    let judged =
        |error: &Error| error.path == prefix_path || error.path == name_path && error.cause == Cause::Invalid;
    let all = validate_any_finalizers(object, namespaced, NameRule::PathSegment);
    errors.extend(all.into_iter().filter(|error| !judged(error)));
    errors
}

/// The rule of most built-in kinds about the names of finalizers.
pub(crate) fn finalizers(object: &Value) -> Vec<Error> {
    meta::validate_finalizers_of_builtin(object, &Path::new("metadata"))
}

/// The rules of a new object's metadata for a kind whose finalizers may have any name.
pub(crate) fn validate_any_finalizers(object: &Value, namespaced: bool, name_rule: NameRule) -> Vec<Error> {
    let scope = if namespaced { Scope::Namespaced } else { Scope::Cluster };
    meta::validate(object, scope, name_rule, &Path::new("metadata"))
}

/// The rules of a change for a kind whose finalizers may have any name.
pub(crate) fn validate_update_any_finalizers(object: &Value, old: &Value) -> Vec<Error> {
    let mut errors = common_update(object, old);
    errors.extend(changes(object, old));
    errors
}

/// The labels under `labels` of a template's metadata.
pub(crate) fn labels(meta: &Value, path: &Path) -> Vec<Error> {
    label_map(meta.at("labels"), path)
}

/// A map of labels anywhere.
pub(crate) fn label_map(labels: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.extend(formats::invalid(path, key, formats::qualified_name(key)));
        if let Some(value) = value.as_str() {
            errors.extend(formats::invalid(path, value, formats::label_value(value)));
        }
    }
    errors
}

/// What is wrong with the metadata of a template: it has labels and annotations, and nothing else.
pub(crate) fn template(meta: &Value, path: &Path) -> Vec<Error> {
    let mut errors = annotations(meta, &path.child("annotations"));
    errors.extend(labels(meta, &path.child("labels")));
    for (field, value) in meta.as_object().into_iter().flatten() {
        if !matches!(field.as_str(), "labels" | "annotations") && !value.is_null() {
            errors.push(Error::forbidden(path.child(field), "cannot be set"));
        }
    }
    errors
}

/// The annotations under `annotations` of a template's metadata.
pub(crate) fn annotations(meta: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in meta.texts("annotations") {
        errors.extend(formats::invalid(path, key, formats::qualified_name(&key.to_lowercase())));
        size += key.len() + value.len();
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(Error::too_long(path.clone(), ANNOTATIONS_LIMIT));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_uid_never_changes_and_is_reported_twice() {
        let old = json!({ "metadata": { "name": "a", "uid": "1" } });
        let new = json!({ "metadata": { "name": "a", "uid": "x" } });
        let errors: Vec<String> = validate_update(&new, &old).iter().map(Error::to_string).collect();
        assert_eq!(errors, [r#"metadata.uid: Invalid value: "x": field is immutable"#; 2]);
    }
}
