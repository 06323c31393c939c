//! Lists of resources (`v1.ResourceList`), and what a pod asks for and is limited to as a whole.

use std::collections::BTreeMap;

use podsec_go::quantity::Quantity;
use podsec_kinds::object::Fields;
use serde_json::Value;

/// Amounts by the names of resources.
pub(super) type ResourceList = BTreeMap<String, Quantity>;

/// Reads a list. What is no quantity is no part of it: decoding has refused it before.
pub(super) fn read(list: &Value) -> ResourceList {
    let amounts = list.as_object().into_iter().flatten();
    amounts.filter_map(|(name, amount)| Some((name.clone(), quantity(amount)?))).collect()
}

/// One amount.
pub(super) fn quantity(amount: &Value) -> Option<Quantity> {
    Quantity::parse(amount.as_str()?).ok()
}

/// Writes a list as it is stored.
pub(super) fn write(list: &ResourceList) -> Value {
    list.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string()))).collect()
}

/// Adds a list to another.
pub(super) fn add(sum: &mut ResourceList, list: &ResourceList) {
    for (name, amount) in list {
        let sum = sum.entry(name.clone()).or_default();
        // Zero is of the family of what is added to it.
        *sum = if sum.is_zero() { *amount } else { sum.plus(*amount) };
    }
}

/// The larger amount of each resource.
fn larger(most: &mut ResourceList, list: &ResourceList) {
    for (name, amount) in list {
        match most.get_mut(name) {
            Some(most) if *most >= *amount => {}
            Some(most) => *most = *amount,
            None => {
                most.insert(name.clone(), *amount);
            }
        }
    }
}

/// Which half of the requirements is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What the scheduler reserves.
    Requests,
    /// What the kernel enforces.
    Limits,
}

/// What counts as a part of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Its containers, as its spec has them.
    Spec,
    /// Also what it needs beside them, and what a node has given to a container that is being resized.
    Charged,
}

impl Part {
    fn field(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }
}

/// What a pod asks for or is limited to as a whole: the sum of its containers, or what its start needs at most, when
/// init containers run one after the other beside those that stay.
pub(super) fn of_pod(pod: &Value, part: Part, basis: Basis) -> ResourceList {
    let spec = pod.at("spec");
    let mut sum = ResourceList::new();
    for container in spec.list("containers") {
        add(&mut sum, &of_container(pod, "containerStatuses", container, part, basis));
    }
    let (mut staying, mut start) = (ResourceList::new(), ResourceList::new());
    for container in spec.list("initContainers") {
        if container.text("restartPolicy") == "Always" {
            let own = of_container(pod, "initContainerStatuses", container, part, basis);
            add(&mut sum, &own);
            add(&mut staying, &own);
            larger(&mut start, &staying);
        } else {
            let mut together = of_container(pod, "initContainerStatuses", container, part, Basis::Spec);
            add(&mut together, &staying);
            larger(&mut start, &together);
        }
    }
    larger(&mut sum, &start);
    for (name, amount) in read(spec.at("resources").at(part.field())) {
        if is_of_pods(&name) {
            sum.insert(name, amount);
        }
    }
    if basis == Basis::Charged {
        let mut overhead = read(spec.at("overhead"));
        if part == Part::Limits {
            overhead.retain(|name, _| sum.get(name).is_some_and(|limit| !limit.is_zero()));
        }
        add(&mut sum, &overhead);
    }
    sum
}

/// Whether a pod as a whole may ask for a resource.
pub(super) fn is_of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

fn of_container(pod: &Value, statuses: &str, container: &Value, part: Part, basis: Basis) -> ResourceList {
    let wanted = read(container.at("resources").at(part.field()));
    if basis == Basis::Spec {
        return wanted;
    }
    let name = container.text("name");
    let status = pod.at("status").list(statuses).iter().find(|status| status.text("name") == name);
    let Some(status) = status.filter(|status| status.has("resources")) else { return wanted };
    let mut given = read(status.at("resources").at(part.field()));
    if part == Part::Requests {
        larger(&mut given, &read(status.at("allocatedResources")));
    }
    let is_infeasible = pod.at("status").list("conditions").iter().any(|condition| {
        condition.text("type") == "PodResizePending" && condition.text("reason") == "Infeasible"
    });
    if !is_infeasible {
        larger(&mut given, &wanted);
    }
    given
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(cpu: &str) -> Value {
        json!({"name": cpu, "resources": {"requests": {"cpu": cpu}}})
    }

    fn cpu(pod: &Value, basis: Basis) -> String {
        write(&of_pod(pod, Part::Requests, basis))["cpu"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_pod_needs_its_containers_or_what_its_start_needs() {
        let mut sidecar = container("300m");
        sidecar["restartPolicy"] = json!("Always");
        let mut pod = json!({"spec": {"containers": [container("1"), container("500m")]}});
        assert_eq!(cpu(&pod, Basis::Spec), "1500m");
        pod["spec"]["initContainers"] = json!([sidecar, container("2")]);
        assert_eq!(cpu(&pod, Basis::Spec), "2300m");
        pod["spec"]["initContainers"] = json!([container("2"), sidecar]);
        assert_eq!(cpu(&pod, Basis::Spec), "2");
        pod["spec"]["overhead"] = json!({"cpu": "100m"});
        assert_eq!(cpu(&pod, Basis::Charged), "2100m");
        pod["spec"]["resources"] = json!({"requests": {"cpu": "1"}});
        assert_eq!((cpu(&pod, Basis::Spec), cpu(&pod, Basis::Charged)), ("1".to_owned(), "1100m".to_owned()));
    }

    #[test]
    fn what_a_node_has_given_to_a_container_is_charged() {
        let mut pod = json!({
            "spec": {"containers": [container("1")]},
            "status": {"containerStatuses": [{"name": "1", "resources": {"requests": {"cpu": "2"}}}]},
        });
        assert_eq!((cpu(&pod, Basis::Spec), cpu(&pod, Basis::Charged)), ("1".to_owned(), "2".to_owned()));
        pod["status"]["containerStatuses"][0]["resources"]["requests"]["cpu"] = json!("500m");
        assert_eq!(cpu(&pod, Basis::Charged), "1");
        pod["status"]["conditions"] = json!([{"type": "PodResizePending", "reason": "Infeasible"}]);
        assert_eq!(cpu(&pod, Basis::Charged), "500m");
    }

    #[test]
    fn overhead_counts_against_a_limit_only_where_there_is_one() {
        let pod = json!({"spec": {
            "containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}],
            "overhead": {"cpu": "100m", "memory": "1Mi"},
        }});
        assert_eq!(write(&of_pod(&pod, Part::Limits, Basis::Charged)), json!({"cpu": "1100m"}));
        assert_eq!(
            write(&of_pod(&pod, Part::Requests, Basis::Charged)),
            json!({"cpu": "100m", "memory": "1Mi"})
        );
    }
}
