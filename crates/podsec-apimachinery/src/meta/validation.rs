//! What `metadata` must look like on create and on update, in Kubernetes' words and order.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::object_meta::Meta;
use crate::field::{self, Path};
use crate::name::{self, NameRule};
use podsec_go::quote::{is_printable, quoted};

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// Beside the namespaces.
    Cluster,
}

/// What is wrong with a new object's metadata, after its name was generated (`ValidateObjectMeta`).
pub fn validate(object: &Value, scope: Scope, rule: NameRule, path: &Path) -> Vec<field::Error> {
    let meta = Meta::of(object);
    let mut wrong = Vec::new();
    let invalid = |field: &str, value: &str, why: &str| {
        field::Error::invalid(path.child(field), &Value::from(value), why)
    };
    if !meta.generate_name().is_empty() {
        let prefix = meta.generate_name();
        wrong.extend(rule.check_prefix(prefix).iter().map(|why| invalid("generateName", prefix, why)));
    }
    if meta.name().is_empty() {
        wrong.push(field::Error::required(path.child("name"), "name or generateName is required"));
    } else {
        wrong.extend(rule.check(meta.name()).iter().map(|why| invalid("name", meta.name(), why)));
    }
    match (scope, meta.namespace()) {
        (Scope::Namespaced, "") => wrong.push(field::Error::required(path.child("namespace"), "")),
        (Scope::Namespaced, namespace) => {
            wrong.extend(
                name::dns1123_label(namespace).iter().map(|why| invalid("namespace", namespace, why)),
            );
        }
        (Scope::Cluster, "") => {}
        (Scope::Cluster, _) => {
            wrong.push(field::Error::forbidden(path.child("namespace"), "not allowed on this type"));
        }
    }
    if meta.generation() < 0 {
        let why = "must be greater than or equal to 0";
        wrong.push(field::Error::invalid(path.child("generation"), &Value::from(meta.generation()), why));
    }
    labels(meta, path, &mut wrong);
    annotations(meta, path, &mut wrong);
    owner_references(meta, path, &mut wrong);
    finalizers(meta, path, &mut wrong);
    managed_fields(meta, path, &mut wrong);
    wrong
}

/// What is wrong with the change of an object's metadata from `old` to `new` (`ValidateObjectMetaUpdate`).
///
/// kube-apiserver runs this twice on most kinds, so that each cause appears twice in the Status; the sentence, made
/// by [`field::aggregate`], has it once.
pub fn validate_update(new: &Value, old: &Value, path: &Path) -> Vec<field::Error> {
    let (new, old) = (Meta::of(new), Meta::of(old));
    let mut wrong = Vec::new();
    if old.is_being_deleted() {
        let before: BTreeSet<&str> = old.finalizers().collect();
        let added: BTreeSet<&str> =
            new.finalizers().filter(|finalizer| !before.contains(finalizer)).collect();
        if !added.is_empty() {
            let added: Vec<String> = added.iter().map(|finalizer| quoted(finalizer)).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            wrong.push(field::Error::forbidden(path.child("finalizers"), &why));
        }
    }
    if new.resource_version().is_empty() {
        let why = "must be specified for an update";
        wrong.push(field::Error::invalid(path.child("resourceVersion"), &Value::from(""), why));
    }
    if new.generation() < old.generation() {
        let why = "must not be decremented";
        wrong.push(field::Error::invalid(path.child("generation"), &Value::from(new.generation()), why));
    }
    for name in ["name", "namespace", "uid"] {
        let text = |meta: Meta<'_>| meta.field(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = text(new);
        if value != text(old) {
            wrong.push(field::Error::invalid(path.child(name), &Value::from(value), IMMUTABLE));
        }
    }
    for name in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if new.field(name) != old.field(name) {
            let value = new.field(name).unwrap_or(&Value::Null);
            wrong.push(field::Error::invalid(path.child(name), value, IMMUTABLE));
        }
    }
    labels(new, path, &mut wrong);
    annotations(new, path, &mut wrong);
    owner_references(new, path, &mut wrong);
    managed_fields(new, path, &mut wrong);
    wrong
}

