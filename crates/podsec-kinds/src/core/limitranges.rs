//! LimitRanges: the least, the most and the usual that pods, containers and claims ask for.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Map, Value};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, metadata_mut};
use crate::pod_spec::defaults::canonical_quantities;
use crate::quantity::Quantity;
use crate::strategy::Strategy;
use crate::{formats, metadata as meta, resource_names};

/// LimitRanges.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "limitranges",
    default,
    prepare_for_create: |range| {
        // A LimitRange without a name gets one: the uid of the request.
        if metadata(range).text("name").is_empty() {
            let uid = metadata(range).at("uid").clone();
            metadata_mut(range).insert("name".to_owned(), uid);
        }
    },
    validate,
    validate_update: |range, old| {
        let mut errors = meta::common_update(range, old);
        errors.extend(validate(range));
        errors
    },
    allow_create_on_update: true,
    ..BASE
};

/// The most becomes the default limit; that, or else the least, becomes the default request.
fn default(range: &mut Value) {
    let Some(spec) = range.as_object_mut().and_then(|range| range.ensure("spec")) else { return };
    for item in spec.objects_mut("limits") {
        if item.at("type") == "Container" {
            fill_from(item, "default", "max");
            fill_from(item, "defaultRequest", "default");
            fill_from(item, "defaultRequest", "min");
        }
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            canonical_quantities(item, list);
        }
    }
}

/// Copies the quantities that `to` lacks.
fn fill_from(item: &mut Map<String, Value>, to: &str, from: &str) {
    let quantities: Vec<(String, Value)> =
        item.entries(from).map(|(resource, quantity)| (resource.to_owned(), quantity.clone())).collect();
    if quantities.is_empty() {
        return;
    }
    let Some(to) = item.ensure(to) else { return };
    for (resource, quantity) in quantities {
        to.fill(&resource, quantity);
    }
}

fn validate(range: &Value) -> Vec<Error> {
    let mut errors = meta::validate(range, true, NameRule::Dns1123Subdomain);
    let path = Path::new("spec").child("limits");
    let mut types = BTreeSet::new();
    for (index, item) in range.at("spec").list("limits").iter().enumerate() {
        let path = path.index(index);
        let kind = item.text("type");
        let wrong = formats::invalid(&path.child("type"), kind, formats::qualified_name(kind));
        if wrong.is_empty() && !kind.contains('/') && !TYPES.contains(&kind) {
            let detail = "must be a standard limit type or fully qualified";
            errors.push(Error::invalid(path.child("type"), &kind.into(), detail));
        }
        errors.extend(wrong);
        if !types.insert(kind) {
            errors.push(Error::duplicate(path.child("type"), &kind.into()));
        }
        errors.extend(validate_item(item, kind, &path));
    }
    errors
}

fn validate_item(item: &Value, kind: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let rule =
        if matches!(kind, "Pod" | "Container") { resource_names::of_container } else { resource_names::any };
    let names = |list: &str| -> Vec<Error> {
        let path = path.child(list);
        item.entries(list).flat_map(|(name, _)| rule(name, &path.key(name))).collect()
    };
    errors.extend(names("max"));
    errors.extend(names("min"));
    let mut lists = vec!["max", "min"];
    for list in ["default", "defaultRequest"] {
        if kind != "Pod" {
            errors.extend(names(list));
            lists.push(list);
        } else if item.entries(list).next().is_some() {
            let detail = "may not be specified when `type` is 'Pod'";
            errors.push(Error::forbidden(path.child(list), detail));
        }
    }
    if kind == "PersistentVolumeClaim" && !item.at("min").has("storage") && !item.at("max").has("storage") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(Error::required(path.child("limits"), detail));
    }
    errors.extend(names("maxLimitRequestRatio"));
    lists.push("maxLimitRequestRatio");
    let mut amounts: BTreeMap<&str, BTreeMap<&str, Quantity>> = BTreeMap::new();
    for list in lists {
        for (name, amount) in item.texts(list) {
            if let Some(amount) = Quantity::parse(amount) {
                amounts.entry(name).or_default().insert(list, amount);
            }
        }
    }
    for (name, amounts) in amounts {
        errors.extend(in_order(name, &amounts, path));
    }
    errors
}

