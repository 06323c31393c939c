//! The defaults of pod specs: those of every spec, and those that only a Pod gets.

use serde_json::{Map, Value, json};

use super::CONTAINER_LISTS;
use crate::image;
use crate::object::{Fields, FieldsMut};
use crate::quantity::Quantity;

type Object = Map<String, Value>;

/// Defaults the `template` of `owner`: its metadata and its spec.
pub(crate) fn default_template(owner: &mut Object) {
    if let Some(template) = owner.ensure("template") {
        template.ensure("metadata");
        if let Some(spec) = template.ensure("spec") {
            default_spec(spec);
        }
    }
}

/// Defaults what only a Pod defaults: requests from limits, host ports and service links.
pub(crate) fn default_pod_only(spec: &mut Object) {
    for list in ["containers", "initContainers"] {
        for container in spec.objects_mut(list) {
            if let Some(resources) = container.object_mut("resources") {
                requests_from_limits(resources, |_| true);
            }
        }
    }
    default_pod_level_requests(spec);
    spec.fill("enableServiceLinks", true);
    if spec.flag("hostNetwork") {
        for list in ["containers", "initContainers"] {
            for container in spec.objects_mut(list) {
                for port in container.objects_mut("ports") {
                    let number = port.at("containerPort").clone();
                    if number != 0 {
                        port.fill_zero("hostPort", number);
                    }
                }
            }
        }
    }
}

/// Defaults any pod spec.
pub(crate) fn default_spec(spec: &mut Object) {
    mirror_service_account(spec);
    spec.fill_zero("dnsPolicy", "ClusterFirst");
    spec.fill_zero("restartPolicy", "Always");
    spec.ensure("securityContext");
    spec.fill("terminationGracePeriodSeconds", 30);
    spec.fill_zero("schedulerName", "default-scheduler");
    canonical_quantities(spec, "overhead");
    if let Some(resources) = spec.object_mut("resources") {
        default_resources(resources);
    }
    for volume in spec.objects_mut("volumes") {
        default_volume(volume);
    }
    for list in CONTAINER_LISTS {
        for container in spec.objects_mut(list) {
            default_container(container);
        }
    }
}

/// `serviceAccount` is the old name of `serviceAccountName`; Kubernetes shows both, and the new one wins.
fn mirror_service_account(spec: &mut Object) {
    if spec.text("serviceAccountName").is_empty() {
        let old = spec.text("serviceAccount").to_owned();
        if !old.is_empty() {
            spec.insert("serviceAccountName".to_owned(), old.into());
        }
    } else {
        let new = spec.at("serviceAccountName").clone();
        spec.insert("serviceAccount".to_owned(), new);
    }
}

fn default_container(container: &mut Object) {
    let pull_policy = image::pull_policy(container.text("image"));
    container.fill_zero("imagePullPolicy", pull_policy);
    container.fill_zero("terminationMessagePath", "/dev/termination-log");
    container.fill_zero("terminationMessagePolicy", "File");
    if let Some(resources) = container.ensure("resources") {
        default_resources(resources);
    }
    for port in container.objects_mut("ports") {
        port.fill_zero("protocol", "TCP");
    }
    for variable in container.objects_mut("env") {
        if let Some(source) = variable.object_mut("valueFrom") {
            default_references(source);
            if let Some(reference) = source.object_mut("fileKeyRef") {
                reference.fill("optional", false);
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.object_mut(probe) {
            default_probe(probe);
        }
    }
    if let Some(lifecycle) = container.object_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(handler) = lifecycle.object_mut(hook) {
                default_http_get(handler);
            }
        }
    }
}

fn default_probe(probe: &mut Object) {
    default_http_get(probe);
    if let Some(grpc) = probe.object_mut("grpc") {
        grpc.fill("service", "");
    }
    probe.fill_zero("timeoutSeconds", 1);
    probe.fill_zero("periodSeconds", 10);
    probe.fill_zero("successThreshold", 1);
    probe.fill_zero("failureThreshold", 3);
}

fn default_http_get(handler: &mut Object) {
    if let Some(get) = handler.object_mut("httpGet") {
        get.fill_zero("path", "/");
        get.fill_zero("scheme", "HTTP");
        // A port that was not given reads as the number 0.
        get.fill("port", 0);
    }
    if let Some(socket) = handler.object_mut("tcpSocket") {
        socket.fill("port", 0);
    }
}

