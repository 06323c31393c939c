//! How much of the capacity of a shared device one request may take.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::lists;
use crate::object::Fields;
use crate::quantity::Quantity;

/// What is wrong with the policy of a capacity.
pub(super) fn validate(capacity: &Value, path: &Path) -> Vec<Error> {
    let policy = capacity.at("requestPolicy");
    let path = path.child("requestPolicy");
    let most = quantity(capacity.at("value"));
    let values = policy.list("validValues");
    let default = policy.field("default").map(quantity);
    match (values, policy.field("validRange")) {
        ([], None) => Vec::new(),
        ([], Some(range)) => match default {
            None => vec![Error::required(path.child("default"), "required when validRange is defined")],
            Some(default) => self::range(range, default, most, &path.child("validRange")),
        },
        (values, None) => match default {
            None => vec![Error::required(path.child("default"), "required when validValues is defined")],
            Some(default) => self::values(values, default, most, &path.child("validValues")),
        },
        (_, Some(_)) => {
            let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time";
            vec![Error::forbidden(path, detail)]
        }
    }
}

fn quantity(value: &Value) -> Quantity {
    value.as_str().and_then(Quantity::parse).unwrap_or_default()
}

fn invalid(path: Path, value: Quantity, detail: &str) -> Error {
    Error::invalid(path, &value.to_string().into(), detail)
}

fn values(values: &[Value], default: Quantity, most: Quantity, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, pair) in values.windows(2).enumerate() {
        if let [one, next] = pair
            && quantity(one) > quantity(next)
        {
            let detail = "values must be sorted in ascending order";
            errors.push(invalid(path.index(index + 1), quantity(next), detail));
        }
    }
    errors.extend(lists::items(values, 10, path, |value, path| {
        let detail = format!("option is larger than capacity value: {most}");
        let value = quantity(value);
        (value > most).then(|| invalid(path.clone(), value, &detail)).into_iter().collect()
    }));
    let mut seen = std::collections::BTreeSet::new();
    if values.len() <= 10 {
        for (index, value) in values.iter().enumerate() {
            let key = quantity(value).value();
            if !seen.insert(key) {
                errors.push(Error::duplicate(path.index(index), &key.to_string().into()));
            }
        }
    }
    if values.len() > 10 || !values.iter().any(|value| quantity(value) == default) {
        let detail = "default value is not valid according to the requestPolicy";
        errors.push(invalid(path.clone(), default, detail));
    }
    errors
}

fn range(range: &Value, default: Quantity, most: Quantity, path: &Path) -> Vec<Error> {
    let Some(min) = range.field("min").map(quantity) else {
        return vec![Error::required(path.child("min"), "required when validRange is defined")];
    };
    let mut errors = Vec::new();
    if min > most {
        errors.push(invalid(path.child("min"), min, &format!("min is larger than capacity value: {most}")));
    }
    if default < min {
        errors.push(invalid(path.child("min"), default, &format!("default is less than min: {min}")));
    }
    let max = range.field("max").map(quantity);
    if let Some(max) = max {
        let path = path.child("max");
        if min > max {
            errors.push(invalid(path.clone(), min, &format!("min is larger than max: {max}")));
        }
        if max > most {
            let detail = format!("max is larger than capacity value: {most}");
            errors.push(invalid(path.clone(), max, &detail));
        }
        if default > max {
            errors.push(invalid(path, default, &format!("default is more than max: {max}")));
        }
    }
    if let Some(step) = range.field("step").map(quantity) {
        let path = path.child("step");
        let added = min.plus(step);
        if added > most {
            let detail = format!("one step {added} is larger than capacity value: {most}");
            errors.push(invalid(path.clone(), step, &detail));
        }
        for value in std::iter::once(default).chain(max) {
            let distance = value.value().saturating_sub(min.value());
            if distance.checked_rem(step.value()).is_none_or(|rest| rest != 0) {
                let detail = format!("value is not a multiple of a given step ({step}) from ({min})");
                errors.push(invalid(path.clone(), value, &detail));
            }
        }
    }
    errors
}
