//! The annotations that once said what fields say now: seccomp and AppArmor profiles, and a few pod ones.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;
use serde_json::{Value, json};

use super::{CONTAINER_LISTS, containers, security_context};
use crate::formats;
use crate::object::{Fields, FieldsMut, annotation};

/// The seccomp profile of a pod, dead since 1.27.
pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// The seccomp profile of the container named after it, dead since 1.27.
pub(super) const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// The AppArmor profile of the container named after it, deprecated since 1.30.
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// What is wrong with the annotations of a pod or template, `path` being that of the annotations.
pub(crate) fn validate(metadata: &Value, spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let annotations = metadata.at("annotations");
    if let Some(value) = annotations.at(MIRROR).as_str()
        && spec.text("nodeName").is_empty()
    {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(Error::invalid(path.key(MIRROR), &value.into(), detail));
    }
    if let Some(cost) = annotations.at(DELETION_COST).as_str() {
        // Neither a plus nor leading zeros.
        let digits = cost.strip_prefix('-').unwrap_or(cost);
        let plain = cost == "0" || digits.starts_with(|c: char| matches!(c, '1'..='9'));
        if !plain || cost.parse::<i32>().is_err() {
            errors.push(Error::invalid(path.key(DELETION_COST), &cost.into(), "must be a 32bit integer"));
        }
    }
    for (key, profile) in metadata.texts("annotations") {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            errors.extend(seccomp_profile(profile, &path.child(key)));
        }
    }
    for (key, profile) in metadata.texts("annotations") {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        if !containers(spec, path).any(|(other, _)| other.text("name") == container) {
            errors.push(Error::invalid(path.key(key), &container.into(), "container not found"));
        }
        if !matches!(profile, "" | "runtime/default" | "unconfined") && !profile.starts_with("localhost/") {
            let detail = format!("invalid AppArmor profile name: {}", quoted(profile));
            errors.push(Error::invalid(path.key(key), &profile.into(), &detail));
        }
    }
    errors
}

fn seccomp_profile(profile: &str, path: &Path) -> Vec<Error> {
    if matches!(profile, "runtime/default" | "docker/default" | "unconfined") {
        Vec::new()
    } else if let Some(local) = profile.strip_prefix("localhost/") {
        formats::local_descending_path(local, path)
    } else {
        vec![Error::invalid(path.clone(), &profile.into(), "must be a valid seccomp profile")]
    }
}

/// A pod that sets a seccomp profile both ways must mean the same.
pub(super) fn seccomp_fields_match(pod: &Value, path: &Path) -> Vec<Error> {
    let spec = pod.at("spec");
    let mut errors = Vec::new();
    let mut check = |owner: &Value, key: &str, path: &Path| {
        let profile = owner.at("securityContext").at("seccompProfile");
        if let Some(annotation) = annotation(pod, key) {
            let path = path.child("securityContext").child("seccompProfile");
            errors.extend(profile_matches(profile, annotation, "seccomp", &path));
        }
    };
    check(spec, SECCOMP_POD, path);
    for (container, path) in containers(spec, path) {
        check(container, &format!("{SECCOMP_CONTAINER}{}", container.text("name")), &path);
    }
    errors
}

/// A pod that sets an AppArmor profile both ways must mean the same.
pub(super) fn app_armor_fields_match(pod: &Value, path: &Path) -> Vec<Error> {
    let spec = pod.at("spec");
    if spec.at("os").text("name") == "windows" {
        return Vec::new();
    }
    let of_pod = spec.at("securityContext").at("appArmorProfile");
    let mut errors = Vec::new();
    for (container, path) in containers(spec, path) {
        let profile = container.at("securityContext").field("appArmorProfile").unwrap_or(of_pod);
        if let Some(annotation) = annotation(pod, &format!("{APP_ARMOR}{}", container.text("name"))) {
            let path = path.child("securityContext").child("appArmorProfile");
            errors.extend(profile_matches(profile, annotation, "apparmor", &path));
        }
    }
    errors
}

fn profile_matches(profile: &Value, annotation: &str, system: &str, path: &Path) -> Option<Error> {
    let type_matches = match profile.text("type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => {
            annotation == "runtime/default" || (system == "seccomp" && annotation == "docker/default")
        }
        "Localhost" => match annotation.strip_prefix("localhost/") {
            Some(local) if profile.at("localhostProfile") == local => true,
            Some(_) => {
                let detail = format!("{system} profile in annotation and field must match");
                return Some(Error::forbidden(path.child("localhostProfile"), &detail));
            }
            None => false,
        },
        _ => true,
    };
    (!type_matches).then(|| {
        let detail = format!("{system} type in annotation and field must match");
        Error::forbidden(path.child("type"), &detail)
    })
}

