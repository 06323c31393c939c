//! The Node authorizer: a node does what a kubelet needs, and reads what the pods need that are bound to it.

use std::sync::LazyLock;

use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::selector::field::Selector;
use podsec_rbac::PolicyRule;
use podsec_storage::Range;
use serde_json::Value;

use super::decision::{Decision, attributes};
use crate::registry::Resources;
use crate::request::{RequestInfo, User};

/// The node that a user is; empty for one that calls itself a node and has no name.
pub(super) fn name(user: &User) -> Option<&str> {
    user.name.strip_prefix("system:node:").filter(|_| user.is_in("system:nodes"))
}

/// Decides for nodes; about others it has no opinion.
pub(super) async fn decide(resources: &Resources, user: &User, info: &RequestInfo) -> Decision {
    let Some(node) = name(user) else { return no("") };
    if node.is_empty() {
        return no(format!("unknown node for user {}", quoted(&user.name)));
    }
    if !info.is_resource {
        return by_rules(info);
    }
    let (verb, subresource) = (&*info.verb, info.subresource.as_str());
    match (info.group.as_str(), info.resource.as_str()) {
        ("", "secrets" | "configmaps") => read(resources, node, info).await,
        ("", "persistentvolumeclaims") if subresource == "status" => match verb {
            "update" | "patch" => related(resources, node, info).await,
            _ => no("can only get/update/patch this type"),
        },
        ("", "persistentvolumeclaims" | "persistentvolumes")
        | ("resource.k8s.io", "resourceclaims")
        | ("storage.k8s.io", "volumeattachments") => get(resources, node, info).await,
        ("", "serviceaccounts") if verb == "get" && subresource.is_empty() => {
            read(resources, node, info).await
        }
        ("", "serviceaccounts") if verb != "create" || info.name.is_empty() => {
            no("can only create tokens for individual service accounts")
        }
        ("", "serviceaccounts") if subresource != "token" => {
            no("can only create token subresource of serviceaccount")
        }
        ("", "serviceaccounts") => related(resources, node, info).await,
        ("coordination.k8s.io", "leases") => lease(node, info),
        ("storage.k8s.io", "csinodes") => csi_node(node, info),
        ("resource.k8s.io", "resourceslices") => resource_slice(resources, node, info).await,
        ("certificates.k8s.io", "podcertificaterequests") => certificate_request(resources, node, info).await,
        ("", "nodes") => self::node(node, info),
        ("", "pods") => pod(resources, node, info).await,
        _ => by_rules(info),
    }
}

fn yes() -> Decision {
    Decision::Allow(String::new())
}

fn no(why: impl Into<String>) -> Decision {
    Decision::Forbid(why.into())
}

/// By the rules of `system:node`.
fn by_rules(info: &RequestInfo) -> Decision {
    static RULES: LazyLock<Vec<PolicyRule>> = LazyLock::new(podsec_rbac::bootstrap::node_rules);
    if RULES.iter().any(|rule| rule.allows(&attributes(info))) { yes() } else { no("") }
}

async fn get(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    if info.verb != "get" {
        return no("can only get individual resources of this type");
    }
    if !info.subresource.is_empty() {
        return no("cannot get subresource");
    }
    related(resources, node, info).await
}

async fn read(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    if !matches!(&*info.verb, "get" | "list" | "watch") {
        return no("can only read resources of this type");
    }
    if !info.subresource.is_empty() {
        return no("cannot read subresource");
    }
    if info.namespace.is_empty() {
        return no("can only read namespaced object of this type");
    }
    related(resources, node, info).await
}

fn lease(node: &str, info: &RequestInfo) -> Decision {
    if !matches!(&*info.verb, "get" | "create" | "update" | "patch" | "delete") {
        return no("can only get, create, update, patch, or delete a node lease");
    }
    if info.namespace != "kube-node-lease" {
        return no("can only access leases in the \"kube-node-lease\" system namespace");
    }
    if info.verb != "create" && info.name != node {
        return no("can only access node lease with the same name as the requesting node");
    }
    yes()
}

