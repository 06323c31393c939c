//! What RoleBindings and ClusterRoleBindings share: a role, and who has it.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::{NameRule, path_segment};
use serde_json::Value;

use super::GROUP;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, same};
use crate::printing;
use crate::strategy::Strategy;
use crate::{formats, internal, metadata as meta};

/// What both have in common.
pub(super) const BINDING: Strategy =
    Strategy { group: GROUP, default, cells, allow_create_on_update: true, ..BASE };

fn default(binding: &mut Value) {
    let Some(binding) = binding.as_object_mut() else { return };
    if let Some(role) = binding.ensure("roleRef") {
        role.fill_zero("apiGroup", GROUP);
        role.fill("kind", "");
        role.fill("name", "");
    }
    for subject in binding.objects_mut("subjects") {
        if matches!(subject.text("kind"), "User" | "Group") {
            subject.fill_zero("apiGroup", GROUP);
        }
    }
}

/// What is wrong with a new binding.
pub(super) fn validate(binding: &Value, namespaced: bool) -> Vec<Error> {
    let mut errors = meta::validate(binding, namespaced, NameRule::PathSegment);
    let (path, role) = (Path::new("roleRef"), binding.at("roleRef"));
    if role.text("apiGroup") != GROUP {
        errors.push(formats::unsupported(&path.child("apiGroup"), role.text("apiGroup"), &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role.text("kind")) {
        errors.push(formats::unsupported(&path.child("kind"), role.text("kind"), kinds));
    }
    let name = role.text("name");
    if name.is_empty() {
        errors.push(Error::required(path.child("name"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("name"), name, path_segment(name)));
    }
    for (index, subject) in binding.list("subjects").iter().enumerate() {
        errors.extend(self::subject(subject, namespaced, &Path::new("subjects").index(index)));
    }
    errors
}

/// What is wrong with a change.
pub(super) fn validate_update(binding: &Value, old: &Value, namespaced: bool) -> Vec<Error> {
    let mut errors = meta::validate_update(binding, old);
    errors.extend(validate(binding, namespaced));
    let role = binding.at("roleRef");
    if !same(role, old.at("roleRef")) {
        errors.push(internal::invalid(Path::new("roleRef"), "rbac.RoleRef", role, "cannot change roleRef"));
    }
    errors
}

fn subject(subject: &Value, namespaced: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (name, group) = (subject.text("name"), subject.text("apiGroup"));
    if name.is_empty() {
        errors.push(Error::required(path.child("name"), ""));
    }
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.extend(formats::invalid(&path.child("name"), name, formats::subdomain(name)));
            }
            if !group.is_empty() {
                errors.push(formats::unsupported(&path.child("apiGroup"), group, &[""]));
            }
            if !namespaced && subject.text("namespace").is_empty() {
                errors.push(Error::required(path.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.push(formats::unsupported(&path.child("apiGroup"), group, &[GROUP]));
            }
        }
        kind => {
            errors.push(formats::unsupported(
                &path.child("kind"),
                kind,
                &["ServiceAccount", "User", "Group"],
            ));
        }
    }
    errors
}

fn cells(binding: &Value, now: Timestamp) -> Vec<Value> {
    let role = binding.at("roleRef");
    let subjects = |kind: &str| -> Value {
        let names: Vec<String> = binding
            .list("subjects")
            .iter()
            .filter(|subject| subject.text("kind") == kind)
            .map(|subject| match (kind, subject.text("namespace")) {
                ("ServiceAccount", "") | ("User" | "Group", _) => subject.text("name").to_owned(),
                (_, namespace) => format!("{namespace}/{}", subject.text("name")),
            })
            .collect();
        names.join(", ").into()
    };
    vec![
        printing::name(binding),
        format!("{}/{}", role.text("kind"), role.text("name")).into(),
        printing::age(binding, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}
