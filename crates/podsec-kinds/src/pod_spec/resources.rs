//! The rules of requests, limits and resource claims.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Cause, Error, Path};
use serde_json::Value;

use super::surroundings::Surroundings;
use crate::formats;
use crate::object::Fields;
use crate::quantity::Quantity;
use crate::resource_names;

/// The `resources` of a container.
pub(super) fn validate(resources: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    let mut errors = requirements(resources, path);
    let mut names = BTreeSet::new();
    for (index, claim) in resources.list("claims").iter().enumerate() {
        let path = path.child("claims").index(index);
        let name = claim.text("name");
        if name.is_empty() {
            errors.push(Error::required(path, ""));
            continue;
        }
        if !names.insert((name, claim.text("request"))) {
            errors.push(Error::duplicate(path.clone(), &name.into()));
        }
        if !surroundings.claims.contains(name) {
            let mut error = Error::not_found(path, &name.into());
            error.message.push_str(": must be one of the names in pod.spec.resourceClaims");
            if surroundings.claims.is_empty() {
                error.message.push_str(" which is empty");
            }
            errors.push(error);
        }
    }
    errors
}

/// `resizePolicy` of a container.
pub(super) fn validate_resize_policy(
    container: &Value,
    surroundings: &Surroundings<'_>,
    path: &Path,
) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, policy) in container.list("resizePolicy").iter().enumerate() {
        let resource = policy.text("resourceName");
        if !names.insert(resource) {
            errors.push(Error::duplicate(path.index(index), &resource.into()));
        }
        errors.extend(formats::one_of(path, resource, &["cpu", "memory"]));
        let restart = policy.text("restartPolicy");
        errors.extend(formats::one_of(path, restart, &["NotRequired", "RestartContainer"]));
        if surroundings.restart_policy == "Never" && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            errors.push(Error::invalid(path.clone(), &restart.into(), detail));
        }
    }
    errors
}

/// The `resources` of a whole pod.
pub(super) fn validate_pod_level(spec: &Value, path: &Path) -> Vec<Error> {
    let Some(resources) = spec.field("resources") else { return Vec::new() };
    let mut errors = Vec::new();
    if resources.has("claims") {
        let detail = "claims cannot be set for Resources at pod-level";
        errors.push(Error::forbidden(path.child("claims"), detail));
    }
    for list in ["limits", "requests"] {
        for (name, _) in resources.entries(list) {
            if !resource_names::is_supported_for_pods(name) {
                let path = path.child(list).key(name);
                errors.push(formats::unsupported(&path, name, &["cpu", "hugepages-", "memory"]));
            }
        }
    }
    errors.extend(requirements(resources, path));
    for name in ["cpu", "memory"] {
        let requested = |container: &Value| amount(container.at("resources").at("requests").at(name));
        let Some(sum) = spec.list("containers").iter().filter_map(requested).reduce(Quantity::plus) else {
            continue;
        };
        let allowed = amount(resources.at("requests").at(name));
        if allowed.is_none_or(|allowed| sum > allowed) {
            let shown = allowed.map_or_else(|| "0".to_owned(), |allowed| allowed.to_string());
            let detail = format!("must be greater than or equal to aggregate container requests of {sum}");
            errors.push(Error::invalid(path.child("requests").key(name), &shown.into(), &detail));
        }
    }
    for (index, container) in spec.list("containers").iter().enumerate() {
        for (name, limit) in container.at("resources").entries("limits") {
            let (Some(limit), Some(most)) = (amount(limit), amount(resources.at("limits").at(name))) else {
                continue;
            };
            if limit > most {
                let path = path.child("containers").index(index).key(name).child("limits");
                let detail = format!("must be less than or equal to pod limits of {most}");
                errors.push(Error::invalid(path, &limit.to_string().into(), &detail));
            }
        }
    }
    errors
}

