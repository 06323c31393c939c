//! The rules of `metadata` that hold for every kind.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use podsec_apimachinery::name::NameRule;

use super::formats::{self, IMMUTABLE};
use super::object::{Fields, metadata, same};

/// The bytes that all annotations of an object may take.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// What is wrong with the metadata of a new object (`ValidateObjectMeta`).
pub(super) fn validate(object: &Value, namespaced: bool, name_rule: NameRule) -> Vec<Error> {
    let meta = metadata(object);
    let path = Path::new("metadata");
    let mut errors = Vec::new();
    let generate_name = meta.text("generateName");
    if !generate_name.is_empty() {
        errors.extend(formats::invalid(
            &path.child("generateName"),
            generate_name,
            name_rule.check_prefix(generate_name),
        ));
    }
    let name = meta.text("name");
    if name.is_empty() {
        errors.push(Error::required(path.child("name"), "name or generateName is required"));
    } else {
        errors.extend(formats::invalid(&path.child("name"), name, name_rule.check(name)));
    }
    let namespace = meta.text("namespace");
    match (namespaced, namespace.is_empty()) {
        (true, true) => errors.push(Error::required(path.child("namespace"), "")),
        (true, false) => {
            let reasons = formats::label(namespace);
            errors.extend(formats::invalid(&path.child("namespace"), namespace, reasons));
        }
        (false, true) => {}
        (false, false) => errors.push(Error::forbidden(path.child("namespace"), "not allowed on this type")),
    }
    errors.extend(formats::nonnegative(&path.child("generation"), meta.number("generation")));
    errors.extend(free_fields(meta, &path));
    errors.extend(finalizers(meta, &path.child("finalizers")));
    errors
}

/// What is wrong with a change of the metadata. Kubernetes looks twice, once for every kind and once for the
/// kind itself, and reports each error twice; so does this.
pub(super) fn validate_update(object: &Value, old: &Value) -> Vec<Error> {
    let once = update_errors(metadata(object), metadata(old));
    [once.clone(), once].concat()
}

fn update_errors(meta: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("metadata");
    let mut errors = Vec::new();
    if old.has("deletionTimestamp") {
        let known = old.list("finalizers");
        let mut added: Vec<&str> = meta
            .list("finalizers")
            .iter()
            .filter(|finalizer| !known.contains(finalizer))
            .filter_map(Value::as_str)
            .collect();
        added.sort_unstable();
        added.dedup();
        if !added.is_empty() {
            let listed: Vec<String> = added.iter().map(|finalizer| format!("{finalizer:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                listed.join(", ")
            );
            errors.push(Error::forbidden(path.child("finalizers"), &detail));
        }
    }
    if meta.number("generation") < old.number("generation") {
        let generation = meta.number("generation").into();
        errors.push(Error::invalid(path.child("generation"), &generation, "must not be decremented"));
    }
    for field in
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        if !same(meta.at(field), old.at(field)) {
            errors.push(Error::invalid(path.child(field), meta.at(field), IMMUTABLE));
        }
    }
    errors.extend(free_fields(meta, &path));
    errors
}

/// What create and update have in common.
fn free_fields(meta: &Value, path: &Path) -> Vec<Error> {
    let mut errors = labels(meta, &path.child("labels"));
    errors.extend(annotations(meta, &path.child("annotations")));
    errors.extend(owner_references(meta.list("ownerReferences"), &path.child("ownerReferences")));
    errors
}

/// The labels under `labels` of a metadata.
pub(super) fn labels(meta: &Value, path: &Path) -> Vec<Error> {
    label_map(meta.at("labels"), path)
}

/// A map of labels anywhere.
pub(super) fn label_map(labels: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.extend(formats::invalid(path, key, formats::qualified_name(key)));
        if let Some(value) = value.as_str() {
            errors.extend(formats::invalid(path, value, formats::label_value(value)));
        }
    }
    errors
}

/// The annotations under `annotations` of a metadata.
pub(super) fn annotations(meta: &Value, path: &Path) -> Vec<Error> {
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

fn owner_references(references: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut controller: Option<&str> = None;
    for reference in references {
        let api_version = reference.text("apiVersion");
        if api_version.is_empty() || api_version.ends_with('/') {
            let version = api_version.into();
            errors.push(Error::invalid(path.child("apiVersion"), &version, "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if reference.text(field).is_empty() {
                errors.push(Error::invalid(path.child(field), &"".into(), "must not be empty"));
            }
        }
        if reference.flag("controller") {
            let name = reference.text("name");
            match controller {
                Some(first) => {
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                    );
                    errors.push(Error::invalid(path.clone(), &references.into(), &detail));
                }
                None => controller = Some(name),
            }
        }
    }
    errors
}

fn finalizers(meta: &Value, path: &Path) -> Vec<Error> {
    let names: Vec<&str> = meta.list("finalizers").iter().filter_map(Value::as_str).collect();
    let mut errors = Vec::new();
    for name in &names {
        errors.extend(formats::invalid(path, name, formats::qualified_name(name)));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(Error::invalid(path.clone(), meta.at("finalizers"), detail));
    }
    for (index, name) in names.iter().enumerate() {
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(name) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(Error::invalid(path.index(index), &(*name).into(), detail));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_being_deleted_takes_no_new_finalizers() {
        let old = json!({ "metadata": { "name": "a", "deletionTimestamp": "t", "finalizers": ["a.b/c"] } });
        let new = json!({ "metadata": { "name": "a", "deletionTimestamp": "t", "finalizers": ["x.y/z", "a.b/c"] } });
        let errors = validate_update(&new, &old);
        assert_eq!(
            errors[0].to_string(),
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x.y/z\"}"
        );
    }

    #[test]
    fn a_uid_never_changes_and_is_reported_twice() {
        let old = json!({ "metadata": { "name": "a", "uid": "1" } });
        let new = json!({ "metadata": { "name": "a", "uid": "x" } });
        let errors: Vec<String> = validate_update(&new, &old).iter().map(Error::to_string).collect();
        assert_eq!(errors, [r#"metadata.uid: Invalid value: "x": field is immutable"#; 2]);
    }
}
