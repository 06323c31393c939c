//! What happens when nobody answers, and how likely that is.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::ListParams;
use kube::core::{Selector, SelectorExt as _};

use super::coverage::NEW_POD;
use super::registration::{Action, Hook, NamespaceObject, Registration, Target};

use super::finding::{Finding, Topic};
use super::question::{asked, listed};

pub(super) async fn examine(
    client: &kube::Client,
    registration: &Registration,
    namespaces: &[NamespaceObject],
    excluded: &[String],
) -> Vec<Finding> {
    let mut findings = policies(registration);
    findings.append(&mut deadlocks(registration, namespaces, excluded));
    let mut services: Vec<(&str, &str)> = Vec::new();
    for hook in &registration.hooks {
        if let Target::Service { namespace, name, .. } = &hook.target
            && !services.contains(&(namespace, name))
        {
            services.push((namespace, name));
        }
    }
    for (namespace, name) in services {
        findings.append(&mut replicas(client, namespace, name).await);
    }
    findings
}

/// What the failure policies mean.
fn policies(registration: &Registration) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pods: Vec<&Hook> = registration.asked(NEW_POD).collect();
    if let Some(hook) = pods.iter().find(|hook| hook.fails) {
        findings.push(Finding::ok(
            Topic::Outage,
            format!(
                "while the webhook does not answer, pods are refused ({}: failurePolicy Fail, after {} seconds)",
                hook.name, hook.timeout_seconds
            ),
        ));
    } else if let Some(hook) = pods.first() {
        findings.push(Finding::warning(
            Topic::Outage,
            format!(
                "while the webhook does not answer, every pod is let in ({}: failurePolicy Ignore, after {} seconds)",
                hook.name, hook.timeout_seconds
            ),
            "set failurePolicy to Fail, unless pods that start matter more than pods that are safe",
        ));
    }
    for hook in &registration.hooks {
        if hook.timeout_seconds > LONG {
            findings.push(Finding::warning(
                Topic::Outage,
                format!("{} is waited for {} seconds", hook.name, hook.timeout_seconds),
                "set timeoutSeconds to 5: every request waits so long for a webhook that is gone",
            ));
        }
        if hook.fails && hook.is_asked(NEW_DEPLOYMENT) {
            findings.push(Finding::warning(
                Topic::Outage,
                format!("while the webhook does not answer, workloads are refused, too ({})", hook.name),
                "set failurePolicy to Ignore for them: they are only ever warned about",
            ));
        }
    }
    findings
}

/// Whether the webhook can keep itself from starting.
fn deadlocks(
    registration: &Registration,
    namespaces: &[NamespaceObject],
    excluded: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own = registration.own_namespaces();
    let stopped = |name: &str| {
        let namespace = namespaces.iter().find(|namespace| namespace.name == name)?;
        registration.asked(NEW_POD).find(|hook| hook.fails && hook.is_asked_in(namespace))
    };
    for name in &own {
        findings.push(match stopped(name) {
            Some(hook) => Finding::problem(
                Topic::Outage,
                format!("{} is asked about {name}, where the webhook itself runs", hook.name),
                "exclude it in the namespaceSelector: once no replica answers, none can start again",
            ),
            None => {
                Finding::ok(Topic::Outage, format!("it cannot keep itself from starting: {name} is left out"))
            }
        });
    }
    let needed: Vec<&str> = excluded
        .iter()
        .map(String::as_str)
        .filter(|name| !own.contains(name) && stopped(name).is_some())
        .collect();
    if !needed.is_empty() {
        findings.push(Finding::warning(
            Topic::Outage,
            format!("while the webhook does not answer, no pod starts in {}", listed(&needed)),
            "exclude it in the namespaceSelector when the webhook needs its pods, as those of the network and of DNS",
        ));
    }
    findings
}

