//! Services: their ports, families and cluster address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Map, Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, NONE, column};
use crate::strategy::{Column, DeletionAnswer, SelectableField, Strategy, Subresource};
use crate::{formats, ip, label_selector, metadata as meta, workload};

/// Services.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "services",
    default,
    prepare_for_create,
    prepare_for_update,
    validate,
    validate_update,
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
    validate_update: meta::validate_update,
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
    let external = matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        || (kind == "ClusterIP" && !spec.list("externalIPs").is_empty());
    if external {
        spec.fill_zero("externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        spec.fill("internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        spec.fill("allocateLoadBalancerNodePorts", true);
    }
}

fn prepare_for_create(service: &mut Value) {
    workload::reset_status(service, json!({ "loadBalancer": {} }));
    allocate(service);
}

fn prepare_for_update(service: &mut Value, old: &Value) {
    workload::keep_status(service, old);
    let kept = old.at("spec").text("type") != "ExternalName";
    if let Some(spec) = service.as_object_mut().and_then(|service| service.object_mut("spec"))
        && kept
        && spec.text("type") != "ExternalName"
    {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let Some(value) = old.at("spec").field(field) {
                spec.fill(field, value.clone());
            }
        }
        keep_node_ports(spec, old.at("spec"));
    }
    allocate(service);
}

/// A port keeps its number on the nodes when the client does not name one.
fn keep_node_ports(spec: &mut Map<String, Value>, old: &Value) {
    for port in spec.objects_mut("ports") {
        let same = |other: &&Value| {
            other.at("port") == port.at("port") && other.text("protocol") == port.text("protocol")
        };
        let node_port = old.list("ports").iter().find(same).map_or(0, |other| other.number("nodePort"));
        if node_port != 0 {
            port.fill_zero("nodePort", node_port);
        }
    }
}

/// Gives a service its cluster address and the ports on the nodes that it needs.
///
/// Both follow from the uid and not from what other services have: nothing routes to them here, and two of a
/// million addresses seldom meet.
fn allocate(service: &mut Value) {
    let seed = seed(metadata(service).text("uid"));
    let Some(spec) = service.as_object_mut().and_then(|service| service.object_mut("spec")) else { return };
    let kind = spec.text("type").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let first = spec.list("clusterIPs").first().and_then(Value::as_str).unwrap_or_default().to_owned();
    spec.fill_zero("clusterIP", if first.is_empty() { cluster_ip(seed) } else { first });
    let address = spec.at("clusterIP").clone();
    spec.fill("clusterIPs", json!([address]));
    let headless_without_selector = address == "None" && spec.entries("selector").next().is_none();
    let family = if address.as_str().is_some_and(|address| address.contains(':')) { "IPv6" } else { "IPv4" };
    if headless_without_selector {
        spec.fill("ipFamilies", json!(["IPv4", "IPv6"]));
        spec.fill("ipFamilyPolicy", "RequireDualStack");
    } else {
        spec.fill("ipFamilies", json!([family]));
        spec.fill("ipFamilyPolicy", "SingleStack");
    }
    let on_nodes =
        kind == "NodePort" || (kind == "LoadBalancer" && spec.flag("allocateLoadBalancerNodePorts"));
    if on_nodes {
        for (index, port) in (0..).zip(spec.objects_mut("ports")) {
            port.fill_zero("nodePort", 30000 + (seed.wrapping_add(index * 7919)) % 2768);
        }
    }
}

/// FNV-1a.
fn seed(uid: &str) -> u64 {
    uid.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An address of 10.96.0.0/12, above those that clusters reserve.
fn cluster_ip(seed: u64) -> String {
    let host = 256 + u32::try_from(seed % ((1 << 20) - 512)).unwrap_or_default();
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 96, 0, 0).to_bits() + host).to_string()
}

fn validate(service: &Value) -> Vec<Error> {
    let mut errors = meta::validate(service, true, NameRule::Dns1123Label);
    errors.extend(validate_spec(service));
    errors
}