fn csi_node(node: &str, info: &RequestInfo) -> Decision {
    if !matches!(&*info.verb, "get" | "create" | "update" | "patch" | "delete") {
        return no("can only get, create, update, patch, or delete a CSINode");
    }
    if !info.subresource.is_empty() {
        return no("cannot authorize CSINode subresources");
    }
    if info.verb != "create" && info.name != node {
        return no("can only access CSINode with the same name as the requesting node");
    }
    yes()
}

fn node(node: &str, info: &RequestInfo) -> Decision {
    match (info.subresource.as_str(), &*info.verb) {
        ("", "create" | "update" | "patch") | ("status", "update" | "patch") => yes(),
        ("", "get" | "list" | "watch") if info.name == node => yes(),
        ("", "get" | "list" | "watch") if info.name.is_empty() => {
            no(format!("node '{node}' cannot read all nodes, only its own Node object"))
        }
        ("", "get" | "list" | "watch") => {
            no(format!("node '{node}' cannot read '{}', only its own Node object", info.name))
        }
        _ => no(""),
    }
}

async fn resource_slice(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    if !info.subresource.is_empty() {
        return no("cannot authorize ResourceSlice subresources");
    }
    match &*info.verb {
        "create" => yes(),
        "get" | "update" | "patch" | "delete" => related(resources, node, info).await,
        "watch" | "list" | "deletecollection" if selects(info, node) => yes(),
        "watch" | "list" | "deletecollection" => {
            no("can only list/watch/deletecollection resourceslices with nodeName field selector")
        }
        _ => no(
            "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, \
             delete, deletecollection",
        ),
    }
}

async fn certificate_request(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    if !info.subresource.is_empty() {
        return no("nodes may not access the status subresource of PodCertificateRequests");
    }
    match &*info.verb {
        "create" => yes(),
        "get" => related(resources, node, info).await,
        "list" | "watch" if selects(info, node) => yes(),
        "list" | "watch" => no("can only list/watch podcertificaterequests with nodeName field selector"),
        verb => no(format!("nodes may not {verb} podcertificaterequests")),
    }
}

/// Whether a field selector lets through only what is of the node.
fn selects(info: &RequestInfo, node: &str) -> bool {
    Selector::parse(&info.field_selector)
        .is_ok_and(|selector| selector.exact_match("spec.nodeName") == Some(node))
}

async fn pod(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    match (info.subresource.as_str(), &*info.verb) {
        ("", "get") => related(resources, node, info).await,
        ("", "list" | "watch") => {
            if selects(info, node) {
                return yes();
            }
            if info.name.is_empty() {
                return no("can only list/watch pods with spec.nodeName field selector");
            }
            related(resources, node, info).await
        }
        ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => yes(),
        _ => no(""),
    }
}

/// Whether the object belongs to a pod that is bound to the node, or to the node itself.
async fn related(resources: &Resources, node: &str, info: &RequestInfo) -> Decision {
    if info.name.is_empty() {
        return no("No Object name found");
    }
    let found = match (info.group.as_str(), info.resource.as_str()) {
        ("storage.k8s.io", "volumeattachments") | ("resource.k8s.io", "resourceslices") => {
            names_node(resources, "v1", node, info).await
        }
        ("certificates.k8s.io", "podcertificaterequests") => {
            names_node(resources, "v1beta1", node, info).await
        }
        ("", "persistentvolumes") => is_volume_of(resources, node, &info.name).await,
        (_, resource) => is_used(resources, node, &info.namespace, resource, &info.name).await,
    };
    // What cannot be read is no relationship.
    if found.unwrap_or(false) {
        yes()
    } else {
        no(format!("no relationship found between node '{node}' and this object"))
    }
}