/// Copies AppArmor annotations into the fields of containers that have none, as Kubernetes does when a pod is
/// created; a profile that the whole pod has already needs no copy.
pub(crate) fn copy_app_armor(pod: &mut Value) {
    let copies = app_armor_copies(pod);
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return };
    for list in CONTAINER_LISTS {
        for container in spec.objects_mut(list) {
            let own = copies.iter().find(|copy| copy.container == container.text("name"));
            let Some(profile) = own.and_then(|copy| copy.profile.clone()) else { continue };
            if let Some(context) = container.ensure("securityContext") {
                context.fill("appArmorProfile", profile);
            }
        }
    }
}

/// The keys of AppArmor annotations whose author should use the field instead.
pub(super) fn deprecated_app_armor(pod: &Value) -> Vec<String> {
    app_armor_copies(pod).iter().map(|copy| format!("{APP_ARMOR}{}", copy.container)).collect()
}

/// The profile that the text of an AppArmor annotation means.
pub(super) fn app_armor_field(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({ "type": "Unconfined" })),
        "runtime/default" => Some(json!({ "type": "RuntimeDefault" })),
        other => other
            .strip_prefix("localhost/")
            .map(|local| json!({ "type": "Localhost", "localhostProfile": local })),
    }
}

struct Copy {
    container: String,
    profile: Option<Value>,
}

/// What would be copied, or has been: for each annotated container whose field is not set or says the same,
/// unless its pod says it already, the profile, or nothing when the annotation cannot be read.
fn app_armor_copies(pod: &Value) -> Vec<Copy> {
    let spec = pod.at("spec");
    if spec.at("os").text("name") == "windows" {
        return Vec::new();
    }
    let of_pod = spec.at("securityContext").at("appArmorProfile");
    let path = Path::default();
    containers(spec, &path)
        .filter_map(|(container, _)| {
            let name = container.text("name");
            let profile = app_armor_field(annotation(pod, &format!("{APP_ARMOR}{name}"))?)
                .filter(|profile| security_context::app_armor_profile(profile, &path).is_empty());
            let own = container.at("securityContext").field("appArmorProfile");
            let open = own.is_none() || own == profile.as_ref();
            let said = profile.as_ref() == Some(of_pod);
            (open && !said).then(|| Copy { container: name.to_owned(), profile })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotation: &str, pod_profile: &Value) -> Value {
        json!({
            "metadata": { "annotations": { "container.apparmor.security.beta.kubernetes.io/c": annotation } },
            "spec": { "securityContext": { "appArmorProfile": pod_profile }, "containers": [{ "name": "c" }, { "name": "d" }] }
        })
    }

    #[test]
    fn an_app_armor_annotation_becomes_the_field_of_its_container() {
        let mut annotated = pod("localhost/x", &Value::Null);
        assert_eq!(deprecated_app_armor(&annotated), ["container.apparmor.security.beta.kubernetes.io/c"]);
        copy_app_armor(&mut annotated);
        assert_eq!(deprecated_app_armor(&annotated).len(), 1, "the warning outlives the copy");
        assert_eq!(
            annotated.at("spec").at("containers"),
            &json!([
                {
                    "name": "c",
                    "securityContext": { "appArmorProfile": { "type": "Localhost", "localhostProfile": "x" } }
                },
                { "name": "d" }
            ])
        );
    }

    #[test]
    fn what_the_whole_pod_says_is_not_said_again() {
        let mut annotated = pod("runtime/default", &json!({ "type": "RuntimeDefault" }));
        let before = annotated.clone();
        assert!(deprecated_app_armor(&annotated).is_empty());
        copy_app_armor(&mut annotated);
        assert_eq!(annotated, before);
    }

    #[test]
    fn an_annotation_that_says_nothing_is_warned_about_and_not_copied() {
        let mut annotated = pod("foo", &Value::Null);
        let before = annotated.clone();
        assert_eq!(deprecated_app_armor(&annotated).len(), 1);
        copy_app_armor(&mut annotated);
        assert_eq!(annotated, before);
    }
}
