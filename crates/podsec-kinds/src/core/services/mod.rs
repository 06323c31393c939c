//! Services: their ports, families and cluster address.
//!
//! ```text
//! decoded ─► default ─► allocation (addresses, ports) ─► prepare_for_update (what the type has not goes) ─► validation
//! ```

mod addresses;
pub mod allocation;
mod classification;
mod pool;
mod ports;
mod range;
mod validation;

use jiff::Timestamp;
use podsec_apimachinery::field::Path;
use serde_json::{Value, json};

use classification::{externally_accessible, needs_health_check, node_ports};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, annotation, same};
use crate::printing::{self, NONE, column};
use crate::strategy::{Column, DeletionAnswer, SelectableField, Strategy, Subresource};
use crate::{ip, label_selector, workload};

/// Services.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "services",
    default,
    prepare_for_create: |service| {
        workload::reset_status(service, json!({ "loadBalancer": {} }));
        drop_internal_policy(service);
    },
    prepare_for_update,
    validate: validation::validate,
    validate_update: validation::validate_update,
    warnings_on_create: warnings,
    warnings_on_update: |service, _| warnings(service),
    warnings_on_status_update: |service, _| ip::load_balancer_warnings(service),
    subresources: &[STATUS],
    columns: COLUMNS,
    cells,
    selectable_fields: &[SelectableField::path("spec.clusterIP"), SelectableField::path("spec.type")],
    deletion_answer: DeletionAnswer::Object,
    allow_create_on_update: true,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: validation::validate_status_update,
};

fn default(service: &mut Value) {
    let Some(service) = service.as_object_mut() else { return };
    if let Some(status) = service.ensure("status") {
        status.ensure("loadBalancer");
    }
    let Some(spec) = service.ensure("spec") else { return };
    spec.fill_zero("sessionAffinity", "None");
    match spec.text("sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" if !spec.at("sessionAffinityConfig").at("clientIP").has("timeoutSeconds") => {
            let config = json!({ "clientIP": { "timeoutSeconds": 10800 } });
            spec.insert("sessionAffinityConfig".to_owned(), config);
        }
        _ => {}
    }
    spec.fill_zero("type", "ClusterIP");
    for port in spec.objects_mut("ports") {
        port.fill_zero("protocol", "TCP");
        let number = port.at("port").clone();
        port.fill_zero("targetPort", number);
    }
    let kind = spec.text("type").to_owned();
    if externally_accessible(spec) {
        spec.fill_zero("externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        spec.fill("internalTrafficPolicy", "Cluster");
    }
    if kind != "LoadBalancer" {
        return;
    }
    spec.fill("allocateLoadBalancerNodePorts", true);
    let balancer = service.object_mut("status").and_then(|status| status.object_mut("loadBalancer"));
    for ingress in balancer.into_iter().flat_map(|balancer| balancer.objects_mut("ingress")) {
        if !ingress.text("ip").is_empty() {
            ingress.fill("ipMode", "VIP");
        }
    }
}

/// Brings the fields that depend on the type in line with it, before anything is decided.
fn prepare_for_update(service: &mut Value, old: &Value) {
    workload::keep_status(service, old);
    drop_type_dependent(service, old);
    drop_internal_policy(service);
}

/// What has no endpoints needs no policy for them, and one that is no policy at all is for validation to refuse.
fn drop_internal_policy(service: &mut Value) {
    if let Some(spec) = service.as_object_mut().and_then(|service| service.object_mut("spec"))
        && spec.text("type") == "ExternalName"
        && matches!(spec.text("internalTrafficPolicy"), "Cluster" | "Local")
    {
        spec.remove("internalTrafficPolicy");
    }
}

/// A change of the type leaves fields behind that the new type has not. Those that the client has not touched go
/// (`dropTypeDependentFields`); those that it has are for validation to refuse.
fn drop_type_dependent(service: &mut Value, old: &Value) {
    let then = old.at("spec");
    let Some(service) = service.as_object_mut() else { return };
    let Some(spec) = service.object_mut("spec") else { return };
    let kind = spec.text("type").to_owned();
    let has = |now: bool, then: bool| then && !now;
    if has(kind != "ExternalName", then.text("type") != "ExternalName") {
        let kept = spec.text("clusterIP") == then.text("clusterIP")
            && spec.list("clusterIPs") == then.list("clusterIPs");
        if kept {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if same(spec.at(field), then.at(field)) {
                spec.remove(field);
            }
        }
    }
    let on_nodes = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
    if has(on_nodes(&kind), on_nodes(then.text("type"))) {
        let stored = node_ports(then);
        if node_ports(spec).is_subset(&stored) {
            spec.objects_mut("ports").for_each(|port| {
                port.remove("nodePort");
            });
        }
    }
    if has(needs_health_check(spec), needs_health_check(then))
        && spec.number("healthCheckNodePort") == then.number("healthCheckNodePort")
    {
        spec.remove("healthCheckNodePort");
    }
    if has(kind == "LoadBalancer", then.text("type") == "LoadBalancer") {
        for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if spec.at(field) == then.at(field) {
                spec.remove(field);
            }
        }
    }
    if has(externally_accessible(spec), externally_accessible(then))
        && spec.text("externalTrafficPolicy") == then.text("externalTrafficPolicy")
    {
        spec.remove("externalTrafficPolicy");
    }
    if kind != "LoadBalancer" {
        service.insert("status".to_owned(), json!({ "loadBalancer": {} }));
    }
}

