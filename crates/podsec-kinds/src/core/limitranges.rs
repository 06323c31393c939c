//! LimitRanges: the limits and requests of a container that follow from its maximum and minimum.

use serde_json::{Map, Value};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::strategy::Strategy;

/// LimitRanges.
pub(crate) static STRATEGY: Strategy = Strategy { resource: "limitranges", default, ..BASE };

/// The most becomes the default limit; that, or else the least, becomes the default request.
fn default(range: &mut Value) {
    let Some(spec) = range.as_object_mut().and_then(|range| range.ensure("spec")) else { return };
    for item in spec.objects_mut("limits") {
        if item.at("type") == "Container" {
            fill_from(item, "default", "max");
            fill_from(item, "defaultRequest", "default");
            fill_from(item, "defaultRequest", "min");
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
}
