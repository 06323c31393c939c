//! Pods: their defaults, what admission adds, their life and how `kubectl get pods` sums it up.

use jiff::Timestamp;
use podsec_apimachinery::field::Path;
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::{annotations, defaults, label_keys, qos, resize, update, validation, warnings};
use crate::printing::{self, NONE, column, wide};
use crate::strategy::{Column, DeletionAnswer, SelectableField, Strategy, Subresource};
use crate::{ip, workload};

/// Pods.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "pods",
    default,
    prepare_for_create,
    prepare_for_update: |pod, old| {
        workload::keep_status(pod, old);
        count_generation(pod, old);
    },
    validate: validation::validate_pod_create,
    validate_update: update::validate_pod_update,
    warnings_on_preparation: warnings::of_app_armor,
    warnings_on_create: warnings::for_pod,
    warnings_on_status_update: |pod, _| {
        let path = Path::new("status");
        let addresses = |field: &'static str| {
            let path = path.child(field);
            let all = pod.at("status").list(field).iter().enumerate();
            all.flat_map(move |(index, address)| {
                ip::warnings(address.text("ip"), &path.index(index).child("ip"))
            })
        };
        addresses("podIPs").chain(addresses("hostIPs")).collect()
    },
    subresources: &[STATUS, EPHEMERAL_CONTAINERS, RESIZE],
    columns: COLUMNS,
    cells,
    selectable_fields: SELECTABLE_FIELDS,
    check_graceful_delete: Some(check_graceful_delete),
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: prepare_for_status_update,
    validate_update: update::validate_status_update,
};

const EPHEMERAL_CONTAINERS: Subresource = Subresource {
    name: "ephemeralcontainers",
    prepare_for_update: prepare_for_ephemeral_containers_update,
    validate_update: update::validate_ephemeral_containers_update,
};

const RESIZE: Subresource = Subresource {
    name: "resize",
    prepare_for_update: prepare_for_resize,
    validate_update: resize::validate_update,
};

fn default(pod: &mut Value) {
    let Some(pod) = pod.as_object_mut() else { return };
    if let Some(spec) = pod.ensure("spec") {
        defaults::default_spec(spec);
        defaults::default_pod_only(spec);
    }
    pod.ensure("status");
}

fn prepare_for_create(pod: &mut Value) {
    let mut status = json!({ "phase": "Pending", "qosClass": qos::class(pod.at("spec")) });
    if !pod.at("spec").list("schedulingGates").is_empty() {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": null,
        }]);
    }
    workload::reset_status(pod, status);
    workload::start_generation(pod);
    label_keys::merge_into_selectors(pod);
    drop_disabled(pod);
    annotations::copy_app_armor(pod);
}

/// Takes out what is behind a feature gate that is off by default: bundles of certificates in projected volumes.
fn drop_disabled(pod: &mut Value) {
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return };
    for volume in spec.objects_mut("volumes") {
        let Some(projected) = volume.object_mut("projected") else { continue };
        for source in projected.objects_mut("sources") {
            source.remove("clusterTrustBundle");
        }
    }
}

/// The generation of a pod counts the changes of its spec, whichever way they come.
fn count_generation(pod: &mut Value, old: &Value) {
    let changed = !same(pod.at("spec"), old.at("spec"));
    workload::count_generation(pod, old, changed);
}

fn prepare_for_status_update(pod: &mut Value, old: &Value) {
    workload::keep_all_but_status(pod, old);
    let Some(pod) = pod.as_object_mut() else { return };
    if let Some(new) = pod.object_mut("metadata") {
        new.copy("ownerReferences", metadata(old));
        new.copy("deletionTimestamp", metadata(old));
    }
    if let Some(status) = pod.ensure("status") {
        status.fill_zero("qosClass", old.at("status").at("qosClass").clone());
    }
}

fn prepare_for_ephemeral_containers_update(pod: &mut Value, old: &Value) {
    let containers = pod.at("spec").at("ephemeralContainers").clone();
    *pod = with_own_metadata(pod, old);
    if let Some(spec) = pod.as_object_mut().and_then(|pod| pod.ensure("spec")) {
        match containers {
            Value::Null => spec.remove("ephemeralContainers"),
            containers => spec.insert("ephemeralContainers".to_owned(), containers),
        };
    }
    count_generation(pod, old);
}

fn prepare_for_resize(pod: &mut Value, old: &Value) {
    let names = |pod: &Value, list: &str| -> Vec<String> {
        pod.at("spec").list(list).iter().map(|container| container.text("name").to_owned()).collect()
    };
    let lists = ["containers", "initContainers"];
    if lists.iter().any(|list| names(pod, list) != names(old, list)) {
        // Validation refuses this.
        return;
    }
    let resized = pod.at("spec").clone();
    *pod = with_own_metadata(pod, old);
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return };
    spec.copy("resources", &resized);
    for list in lists {
        for (container, new) in spec.objects_mut(list).zip(resized.list(list)) {
            container.copy("resources", new);
            container.copy("resizePolicy", new);
        }
    }
    count_generation(pod, old);
}

