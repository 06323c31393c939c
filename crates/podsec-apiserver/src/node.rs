//! The tiny node: binds pods and takes them to Running through `pods/status`, as a scheduler and a kubelet would.
//! It starts no containers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;
use podsec_apimachinery::kubernetes;
use podsec_apimachinery::meta::{Meta, time_text};
use podsec_storage::{Entry, Error, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::controllers::retries::{self, Retries};
use crate::request::user::{MASTERS, User};

/// Runs the node until the server stops.
pub(crate) fn start(api: &Arc<ApiServer>) {
    let node = Node {
        scheduler: Client::new(api, User::new("system:kube-scheduler", &[]), "podsec/scheduler"),
        kubelet: Client::new(api, User::new("system:node:podsec", &["system:nodes"]), "podsec/node"),
        controller: Client::new(api, User::new("system:apiserver", &[MASTERS]), "podsec/node-controller"),
        addresses: AtomicU16::new(1),
    };
    tokio::spawn(crate::controllers::until_stopped(Arc::clone(api), async move { node.run().await }));
}

struct Node {
    scheduler: Client,
    kubelet: Client,
    /// Stands for the node lifecycle controller.
    controller: Client,
    /// Counts the pods, for their addresses.
    addresses: AtomicU16,
}

impl Node {
    async fn run(&self) {
        let mut delay = retries::FIRST;
        while !self.register().await {
            sleep(delay).await;
            delay = (delay * 2).min(retries::LONGEST);
        }
        loop {
            // After a gap in the watch all pods are looked at again.
            if let Error::Closed = self.follow().await {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Works until the store does not tell what changes any more, and why.
    async fn follow(&self) -> Error {
        let api = self.kubelet.api();
        let prefix = api.builtin("", "v1", "pods").expect("pods are built in").prefix("");
        let store = &api.store;
        let page = match store.range(Range::prefix(&prefix)).await {
            Ok(page) => page,
            Err(error) => return error,
        };
        let mut retries = Retries::new();
        for entry in &page.entries {
            self.try_to_tend(entry, &mut retries).await;
        }
        let mut watch = match store.watch(&prefix, page.revision).await {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        drop(page);
        loop {
            let events = tokio::select! {
                events = watch.next() => events,
                key = retries.next() => {
                    match store.get(&key).await {
                        Ok(Some(entry)) => self.try_to_tend(&entry, &mut retries).await,
                        found => retries.note(key, found.is_ok()),
                    }
                    continue;
                }
            };
            match events {
                Ok(events) => {
                    for event in events {
                        match event.entry() {
                            Some(entry) => self.try_to_tend(entry, &mut retries).await,
                            None => retries.note(Arc::clone(event.key()), true),
                        }
                    }
                }
                Err(error) => return error,
            }
        }
    }

    /// Takes a pod one step further, later if that fails now.
    async fn try_to_tend(&self, pod: &Entry, retries: &mut Retries<Arc<str>>) {
        let failures = (self.scheduler.failures(), self.kubelet.failures());
        self.tend(&pod.value).await;
        let went_well = failures == (self.scheduler.failures(), self.kubelet.failures());
        retries.note(Arc::clone(&pod.key), went_well);
    }

    /// Makes the Node object. Whether it is there now.
    async fn register(&self) -> bool {
        let now = time_text(Timestamp::now());
        let node = json!({
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": NAME, "labels": {
                "kubernetes.io/hostname": NAME,
                "kubernetes.io/os": "linux",
            }},
        });
        let (code, _) = self.kubelet.create("/api/v1/nodes", &node).await;
        if !code.is_success() && code != StatusCode::CONFLICT {
            return false;
        }
        let status = json!({"status": {
            "addresses": [
                {"type": "InternalIP", "address": HOST_ADDRESS},
                {"type": "Hostname", "address": NAME},
            ],
            "conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "PodsecNodeReady",
                "message": "podsec starts no containers",
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            }],
            "nodeInfo": {
                "kubeletVersion": kubernetes::VERSION,
                "operatingSystem": "linux",
                "architecture": "",
                "bootID": "",
                "containerRuntimeVersion": "podsec://",
                "kernelVersion": "",
                "kubeProxyVersion": "",
                "machineID": "",
                "osImage": "podsec",
                "systemUUID": "",
            },
        }});
        let path = format!("/api/v1/nodes/{NAME}/status");
        // New nodes are tainted until a controller sees that they are ready, and a node may not do that itself.
        let ready =
            json!({"spec": {"taints": [{"$patch": "delete", "key": NOT_READY, "effect": "NoSchedule"}]}});
        let node = format!("/api/v1/nodes/{NAME}");
        self.kubelet.strategic_merge_patch(&path, &status).await.0.is_success()
            && self.controller.strategic_merge_patch(&node, &ready).await.0.is_success()
    }

    /// Takes a pod one step further.
    async fn tend(&self, pod: &[u8]) {
        let Ok(pod) = serde_json::from_slice::<Value>(pod) else { return };
        let meta = Meta::of(&pod);
        let path = format!("/api/v1/namespaces/{}/pods/{}", meta.namespace(), meta.name());
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match text("/spec/nodeName") {
            "" if meta.is_being_deleted() => {}
            "" if text("/spec/schedulerName") == "default-scheduler" => self.bind(&pod, &path).await,
            NAME if meta.is_being_deleted() => self.remove(&pod, &path).await,
            NAME if matches!(text("/status/phase"), "" | "Pending") => {
                let status = self.running(&pod);
                self.kubelet.strategic_merge_patch(&format!("{path}/status"), &status).await;
            }
            _ => {}
        }
    }

    async fn bind(&self, pod: &Value, path: &str) {
        let has_gates = pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
        if has_gates.is_some_and(|gates| !gates.is_empty()) {
            return;
        }
        let meta = Meta::of(pod);
        let binding = json!({
            "kind": "Binding",
            "apiVersion": "v1",
            "metadata": {"name": meta.name(), "namespace": meta.namespace(), "uid": meta.uid()},
            "target": {"kind": "Node", "name": NAME},
        });
        self.scheduler.create(&format!("{path}/binding"), &binding).await;
    }

    /// Nothing runs, so nothing has to end first.
    async fn remove(&self, pod: &Value, path: &str) {
        let options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": Meta::of(pod).uid()},
        });
        self.kubelet.delete(path, &options).await;
    }

    /// The status of a pod whose containers all run.
    fn running(&self, pod: &Value) -> Value {
        let now = time_text(Timestamp::now());
        let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
        let conditions: Vec<Value> =
            ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
                .map(condition)
                .to_vec();
        let on_host = pod.pointer("/spec/hostNetwork").and_then(Value::as_bool).unwrap_or(false);
        let address = if on_host {
            HOST_ADDRESS.to_owned()
        } else {
            let [high, low] = self.addresses.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            format!("10.244.{high}.{low}")
        };
        let started = json!({"running": {"startedAt": now}});
        let ended = json!({"terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now,
        }});
        json!({"metadata": {"uid": Meta::of(pod).uid()}, "status": {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": HOST_ADDRESS,
            "hostIPs": [{"ip": HOST_ADDRESS}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "initContainerStatuses": container_statuses(pod, "/spec/initContainers", &ended),
            "containerStatuses": container_statuses(pod, "/spec/containers", &started),
        }})
    }
}

fn container_statuses(pod: &Value, list: &str, state: &Value) -> Vec<Value> {
    let status = |container: &Value| {
        json!({
            "name": container.get("name"),
            "image": container.get("image"),
            "imageID": "",
            "containerID": "",
            "ready": true,
            "started": state.get("running").is_some(),
            "restartCount": 0,
            "state": state,
            "lastState": {},
        })
    };
    pod.pointer(list).and_then(Value::as_array).into_iter().flatten().map(status).collect()
}

const NAME: &str = "podsec";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const HOST_ADDRESS: &str = "127.0.0.1";