/// The rule that built-in kinds add on create: a finalizer without a slash must be one of Kubernetes' own.
pub fn validate_finalizers_of_builtin(object: &Value, path: &Path) -> Vec<field::Error> {
    let own = ["foregroundDeletion", "kubernetes", "orphan"];
    Meta::of(object)
        .finalizers()
        .enumerate()
        .filter(|(_, finalizer)| !finalizer.contains('/') && !own.contains(finalizer))
        .map(|(index, finalizer)| {
            let path = path.child("finalizers").index(index);
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            field::Error::invalid(path, &Value::from(finalizer), why)
        })
        .collect()
}

fn labels(meta: Meta<'_>, path: &Path, wrong: &mut Vec<field::Error>) {
    let path = path.child("labels");
    for (key, value) in texts(meta.labels()) {
        let invalid = |text: &str, why: &String| field::Error::invalid(path.clone(), &Value::from(text), why);
        wrong.extend(name::label_key(key).iter().map(|why| invalid(key, why)));
        wrong.extend(name::label_value(value).iter().map(|why| invalid(value, why)));
    }
}

fn annotations(meta: Meta<'_>, path: &Path, wrong: &mut Vec<field::Error>) {
    let path = path.child("annotations");
    let mut size = 0;
    for (key, value) in texts(meta.annotations()) {
        // Annotations' keys may have capitals in their prefix.
        for why in name::label_key(&key.to_lowercase()) {
            wrong.push(field::Error::invalid(path.clone(), &Value::from(key), &why));
        }
        size += key.len() + value.len();
    }
    if size > ANNOTATIONS_SIZE {
        wrong.push(field::Error::too_long(path, ANNOTATIONS_SIZE));
    }
}

fn owner_references(meta: Meta<'_>, path: &Path, wrong: &mut Vec<field::Error>) {
    let path = path.child("ownerReferences");
    let mut controller: Option<String> = None;
    for (owner, raw) in meta.owner_references().zip(meta.list("ownerReferences")) {
        let mut invalid = |field: &str, value: &str, why: &str| {
            wrong.push(field::Error::invalid(path.child(field), &Value::from(value), why));
        };
        let version = match owner.api_version.split_once('/') {
            None => owner.api_version,
            Some((_, rest)) if rest.contains('/') => "",
            Some((_, version)) => version,
        };
        if version.is_empty() {
            invalid("apiVersion", owner.api_version, "version must not be empty");
        }
        for (field, value) in [("kind", owner.kind), ("name", owner.name), ("uid", owner.uid)] {
            if value.is_empty() {
                invalid(field, value, "must not be empty");
            }
        }
        if (owner.api_version, owner.kind) == ("v1", "Event") {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            let raw = owner_json(raw);
            wrong.push(field::Error::invalid_json(path.clone(), &raw, why));
        }
        if owner.controller {
            let current = format!("{}/{}", owner.kind, owner.name);
            if let Some(first) = &controller {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {current}"
                );
                let all = meta.field("ownerReferences").unwrap_or(&Value::Null);
                let all = owners_json(all.as_array().map(Vec::as_slice).unwrap_or_default());
                wrong.push(field::Error::invalid_json(path.clone(), &all, &why));
            } else {
                controller = Some(current);
            }
        }
    }
}

fn owners_json(owners: &[Value]) -> String {
    format!("[{}]", owners.iter().map(owner_json).collect::<Vec<_>>().join(","))
}

/// An owner reference with its fields in the order of the Go struct.
fn owner_json(owner: &Value) -> String {
    let mut fields: Vec<String> = ["apiVersion", "kind", "name", "uid"]
        .iter()
        .map(|name| {
            let value = owner.get(*name).and_then(Value::as_str).unwrap_or_default();
            format!("\"{name}\":{}", field::json(&Value::from(value)))
        })
        .collect();
    for name in ["controller", "blockOwnerDeletion"] {
        fields.extend(owner.get(name).map(|flag| format!("\"{name}\":{flag}")));
    }
    format!("{{{}}}", fields.join(","))
}