/// The stored pod with the resourceVersion, labels and annotations that the request may bring.
fn with_own_metadata(pod: &Value, old: &Value) -> Value {
    let mut kept = old.clone();
    if let Some(fields) = kept.as_object_mut().and_then(|pod| pod.ensure("metadata")) {
        for field in ["resourceVersion", "managedFields"] {
            if metadata(pod).has(field) {
                fields.copy(field, metadata(pod));
            }
        }
    }
    kept
}

/// Only a pod that runs on a node needs time to end.
fn check_graceful_delete(pod: &Value, requested: Option<i64>) -> i64 {
    let spec = pod.at("spec");
    let finished = matches!(pod.at("status").text("phase"), "Failed" | "Succeeded");
    if spec.text("nodeName").is_empty() || finished {
        return 0;
    }
    match requested.unwrap_or_else(|| spec.number("terminationGracePeriodSeconds")) {
        ..0 => 1,
        period => period,
    }
}

const SELECTABLE_FIELDS: &[SelectableField] = &[
    SelectableField::path("spec.nodeName"),
    SelectableField::path("spec.restartPolicy"),
    SelectableField::path("spec.schedulerName"),
    SelectableField::path("spec.serviceAccountName"),
    SelectableField {
        label: "spec.hostNetwork",
        value: |pod, _| pod.at("spec").flag("hostNetwork").to_string(),
    },
    SelectableField::path("status.phase"),
    SelectableField { label: "status.podIP", value: |pod, _| ip(pod).to_owned() },
    SelectableField::path("status.nominatedNodeName"),
];

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    column("Status", "The aggregate status of the containers in this pod."),
    column(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in \
         this pod has restarted.",
    ),
    printing::AGE,
    wide(
        "IP",
        "podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet \
         allocated.",
    ),
    wide(
        "Node",
        "NodeName indicates in which node this pod is scheduled. If empty, this pod is a candidate for \
         scheduling by the scheduler defined in schedulerName. Once this field is set, the kubelet for this \
         node becomes responsible for the lifecycle of this pod. This field should not be used to express a \
         desire for the pod to be scheduled on a specific node. \
         https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename",
    ),
    wide(
        "Nominated Node",
        "nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be \
         scheduled right away as preemption victims receive their graceful termination periods. This field \
         does not guarantee that the pod will be scheduled on this node. Scheduler may decide to place the \
         pod elsewhere if other nodes become available sooner. Scheduler may also decide to give the \
         resources on this node to a higher priority pod that is created after preemption. As a result, this \
         field may be different than PodSpec.nodeName when the pod is scheduled.",
    ),
    wide(
        "Readiness Gates",
        "If specified, all readiness gates will be evaluated for pod readiness. A pod is ready when all its \
         containers are ready AND all conditions specified in the readiness gates have status equal to \
         \"True\" More info: https://git.k8s.io/enhancements/keps/sig-network/580-pod-readiness-gates",
    ),
];

fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = Summary::of(pod);
    let restarts = match summary.last_restart {
        Some(last) if summary.restarts != 0 => {
            format!("{} ({} ago)", summary.restarts, podsec_apimachinery::table::age(Some(last), now))
        }
        _ => summary.restarts.to_string(),
    };
    vec![
        printing::name(pod),
        printing::of(summary.ready, summary.total),
        summary.status.into(),
        restarts.into(),
        printing::age(pod, now),
        printing::or_none(ip(pod)),
        printing::or_none(pod.at("spec").text("nodeName")),
        printing::or_none(pod.at("status").text("nominatedNodeName")),
        readiness_gates(pod),
    ]
}

fn ip(pod: &Value) -> &str {
    let status = pod.at("status");
    status.list("podIPs").first().map_or_else(|| status.text("podIP"), |address| address.text("ip"))
}

fn readiness_gates(pod: &Value) -> Value {
    let gates = pod.at("spec").list("readinessGates");
    if gates.is_empty() {
        return NONE.into();
    }
    let open = gates.iter().filter(|gate| condition_is_true(pod, gate.text("conditionType"))).count();
    format!("{open}/{}", gates.len()).into()
}

fn condition_is_true(pod: &Value, kind: &str) -> bool {
    let conditions = pod.at("status").list("conditions");
    conditions.iter().any(|condition| condition.text("type") == kind && condition.text("status") == "True")
}

