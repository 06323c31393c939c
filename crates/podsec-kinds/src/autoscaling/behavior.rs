//! How fast an autoscaler may scale up and down.

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value, json};

use crate::formats;
use crate::object::{Fields, FieldsMut};
use crate::quantity::Quantity;

/// A behavior that says anything says all of it.
pub(super) fn default(behavior: &mut Map<String, Value>) {
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    if let Some(up) = behavior.ensure("scaleUp") {
        up.fill("stabilizationWindowSeconds", 0);
        up.fill("selectPolicy", "Max");
        up.fill("policies", json!([{ "type": "Pods", "value": 4, "periodSeconds": 15 }, percent]));
    }
    if let Some(down) = behavior.ensure("scaleDown") {
        down.fill("selectPolicy", "Max");
        down.fill("policies", json!([percent]));
    }
}

/// What is wrong with it.
pub(super) fn validate(behavior: &Value, path: &Path) -> Vec<Error> {
    let directions = ["scaleUp", "scaleDown"].into_iter();
    let given = directions.filter_map(|direction| Some((direction, behavior.field(direction)?)));
    given.flat_map(|(direction, rules)| validate_rules(rules, &path.child(direction))).collect()
}

fn validate_rules(rules: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let window_path = path.child("stabilizationWindowSeconds");
    match rules.integer("stabilizationWindowSeconds") {
        Some(window) if window < 0 => {
            let detail = "must be greater than or equal to zero";
            errors.push(Error::invalid(window_path, &window.into(), detail));
        }
        Some(window) if window > LONGEST_WINDOW => {
            let detail = format!("must be less than or equal to {LONGEST_WINDOW}");
            errors.push(Error::invalid(window_path, &window.into(), &detail));
        }
        _ => {}
    }
    let selects = ["Disabled", "Max", "Min"];
    if let Some(select) = rules.at("selectPolicy").as_str().filter(|select| !selects.contains(select)) {
        errors.push(formats::unsupported(&path.child("selectPolicy"), select, &selects));
    }
    let policies = rules.list("policies");
    let policies_path = path.child("policies");
    if policies.is_empty() {
        errors.push(Error::required(policies_path.clone(), "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        errors.extend(validate_policy(policy, &policies_path.index(index)));
    }
    if let Some(tolerance) = Quantity::parse(rules.text("tolerance")) {
        errors.extend(tolerance.negative(&path.child("tolerance")));
    }
    errors
}

fn validate_policy(policy: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = policy.text("type");
    if !matches!(kind, "Percent" | "Pods") {
        errors.push(formats::unsupported(&path.child("type"), kind, &["Percent", "Pods"]));
    }
    for field in ["value", "periodSeconds"] {
        let value = policy.number(field);
        if value <= 0 {
            errors.push(Error::invalid(path.child(field), &value.into(), "must be greater than zero"));
        }
    }
    let period = policy.number("periodSeconds");
    if period > LONGEST_PERIOD {
        let detail = format!("must be less than or equal to {LONGEST_PERIOD}");
        errors.push(Error::invalid(path.child("periodSeconds"), &period.into(), &detail));
    }
    errors
}

const LONGEST_WINDOW: i64 = 3600;
const LONGEST_PERIOD: i64 = 1800;
