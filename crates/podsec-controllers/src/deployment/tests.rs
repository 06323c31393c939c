//! Deployments as tables: what there is, and what is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use serde_json::{Value, json};

use super::plan::{Observed, plan};
use super::planner::{Action, Plan};

fn deployment(spec: &Value, status: &Value) -> Deployment {
    let mut value = json!({
        "metadata": {"name": "web", "namespace": "n", "uid": "d", "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "1"}},
        "spec": {
            "replicas": 4, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": template("web:2"),
        },
        "status": status,
    });
    for (name, field) in spec.as_object().unwrap() {
        value["spec"][name] = field.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}})
}

/// A ReplicaSet of revision 1 for `web:1`, 2 for `web:2`, as the controller has left it for `desired` replicas.
fn set(image: &str, replicas: i32, available: i32, desired: i32) -> Arc<ReplicaSet> {
    let revision = image.rsplit(':').next().unwrap();
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(revision);
    let value = json!({
        "metadata": {"name": format!("web-{revision}"), "namespace": "n", "uid": revision, "generation": 1,
            "creationTimestamp": format!("2026-01-0{revision}T00:00:00Z"),
            "annotations": {
                "deployment.kubernetes.io/revision": revision,
                "deployment.kubernetes.io/desired-replicas": desired.to_string(),
                "deployment.kubernetes.io/max-replicas": (desired + (desired + 3) / 4).to_string(),
            }},
        "spec": {"replicas": replicas, "selector": {}, "template": template},
        "status": {"replicas": replicas, "readyReplicas": available, "availableReplicas": available,
            "observedGeneration": 1, "terminatingReplicas": 0},
    });
    Arc::new(serde_json::from_value(value).unwrap())
}

fn progressing(reason: &str, since: &str) -> Value {
    json!({"observedGeneration": 1, "conditions": [{"type": "Progressing", "status": "True", "reason": reason,
        "lastUpdateTime": since, "lastTransitionTime": since}]})
}

fn planned(deployment: &Deployment, sets: Vec<Arc<ReplicaSet>>) -> Plan {
    let now: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    plan(Observed { deployment, replica_sets: sets, pods: BTreeMap::new(), now })
}

/// One line for each write: sizes for ReplicaSets, reasons of conditions for the status.
fn lines(plan: &Plan) -> Vec<String> {
    let size = |set: &ReplicaSet| {
        format!("{} to {}", set.metadata.name.as_deref().unwrap(), set.spec.replicas.unwrap())
    };
    let line = |action: &Action| match action {
        Action::Create(set) => format!("create with {}", set.spec.replicas.unwrap()),
        Action::Update(set, None) => format!("annotate {}", size(set)),
        Action::Update(set, Some(_)) => format!("scale {}", size(set)),
        Action::Delete(set) => format!("delete {}", set.metadata.name.as_deref().unwrap()),
        Action::Tell(_, reason, _) => (*reason).to_owned(),
        Action::WriteStatus(deployment) => {
            let conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
            let reasons = conditions.map(|condition| condition.reason.clone().unwrap());
            format!("status {}", reasons.collect::<Vec<_>>().join(" "))
        }
    };
    plan.actions.iter().map(line).collect()
}

fn rolled(spec: &Value, sets: Vec<Arc<ReplicaSet>>) -> Vec<String> {
    let status = progressing("NewReplicaSetCreated", "2026-02-01T00:00:00Z");
    let mut deployment = deployment(spec, &status);
    let revision = sets.iter().filter_map(|set| set.metadata.uid.clone()).max().unwrap_or_default();
    deployment
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert("deployment.kubernetes.io/revision".into(), revision);
    let mut lines = lines(&planned(&deployment, sets));
    lines.retain(|line| !line.starts_with("status"));
    lines
}

#[test]
fn a_new_deployment_gets_its_replica_set_and_says_so() {
    let mut fresh = deployment(&json!({}), &json!({}));
    fresh.metadata.annotations = None;
    let plan = planned(&fresh, vec![]);
    assert_eq!(lines(&plan), ["create with 4", "ScalingReplicaSet", "status NewReplicaSetCreated"]);
    let Action::Create(set) = &plan.actions[0] else { panic!("a ReplicaSet is made first") };
    let annotation = |name: &str| {
        set.metadata.annotations.as_ref().unwrap()[&format!("deployment.kubernetes.io/{name}")].clone()
    };
    assert_eq!(["revision", "desired-replicas", "max-replicas"].map(annotation), ["1", "4", "5"]);
}