/// `fieldRef` and `resourceFieldRef` of a variable or of a downward API file.
fn default_references(source: &mut Object) {
    if let Some(reference) = source.object_mut("fieldRef") {
        reference.fill_zero("apiVersion", "v1");
    }
    if let Some(reference) = source.object_mut("resourceFieldRef") {
        reference.fill("divisor", "0");
        canonical_quantity(reference, "divisor", false);
    }
}

/// The sources that pods' volumes and PersistentVolumes share.
pub(crate) fn default_source(volume: &mut Object) {
    if let Some(source) = volume.object_mut("hostPath") {
        source.fill("type", "");
    }
    if let Some(source) = volume.object_mut("iscsi") {
        source.fill_zero("iscsiInterface", "default");
    }
    if let Some(source) = volume.object_mut("rbd") {
        source.fill_zero("pool", "rbd");
        source.fill_zero("user", "admin");
        source.fill_zero("keyring", "/etc/ceph/keyring");
    }
    if let Some(source) = volume.object_mut("azureDisk") {
        source.fill("cachingMode", "ReadWrite");
        source.fill("kind", "Shared");
        source.fill("fsType", "ext4");
        source.fill("readOnly", false);
    }
    if let Some(source) = volume.object_mut("scaleIO") {
        source.fill_zero("storageMode", "ThinProvisioned");
        source.fill_zero("fsType", "xfs");
    }
}

fn default_volume(volume: &mut Object) {
    if !volume.iter().any(|(field, value)| field != "name" && !value.is_null()) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    if let Some(source) = volume.object_mut("emptyDir") {
        canonical_quantity(source, "sizeLimit", false);
    }
    default_source(volume);
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.object_mut(kind) {
            source.fill("defaultMode", 0o644);
        }
    }
    if let Some(source) = volume.object_mut("downwardAPI") {
        source.objects_mut("items").for_each(default_references);
    }
    if let Some(source) = volume.object_mut("projected") {
        for projection in source.objects_mut("sources") {
            if let Some(token) = projection.object_mut("serviceAccountToken") {
                token.fill("expirationSeconds", 3600);
            }
            if let Some(downward) = projection.object_mut("downwardAPI") {
                downward.objects_mut("items").for_each(default_references);
            }
        }
    }
    if let Some(template) =
        volume.object_mut("ephemeral").and_then(|source| source.object_mut("volumeClaimTemplate"))
    {
        template.ensure("metadata");
        if let Some(claim) = template.ensure("spec") {
            default_claim(claim);
        }
    }
    if let Some(source) = volume.object_mut("image") {
        let pull_policy = image::pull_policy(source.text("reference"));
        source.fill_zero("pullPolicy", pull_policy);
    }
}

/// The spec of a PersistentVolumeClaim.
pub(crate) fn default_claim(claim: &mut Object) {
    claim.fill("volumeMode", "Filesystem");
    if let Some(resources) = claim.ensure("resources") {
        default_resources(resources);
    }
}

fn default_resources(resources: &mut Object) {
    canonical_quantities(resources, "limits");
    canonical_quantities(resources, "requests");
}

/// Writes the quantities of a resource list as Kubernetes writes them, rounded up to a thousandth.
pub(crate) fn canonical_quantities(owner: &mut Object, list: &str) {
    if let Some(quantities) = owner.object_mut(list) {
        let names: Vec<String> = quantities.keys().cloned().collect();
        for name in names {
            canonical_quantity(quantities, &name, true);
        }
    }
}

