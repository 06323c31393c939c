//! What one object uses of what quotas count.

use jiff::{SignedDuration, Timestamp};
use podsec_apimachinery::meta::Meta;
use podsec_go::quantity::Quantity;
use podsec_kinds::object::{Fields, same};
use serde_json::Value;

use super::super::default_storage_class;
use super::super::resources::{self, Basis, Part, ResourceList, add, of_pod};
use super::scopes;
use crate::admission::attributes::Action;

/// How the objects of one resource are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evaluator {
    kind: Kind,
    /// `count/pods`, `count/deployments.apps`: the number of objects that are stored.
    count: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pods,
    Services,
    Claims,
    /// Objects are counted, also under the older name if there is one.
    Others(Option<&'static str>),
}

impl Evaluator {
    /// The one of a resource; `None` for what no quota counts.
    pub(crate) fn of(group: &str, resource: &str) -> Option<Self> {
        let kind = match (group, resource) {
            ("", "bindings" | "componentstatuses" | "events")
            | ("events.k8s.io", "events")
            | ("authentication.k8s.io", "tokenreviews" | "selfsubjectreviews")
            | (
                "authorization.k8s.io",
                "subjectaccessreviews"
                | "selfsubjectaccessreviews"
                | "localsubjectaccessreviews"
                | "selfsubjectrulesreviews",
            ) => return None,
            ("", "pods") => Kind::Pods,
            ("", "services") => Kind::Services,
            ("", "persistentvolumeclaims") => Kind::Claims,
            ("", _) => Kind::Others(ALIASES.iter().copied().find(|alias| *alias == resource)),
            _ => Kind::Others(None),
        };
        let dot = if group.is_empty() { "" } else { "." };
        Some(Self { kind, count: format!("count/{resource}{dot}{group}") })
    }

    /// Whether a write can change what is used.
    pub(super) fn handles(
        &self,
        action: Action,
        subresource: &str,
        object: &Value,
        old: Option<&Value>,
    ) -> bool {
        let old = old.unwrap_or(&Value::Null);
        match (self.kind, action, subresource) {
            (_, Action::Create, "")
            | (Kind::Pods, Action::Update, "resize")
            | (Kind::Services | Kind::Claims, Action::Update, "") => true,
            (Kind::Pods, Action::Update, "") => scopes::is_terminating(object) != scopes::is_terminating(old),
            (Kind::Claims, Action::Update, "status") => !same(object.at("status"), old.at("status")),
            _ => false,
        }
    }

    /// Whether a quota that counts the resource `name` counts these objects.
    pub(crate) fn counts(&self, name: &str) -> bool {
        name == self.count
            || match self.kind {
                Kind::Pods => {
                    POD_RESOURCES.contains(&name)
                        || name.starts_with("hugepages-")
                        || name.starts_with("requests.hugepages-")
                        || is_extended(name)
                }
                Kind::Services => SERVICE_RESOURCES.contains(&name),
                Kind::Claims => CLAIM_RESOURCES.iter().any(|own| {
                    name == *own || name.strip_suffix(own).is_some_and(|class| class.ends_with(OF_CLASS))
                }),
                Kind::Others(alias) => alias == Some(name),
            }
    }

    /// Whether an object is in the scopes of a quota.
    pub(crate) fn is_in_scope(&self, quota: &Value, object: &Value) -> bool {
        scopes::of(quota).all(|scope| match self.kind {
            Kind::Pods => scope.matches_pod(object),
            Kind::Claims => scope.matches_claim(object),
            Kind::Services | Kind::Others(_) => false,
        })
    }

