//! Whether a pod may run on a node: by node selector and affinity, and by taints.

use k8s_openapi::api::core::v1::{Node, NodeSelector, NodeSelectorRequirement, PodSpec, Taint, Toleration};
use kube::ResourceExt as _;

/// Whether the node selector and the required node affinity of a pod let it run on `node`.
pub(crate) fn selects(spec: &PodSpec, node: &Node) -> bool {
    let labels = node.labels();
    let has_labels = spec.node_selector.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required =
        affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    has_labels && required.is_none_or(|required| matches(required, node))
}

/// Whether one of the terms matches. A term without any requirement matches nothing.
fn matches(selector: &NodeSelector, node: &Node) -> bool {
    selector.node_selector_terms.iter().any(|term| {
        let expressions = term.match_expressions.as_deref().unwrap_or_default();
        let fields = term.match_fields.as_deref().unwrap_or_default();
        let by_label = |requirement: &NodeSelectorRequirement| {
            meets(requirement, node.labels().get(&requirement.key).map(String::as_str))
        };
        let by_field = |requirement: &NodeSelectorRequirement| {
            requirement.key == "metadata.name" && meets(requirement, node.metadata.name.as_deref())
        };
        (!expressions.is_empty() || !fields.is_empty())
            && expressions.iter().all(by_label)
            && fields.iter().all(by_field)
    })
}

fn meets(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let has = |value: &str| values.iter().any(|wanted| wanted == value);
    let numbers = || Some((value?.parse::<i64>().ok()?, values.first()?.parse::<i64>().ok()?));
    match requirement.operator.as_str() {
        "In" => value.is_some_and(has),
        "NotIn" => !value.is_some_and(has),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => numbers().is_some_and(|(value, limit)| value > limit),
        "Lt" => numbers().is_some_and(|(value, limit)| value < limit),
        _ => false,
    }
}

/// The first taint with one of these effects that no toleration tolerates.
pub(crate) fn untolerated<'a>(
    taints: &'a [Taint],
    tolerations: &[Toleration],
    effects: &[&str],
) -> Option<&'a Taint> {
    let mut taints = taints.iter().filter(|taint| effects.contains(&taint.effect.as_str()));
    taints.find(|taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint)))
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let is_meant = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == actual)
    };
    let value = toleration.value.as_deref().unwrap_or_default();
    let actual = taint.value.as_deref().unwrap_or_default();
    let numbers = || Some((actual.parse::<i64>().ok()?, value.parse::<i64>().ok()?));
    is_meant(&toleration.effect, &taint.effect)
        && is_meant(&toleration.key, &taint.key)
        && match toleration.operator.as_deref().unwrap_or_default() {
            "" | "Equal" => value == actual,
            "Exists" => true,
            "Gt" => numbers().is_some_and(|(actual, limit)| actual > limit),
            "Lt" => numbers().is_some_and(|(actual, limit)| actual < limit),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(labels: &Value) -> Node {
        serde_json::from_value(json!({"metadata": {"name": "a", "labels": labels}})).unwrap()
    }

    fn spec(value: Value) -> PodSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_pod_runs_where_its_selector_and_one_term_of_its_affinity_match() {
        let node = node(&json!({"zone": "x", "cpus": "8"}));
        let term = |requirement: Value| {
            spec(json!({"containers": [], "affinity": {"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [requirement]}}}}))
        };
        assert!(selects(&spec(json!({"containers": [], "nodeSelector": {"zone": "x"}})), &node));
        assert!(!selects(&spec(json!({"containers": [], "nodeSelector": {"zone": "y"}})), &node));
        let by = |key: &str, operator: &str, values: Value| {
            term(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
        };
        assert!(selects(&by("zone", "In", json!(["x", "y"])), &node));
        assert!(selects(&by("cpus", "Gt", json!(["4"])), &node));
        assert!(!selects(&by("cpus", "Lt", json!(["4"])), &node));
        assert!(!selects(&by("gpu", "Exists", json!([])), &node));
        assert!(!selects(&term(json!({})), &node));
        let named = |name: &str| {
            term(json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}))
        };
        assert!(selects(&named("a"), &node) && !selects(&named("b"), &node));
    }

    #[test]
    fn a_taint_keeps_away_what_does_not_tolerate_it() {
        let taints = [Taint {
            key: "k".into(),
            value: Some("v".into()),
            effect: "NoSchedule".into(),
            time_added: None,
        }];
        let tolerates = |toleration: Value| {
            let toleration: Toleration = serde_json::from_value(toleration).unwrap();
            untolerated(&taints, &[toleration], &["NoSchedule"]).is_none()
        };
        assert!(tolerates(json!({"operator": "Exists"})));
        assert!(tolerates(json!({"key": "k", "value": "v"})));
        assert!(!tolerates(json!({"key": "k", "value": "w"})));
        assert!(!tolerates(json!({"key": "k", "operator": "Exists", "effect": "NoExecute"})));
        assert!(untolerated(&taints, &[], &["NoExecute"]).is_none());
    }
}