fn canonical_quantity(owner: &mut Object, name: &str, round: bool) {
    let written = match owner.at(name) {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    if let Some(quantity) = written {
        let quantity = if round { quantity.round_up_to_milli() } else { quantity };
        owner.insert(name.to_owned(), quantity.to_string().into());
    }
}

fn requests_from_limits(resources: &mut Object, applies: impl Fn(&str) -> bool) {
    let limits = resources.at("limits").as_object().cloned().unwrap_or_default();
    if limits.keys().any(|name| applies(name))
        && let Some(requests) = resources.ensure("requests")
    {
        for (name, limit) in limits.into_iter().filter(|(name, _)| applies(name)) {
            requests.entry(name).or_insert(limit);
        }
    }
}

/// Pod-level requests follow from what the containers request, else from the pod-level limits.
fn default_pod_level_requests(spec: &mut Object) {
    if spec.at("resources").entries("limits").next().is_none() {
        return;
    }
    let requested: Vec<(String, Value)> = ["cpu", "memory"]
        .iter()
        .filter_map(|name| {
            let sum = spec
                .list("containers")
                .iter()
                .filter_map(|container| Quantity::parse(container.at("resources").at("requests").text(name)))
                .reduce(Quantity::plus)?;
            Some(((*name).to_owned(), sum.to_string().into()))
        })
        .collect();
    if let Some(resources) = spec.object_mut("resources") {
        if !requested.is_empty()
            && let Some(requests) = resources.ensure("requests")
        {
            for (name, sum) in requested {
                requests.entry(name).or_insert(sum);
            }
        }
        requests_from_limits(resources, |name| {
            matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaulted(mut spec: Value, pod: bool) -> Value {
        let object = spec.as_object_mut().unwrap();
        default_spec(object);
        if pod {
            default_pod_only(object);
        }
        spec
    }

    #[test]
    fn every_part_of_a_spec_gets_its_defaults() {
        let given = json!({
            "serviceAccount": "old",
            "containers": [{
                "name": "c", "image": "x:1",
                "ports": [{ "containerPort": 80 }],
                "env": [
                    { "name": "A", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                    { "name": "B", "valueFrom": { "resourceFieldRef": { "resource": "limits.cpu" } } }
                ],
                "livenessProbe": { "httpGet": { "port": 80 } },
                "lifecycle": { "preStop": { "httpGet": { "port": 80, "path": "/bye" } } },
                "resources": { "limits": { "cpu": 0.5, "memory": "1024Mi" } }
            }],
            "volumes": [
                { "name": "none" },
                { "name": "host", "hostPath": { "path": "/" } },
                { "name": "secret", "secret": { "secretName": "s" } },
                { "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "t" } }] } }
            ]
        });
        let expected = json!({
            "serviceAccount": "old", "serviceAccountName": "old",
            "containers": [{
                "name": "c", "image": "x:1", "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "ports": [{ "containerPort": 80, "protocol": "TCP" }],
                "env": [
                    { "name": "A", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.name" } } },
                    { "name": "B", "valueFrom": { "resourceFieldRef": { "divisor": "0", "resource": "limits.cpu" } } }
                ],
                "livenessProbe": {
                    "httpGet": { "port": 80, "path": "/", "scheme": "HTTP" },
                    "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3
                },
                "lifecycle": { "preStop": { "httpGet": { "port": 80, "path": "/bye", "scheme": "HTTP" } } },
                "resources": { "limits": { "cpu": "500m", "memory": "1Gi" } }
            }],
            "volumes": [
                { "name": "none", "emptyDir": {} },
                { "name": "host", "hostPath": { "path": "/", "type": "" } },
                { "name": "secret", "secret": { "secretName": "s", "defaultMode": 420 } },
                { "name": "token", "projected": {
                    "defaultMode": 420, "sources": [{ "serviceAccountToken": { "path": "t", "expirationSeconds": 3600 } }]
                } }
            ],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {},
            "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler"
        });
        assert_eq!(defaulted(given, false), expected);
    }

    #[test]
    fn only_a_pod_requests_its_limits_and_takes_host_ports() {
        let given = json!({
            "hostNetwork": true,
            "containers": [{
                "ports": [{ "containerPort": 80 }, { "containerPort": 81, "hostPort": 82 }],
                "resources": { "limits": { "cpu": "1" }, "requests": { "memory": "1Gi" } }
            }]
        });
        let pod = defaulted(given.clone(), true);
        let container = pod.list("containers")[0].clone();
        assert_eq!(container.list("ports")[0].integer("hostPort"), Some(80));
        assert_eq!(container.list("ports")[1].integer("hostPort"), Some(82));
        assert_eq!(container.at("resources").at("requests"), &json!({ "cpu": "1", "memory": "1Gi" }));
        assert_eq!(pod.at("enableServiceLinks"), &json!(true));

        let template = defaulted(given, false);
        let container = template.list("containers")[0].clone();
        assert!(!container.list("ports")[0].has("hostPort"));
        assert_eq!(container.at("resources").at("requests"), &json!({ "memory": "1Gi" }));
        assert!(!template.has("enableServiceLinks"));
    }

    #[test]
    fn pod_level_requests_follow_the_containers_then_the_limits() {
        let spec = defaulted(
            json!({
                "resources": { "limits": { "cpu": "2", "memory": "1Gi" } },
                "containers": [
                    { "resources": { "requests": { "cpu": "250m" } } },
                    { "resources": { "requests": { "cpu": "500m" } } }
                ]
            }),
            true,
        );
        assert_eq!(spec.at("resources").at("requests"), &json!({ "cpu": "750m", "memory": "1Gi" }));
    }
}
