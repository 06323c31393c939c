//! The scopes of a quota: which objects it counts at all.

use podsec_kinds::object::Fields;
use serde_json::Value;

/// One condition on the objects of a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    name: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

/// All of a quota, from both of its fields.
pub(super) fn of(quota: &Value) -> impl Iterator<Item = Scope<'_>> {
    let spec = quota.at("spec");
    let names = spec.list("scopes").iter().filter_map(Value::as_str);
    let plain = names.map(|name| Scope { name, operator: "Exists", values: Vec::new() });
    let selected = spec.at("scopeSelector").list("matchExpressions").iter().map(|expression| Scope {
        name: expression.text("scopeName"),
        operator: expression.text("operator"),
        values: expression.list("values").iter().filter_map(Value::as_str).collect(),
    });
    plain.chain(selected)
}

impl Scope<'_> {
    pub(super) fn matches_pod(&self, pod: &Value) -> bool {
        match self.name {
            "Terminating" => is_terminating(pod),
            "NotTerminating" => !is_terminating(pod),
            "BestEffort" => is_best_effort(pod),
            "NotBestEffort" => !is_best_effort(pod),
            "PriorityClass" => self.matches_name(pod.at("spec").text("priorityClassName")),
            "CrossNamespacePodAffinity" => reaches_into_other_namespaces(pod),
            _ => false,
        }
    }

    pub(super) fn matches_claim(&self, claim: &Value) -> bool {
        if self.name != "VolumeAttributesClass" {
            return false;
        }
        let status = claim.at("status");
        let names = [
            claim.at("spec").text("volumeAttributesClassName"),
            status.text("currentVolumeAttributesClassName"),
            status.at("modifyVolumeStatus").text("targetVolumeAttributesClassName"),
        ];
        let mut names = names.into_iter().filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() { self.matches_name("") } else { names.any(|name| self.matches_name(name)) }
    }

    /// Whether a name, empty when there is none, is one of those that are meant.
    fn matches_name(&self, name: &str) -> bool {
        match self.operator {
            "Exists" => !name.is_empty(),
            "DoesNotExist" => name.is_empty(),
            "In" => !name.is_empty() && self.values.contains(&name),
            "NotIn" => name.is_empty() || !self.values.contains(&name),
            _ => false,
        }
    }
}

/// Whether a pod has a limited life.
pub(super) fn is_terminating(pod: &Value) -> bool {
    pod.at("spec").integer("activeDeadlineSeconds").is_some_and(|seconds| seconds >= 0)
}

fn is_best_effort(pod: &Value) -> bool {
    pod.at("status").text("qosClass") == "BestEffort"
}

fn reaches_into_other_namespaces(pod: &Value) -> bool {
    let affinity = pod.at("spec").at("affinity");
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let terms = affinity.at(kind);
        let required = terms.list("requiredDuringSchedulingIgnoredDuringExecution").iter();
        let preferred = terms.list("preferredDuringSchedulingIgnoredDuringExecution").iter();
        required
            .chain(preferred.map(|term| term.at("podAffinityTerm")))
            .any(|term| !term.list("namespaces").is_empty() || term.has("namespaceSelector"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(quota: &Value, pod: &Value) -> bool {
        of(&json!({"spec": quota})).all(|scope| scope.matches_pod(pod))
    }

    #[test]
    fn a_pod_is_in_all_scopes_or_in_none() {
        let pod = json!({"spec": {"activeDeadlineSeconds": 5}, "status": {"qosClass": "BestEffort"}});
        assert!(matches(&json!({}), &pod));
        assert!(matches(&json!({"scopes": ["Terminating", "BestEffort"]}), &pod));
        assert!(!matches(&json!({"scopes": ["Terminating", "NotBestEffort"]}), &pod));
        assert!(!matches(&json!({"scopes": ["NotTerminating"]}), &pod));
        assert!(!matches(&json!({"scopes": ["SomethingNew"]}), &pod));
    }

    #[test]
    fn priority_classes_are_selected_by_name() {
        let by = |operator: &str, values: &[&str]| {
            json!({"scopeSelector": {"matchExpressions": [
                {"scopeName": "PriorityClass", "operator": operator, "values": values},
            ]}})
        };
        let high = json!({"spec": {"priorityClassName": "high"}});
        let none = json!({"spec": {}});
        for (operator, values, on_high, on_none) in [
            ("In", &["high"] as &[&str], true, false),
            ("In", &["low"], false, false),
            ("NotIn", &["high"], false, true),
            ("NotIn", &["low"], true, true),
            ("Exists", &[], true, false),
            ("DoesNotExist", &[], false, true),
        ] {
            let quota = by(operator, values);
            assert_eq!((matches(&quota, &high), matches(&quota, &none)), (on_high, on_none), "{operator}");
        }
    }

    #[test]
    fn affinity_to_pods_elsewhere_is_a_scope() {
        let quota = json!({"scopes": ["CrossNamespacePodAffinity"]});
        let pod = |term: Value| {
            json!({"spec": {"affinity": {"podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": term}],
            }}}})
        };
        assert!(matches(&quota, &pod(json!({"namespaceSelector": {}}))));
        assert!(!matches(&quota, &pod(json!({"topologyKey": "zone"}))));
    }
}