fn validate_spec(service: &Value) -> Vec<Error> {
    let spec = service.at("spec");
    let path = Path::new("spec");
    let kind = spec.text("type");
    let headless = spec.text("clusterIP") == "None";
    let mut errors = Vec::new();
    if spec.list("ports").is_empty() && !headless && kind != "ExternalName" {
        errors.push(Error::required(path.child("ports"), ""));
    }
    match kind {
        "LoadBalancer" if headless => {
            let detail = "may not be set to 'None' for LoadBalancer services";
            errors.push(Error::invalid(path.child("clusterIPs").index(0), &"None".into(), detail));
        }
        "NodePort" if headless => {
            let detail = "may not be set to 'None' for NodePort services";
            errors.push(Error::invalid(path.child("clusterIPs").index(0), &"None".into(), detail));
        }
        "ExternalName" => errors.extend(external_name(spec, &path)),
        _ => {}
    }
    errors.extend(ports(spec, &path.child("ports")));
    errors.extend(crate::metadata::label_map(spec.at("selector"), &path.child("selector")));
    errors.extend(formats::one_of(
        &path.child("sessionAffinity"),
        spec.text("sessionAffinity"),
        &["ClientIP", "None"],
    ));
    let address = spec.text("clusterIP");
    if !matches!(address, "" | "None") && kind != "ExternalName" {
        errors.extend(ip::validate_legacy(address, &path.child("clusterIPs").index(0), &[]));
    }
    for (index, address) in spec.list("externalIPs").iter().enumerate() {
        let path = path.child("externalIPs").index(index);
        errors.extend(ip::validate_legacy(address.as_str().unwrap_or_default(), &path, &[]));
    }
    errors.extend(formats::one_of(&path.child("type"), kind, TYPES));
    errors
}

fn external_name(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if !matches!(spec.text("clusterIP"), "") {
        let detail = "may not be set for ExternalName services";
        errors.push(Error::forbidden(path.child("clusterIPs"), detail));
    }
    let name = spec.text("externalName").trim_end_matches('.');
    let path = path.child("externalName");
    if name.is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
    }
    errors
}

fn ports(spec: &Value, path: &Path) -> Vec<Error> {
    let ports = spec.list("ports");
    let mut errors = Vec::new();
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.text("name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(Error::required(path.child("name"), ""));
            }
        } else {
            errors.extend(formats::invalid(&path.child("name"), name, formats::label(name)));
            if !names.insert(name) {
                errors.push(Error::duplicate(path.child("name"), &name.into()));
            }
        }
        let number = port.number("port");
        if let Some(wrong) = formats::port_number(number) {
            errors.push(Error::invalid(path.child("port"), &number.into(), wrong));
        }
        let protocol = port.text("protocol");
        errors.extend(formats::one_of(&path.child("protocol"), protocol, &["SCTP", "TCP", "UDP"]));
        errors.extend(formats::port(port.at("targetPort"), &path.child("targetPort")));
        if !numbers.insert((number, protocol)) {
            errors.push(Error::duplicate(path, &json!({ "port": number, "protocol": protocol })));
        }
    }
    errors
}

fn validate_update(service: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(service, old);
    let (now, then) = (service.at("spec"), old.at("spec"));
    let both_have_one = now.text("type") != "ExternalName" && then.text("type") != "ExternalName";
    if both_have_one && !then.text("clusterIP").is_empty() && now.text("clusterIP") != then.text("clusterIP")
    {
        let detail = "may not change once set";
        let path = Path::new("spec").child("clusterIPs").index(0);
        errors.push(Error::invalid(path, now.at("clusterIP"), detail));
    }
    errors.extend(validate_spec(service));
    errors
}

const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Type", "How the service is reached."),
    column("Cluster-IP", "Its address inside the cluster."),
    column("External-IP", "Its addresses outside."),
    column("Port(s)", "The ports it listens on."),
    printing::AGE,
    printing::SELECTOR,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gets_an_address_and_node_ports() {
        let mut service = json!({
            "metadata": { "name": "web", "namespace": "n", "uid": "57d3e881-ad8c-4a37-9275-b3ecd214c400" },
            "spec": { "type": "NodePort", "selector": { "a": "b" }, "ports": [{ "port": 80 }] }
        });
        default(&mut service);
        prepare_for_create(&mut service);
        let spec = service.at("spec");
        assert!(spec.text("clusterIP").starts_with("10."), "{spec}");
        assert_eq!(spec.list("clusterIPs"), [spec.at("clusterIP").clone()]);
        assert_eq!(spec.text("ipFamilyPolicy"), "SingleStack");
        assert!((30000..32768).contains(&spec.list("ports")[0].number("nodePort")));
        assert_eq!(validate(&service), []);
        let old = service.clone();
        prepare_for_update(&mut service, &old);
        assert_eq!(service, old);
    }
}