fn warnings(service: &Value) -> Vec<String> {
    let spec = service.at("spec");
    let path = Path::new("spec");
    let kind = spec.text("type");
    let mut warnings = Vec::new();
    if annotation(service, validation::TOPOLOGY_HINTS).is_some() {
        let (old, new) = (validation::TOPOLOGY_HINTS, validation::TOPOLOGY_MODE);
        warnings.push(format!("annotation {old} is deprecated, please use {new} instead"));
    }
    let addresses = |field: &str, warnings: &mut Vec<String>| {
        for (index, address) in spec.list(field).iter().enumerate() {
            let address = address.as_str().unwrap_or_default();
            warnings.extend(ip::warnings(address, &path.child(field).index(index)));
        }
    };
    let external = !spec.list("externalIPs").is_empty();
    if !matches!(spec.text("clusterIP"), "" | "None") {
        addresses("clusterIPs", &mut warnings);
    }
    let headless = kind == "ClusterIP" && spec.text("clusterIP") == "None";
    if headless {
        let ignored = [
            (!spec.text("loadBalancerIP").is_empty(), "loadBalancerIP"),
            (external, "externalIPs"),
            (spec.text("sessionAffinity") != "None", "SessionAffinity"),
        ];
        for (_, field) in ignored.iter().filter(|(set, _)| *set) {
            warnings.push(format!("spec.{field} is ignored for headless services"));
        }
    }
    addresses("externalIPs", &mut warnings);
    if external && !headless && kind != "ExternalName" {
        let why = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
        warnings.push(why.to_owned());
    }
    warnings.extend(ip::warnings(spec.text("loadBalancerIP"), &path.child("loadBalancerIP")));
    for (index, range) in spec.list("loadBalancerSourceRanges").iter().enumerate() {
        let path = path.child("loadBalancerSourceRanges").index(index);
        warnings.extend(ip::cidr_warnings(range.as_str().unwrap_or_default(), &path));
    }
    if kind == "ExternalName" && external {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if kind != "ExternalName" && !spec.text("externalName").is_empty() {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec.text("trafficDistribution") == "PreferClose" {
        let why = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(why.to_owned());
    }
    warnings
}

const COLUMNS: &[Column] = &[
    printing::NAME,
    column(
        "Type",
        "type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, \
         ClusterIP, NodePort, and LoadBalancer. \"ClusterIP\" allocates a cluster-internal IP address for \
         load-balancing to endpoints. Endpoints are determined by the selector or if that is not specified, \
         by manual construction of an Endpoints object or EndpointSlice objects. If clusterIP is \"None\", \
         no virtual IP is allocated and the endpoints are published as a set of endpoints rather than a \
         virtual IP. \"NodePort\" builds on ClusterIP and allocates a port on every node which routes to the \
         same endpoints as the clusterIP. \"LoadBalancer\" builds on NodePort and creates an external \
         load-balancer (if supported in the current cloud) which routes to the same endpoints as the \
         clusterIP. \"ExternalName\" aliases this service to the specified externalName. Several other \
         fields do not apply to ExternalName services. More info: \
         https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types",
    ),
    column(
        "Cluster-IP",
        "clusterIP is the IP address of the service and is usually assigned randomly. If an address is \
         specified manually, is in-range (as per system configuration), and is not in use, it will be \
         allocated to the service; otherwise creation of the service will fail. This field may not be \
         changed through updates unless the type field is also being changed to ExternalName (which requires \
         this field to be blank) or the type field is being changed from ExternalName (in which case this \
         field may optionally be specified, as describe above).  Valid values are \"None\", empty string \
         (\"\"), or a valid IP address. Setting this to \"None\" makes a \"headless service\" (no virtual \
         IP), which is useful when direct endpoint connections are preferred and proxying is not required.  \
         Only applies to types ClusterIP, NodePort, and LoadBalancer. If this field is specified when \
         creating a Service of type ExternalName, creation will fail. This field will be wiped when updating \
         a Service to type ExternalName. More info: \
         https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
    ),
    column(
        "External-IP",
        "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for \
         this service.  These IPs are not managed by Kubernetes.  The user is responsible for ensuring that \
         traffic arrives at a node with this IP.  A common example is external load-balancers that are not \
         part of the Kubernetes system.",
    ),
    column(
        "Port(s)",
        "The list of ports that are exposed by this service. More info: \
         https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
    ),
    printing::AGE,
    printing::wide(
        "Selector",
        "Route service traffic to pods with label keys and values matching this selector. If empty or not \
         present, the service is assumed to have an external process managing its endpoints, which \
         Kubernetes will not modify. Only applies to types ClusterIP, NodePort, and LoadBalancer. Ignored if \
         type is ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/",
    ),
];

fn cells(service: &Value, now: Timestamp) -> Vec<Value> {
    let spec = service.at("spec");
    let first = spec.list("clusterIPs").first().and_then(Value::as_str);
    let address = first.unwrap_or_else(|| spec.text("clusterIP"));
    let ports: Vec<String> = spec.list("ports").iter().map(shown_port).collect();
    vec![
        printing::name(service),
        spec.text("type").into(),
        printing::or_none(address),
        external_address(service).into(),
        printing::or_none(&ports.join(",")),
        printing::age(service, now),
        label_selector::format_labels(spec.at("selector")).into(),
    ]
}

fn shown_port(port: &Value) -> String {
    match port.number("nodePort") {
        0 => format!("{}/{}", port.number("port"), port.text("protocol")),
        node_port => format!("{}:{node_port}/{}", port.number("port"), port.text("protocol")),
    }
}

fn external_address(service: &Value) -> String {
    let spec = service.at("spec");
    let given: Vec<&str> = spec.list("externalIPs").iter().filter_map(Value::as_str).collect();
    match spec.text("type") {
        "ExternalName" => spec.text("externalName").to_owned(),
        "LoadBalancer" => {
            let ingress = service.at("status").at("loadBalancer").list("ingress").iter();
            let mut addresses: Vec<&str> = ingress
                .map(|ingress| match ingress.text("ip") {
                    "" => ingress.text("hostname"),
                    address => address,
                })
                .collect();
            addresses.extend(given);
            if addresses.is_empty() { "<pending>".to_owned() } else { addresses.join(",") }
        }
        _ if given.is_empty() => NONE.to_owned(),
        _ => given.join(","),
    }
}