/// `spec.resourceClaims`.
pub(super) fn validate_claims(claims: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, claim) in claims.iter().enumerate() {
        let path = path.index(index);
        let name = claim.text("name");
        if name.is_empty() {
            errors.push(Error::required(path.child("name"), ""));
        } else if !names.insert(name) {
            errors.push(Error::duplicate(path.child("name"), &name.into()));
        } else {
            errors.extend(formats::invalid(&path.child("name"), name, formats::label(name)));
        }
        let source = |field: &str| claim.at(field).as_str();
        let wrong = match (source("resourceClaimName"), source("resourceClaimTemplateName")) {
            (Some(_), Some(_)) => {
                Some("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
            }
            (None, None) => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            // Kubernetes shows its own struct, fields in the order of the source.
            let shown = format!(
                r#"{{"Name":{},"ResourceClaimName":{},"ResourceClaimTemplateName":{}}}"#,
                Value::from(name),
                claim.at("resourceClaimName"),
                claim.at("resourceClaimTemplateName")
            );
            let message = format!("Invalid value: {shown}: {wrong}");
            errors.push(Error { path: path.clone(), cause: Cause::Invalid, message });
        }
        for field in ["resourceClaimName", "resourceClaimTemplateName"] {
            if let Some(name) = source(field) {
                errors.extend(formats::invalid(&path.child(field), name, formats::subdomain(name)));
            }
        }
    }
    errors
}

/// One resource list.
pub(super) fn validate_list(list: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (name, value) in list.as_object().into_iter().flatten() {
        let path = path.key(name);
        errors.extend(resource_names::of_container(name, &path));
        if let Some(amount) = amount(value) {
            if amount.is_negative() {
                let detail = "must be greater than or equal to 0";
                errors.push(Error::invalid(path.clone(), &amount.to_string().into(), detail));
            }
            if resource_names::is_extended(name) && !amount.is_integer() {
                errors.push(Error::invalid(path.clone(), &amount.to_string().into(), "must be an integer"));
            }
        }
    }
    errors
}

/// Requests and limits, of a container or of anything that obeys the same rules.
pub(crate) fn requirements(resources: &Value, path: &Path) -> Vec<Error> {
    let mut errors = validate_list(resources.at("limits"), &path.child("limits"));
    for (name, value) in resources.entries("limits") {
        let page = name.strip_prefix("hugepages-").and_then(Quantity::parse);
        if let (Some(page), Some(amount)) = (page, amount(value))
            && !amount.is_multiple_of(page)
        {
            let detail = "must be a multiple of the page size";
            let path = path.child("limits").key(name);
            errors.push(Error::invalid(path, &amount.to_string().into(), detail));
        }
    }
    let requests_path = path.child("requests");
    for (name, value) in resources.entries("requests") {
        errors.extend(validate_list(&one_entry(name, value), &requests_path));
        let Some(request) = amount(value) else { continue };
        let detail = match amount(resources.at("limits").at(name)) {
            Some(limit) if request != limit && !resource_names::may_overcommit(name) => {
                format!("must be equal to {name} limit of {limit}")
            }
            Some(limit) if request > limit => {
                format!("must be less than or equal to {name} limit of {limit}")
            }
            None if !resource_names::may_overcommit(name) => {
                let detail = "Limit must be set for non overcommitable resources";
                errors.push(Error::required(path.child("limits"), detail));
                continue;
            }
            _ => continue,
        };
        errors.push(Error::invalid(requests_path.clone(), &request.to_string().into(), &detail));
    }
    let names = || resources.entries("limits").chain(resources.entries("requests")).map(|(name, _)| name);
    if names().any(resource_names::is_huge_pages) && !names().any(|name| matches!(name, "cpu" | "memory")) {
        errors.push(Error::forbidden(path.clone(), "HugePages require cpu or memory"));
    }
    errors
}

fn one_entry(name: &str, value: &Value) -> Value {
    Value::Object(std::iter::once((name.to_owned(), value.clone())).collect())
}

fn amount(value: &Value) -> Option<Quantity> {
    Quantity::parse(value.as_str()?)
}