    /// What a pod must say when a quota counts these resources, as the end of a sentence.
    pub(super) fn missing<'a>(&self, names: impl Iterator<Item = &'a str>, object: &Value) -> Option<String> {
        let spec = object.at("spec");
        let says_as_a_whole = ["requests", "limits"]
            .iter()
            .any(|part| spec.at("resources").entries(part).any(|(name, _)| resources::is_of_pods(name)));
        if self.kind != Kind::Pods || says_as_a_whole {
            return None;
        }
        let mut missing = Vec::new();
        for name in names.filter(|name| DEMANDED.contains(name)) {
            let (part, resource) = match name.split_once('.') {
                Some((part, resource)) => (part, resource),
                None => ("requests", name),
            };
            let mut containers: Vec<&str> = ["containers", "initContainers"]
                .iter()
                .flat_map(|list| spec.list(list))
                .filter(|container| !container.at("resources").at(part).has(resource))
                .map(|container| container.text("name"))
                .collect();
            containers.sort_unstable();
            containers.dedup();
            if !containers.is_empty() {
                missing.push(format!("{name} for: {}", containers.join(",")));
            }
        }
        (!missing.is_empty()).then(|| format!("must specify {}", missing.join("; ")))
    }

    /// Whether what an object uses depends on what it says.
    pub(super) fn reads_objects(&self) -> bool {
        !matches!(self.kind, Kind::Others(_))
    }

    /// Whether a change of an object changes what is used, in one scope or another.
    pub(crate) fn is_affected(&self, old: &Value, new: &Value, now: Timestamp) -> bool {
        let scopes = match self.kind {
            Kind::Pods => scopes::is_terminating(old) != scopes::is_terminating(new),
            Kind::Claims => {
                !same(old.at("status"), new.at("status")) || !same(old.at("spec"), new.at("spec"))
            }
            Kind::Services | Kind::Others(_) => false,
        };
        scopes || self.usage(old, now) != self.usage(new, now)
    }

    /// What an object uses.
    pub(crate) fn usage(&self, object: &Value, now: Timestamp) -> ResourceList {
        let mut usage = ResourceList::from([(self.count.clone(), count(1))]);
        match self.kind {
            Kind::Pods if has_ended(object, now) => {}
            Kind::Pods => add(&mut usage, &pod(object)),
            Kind::Services => add(&mut usage, &service(object)),
            Kind::Claims => add(&mut usage, &claim(object)),
            Kind::Others(alias) => usage.extend(alias.map(|alias| (alias.to_owned(), count(1)))),
        }
        usage
    }
}

/// Whether a pod takes no room any more: it has ended, or should have.
fn has_ended(pod: &Value, now: Timestamp) -> bool {
    let meta = Meta::of(pod);
    let is_overdue = meta.deletion_timestamp().zip(meta.deletion_grace_period_seconds()).is_some_and(
        |(deletion, grace)| deletion.checked_add(SignedDuration::from_secs(grace)).is_ok_and(|end| now > end),
    );
    matches!(pod.at("status").text("phase"), "Failed" | "Succeeded") || is_overdue
}

fn pod(pod: &Value) -> ResourceList {
    let mut usage = ResourceList::from([("pods".to_owned(), count(1))]);
    for (name, amount) in of_pod(pod, Part::Requests, Basis::Charged) {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
            usage.insert(format!("requests.{name}"), amount);
            usage.insert(name, amount);
        } else if is_extended(&format!("requests.{name}")) {
            usage.insert(format!("requests.{name}"), amount);
        }
    }
    for (name, amount) in of_pod(pod, Part::Limits, Basis::Charged) {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            usage.insert(format!("limits.{name}"), amount);
        }
    }
    usage
}

fn service(service: &Value) -> ResourceList {
    let spec = service.at("spec");
    let ports = spec.list("ports");
    let (balancers, node_ports) = match spec.text("type") {
        "NodePort" => (0, ports.len()),
        "LoadBalancer" if spec.at("allocateLoadBalancerNodePorts") == false => {
            (1, ports.iter().filter(|port| port.number("nodePort") != 0).count())
        }
        "LoadBalancer" => (1, ports.len()),
        _ => (0, 0),
    };
    SERVICE_RESOURCES.map(str::to_owned).into_iter().zip([1, balancers, node_ports].map(count)).collect()
}

fn claim(claim: &Value) -> ResourceList {
    let asked = resources::quantity(claim.at("spec").at("resources").at("requests").at("storage"));
    let given = resources::quantity(claim.at("status").at("allocatedResources").at("storage"));
    let storage = asked.map(|asked| given.filter(|given| *given > asked).unwrap_or(asked));
    let mut usage = ResourceList::from([(CLAIM_RESOURCES[0].to_owned(), count(1))]);
    usage.extend(storage.map(|storage| (CLAIM_RESOURCES[1].to_owned(), storage.round_up_to_units())));
    let class = default_storage_class::class_of(claim);
    if !class.is_empty() {
        let of_class: Vec<_> =
            usage.iter().map(|(name, amount)| (format!("{class}{OF_CLASS}{name}"), *amount)).collect();
        usage.extend(of_class);
    }
    usage
}

/// A resource of somebody's own, as quotas name it.
fn is_extended(name: &str) -> bool {
    name.strip_prefix("requests.").is_some_and(|own| {
        own.contains('/') && (!own.contains("kubernetes.io/") || own.starts_with(OF_DEVICES))
    })
}

