//! The quality-of-service class of a pod, from the requests and limits of its containers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::Fields;
use crate::quantity::Quantity;

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn class(spec: &Value) -> &'static str {
    if spec.has("resources") {
        return of_resources(std::iter::once(spec.at("resources")));
    }
    let containers = spec.list("containers").iter().chain(spec.list("initContainers"));
    of_resources(containers.map(|container| container.at("resources")))
}

fn of_resources<'a>(all: impl Iterator<Item = &'a Value>) -> &'static str {
    let mut requests = BTreeMap::new();
    let mut limits = BTreeMap::new();
    let mut guaranteed = true;
    for resources in all {
        add(&mut requests, resources.at("requests"));
        let limited = add(&mut limits, resources.at("limits"));
        guaranteed &= limited == 2;
    }
    if requests.is_empty() && limits.is_empty() {
        "BestEffort"
    } else if guaranteed && requests == limits {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Adds the positive amounts of cpu and memory, and counts them.
fn add(total: &mut BTreeMap<&'static str, Quantity>, amounts: &Value) -> usize {
    let mut found = 0;
    for name in ["cpu", "memory"] {
        let amount =
            Quantity::parse(amounts.text(name)).filter(|amount| !amount.is_zero() && !amount.is_negative());
        if let Some(amount) = amount {
            found += 1;
            total.entry(name).and_modify(|sum| *sum = sum.plus(amount)).or_insert(amount);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_class_follows_requests_and_limits() {
        let full = json!({ "requests": { "cpu": "1", "memory": "1Gi" }, "limits": { "cpu": "1000m", "memory": "1024Mi" } });
        let cases = [
            (json!([{ "resources": {} }]), "BestEffort"),
            (json!([{ "resources": full }]), "Guaranteed"),
            (json!([{ "resources": full }, {}]), "Burstable"),
            (json!([{ "resources": { "requests": { "cpu": "1" } } }]), "Burstable"),
            (json!([{ "resources": { "requests": { "cpu": "0" } } }]), "BestEffort"),
            (
                json!([{ "resources": { "limits": { "cpu": "1", "memory": "1" }, "requests": { "cpu": "500m", "memory": "1" } } }]),
                "Burstable",
            ),
        ];
        for (containers, expected) in cases {
            assert_eq!(class(&json!({ "containers": containers })), expected, "{containers}");
        }
    }
}