/// What the columns Ready, Status and Restarts are made from.
struct Summary {
    ready: i64,
    total: i64,
    status: String,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

impl Summary {
    fn of(pod: &Value) -> Self {
        let status = pod.at("status");
        let phase = status.text("phase");
        let reason = status.text("reason");
        let mut summary = Self {
            ready: 0,
            total: i64::try_from(pod.at("spec").list("containers").len()).unwrap_or_default(),
            status: if reason.is_empty() { phase } else { reason }.to_owned(),
            restarts: 0,
            last_restart: None,
        };
        let gated = |condition: &Value| {
            condition.text("type") == "PodScheduled" && condition.text("reason") == "SchedulingGated"
        };
        if status.list("conditions").iter().any(gated) {
            "SchedulingGated".clone_into(&mut summary.status);
        }
        let initializing = summary.add_init_containers(pod);
        if !initializing || condition_is_true(pod, "Initialized") {
            summary.add_containers(pod);
        }
        if metadata(pod).has("deletionTimestamp") {
            if reason == "NodeLost" {
                "Unknown".clone_into(&mut summary.status);
            } else if !matches!(phase, "Failed" | "Succeeded") {
                "Terminating".clone_into(&mut summary.status);
            }
        }
        summary
    }

    /// Counts sidecars, and says whether an init container is still at work or has failed.
    fn add_init_containers(&mut self, pod: &Value) -> bool {
        let containers = pod.at("spec").list("initContainers");
        let is_sidecar = |name: &str| {
            let own = |container: &&Value| container.text("name") == name;
            containers.iter().find(own).is_some_and(|container| container.text("restartPolicy") == "Always")
        };
        let sidecars =
            containers.iter().filter(|container| container.text("restartPolicy") == "Always").count();
        self.total += i64::try_from(sidecars).unwrap_or_default();
        let statuses = pod.at("status").list("initContainerStatuses");
        // Restarts of containers that ran before the pod came up count only while it does.
        let mut of_sidecars = (0, None);
        for (index, status) in statuses.iter().enumerate() {
            let sidecar = is_sidecar(status.text("name"));
            self.add_restarts(status);
            if sidecar {
                of_sidecars.0 += status.number("restartCount");
                of_sidecars.1 = of_sidecars.1.max(last_end(status));
            }
            let state = status.at("state");
            let (ended, waiting) = (state.field("terminated"), state.at("waiting").text("reason"));
            if ended.is_some_and(|ended| ended.number("exitCode") == 0) {
                continue;
            }
            if sidecar && status.flag("started") {
                self.ready += i64::from(status.flag("ready"));
                continue;
            }
            self.status = match ended {
                Some(ended) => format!("Init:{}", end_reason(ended)),
                None if !matches!(waiting, "" | "PodInitializing") => format!("Init:{waiting}"),
                None => format!("Init:{index}/{}", containers.len()),
            };
            if condition_is_true(pod, "Initialized") {
                (self.restarts, self.last_restart) = of_sidecars;
            }
            return true;
        }
        (self.restarts, self.last_restart) = of_sidecars;
        false
    }

    fn add_containers(&mut self, pod: &Value) {
        let mut running = false;
        for status in pod.at("status").list("containerStatuses").iter().rev() {
            self.add_restarts(status);
            let state = status.at("state");
            let waiting = state.at("waiting").text("reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut self.status);
            } else if let Some(ended) = state.field("terminated") {
                self.status = end_reason(ended);
            } else if status.flag("ready") && state.has("running") {
                running = true;
                self.ready += 1;
            }
        }
        if self.status == "Completed" && running {
            let ready = condition_is_true(pod, "Ready");
            self.status = String::from(if ready { "Running" } else { "NotReady" });
        }
    }