fn finalizers(meta: Meta<'_>, path: &Path, wrong: &mut Vec<field::Error>) {
    let path = path.child("finalizers");
    let (mut orphans, mut deletes) = (false, false);
    for finalizer in meta.finalizers() {
        for why in name::label_key(finalizer) {
            wrong.push(field::Error::invalid(path.clone(), &Value::from(finalizer), &why));
        }
        orphans |= finalizer == "orphan";
        deletes |= finalizer == "foregroundDeletion";
    }
    if orphans && deletes {
        let all = meta.field("finalizers").unwrap_or(&Value::Null);
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        wrong.push(field::Error::invalid(path, all, why));
    }
}

fn managed_fields(meta: Meta<'_>, path: &Path, wrong: &mut Vec<field::Error>) {
    for (index, entry) in meta.managed_fields().enumerate() {
        let path = path.child("managedFields").index(index);
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut invalid = |field: &str, why: &str| {
            wrong.push(field::Error::invalid(path.child(field), &Value::from(text(field)), why));
        };
        if !matches!(text("operation"), "Apply" | "Update") {
            invalid("operation", "must be `Apply` or `Update`");
        }
        if !matches!(text("fieldsType"), "" | "FieldsV1") {
            invalid("fieldsType", "must be `FieldsV1`");
        }
        wrong.extend(validate_field_manager(text("manager"), &path.child("manager")));
        if text("subresource").len() > SUBRESOURCE_LENGTH {
            wrong.push(field::Error::too_long(path.child("subresource"), SUBRESOURCE_LENGTH));
        }
    }
}

/// What is wrong with a `fieldManager`: at most 128 bytes, all of them printable.
pub fn validate_field_manager(manager: &str, path: &Path) -> Vec<field::Error> {
    let mut wrong = Vec::new();
    if manager.len() > FIELD_MANAGER_LENGTH {
        wrong.push(field::Error::too_long(path.clone(), FIELD_MANAGER_LENGTH));
    }
    for (position, character) in manager.char_indices().filter(|(_, character)| !is_printable(*character)) {
        let why = format!("invalid character U+{:04X} (at position {position})", u32::from(character));
        wrong.push(field::Error::invalid(path.clone(), &Value::from(manager), &why));
    }
    wrong
}