/// Whether there are enough of them, and whether they stay.
async fn replicas(client: &kube::Client, namespace: &str, name: &str) -> Vec<Finding> {
    let unknown = |what: &str, reason: String| {
        vec![Finding::warning(
            Topic::Outage,
            format!("{what} of {name}.{namespace} cannot be read: {reason}"),
            "how many replicas answer is unknown; try as somebody who may read it",
        )]
    };
    let service = match asked(Api::<Service>::namespaced(client.clone(), namespace).get_opt(name)).await {
        Ok(Some(service)) => service,
        Ok(None) => {
            return vec![Finding::problem(
                Topic::Outage,
                format!("there is no Service {name} in {namespace}, which the API server is to call"),
                "install it: podsec webhook manifests | kubectl apply -f -",
            )];
        }
        Err(reason) => return unknown("the Service", reason),
    };
    let slices = Api::<EndpointSlice>::namespaced(client.clone(), namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
    let slices = match asked(slices.list(&of_service)).await {
        Ok(slices) => slices.items,
        Err(reason) => return unknown("the EndpointSlices", reason),
    };
    let mut findings = vec![ready(name, &slices)];
    let labels = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
    let budgets = Api::<PodDisruptionBudget>::namespaced(client.clone(), namespace);
    match asked(budgets.list(&ListParams::default())).await {
        Ok(budgets) => {
            let guards = |budget: &&PodDisruptionBudget| {
                let selector = budget.spec.as_ref().and_then(|spec| spec.selector.clone());
                selector
                    .and_then(|selector| Selector::try_from(selector).ok())
                    .is_some_and(|selector| selector.matches(&labels))
            };
            findings.push(budget(budgets.items.iter().find(guards)));
        }
        Err(reason) => findings.append(&mut unknown("the PodDisruptionBudgets", reason)),
    }
    findings
}

/// How many replicas answer, and on how many nodes they run.
fn ready(service: &str, slices: &[EndpointSlice]) -> Finding {
    let mut addresses = BTreeSet::new();
    let mut nodes = BTreeSet::new();
    for endpoint in slices.iter().flat_map(|slice| slice.endpoints.iter().flatten()) {
        // Kubernetes: an endpoint that does not say is ready.
        let is_ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
        if is_ready && let Some(address) = endpoint.addresses.first() {
            addresses.insert(address);
            nodes.extend(endpoint.node_name.as_ref());
        }
    }
    match (addresses.len(), nodes.len()) {
        (0, _) => Finding::problem(
            Topic::Outage,
            format!("no replica behind the Service {service} is ready"),
            "look at its pods: kubectl describe says why they do not start, their log why they are not ready",
        ),
        (1, _) => Finding::warning(
            Topic::Outage,
            format!("one replica behind the Service {service} is ready"),
            "run two: nobody answers while it is moved to another node",
        ),
        (count, 1) => Finding::warning(
            Topic::Outage,
            format!("all {count} replicas behind the Service {service} run on one node"),
            "spread them (topologySpreadConstraints): nobody answers when it is gone",
        ),
        (count, _) => {
            Finding::ok(Topic::Outage, format!("{count} replicas behind the Service {service} are ready"))
        }
    }
}

/// Whether somebody guards them when nodes are drained.
fn budget(budget: Option<&PodDisruptionBudget>) -> Finding {
    let Some(budget) = budget else {
        return Finding::warning(
            Topic::Outage,
            "no PodDisruptionBudget guards the replicas",
            "install one (podsec webhook manifests has it): whoever drains nodes may else take all at once",
        );
    };
    let name = budget.metadata.name.as_deref().unwrap_or_default();
    match &budget.status {
        Some(status) if status.expected_pods > Some(0) && status.disruptions_allowed.unwrap_or(0) == 0 => {
            Finding::warning(
                Topic::Outage,
                format!(
                    "the PodDisruptionBudget {name} lets no replica go, so that their nodes cannot be drained"
                ),
                "run one replica more than it demands, and see that all are ready",
            )
        }
        _ => Finding::ok(Topic::Outage, format!("the PodDisruptionBudget {name} guards the replicas")),
    }
}

const NEW_DEPLOYMENT: Action<'_> =
    Action { group: "apps", resource: "deployments", subresource: "", operation: "CREATE" };

/// More seconds than a webhook of this kind ever needs; Kubernetes' default.
const LONG: i32 = 10;