    fn add_restarts(&mut self, status: &Value) {
        self.restarts += status.number("restartCount");
        self.last_restart = self.last_restart.max(last_end(status));
    }
}

fn last_end(status: &Value) -> Option<Timestamp> {
    status.at("lastState").at("terminated").text("finishedAt").parse().ok()
}

fn end_reason(ended: &Value) -> String {
    match (ended.text("reason"), ended.number("signal")) {
        ("", 0) => format!("ExitCode:{}", ended.number("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T20:10:00Z";

    /// The columns Ready, Status and Restarts.
    fn shown(pod: &Value) -> String {
        let cells = cells(pod, NOW.parse().unwrap());
        let texts: Vec<&str> = cells.iter().skip(1).take(3).filter_map(Value::as_str).collect();
        texts.join(" ")
    }

    #[test]
    fn the_status_of_a_pod_sums_up_its_containers() {
        let running = json!({ "name": "a", "ready": true, "restartCount": 0, "state": { "running": {} } });
        let crashed = json!({
            "name": "b", "restartCount": 3, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": 1, "finishedAt": "2026-11-21T20:05:00Z" } }
        });
        let done =
            json!({ "name": "b", "state": { "terminated": { "exitCode": 0, "reason": "Completed" } } });
        let killed = json!({ "name": "b", "state": { "terminated": { "exitCode": 137, "signal": 9 } } });
        let spec = json!({ "containers": [{ "name": "a" }, { "name": "b" }] });
        let initial = json!({
            "containers": [{ "name": "a" }],
            "initContainers": [{ "name": "i" }, { "name": "s", "restartPolicy": "Always" }]
        });
        let ended = json!({ "name": "i", "restartCount": 2, "state": { "terminated": { "exitCode": 0 } } });
        let sidecar = json!({ "name": "s", "ready": true, "started": true, "restartCount": 1, "state": { "running": {} } });
        let cases = [
            (json!({ "spec": spec, "status": { "phase": "Pending" } }), "0/2 Pending 0"),
            (json!({ "spec": spec, "status": { "phase": "Failed", "reason": "Evicted" } }), "0/2 Evicted 0"),
            (
                json!({ "spec": spec, "status": { "phase": "Running", "containerStatuses": [running, crashed] } }),
                "1/2 CrashLoopBackOff 3 (5m ago)",
            ),
            (
                json!({ "spec": spec, "status": { "phase": "Running", "containerStatuses": [running, done] } }),
                "1/2 NotReady 0",
            ),
            (
                json!({ "spec": spec, "status": {
                    "phase": "Running", "containerStatuses": [running, done],
                    "conditions": [{ "type": "Ready", "status": "True" }]
                } }),
                "1/2 Running 0",
            ),
            (
                json!({ "spec": spec, "status": { "phase": "Failed", "containerStatuses": [killed] } }),
                "0/2 Signal:9 0",
            ),
            (
                json!({ "spec": initial, "status": { "phase": "Pending", "initContainerStatuses": [{ "name": "i" }] } }),
                "0/2 Init:0/2 0",
            ),
            (
                json!({ "spec": initial, "status": { "phase": "Pending", "initContainerStatuses": [
                    { "name": "i", "restartCount": 1, "state": { "terminated": { "exitCode": 2 } } }
                ] } }),
                "0/2 Init:ExitCode:2 1",
            ),
            (
                json!({ "spec": initial, "status": {
                    "phase": "Running", "initContainerStatuses": [ended, sidecar], "containerStatuses": [running]
                } }),
                "2/2 Running 1",
            ),
            (
                json!({ "metadata": { "deletionTimestamp": NOW }, "spec": spec, "status": { "phase": "Running" } }),
                "0/2 Terminating 0",
            ),
            (
                json!({ "metadata": { "deletionTimestamp": NOW }, "spec": spec, "status": { "phase": "Running", "reason": "NodeLost" } }),
                "0/2 Unknown 0",
            ),
            (
                json!({ "spec": spec, "status": { "phase": "Pending", "conditions": [
                    { "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" }
                ] } }),
                "0/2 SchedulingGated 0",
            ),
        ];
        for (pod, expected) in cases {
            assert_eq!(shown(&pod), expected, "{pod}");
        }
    }

    #[test]
    fn only_a_pod_on_a_node_takes_its_time_to_go() {
        let bound = json!({ "spec": { "nodeName": "n", "terminationGracePeriodSeconds": 30 } });
        let unbound = json!({ "spec": { "terminationGracePeriodSeconds": 30 } });
        let done = json!({ "spec": { "nodeName": "n" }, "status": { "phase": "Succeeded" } });
        let cases = [
            (&bound, None, 30),
            (&bound, Some(5), 5),
            (&bound, Some(0), 0),
            (&bound, Some(-1), 1),
            (&unbound, Some(60), 0),
            (&done, Some(60), 0),
        ];
        for (pod, asked, expected) in cases {
            assert_eq!(check_graceful_delete(pod, asked), expected, "{pod} {asked:?}");
        }
    }

    #[test]
    fn the_status_door_lets_only_the_status_through() {
        let old = json!({
            "metadata": { "name": "p", "ownerReferences": [{ "uid": "1" }] },
            "spec": { "nodeName": "n" }, "status": { "phase": "Pending", "qosClass": "BestEffort" }
        });
        let mut new = json!({
            "metadata": { "name": "p" }, "spec": { "nodeName": "other" }, "status": { "phase": "Running" }
        });
        prepare_for_status_update(&mut new, &old);
        assert_eq!(
            new,
            json!({
                "metadata": { "name": "p", "ownerReferences": [{ "uid": "1" }] },
                "spec": { "nodeName": "n" }, "status": { "phase": "Running", "qosClass": "BestEffort" }
            })
        );
    }
}
