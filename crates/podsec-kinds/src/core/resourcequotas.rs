//! ResourceQuotas: what a namespace may use, of the pods that its scopes tell.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::pod_spec::defaults::canonical_quantities;
use crate::printing::{self, column};
use crate::quantity::Quantity;
use crate::strategy::{DeletionAnswer, Strategy, Subresource};
use crate::{immutable, internal, metadata as meta, resource_names, workload};

/// ResourceQuotas.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "resourcequotas",
    default: |quota| {
        let Some(quota) = quota.as_object_mut() else { return };
        for (part, lists) in [("spec", &["hard"][..]), ("status", &["hard", "used"])] {
            if let Some(part) = quota.ensure(part) {
                for list in lists {
                    canonical_quantities(part, list);
                }
            }
        }
    },
    prepare_for_create: |quota| workload::reset_status(quota, json!({})),
    prepare_for_update: workload::keep_status,
    validate: |quota| {
        let mut errors = meta::validate(quota, true, NameRule::Dns1123Subdomain);
        errors.extend(validate_spec(quota.at("spec"), &Path::new("spec")));
        errors.extend(validate_status(quota.at("status")));
        errors
    },
    validate_update: |quota, old| {
        let mut errors = meta::validate_update(quota, old);
        errors.extend(validate_spec(quota.at("spec"), &Path::new("spec")));
        let scopes = |quota: &Value| -> BTreeSet<String> {
            let scopes = quota.at("spec").list("scopes").iter();
            scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect()
        };
        if scopes(quota) != scopes(old) {
            let path = Path::new("spec").child("scopes");
            errors.extend(immutable::value(
                quota.at("spec").at("scopes"),
                old.at("spec").at("scopes"),
                &path,
            ));
        }
        errors
    },
    warnings_on_create: warnings,
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: |quota, old| {
            let mut errors = meta::validate_update(quota, old);
            errors.extend(validate_status(quota.at("status")));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
        column(
            "Limit",
            "Limits control the maximum amount of cpu/memory that a container may use independent of contention \
         on the node.",
        ),
        printing::AGE,
    ],
    cells: |quota, now| {
        let hard = quota.at("status").field("hard").unwrap_or(quota.at("spec").at("hard"));
        let used = |limits: bool| -> Value {
            let counted = hard.as_object().into_iter().flatten();
            let parts: Vec<String> = counted
                .filter(|(name, _)| (name.starts_with("limits.") || name.contains(".limits.")) == limits)
                .map(|(name, most)| {
                    let used = quota.at("status").at("used").at(name).as_str().unwrap_or("0");
                    format!("{name}: {used}/{}", most.as_str().unwrap_or_default())
                })
                .collect();
            parts.join(", ").into()
        };
        vec![printing::name(quota), used(false), used(true), printing::age(quota, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn validate_spec(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = amounts(spec, "hard", path);
    let scopes: Vec<&str> = spec.list("scopes").iter().filter_map(Value::as_str).collect();
    let scopes_path = path.child("scopes");
    let about = |detail: &str| Error::invalid(scopes_path.clone(), spec.at("scopes"), detail);
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            errors.push(about("unsupported scope"));
        }
        errors.extend(out_of_scope(spec, scope).map(|_| about("unsupported scope applied to resource")));
    }
    errors.extend(conflicts(&scopes).map(|()| about("conflicting scopes")));
    if let Some(selector) = spec.field("scopeSelector") {
        errors.extend(validate_selector(
            spec,
            selector,
            &path.child("scopeSelector").child("matchExpressions"),
        ));
    }
    errors
}

fn validate_selector(spec: &Value, selector: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut scopes = Vec::new();
    for requirement in selector.list("matchExpressions") {
        let (scope, operator) = (requirement.text("scopeName"), requirement.text("operator"));
        if !SCOPES.contains(&scope) {
            errors.push(Error::invalid(path.child("scopeName"), &scope.into(), "unsupported scope"));
        }
        for _ in out_of_scope(spec, scope) {
            let detail = "unsupported scope applied to resource";
            errors.push(internal::invalid(path.clone(), "*ScopeSelector", selector, detail));
        }
        let of_pods = matches!(
            scope,
            "BestEffort" | "NotBestEffort" | "Terminating" | "NotTerminating" | "CrossNamespacePodAffinity"
        );
        if of_pods && operator != "Exists" {
            let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                          ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                          ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(Error::invalid(path.child("operator"), &operator.into(), detail));
        }
        let values = requirement.list("values");
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let detail =
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(Error::required(path.child("values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail =
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(Error::invalid(path.child("values"), requirement.at("values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                let detail = "not a valid selector operator";
                errors.push(Error::invalid(path.child("operator"), &other.into(), detail));
            }
        }
        scopes.push(scope);
    }
    errors.extend(
        conflicts(&scopes).map(|()| Error::invalid(path.clone(), spec.at("scopes"), "conflicting scopes")),
    );
    errors
}

/// The resources that quotas know and that no pod of the scope uses.
fn out_of_scope<'a>(spec: &'a Value, scope: &'a str) -> impl Iterator<Item = &'a str> {
    let names = spec.entries("hard").map(|(name, _)| name);
    names.filter(move |name| resource_names::is_standard_for_quotas(name) && !applies(scope, name))
}

fn applies(scope: &str, name: &str) -> bool {
    match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => name == "pods" || COMPUTE.contains(&name),
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => matches!(name, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}

/// Scopes that no pod is in together.
fn conflicts(scopes: &[&str]) -> impl Iterator<Item = ()> {
    let pairs = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
    pairs.into_iter().filter(|pair| pair.iter().all(|scope| scopes.contains(scope))).map(|_| ())
}

fn validate_status(status: &Value) -> Vec<Error> {
    let path = Path::new("status");
    ["hard", "used"].into_iter().flat_map(|list| amounts(status, list, &path)).collect()
}

fn amounts(owner: &Value, list: &str, path: &Path) -> Vec<Error> {
    let path = path.child(list);
    let mut errors = Vec::new();
    for (name, amount) in owner.texts(list) {
        let path = path.key(name);
        errors.extend(resource_names::of_quota(name, &path));
        if let Some(amount) = Quantity::parse(amount) {
            errors.extend(amount.validate_for(name, &path));
        }
    }
    errors
}

/// More may be requested than the limits allow.
fn warnings(quota: &Value) -> Vec<String> {
    let hard = quota.at("spec").at("hard");
    let amount = |name: &str| Quantity::parse(hard.text(name));
    let mut warnings = Vec::new();
    for resource in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let mut name = format!("requests.{resource}");
        let mut request = amount(&name);
        if request.is_none() && matches!(resource, "cpu" | "memory") {
            resource.clone_into(&mut name);
            request = amount(resource);
        }
        let limit_name = format!("limits.{resource}");
        if let (Some(request), Some(limit)) = (request, amount(&limit_name))
            && request > limit
        {
            warnings
                .push(format!("ResourceQuota {name} ({request}) should be less than {limit_name} ({limit})"));
        }
    }
    warnings
}

const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];
const COMPUTE: &[&str] = &["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