/// Whether a pod of the namespace that is bound to the node refers to the object. `None` when the store fails.
async fn is_used(
    resources: &Resources,
    node: &str,
    namespace: &str,
    resource: &str,
    name: &str,
) -> Option<bool> {
    if namespace.is_empty() {
        return Some(false);
    }
    let prefix = resources.builtin("", "v1", "pods")?.prefix(namespace);
    let page = resources.store().range(Range::prefix(&prefix)).await.ok()?;
    Some(page.entries.iter().any(|entry| {
        // Most pods are of other nodes, or name something else: reading them as text tells.
        let text = std::str::from_utf8(&entry.value).unwrap_or_default();
        if !text.contains(node) || !text.contains(name) {
            return false;
        }
        serde_json::from_str::<Value>(text).is_ok_and(|pod| {
            pod.pointer("/spec/nodeName").is_some_and(|bound| bound == node) && refers(&pod, resource, name)
        })
    }))
}

/// Whether a pod needs an object of its namespace. A mirror pod needs none: it runs whatever the API server says.
fn refers(pod: &Value, resource: &str, name: &str) -> bool {
    if resource == "pods" {
        return pod.pointer("/metadata/name").is_some_and(|own| own == name);
    }
    if pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some() {
        return false;
    }
    let Some(spec) = pod.get("spec") else { return false };
    match resource {
        "serviceaccounts" => spec.get("serviceAccountName").is_some_and(|own| own == name),
        "secrets" => {
            names(spec, &["secretName", "secretRef", "secretKeyRef", "imagePullSecrets", "secret"], name)
        }
        "configmaps" => names(spec, &["configMap", "configMapRef", "configMapKeyRef"], name),
        "persistentvolumeclaims" => names(spec, &["claimName"], name) || is_ephemeral(pod, spec, name),
        "resourceclaims" => {
            let statuses = pod.pointer("/status/resourceClaimStatuses");
            names(spec, &["resourceClaimName"], name)
                || statuses.is_some_and(|statuses| names(statuses, &["resourceClaimName"], name))
        }
        _ => false,
    }
}

/// Whether somewhere below one of `fields` refers to `name`: as the text itself, or as the `name` of an object or of one
/// in a list.
fn names(value: &Value, fields: &[&str], name: &str) -> bool {
    let is = |value: &Value| value == name || value.get("name").is_some_and(|own| own == name);
    match value {
        Value::Array(items) => items.iter().any(|item| names(item, fields, name)),
        Value::Object(map) => map.iter().any(|(field, value)| {
            let here = fields.contains(&field.as_str())
                && (is(value) || value.as_array().is_some_and(|items| items.iter().any(is)));
            here || names(value, fields, name)
        }),
        _ => false,
    }
}

/// Whether the claim is made from a volume of the pod.
fn is_ephemeral(pod: &Value, spec: &Value, name: &str) -> bool {
    let own = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let volumes = spec.get("volumes").and_then(Value::as_array);
    volumes.into_iter().flatten().filter(|volume| volume.get("ephemeral").is_some()).any(|volume| {
        let volume = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        format!("{own}-{volume}") == name
    })
}

/// Whether a pod that is bound to the node uses the claim that has the volume.
async fn is_volume_of(resources: &Resources, node: &str, volume: &str) -> Option<bool> {
    let found = resources.builtin("", "v1", "persistentvolumes")?.find("", volume).await.ok()??;
    let text = |field: &str| {
        let claim = found.object.pointer(&format!("/spec/claimRef/{field}"));
        claim.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    is_used(resources, node, &text("namespace"), "persistentvolumeclaims", &text("name")).await
}

/// Whether the object says itself that it is of the node.
async fn names_node(resources: &Resources, version: &str, node: &str, info: &RequestInfo) -> Option<bool> {
    let registry = resources.builtin(&info.group, version, &info.resource)?;
    let found = registry.find(&info.namespace, &info.name).await.ok()??;
    Some(found.object.pointer("/spec/nodeName").is_some_and(|named| named == node))
}