#[test]
fn a_rolling_update_keeps_enough_pods_available() {
    let one = |available| set("web:1", 4, available, 4);
    assert_eq!(rolled(&json!({}), vec![one(4)]), ["create with 1", "ScalingReplicaSet", "scale web-1 to 3"]);
    // The surge is used up, and one pod may be missing.
    assert_eq!(rolled(&json!({}), vec![one(4), set("web:2", 1, 0, 4)]), ["scale web-1 to 3"]);
    // Pods that are not available are no loss.
    assert_eq!(rolled(&json!({}), vec![one(2), set("web:2", 1, 0, 4)]), ["scale web-1 to 3"]);
    let half = vec![set("web:1", 3, 3, 4), set("web:2", 1, 1, 4)];
    assert_eq!(rolled(&json!({}), half), ["scale web-2 to 2"]);
    let full = vec![set("web:1", 1, 1, 4), set("web:2", 4, 3, 4)];
    assert_eq!(rolled(&json!({}), full), ["scale web-1 to 0"]);
    assert_eq!(rolled(&json!({}), vec![set("web:1", 0, 0, 4), set("web:2", 4, 4, 4)]), [""; 0]);
}

#[test]
fn a_recreation_waits_until_the_old_pods_are_gone() {
    let recreate = json!({"strategy": {"type": "Recreate"}});
    let old = |replicas| vec![set("web:1", replicas, replicas, 4)];
    assert_eq!(rolled(&recreate, old(4)), ["scale web-1 to 0"]);
    assert_eq!(rolled(&recreate, old(0)), ["create with 4", "ScalingReplicaSet"]);
}

#[test]
fn another_size_is_shared_out_in_proportion() {
    let sets = || vec![set("web:1", 3, 3, 4), set("web:2", 2, 0, 4)];
    // From 4 and 1 beyond to 8 and 2 beyond: five more for three and two.
    assert_eq!(rolled(&json!({"replicas": 8}), sets()), ["scale web-1 to 6", "scale web-2 to 4"]);
    assert_eq!(rolled(&json!({"replicas": 2}), sets()), ["scale web-1 to 2", "scale web-2 to 1"]);
    assert_eq!(rolled(&json!({"replicas": 0}), sets()), ["scale web-1 to 0", "scale web-2 to 0"]);
    // A single one takes all.
    assert_eq!(rolled(&json!({"replicas": 9}), vec![set("web:2", 4, 4, 4)]), ["scale web-2 to 9"]);
}

#[test]
fn a_rollout_that_does_not_progress_times_out_and_one_that_is_paused_does_not() {
    let sets = || vec![set("web:2", 4, 0, 4)];
    let told = |since: &str, spec: Value| {
        let mut status = progressing("ReplicaSetUpdated", since);
        status["replicas"] = json!(4);
        status["updatedReplicas"] = json!(4);
        status["unavailableReplicas"] = json!(4);
        status["terminatingReplicas"] = json!(0);
        let available = json!({"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable",
            "message": "", "lastUpdateTime": since, "lastTransitionTime": since});
        status["conditions"].as_array_mut().unwrap().insert(0, available);
        let mut deployment = deployment(&spec, &status);
        deployment
            .metadata
            .annotations
            .as_mut()
            .unwrap()
            .insert("deployment.kubernetes.io/revision".into(), "2".into());
        let plan = planned(&deployment, sets());
        (lines(&plan), plan.next.map(|next| next.as_secs()))
    };
    // 600 seconds are not over: one more look a second after they are.
    assert_eq!(told("2026-01-31T23:55:00Z", json!({})), (vec![], Some(301)));
    let over = "status MinimumReplicasUnavailable ProgressDeadlineExceeded".to_owned();
    assert_eq!(told("2026-01-31T23:49:59Z", json!({})), (vec![over], None));
    let paused = "status MinimumReplicasUnavailable DeploymentPaused".to_owned();
    assert_eq!(told("2026-01-31T23:49:59Z", json!({"paused": true})), (vec![paused], None));
}

#[test]
fn old_replica_sets_beyond_the_limit_go_once_the_rollout_is_complete() {
    let sets = vec![set("web:1", 0, 0, 4), set("web:2", 4, 4, 4)];
    let status =
        json!({"observedGeneration": 1, "replicas": 4, "updatedReplicas": 4, "availableReplicas": 4});
    let complete = deployment(&json!({"revisionHistoryLimit": 0}), &status);
    assert_eq!(lines(&planned(&complete, sets.clone()))[1], "delete web-1");
    let keeps = deployment(&json!({"revisionHistoryLimit": 1}), &status);
    assert!(lines(&planned(&keeps, sets)).iter().all(|line| !line.starts_with("delete")));
}

#[test]
fn a_selector_of_everything_is_refused() {
    let everything = deployment(&json!({"selector": {}}), &json!({"observedGeneration": 1}));
    assert_eq!(lines(&planned(&everything, vec![])), ["SelectingAll"]);
}
