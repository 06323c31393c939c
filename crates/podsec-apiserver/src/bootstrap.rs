//! The objects that every cluster has from its first moment.

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut, time_text};
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::schema::{self, Catalog, Definitions, catalog};
use podsec_kinds::allocation::ServiceRange;
use podsec_kinds::strategy;
use podsec_rbac::Reconciled;
use podsec_storage::{Precondition, Revision};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::apiserver::ApiServer;
use crate::controllers;
use crate::registry::WriteError;

/// Makes the objects of the system that are not there yet. `authorities` are the certificates that client certificates
/// are signed with, PEM.
///
/// # Errors
/// When the store fails.
pub(crate) async fn create_objects(api: &ApiServer, authorities: Option<&str>) -> Result<(), Status> {
    let now = Timestamp::now();
    for name in NAMESPACES {
        create(api, json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}), now)
            .await?;
    }
    for (name, value, description) in PRIORITY_CLASSES {
        let class = json!({
            "kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name},
            "value": value, "description": description,
        });
        create(api, class, now).await?;
    }
    let range = api.resources.service_range();
    let first = range.first().to_string();
    create(api, service_cidr(range, now), now).await?;
    let port = api.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    create(api, service(&first, port.unwrap_or(DEFAULT_PORT)), now).await?;
    create(api, service_address(&first), now).await?;
    if let Some(authorities) = authorities {
        create(api, authentication(authorities), now).await?;
    }
    roles(api, now).await?;
    Ok(())
}

/// The roles and bindings that every cluster has. Those that are there already get what they lack.
async fn roles(api: &ApiServer, now: Timestamp) -> Result<(), Status> {
    for object in podsec_rbac::bootstrap::objects() {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let resource = Catalog::builtin().by_kind(podsec_rbac::GROUP, "v1", text("/kind"));
        let Some(resource) = resource else { return Err(Status::no_such_resource()) };
        let registry = api.registry(resource);
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let Some(stored) = registry.find(namespace, name).await? else {
            create(api, object, now).await?;
            continue;
        };
        match podsec_rbac::reconcile(&stored.object, &object) {
            Reconciled::Unchanged => {}
            Reconciled::Update(mut changed) => {
                let precondition = Precondition::Revision(stored.revision);
                written(registry.put(namespace, name, precondition, &mut changed).await)?;
            }
            Reconciled::Recreate => {
                written(registry.remove(namespace, name, stored.revision).await)?;
                create(api, object, now).await?;
            }
        }
    }
    controllers::aggregated_roles::settle(api).await
}

/// Somebody else who was faster has done the same.
fn written(result: Result<Revision, WriteError>) -> Result<(), Status> {
    match result {
        Ok(_) | Err(WriteError::Conflict) => Ok(()),
        Err(WriteError::Fail(status)) => Err(status),
    }
}

/// Stores an object as if the API server had created it through itself.
async fn create(api: &ApiServer, object: Value, now: Timestamp) -> Result<(), Status> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = catalog::group_version(text("apiVersion")).unwrap_or_default();
    let resource = Catalog::builtin().by_kind(group, version, text("kind"));
    let schema = Definitions::builtin().kind(group, version, text("kind"));
    let (Some(resource), Some(schema)) = (resource, schema) else { return Err(Status::no_such_resource()) };
    let registry = api.registry(resource);
    let strategy = strategy(group, &resource.resource);
    let mut object = schema::convert(schema, &object)
        .map_err(|error| Status::internal(&format!("bootstrap object: {error}")))?
        .object;
    (strategy.default)(&mut object);
    let reset = FieldSet::of(&[&["status"]]);
    let request = Request {
        manager: "kube-apiserver",
        api_version: &resource.api_version(),
        subresource: "",
        reset: &reset,
        now,
    };
    track(None, &mut object, &schema, &request);
    let mut meta = MetaMut::of(&mut object);
    meta.set_uid(&Uuid::new_v4().to_string());
    meta.set_creation_timestamp(Some(now));
    let status = object.get("status").cloned();
    (strategy.prepare_for_create)(&mut object);
    if let (Some(status), "ServiceCIDR") = (status, resource.kind.as_str()) {
        // What a controller says of it in other clusters.
        object["status"] = status;
    }
    let meta = Meta::of(&object);
    let (namespace, name) = (meta.namespace().to_owned(), meta.name().to_owned());
    match registry.put(&namespace, &name, Precondition::Absent, &mut object).await {
        Ok(_) | Err(WriteError::Conflict) => Ok(()),
        Err(WriteError::Fail(status)) => Err(status),
    }
}

/// The Service under which pods find the API server.
fn service(address: &str, port: u16) -> Value {
    json!({
        "kind": "Service", "apiVersion": "v1",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}],
            "clusterIP": address, "clusterIPs": [address], "type": "ClusterIP",
            "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
    })
}

/// The range that addresses of Services are taken from.
fn service_cidr(range: ServiceRange, now: Timestamp) -> Value {
    json!({
        "kind": "ServiceCIDR", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": [range.to_string()]},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "", "lastTransitionTime": time_text(now),
            "message": "Kubernetes default Service CIDR is ready",
        }]},
    })
}

/// The address of that Service, which is taken.
fn service_address(address: &str) -> Value {
    json!({
        "kind": "IPAddress", "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": address, "labels": {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        }},
        "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}},
    })
}

/// What API servers beside this one need, to know whose client certificates to believe.
fn authentication(authorities: &str) -> Value {
    json!({
        "kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": {"client-ca-file": authorities},
    })
}

const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];
const PRIORITY_CLASSES: &[(&str, i64, &str)] = &[
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];
/// The port of a server without a socket.
const DEFAULT_PORT: u16 = 6443;