/// The least is not above the usual, and the usual not above the most.
fn in_order(name: &str, amounts: &BTreeMap<&str, Quantity>, path: &Path) -> Vec<Error> {
    let amount = |list: &str| amounts.get(list).copied();
    let (least, most) = (amount("min"), amount("max"));
    let (limit, request) = (amount("default"), amount("defaultRequest"));
    let at = |list: &str| path.child(list).key(name);
    let mut errors = Vec::new();
    let mut above = |high: Option<Quantity>,
                     low: Option<Quantity>,
                     shown: Option<Quantity>,
                     at: Path,
                     words: [&str; 2]| {
        if let (Some(high), Some(low), Some(shown)) = (high, low, shown)
            && high > low
        {
            let detail = format!("{} value {high} is greater than {} value {low}", words[0], words[1]);
            errors.push(shown.invalid(&at, &detail));
        }
    };
    above(least, most, least, at("min"), ["min", "max"]);
    above(least, request, request, at("defaultRequest"), ["min", "default request"]);
    above(request, most, request, at("defaultRequest"), ["default request", "max"]);
    above(request, limit, request, at("defaultRequest"), ["default request", "default limit"]);
    // Kubernetes shows the bound in the place of the default.
    above(least, limit, least, at("default"), ["min", "default"]);
    above(limit, most, most, at("default"), ["default", "max"]);
    if let Some(ratio) = amount("maxLimitRequestRatio") {
        let at = at("maxLimitRequestRatio");
        if Quantity::parse("1").is_some_and(|one| ratio < one) {
            errors.push(ratio.invalid(&at, &format!("ratio {ratio} is less than 1")));
        }
        if let (Some(least), Some(most)) = (least, most) {
            let bound = quotient(most, least);
            if ratio.milli_value_as_float() / 1000.0 > bound {
                let detail = format!("ratio {ratio} is greater than max/min = {}", go_float(bound));
                errors.push(ratio.invalid(&at, &detail));
            }
        }
    }
    if let (Some(limit), Some(request)) = (limit, request)
        && !resource_names::may_overcommit(name)
        && limit != request
    {
        let detail = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
        errors.push(request.invalid(&at("defaultRequest"), &detail));
    }
    errors
}

fn quotient(most: Quantity, least: Quantity) -> f64 {
    most.milli_value_as_float() / least.milli_value_as_float()
}

/// A float as Go's `%f` writes it.
fn go_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value:.6}")
    }
}

const TYPES: &[&str] = &["Container", "PersistentVolumeClaim", "Pod"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_becomes_the_limit_and_the_request() {
        let mut range = json!({ "spec": { "limits": [
            { "type": "Container", "max": { "cpu": "2" }, "min": { "memory": "1Mi" } },
            { "type": "Pod", "max": { "cpu": "4" } },
        ] } });
        default(&mut range);
        let expected = json!({ "spec": { "limits": [
            { "type": "Container", "max": { "cpu": "2" }, "min": { "memory": "1Mi" },
              "default": { "cpu": "2" }, "defaultRequest": { "cpu": "2", "memory": "1Mi" } },
            { "type": "Pod", "max": { "cpu": "4" } },
        ] } });
        assert_eq!(range, expected);
    }

    #[test]
    fn a_ratio_is_not_above_the_most_over_the_least() {
        let range = json!({ "metadata": { "name": "r", "namespace": "n" }, "spec": { "limits": [
            { "type": "Pod", "max": { "cpu": "2" }, "min": { "cpu": "3" }, "maxLimitRequestRatio": { "cpu": "5" } },
        ] } });
        let errors: Vec<String> = validate(&range).iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "spec.limits[0].min[cpu]: Invalid value: \"3\": min value 3 is greater than max value 2",
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"5\": ratio 5 is greater than max/min = 0.666667",
            ]
        );
    }
}
