//! PodDisruptionBudgets: how many pods may be missing.

use podsec_apimachinery::field::{self, Error, Path};
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column, integer};
use crate::strategy::{Strategy, Subresource};
use crate::{conditions, formats, internal, label_selector, metadata as meta, workload};

/// PodDisruptionBudgets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "policy",
    resource: "poddisruptionbudgets",
    default: |budget| {
        let status = budget.as_object_mut().and_then(|budget| budget.ensure("status"));
        if let (Some(status), Value::Object(none)) = (status, no_status()) {
            for (field, value) in none {
                status.fill(&field, value);
            }
        }
    },
    prepare_for_create: |budget| {
        workload::reset_status(budget, no_status());
        workload::start_generation(budget);
    },
    prepare_for_update: workload::prepare_for_update,
    // Kubernetes asks nothing more of the name than of any object's.
    validate: |budget| meta::or_of_any(validate_spec(budget.at("spec"), false), budget),
    validate_update: |budget, old| {
        let wrong_before = !selector(old.at("spec"), false, &Path::default()).is_empty();
        let mut errors = meta::common_update(budget, old);
        errors.extend(validate_spec(budget.at("spec"), wrong_before));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: |budget, old| {
            let mut errors = meta::common_update(budget, old);
            errors.extend(validate_status(budget.at("status"), &Path::new("status")));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column("Min Available", "The minimum number of pods that must be available."),
        column("Max Unavailable", "The maximum number of pods that may be unavailable."),
        integer("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time."),
        printing::AGE,
    ],
    cells: |budget, now| {
        let spec = budget.at("spec");
        vec![
            printing::name(budget),
            count(spec.at("minAvailable")),
            count(spec.at("maxUnavailable")),
            budget.at("status").number("disruptionsAllowed").into(),
            printing::age(budget, now),
        ]
    },
    allow_unconditional_update: false,
    ..BASE
};

fn no_status() -> Value {
    json!({ "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0 })
}

fn validate_spec(spec: &Value, any_label_value: bool) -> Vec<Error> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        errors.push(Error::invalid_json(path.clone(), &shown(spec), detail));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        if let Some(count) = spec.field(field) {
            errors.extend(workload::validate_int_or_percent(count, &path.child(field)));
            errors.extend(workload::not_above_all(count, &path.child(field)));
        }
    }
    errors.extend(selector(spec, any_label_value, &path));
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    if let Some(policy) =
        spec.at("unhealthyPodEvictionPolicy").as_str().filter(|policy| !policies.contains(policy))
    {
        errors.push(formats::unsupported(&path.child("unhealthyPodEvictionPolicy"), policy, &policies));
    }
    errors
}

fn selector(spec: &Value, any_label_value: bool, path: &Path) -> Vec<Error> {
    label_selector::validate_with(spec.at("selector"), any_label_value, &path.child("selector"))
}

/// The spec as Kubernetes' internal struct.
fn shown(spec: &Value) -> String {
    format!(
        r#"{{"MinAvailable":{},"Selector":{},"MaxUnavailable":{},"UnhealthyPodEvictionPolicy":{}}}"#,
        field::json(spec.at("minAvailable")),
        internal::json("*metav1.LabelSelector", spec.at("selector")),
        field::json(spec.at("maxUnavailable")),
        field::json(spec.at("unhealthyPodEvictionPolicy")),
    )
}

fn validate_status(status: &Value, path: &Path) -> Vec<Error> {
    let mut errors = conditions::validate(status.list("conditions"), &path.child("conditions"));
    for field in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        errors.extend(formats::nonnegative(&path.child(field), status.number(field)));
    }
    errors
}

/// A number or a percentage.
fn count(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}
