//! Whether the webhook is asked about every kind and every namespace.

use super::registration::{Action, NamespaceObject, Registration};

use super::finding::{Finding, Topic};
use super::question::listed;

/// What the webhook is for.
struct Kind {
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    operations: &'static [&'static str],
    /// What is lost when it is not asked.
    lost: Lost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    Enforcement,
    Labels,
    Warnings,
}

/// Whether anybody is asked about new pods.
pub(super) fn sees_new_pods(registration: &Registration) -> bool {
    registration.asked(NEW_POD).next().is_some()
}

pub(super) fn kinds(registration: &Registration) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in &KINDS {
        let action = |operation| Action {
            group: kind.group,
            resource: kind.resource,
            subresource: kind.subresource,
            operation,
        };
        let unseen: Vec<&str> = kind
            .operations
            .iter()
            .copied()
            .filter(|operation| registration.asked(action(operation)).next().is_none())
            .collect();
        if unseen.is_empty() {
            continue;
        }
        let named = action("").named();
        let message = format!("nobody is asked about {} of {named}", unseen.join(" and "));
        let advice = |lost| format!("{lost}; add a rule for it, or install again: podsec webhook manifests");
        findings.push(match kind.lost {
            Lost::Enforcement => Finding::problem(
                Topic::Kinds,
                message,
                advice("whatever violates the policies can be put in there"),
            ),
            Lost::Labels => Finding::problem(
                Topic::Kinds,
                message,
                advice(
                    "wrong labels are not refused, and nobody learns which existing pods violate new ones",
                ),
            ),
            Lost::Warnings => Finding::warning(
                Topic::Kinds,
                message,
                advice("their pods are judged, but nobody is warned beforehand"),
            ),
        });
    }
    if findings.is_empty() {
        let all: Vec<String> = KINDS.iter().map(named).collect();
        findings.push(Finding::ok(Topic::Kinds, format!("asked about {}", all.join(", "))));
    }
    for hook in &registration.hooks {
        if hook.selects_objects() {
            findings.push(Finding::problem(
                Topic::Kinds,
                format!("{} is not asked about objects that its objectSelector does not select", hook.name),
                "remove it: whoever may label an object takes it out of the policy; exempt users, runtime classes or \
                 namespaces in the PodSecurityConfiguration instead",
            ));
        }
        if hook.has_match_conditions {
            findings.push(Finding::warning(
                Topic::Kinds,
                format!("{} is only asked when its matchConditions hold", hook.name),
                "make sure that they leave out nothing that the policies are about; they are not evaluated here",
            ));
        }
    }
    findings
}

pub(super) fn namespaces(
    registration: &Registration,
    namespaces: &[NamespaceObject],
    excluded: &[String],
) -> Vec<Finding> {
    let own: Vec<&str> = registration.own_namespaces();
    let may_be_left_out = |name: &str| own.contains(&name) || excluded.iter().any(|other| other == name);
    // Webhooks that leave out the same namespaces are told of together.
    let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for hook in &registration.hooks {
        let left_out: Vec<&str> = namespaces
            .iter()
            .filter(|namespace| !hook.is_asked_in(namespace))
            .map(|namespace| namespace.name.as_str())
            .collect();
        match groups.iter_mut().find(|(known, _)| *known == left_out) {
            Some((_, hooks)) => hooks.push(&hook.name),
            None => groups.push((left_out, vec![&hook.name])),
        }
    }
    let mut findings = Vec::new();
    for (left_out, hooks) in groups {
        let hooks = listed(&hooks);
        let (meant, missed): (Vec<&str>, Vec<&str>) = left_out.iter().partition(|name| may_be_left_out(name));
        if !missed.is_empty() {
            findings.push(Finding::problem(
                Topic::Namespaces,
                format!("{hooks}: not asked about {}", listed(&missed)),
                "nothing is enforced there; change the namespaceSelector or the labels of the namespaces, or say with \
                 --exclude-namespaces that it is meant",
            ));
        }
        let asked = namespaces.len() - left_out.len();
        findings.push(Finding::ok(
            Topic::Namespaces,
            match meant.as_slice() {
                [] => format!("{hooks}: asked about {asked} of {} namespaces", namespaces.len()),
                meant => format!(
                    "{hooks}: asked about {asked} of {} namespaces, and on purpose not about {}",
                    namespaces.len(),
                    listed(meant)
                ),
            },
        ));
    }
    findings
}

fn named(kind: &Kind) -> String {
    Action { group: kind.group, resource: kind.resource, subresource: kind.subresource, operation: "" }
        .named()
}

/// The creation of a pod.
pub(super) const NEW_POD: Action<'_> =
    Action { group: "", resource: "pods", subresource: "", operation: "CREATE" };
/// The creation of a namespace.
pub(super) const NEW_NAMESPACE: Action<'_> =
    Action { group: "", resource: "namespaces", subresource: "", operation: "CREATE" };

const BOTH: &[&str] = &["CREATE", "UPDATE"];

const KINDS: [Kind; 11] = [
    kind("", "pods", Lost::Enforcement),
    Kind {
        group: "",
        resource: "pods",
        subresource: "ephemeralcontainers",
        operations: &["UPDATE"],
        lost: Lost::Enforcement,
    },
    kind("", "namespaces", Lost::Labels),
    kind("", "podtemplates", Lost::Warnings),
    kind("", "replicationcontrollers", Lost::Warnings),
    kind("apps", "daemonsets", Lost::Warnings),
    kind("apps", "deployments", Lost::Warnings),
    kind("apps", "replicasets", Lost::Warnings),
    kind("apps", "statefulsets", Lost::Warnings),
    kind("batch", "cronjobs", Lost::Warnings),
    kind("batch", "jobs", Lost::Warnings),
];

const fn kind(group: &'static str, resource: &'static str, lost: Lost) -> Kind {
    Kind { group, resource, subresource: "", operations: BOTH, lost }
}

#[cfg(test)]
mod tests {
    use podsec_standards::Workload;

    use super::*;

    #[test]
    fn every_kind_that_carries_a_pod_is_looked_for() {
        let looked_for = |group: &str, resource: &str| {
            KINDS
                .iter()
                .any(|kind| kind.group == group && kind.resource == resource && kind.operations == BOTH)
        };
        assert!(Workload::ALL.iter().all(|workload| looked_for(workload.group(), workload.resource())));
        assert_eq!(KINDS.len(), Workload::ALL.len() + 2);
    }
}
