//! The rules of `env`, `envFrom` and the references to fields that the downward API shares with them.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// `env`.
pub(super) fn validate(variables: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        let path = path.index(index);
        let name = variable.text("name");
        if name.is_empty() {
            errors.push(Error::required(path.child("name"), ""));
        } else {
            errors.extend(formats::invalid(&path.child("name"), name, formats::environment_variable(name)));
        }
        if variable.has("valueFrom") {
            errors.extend(value_from(variable, &path.child("valueFrom")));
        }
    }
    errors
}

/// `envFrom`.
pub(super) fn validate_from(sources: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let item = path.index(index);
        let prefix = source.text("prefix");
        if !prefix.is_empty() {
            errors.extend(formats::invalid(
                &item.child("prefix"),
                prefix,
                formats::environment_variable(prefix),
            ));
        }
        let mut sources = 0;
        for kind in ["configMapRef", "secretRef"] {
            if let Some(reference) = source.field(kind) {
                sources += 1;
                let path = item.child(kind).child("name");
                let name = reference.text("name");
                if name.is_empty() {
                    errors.push(Error::required(path, ""));
                } else {
                    errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
                }
            }
        }
        let wrong = match sources {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        errors.push(Error::invalid(path.clone(), &"".into(), wrong));
    }
    errors
}

fn value_from(variable: &Value, path: &Path) -> Vec<Error> {
    let source = variable.at("valueFrom");
    let mut errors = Vec::new();
    let mut sources = 0;
    if let Some(reference) = source.field("fieldRef") {
        sources += 1;
        errors.extend(field_reference(reference, VARIABLE_FIELDS, &path.child("fieldRef")));
    }
    if let Some(reference) = source.field("resourceFieldRef") {
        sources += 1;
        errors.extend(resource_reference(reference, false, &path.child("resourceFieldRef")));
    }
    for kind in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = source.field(kind) {
            sources += 1;
            errors.extend(key_reference(reference, &path.child(kind)));
        }
    }
    if let Some(reference) = source.field("fileKeyRef") {
        sources += 1;
        errors.extend(file_key_reference(reference, &path.child("fileKeyRef")));
    }
    let wrong = if sources == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    } else if !variable.text("value").is_empty() {
        "may not be specified when `value` is not empty"
    } else if sources > 1 {
        "may not have more than one field specified at a time"
    } else {
        return errors;
    };
    errors.push(Error::invalid(path.clone(), &"".into(), wrong));
    errors
}

fn key_reference(reference: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let name = reference.text("name");
    errors.extend(formats::invalid(&path.child("name"), name, formats::subdomain(name)));
    let key = reference.text("key");
    if key.is_empty() {
        errors.push(Error::required(path.child("key"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("key"), key, formats::config_map_key(key)));
    }
    errors
}

fn file_key_reference(reference: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (key, volume, file) = (reference.text("key"), reference.text("volumeName"), reference.text("path"));
    if key.is_empty() {
        errors.push(Error::required(path.child("key"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("key"), key, formats::environment_variable(key)));
    }
    if volume.is_empty() {
        errors.push(Error::required(path.child("volumeName"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("volumeName"), volume, formats::label(volume)));
    }
    if file.is_empty() {
        errors.push(Error::required(path.child("path"), ""));
    } else {
        errors.extend(formats::path_no_backsteps(file, &path.child("path")));
    }
    errors
}

/// Variables may come from files of the pod's own empty directories only.
pub(super) fn validate_files(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (index, container) in spec.list(list).iter().enumerate() {
            let path = path.child(list).index(index).child("env");
            for (index, variable) in container.list("env").iter().enumerate() {
                let Some(reference) = variable.at("valueFrom").field("fileKeyRef") else { continue };
                let path = path.index(index).child("valueFrom").child("fileKeyRef").child("volumeName");
                let name = reference.text("volumeName");
                match spec.list("volumes").iter().rfind(|volume| volume.text("name") == name) {
                    None => errors.push(Error::not_found(path, &name.into())),
                    Some(volume) if !volume.has("emptyDir") => {
                        let detail = "referenced volume must be of type emptyDir";
                        errors.push(Error::invalid(path, &name.into(), detail));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    errors
}

/// A `fieldRef`: the field must be one that Kubernetes knows, and one of `allowed`.
pub(super) fn field_reference(reference: &Value, allowed: &[&str], path: &Path) -> Vec<Error> {
    for field in ["apiVersion", "fieldPath"] {
        if reference.text(field).is_empty() {
            return vec![Error::required(path.child(field), "")];
        }
    }
    let field = reference.text("fieldPath");
    let unconvertible = |detail: String| {
        let detail = format!("error converting fieldPath: {detail}");
        vec![Error::invalid(path.child("fieldPath"), &field.into(), &detail)]
    };
    if reference.text("apiVersion") != "v1" {
        return unconvertible(format!("unsupported pod version: {}", reference.text("apiVersion")));
    }
    if let Some((name, key)) = subscript(field) {
        let (key, known) = match name {
            "metadata.annotations" => (key.to_lowercase(), true),
            "metadata.labels" => (key.to_owned(), true),
            _ => (key.to_owned(), false),
        };
        if !known {
            return unconvertible(format!("field label does not support subscript: {field}"));
        }
        return formats::invalid(path, &key, formats::qualified_name(&key));
    }
    if !KNOWN_FIELDS.contains(&field) {
        return unconvertible(format!("field label not supported: {field}"));
    }
    if allowed.contains(&field) {
        return Vec::new();
    }
    vec![formats::unsupported(&path.child("fieldPath"), field, allowed)]
}

/// A `resourceFieldRef`; one in a volume must name its container.
pub(super) fn resource_reference(reference: &Value, in_volume: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let resource = reference.text("resource");
    if in_volume && reference.text("containerName").is_empty() {
        errors.push(Error::required(path.child("containerName"), ""));
    } else if resource.is_empty() {
        errors.push(Error::required(path.child("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !is_huge_pages(resource) {
        errors.push(formats::unsupported(&path.child("resource"), resource, RESOURCES));
    }
    errors.extend(divisor(resource, reference.text("divisor"), &path.child("divisor")));
    errors
}

fn divisor(resource: &str, divisor: &str, path: &Path) -> Option<Error> {
    if matches!(divisor, "" | "0") {
        return None;
    }
    let kind = match resource.split_once('.').map(|(_, kind)| kind) {
        Some("cpu") => {
            return (!matches!(divisor, "1" | "1m")).then(|| {
                let detail = "only divisor's values 1m and 1 are supported with the cpu resource";
                Error::invalid(path.clone(), &resource.into(), detail)
            });
        }
        Some("memory") => "memory",
        Some("ephemeral-storage") => "local ephemeral storage",
        _ if is_huge_pages(resource) => "hugepages",
        _ => return None,
    };
    (!SIZE_DIVISORS.contains(&divisor)).then(|| {
        let detail = format!(
            "only divisor's values {} are supported with the {kind} resource",
            SIZE_DIVISORS.join(", ")
        );
        Error::invalid(path.clone(), &resource.into(), &detail)
    })
}

fn is_huge_pages(resource: &str) -> bool {
    resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-")
}

/// `path['key']` as its two parts.
fn subscript(field: &str) -> Option<(&str, &str)> {
    field.strip_suffix("']")?.split_once("['").filter(|(path, _)| !path.is_empty())
}

/// The fields of a pod that can be named at all.
const KNOWN_FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The fields a variable may take.
const VARIABLE_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

const SIZE_DIVISORS: &[&str] =
    &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