/// The entries whose values are texts; decoding refuses the others.
fn texts(map: Option<&Map<String, Value>>) -> impl Iterator<Item = (&str, &str)> {
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

const ANNOTATIONS_SIZE: usize = 256 * 1024;
/// How many bytes the name of a field manager may have.
pub const FIELD_MANAGER_LENGTH: usize = 128;
const IMMUTABLE: &str = "field is immutable";
const SUBRESOURCE_LENGTH: usize = 256;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(metadata: &Value) -> Vec<String> {
        let object = json!({"metadata": metadata});
        let path = Path::new("metadata");
        let mut wrong = validate(&object, Scope::Namespaced, NameRule::Dns1123Subdomain, &path);
        wrong.extend(validate_finalizers_of_builtin(&object, &path));
        wrong.iter().map(ToString::to_string).collect()
    }

    fn updated(new: &Value, old: &Value) -> Vec<String> {
        let (new, old) = (json!({"metadata": new}), json!({"metadata": old}));
        validate_update(&new, &old, &Path::new("metadata")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_field_manager_is_printable() {
        let wrong = validate_field_manager("a\u{7}é\u{200b}", &Path::new("fieldManager"));
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            wrong,
            [
                r#"fieldManager: Invalid value: "a\aé\u200b": invalid character U+0007 (at position 1)"#,
                r#"fieldManager: Invalid value: "a\aé\u200b": invalid character U+200B (at position 4)"#,
            ]
        );
    }

    #[test]
    fn good_metadata_is_accepted() {
        let none: [&str; 0] = [];
        let meta = json!({
            "name": "a.b", "namespace": "n", "labels": {"example.com/a": ""}, "annotations": {"Example.com/A": "any thing"},
            "finalizers": ["kubernetes", "a.b/c"],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true}],
        });
        assert_eq!(created(&meta), none);
    }

    #[test]
    fn what_is_missing_or_malformed_is_named_in_kubernetes_order() {
        let wrong = created(&json!({
            "annotations": {"a b": "x"},
            "finalizers": ["x", "orphan", "foregroundDeletion"],
            "labels": {"a": "b c"},
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "", "controller": true},
                {"apiVersion": "", "kind": "", "name": "y", "uid": "u", "controller": true},
            ],
            "managedFields": [{"operation": "Frob", "fieldsType": "X"}],
        }));
        let label = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        let key = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        assert_eq!(
            wrong,
            [
                "metadata.name: Required value: name or generateName is required".to_owned(),
                "metadata.namespace: Required value".to_owned(),
                format!("metadata.labels: Invalid value: \"b c\": {label}"),
                format!("metadata.annotations: Invalid value: \"a b\": {key}"),
                "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty".to_owned(),
                "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty".to_owned(),
                "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty".to_owned(),
                "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"\",\"controller\":true},{\"apiVersion\":\"\",\"kind\":\"\",\"name\":\"y\",\"uid\":\"u\",\"controller\":true}]: Only one reference can have Controller set to true. Found \"true\" in references for Pod/x and /y".to_owned(),
                "metadata.finalizers: Invalid value: [\"x\",\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot be both set".to_owned(),
                "metadata.managedFields[0].operation: Invalid value: \"Frob\": must be `Apply` or `Update`".to_owned(),
                "metadata.managedFields[0].fieldsType: Invalid value: \"X\": must be `FieldsV1`".to_owned(),
                "metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified".to_owned(),
            ]
        );
    }

    #[test]
    fn annotations_have_a_total_size() {
        let wrong =
            created(&json!({"name": "p", "namespace": "n", "annotations": {"a": "x".repeat(262_144)}}));
        assert_eq!(wrong, ["metadata.annotations: Too long: may not be more than 262144 bytes"]);
    }

    #[test]
    fn a_cluster_scoped_object_has_no_namespace() {
        let object = json!({"metadata": {"name": "x", "namespace": "n"}});
        let wrong = validate(&object, Scope::Cluster, NameRule::Dns1123Label, &Path::new("metadata"));
        assert_eq!(field::aggregate(&wrong), "metadata.namespace: Forbidden: not allowed on this type");
    }

    #[test]
    fn identity_may_not_change() {
        let old = json!({"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1", "generation": 2});
        let none: [&str; 0] = [];
        assert_eq!(updated(&old, &old), none);
        assert_eq!(
            updated(&json!({"name": "b", "uid": "x", "creationTimestamp": "2020-01-01T00:00:00Z"}), &old),
            [
                "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
                "metadata.generation: Invalid value: 0: must not be decremented",
                "metadata.name: Invalid value: \"b\": field is immutable",
                "metadata.namespace: Invalid value: \"\": field is immutable",
                "metadata.uid: Invalid value: \"x\": field is immutable",
                "metadata.creationTimestamp: Invalid value: \"2020-01-01T00:00:00Z\": field is immutable",
            ]
        );
    }

    #[test]
    fn an_object_that_is_being_deleted_takes_no_new_finalizers() {
        let time = "2026-11-21T20:08:03Z";
        let old =
            json!({"name": "a", "resourceVersion": "1", "finalizers": ["a.b/c"], "deletionTimestamp": time});
        let new =
            json!({"name": "a", "resourceVersion": "1", "finalizers": ["x.y/z"], "deletionTimestamp": time});
        assert_eq!(
            updated(&new, &old),
            [
                r#"metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.y/z"}"#
            ]
        );
    }
}
