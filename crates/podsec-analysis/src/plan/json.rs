//! A plan for programs.

use std::collections::BTreeMap;

use podsec_policy::Policies;
use podsec_standards::Policy;
use serde_json::{Value, json as object};

use super::{Blocker, BreachOrigin, NamespacePlan, Plan, commands};

/// The JSON Schema of [`json`].
pub const SCHEMA: &str = include_str!("plan.schema.json");

/// A plan as JSON.
pub fn json(plan: &Plan) -> Value {
    object!({
        "version": 1,
        "clusterVersion": plan.cluster.to_string(),
        "namespaces": plan.namespaces.iter().map(namespace).collect::<Vec<_>>(),
        "read": &plan.counts,
        "notRead": &plan.troubles,
    })
}

fn namespace(namespace: &NamespacePlan) -> Value {
    let steps = namespace.next.iter().map(|step| {
        object!({
            "level": step.policy.level.as_str(),
            "version": step.policy.version.to_string(),
            "blockers": step.blockers.iter().map(blocker).collect::<Vec<_>>(),
        })
    });
    let labels: BTreeMap<&str, &str> =
        namespace.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let changes: BTreeMap<String, Option<String>> = commands::changed(namespace).into_iter().collect();
    object!({
        "name": namespace.name,
        "labelling": namespace.labelling,
        "labels": labels,
        "faults": namespace.faults,
        "current": policies(&namespace.current),
        "suggested": policies(&namespace.suggested),
        "changes": changes,
        "next": steps.collect::<Vec<_>>(),
        "refusedNow": namespace.refused_now.iter().map(blocker).collect::<Vec<_>>(),
        "unseen": namespace.unseen,
        "workloads": namespace.subjects,
        "idle": namespace.idle,
        "mirrorPods": namespace.mirror,
        "exemptWorkloads": namespace.exempt_subjects,
    })
}

fn policies(policies: &Policies) -> Value {
    let one =
        |policy: Policy| object!({"level": policy.level.as_str(), "version": policy.version.to_string()});
    object!({"enforce": one(policies.enforce), "audit": one(policies.audit), "warn": one(policies.warn)})
}

fn blocker(blocker: &Blocker) -> Value {
    let rules = blocker.rules.iter().map(|rule| {
        let (origin, injector) = match rule.origin {
            BreachOrigin::Template => ("template", None),
            BreachOrigin::Pod => ("pod", None),
            BreachOrigin::Injector(injector) => ("injector", Some(injector)),
            BreachOrigin::Unknown => ("unknown", None),
        };
        object!({
            "check": rule.rule.check(),
            "sentence": rule.rule.saying.sentence,
            "fields": rule.rule.saying.fields,
            "origin": origin,
            "injector": injector,
        })
    });
    object!({
        "workload": blocker.subject,
        "managedBy": blocker.managed_by,
        "source": blocker.source,
        "mirror": blocker.mirror,
        "pods": blocker.pods,
        "edits": blocker.edits,
        "rules": rules.collect::<Vec<_>>(),
    })
}