fn count(number: usize) -> Quantity {
    Quantity::parse(&number.to_string()).unwrap_or_default()
}

/// The resources of the core group whose objects quotas counted before there was `count/`.
const ALIASES: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];
const POD_RESOURCES: [&str; 10] = [
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "pods",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
/// What each container must say when a quota counts it. No other resource has ever been demanded.
const DEMANDED: [&str; 6] =
    ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
const SERVICE_RESOURCES: [&str; 3] = ["services", "services.loadbalancers", "services.nodeports"];
const CLAIM_RESOURCES: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];
/// Between the name of a storage class and what is counted of it.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";
const OF_DEVICES: &str = "deviceclass.resource.kubernetes.io/";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(resource: &str, object: &Value) -> Value {
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        resources::write(&Evaluator::of("", resource).unwrap().usage(object, now))
    }

    #[test]
    fn a_pod_uses_what_it_asks_for_until_it_has_ended() {
        let mut pod = json!({"metadata": {}, "spec": {"containers": [{"resources": {
            "requests": {"cpu": "500m", "hugepages-2Mi": "2Mi", "example.com/gpu": "1", "memory": "1Gi"},
            "limits": {"memory": "1Gi"},
        }}]}});
        assert_eq!(
            usage("pods", &pod),
            json!({
                "count/pods": "1", "pods": "1", "cpu": "500m", "requests.cpu": "500m", "memory": "1Gi",
                "requests.memory": "1Gi", "limits.memory": "1Gi", "hugepages-2Mi": "2Mi",
                "requests.hugepages-2Mi": "2Mi", "requests.example.com/gpu": "1",
            })
        );
        pod["status"] = json!({"phase": "Succeeded"});
        assert_eq!(usage("pods", &pod), json!({"count/pods": "1"}));
        pod["status"] = json!({"phase": "Running"});
        pod["metadata"] =
            json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30});
        assert_eq!(usage("pods", &pod), json!({"count/pods": "1"}));
    }

    #[test]
    fn services_use_balancers_and_node_ports() {
        let mut service = json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 81, "nodePort": 30000}]}});
        let counted = |service: &Value| {
            let used = usage("services", service);
            [used["services.loadbalancers"].clone(), used["services.nodeports"].clone()]
        };
        assert_eq!(counted(&service), ["1", "2"]);
        service["spec"]["allocateLoadBalancerNodePorts"] = json!(false);
        assert_eq!(counted(&service), ["1", "1"]);
        service["spec"]["type"] = json!("NodePort");
        assert_eq!(counted(&service), ["0", "2"]);
        service["spec"]["type"] = json!("ClusterIP");
        assert_eq!(counted(&service), ["0", "0"]);
    }

    #[test]
    fn claims_use_storage_of_their_class() {
        let claim =
            json!({"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1.5"}}}});
        assert_eq!(
            usage("persistentvolumeclaims", &claim),
            json!({
                "count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "2",
                "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "fast.storageclass.storage.k8s.io/requests.storage": "2",
            })
        );
        let evaluator = Evaluator::of("", "persistentvolumeclaims").unwrap();
        assert!(evaluator.counts("slow.storageclass.storage.k8s.io/requests.storage"));
        assert!(!evaluator.counts("pods"));
    }

    #[test]
    fn everything_else_is_counted_and_events_are_not() {
        assert_eq!(usage("configmaps", &json!({})), json!({"configmaps": "1", "count/configmaps": "1"}));
        let deployments = Evaluator::of("apps", "deployments").unwrap();
        assert!(deployments.counts("count/deployments.apps") && !deployments.counts("configmaps"));
        assert_eq!(Evaluator::of("", "events"), None);
    }

    #[test]
    fn each_container_says_what_is_counted_of_processors_and_memory() {
        let pods = Evaluator::of("", "pods").unwrap();
        let mut pod = json!({"spec": {"containers": [
            {"name": "b", "resources": {"requests": {"cpu": "1"}}}, {"name": "a"},
        ]}});
        let names = ["limits.memory", "pods", "requests.cpu"];
        assert_eq!(
            pods.missing(names.into_iter(), &pod).unwrap(),
            "must specify limits.memory for: a,b; requests.cpu for: a"
        );
        pod["spec"]["resources"] = json!({"limits": {"memory": "1Gi"}});
        assert_eq!(pods.missing(names.into_iter(), &pod), None);
    }
}
