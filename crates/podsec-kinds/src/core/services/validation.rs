//! What is wrong with a service (`ValidateService`, `ValidateServiceUpdate`, `ValidateServiceStatusUpdate`).

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::addresses;
use super::classification::{externally_accessible, is_headless, needs_health_check};
use crate::object::{Fields, annotation};
use crate::{endpoint_addresses, formats, internal, ip, metadata as meta};

/// The rules of a new service.
pub(super) fn validate(service: &Value) -> Vec<Error> {
    let mut errors = meta::validate(service, true, NameRule::Dns1123Label);
    errors.extend(validate_service(service, None));
    errors
}

/// The rules of a change.
pub(super) fn validate_update(service: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(service, old);
    let (now, then) = (service.at("spec"), old.at("spec"));
    errors.extend(addresses::validate_update(now, then));
    errors.extend(load_balancer_class(now, Some(then)));
    if needs_health_check(then)
        && needs_health_check(now)
        && now.number("healthCheckNodePort") != then.number("healthCheckNodePort")
    {
        let path = Path::new("spec").child("healthCheckNodePort");
        errors.push(Error::forbidden(path, formats::IMMUTABLE));
    }
    errors.extend(validate_service(service, Some(old)));
    errors
}

/// The rules of a change of the status.
pub(super) fn validate_status_update(service: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(service, old);
    let path = Path::new("status").child("loadBalancer").child("ingress");
    let ingress = |service: &Value| service.at("status").at("loadBalancer").list("ingress").to_vec();
    let (now, then) = (ingress(service), ingress(old));
    if service.at("spec").text("type") != "LoadBalancer" && !now.is_empty() {
        errors.push(Error::forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"));
        return errors;
    }
    let stored: Vec<&str> = then.iter().map(|ingress| ingress.text("ip")).collect();
    for (index, ingress) in now.iter().enumerate() {
        errors.extend(validate_ingress(ingress, &stored, &path.index(index)));
    }
    errors
}

fn validate_ingress(ingress: &Value, stored: &[&str], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (address, mode, hostname) = (ingress.text("ip"), ingress.text("ipMode"), ingress.text("hostname"));
    if !address.is_empty() {
        errors.extend(ip::validate_legacy(address, &path.child("ip"), stored));
    }
    let mode_path = path.child("ipMode");
    if !ingress.has("ipMode") {
        if !address.is_empty() {
            errors.push(Error::required(mode_path, "must be specified when `ip` is set"));
        }
    } else if address.is_empty() {
        errors.push(Error::forbidden(mode_path, "may not be specified when `ip` is not set"));
    } else if !matches!(mode, "VIP" | "Proxy") {
        errors.push(formats::unsupported(&mode_path, mode, &["Proxy", "VIP"]));
    }
    if !hostname.is_empty() {
        let path = path.child("hostname");
        errors.extend(formats::invalid(&path, hostname, formats::subdomain(hostname)));
        if ip::sloppy(hostname).is_some() {
            errors.extend(formats::invalid(&path, hostname, ["must be a DNS name, not an IP address"]));
        }
    }
    errors
}

fn validate_service(service: &Value, old: Option<&Value>) -> Vec<Error> {
    let spec = service.at("spec");
    let then = old.map_or(&Value::Null, |old| old.at("spec"));
    let path = Path::new("spec");
    let mut errors = Vec::new();
    if let (Some(mode), Some(hints)) =
        (annotation(service, TOPOLOGY_MODE), annotation(service, TOPOLOGY_HINTS))
        && mode != hints
    {
        let path = Path::new("metadata").child("annotations").key(TOPOLOGY_MODE);
        let why = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        errors.push(Error::invalid(path, &mode.into(), &why));
    }
    errors.extend(by_type(spec, &path));
    errors.extend(ports(spec, &path.child("ports")));
    errors.extend(meta::label_map(spec.at("selector"), &path.child("selector")));
    errors.extend(session_affinity(spec, &path));
    errors.extend(addresses::validate(spec, then.list("clusterIPs")));
    let stored: Vec<&str> = then.list("externalIPs").iter().filter_map(Value::as_str).collect();
    for (index, address) in spec.list("externalIPs").iter().enumerate() {
        let path = path.child("externalIPs").index(index);
        let address = address.as_str().unwrap_or_default();
        let wrong = ip::validate_legacy(address, &path, &stored);
        if wrong.is_empty() {
            errors.extend(endpoint_addresses::validate(address, &path));
        }
        errors.extend(wrong);
    }
    let kind = spec.text("type");
    errors.extend(formats::one_of(&path.child("type"), kind, TYPES));
    errors.extend(unique_ports(spec, &path.child("ports")));
    errors.extend(source_ranges(service, old));
    if spec.has("allocateLoadBalancerNodePorts") != (kind == "LoadBalancer") {
        errors.push(if kind == "LoadBalancer" {
            Error::required(Path::new("allocateLoadBalancerNodePorts"), "")
        } else {
            let path = path.child("allocateLoadBalancerNodePorts");
            Error::forbidden(path, "may only be used when `type` is 'LoadBalancer'")
        });
    }
    errors.extend(load_balancer_class(spec, None));
    errors.extend(traffic(spec, &path));
    errors
}

/// What one of the types asks for.
fn by_type(spec: &Value, path: &Path) -> Vec<Error> {
    let kind = spec.text("type");
    let headless = is_headless(spec);
    let mut errors = Vec::new();
    if spec.list("ports").is_empty() && !headless && kind != "ExternalName" {
        errors.push(Error::required(path.child("ports"), ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let detail = format!("may not be set to 'None' for {kind} services");
            errors.push(Error::invalid(path.child("clusterIPs").index(0), &"None".into(), &detail));
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                let set =
                    if field == "ipFamilyPolicy" { spec.has(field) } else { !spec.list(field).is_empty() };
                if set {
                    let detail = "may not be set for ExternalName services";
                    errors.push(Error::forbidden(path.child(field), detail));
                }
            }
            let given = spec.text("externalName");
            let name = given.strip_suffix('.').unwrap_or(given);
            let path = path.child("externalName");
            if name.is_empty() {
                errors.push(Error::required(path, ""));
            } else {
                errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
            }
        }
        _ => {}
    }
    errors
}

fn ports(spec: &Value, path: &Path) -> Vec<Error> {
    let ports = spec.list("ports");
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
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
        errors.extend(formats::one_of(
            &path.child("protocol"),
            port.text("protocol"),
            &["SCTP", "TCP", "UDP"],
        ));
        errors.extend(formats::port(port.at("targetPort"), &path.child("targetPort")));
        if port.has("appProtocol") {
            let protocol = port.text("appProtocol");
            let path = path.child("appProtocol");
            errors.extend(formats::invalid(&path, protocol, formats::qualified_name(protocol)));
        }
    }
    errors
}

/// A port on the nodes is for some types, and each port, inside and on the nodes, is there once for a protocol.
fn unique_ports(spec: &Value, path: &Path) -> Vec<Error> {
    let ports = spec.list("ports");
    let mut errors = Vec::new();
    let on_nodes = || ports.iter().enumerate().filter(|(_, port)| port.number("nodePort") != 0);
    if spec.text("type") == "ClusterIP" {
        for (index, _) in on_nodes() {
            let path = path.index(index).child("nodePort");
            errors.push(Error::forbidden(path, "may not be used when `type` is 'ClusterIP'"));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in on_nodes() {
        if !seen.insert((port.text("protocol"), port.number("nodePort"))) {
            errors.push(Error::duplicate(path.index(index).child("nodePort"), port.at("nodePort")));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        if !seen.insert((port.text("protocol"), port.number("port"))) {
            let key = json!({ "protocol": port.text("protocol"), "port": port.number("port") });
            errors.push(Error::duplicate_json(path.index(index), &internal::json("ServicePort", &key)));
        }
    }
    errors
}

fn session_affinity(spec: &Value, path: &Path) -> Vec<Error> {
    let affinity = spec.text("sessionAffinity");
    let mut errors: Vec<Error> =
        formats::one_of(&path.child("sessionAffinity"), affinity, &["ClientIP", "None"])
            .into_iter()
            .collect();
    let path = path.child("sessionAffinityConfig");
    match affinity {
        "ClientIP" => {
            let seconds = spec.at("sessionAffinityConfig").at("clientIP").number("timeoutSeconds");
            if !(1..=86400).contains(&seconds) {
                let detail = "must be greater than 0 and less than 86400";
                let path = path.child("clientIP").child("timeoutSeconds");
                errors.push(Error::invalid(path, &seconds.into(), detail));
            }
        }
        "None" if spec.has("sessionAffinityConfig") => {
            errors.push(Error::forbidden(path, "must not be set when session affinity is None"));
        }
        _ => {}
    }
    errors
}

/// The clients that a load balancer lets in, in a field or, as once, in an annotation. White space around them is part
/// of the API.
fn source_ranges(service: &Value, old: Option<&Value>) -> Vec<Error> {
    let spec = service.at("spec");
    let mut errors = Vec::new();
    let only_balancers = |path: &Path| {
        let detail = "may only be used when `type` is 'LoadBalancer'";
        (spec.text("type") != "LoadBalancer").then(|| Error::forbidden(path.clone(), detail))
    };
    let ranges = spec.list("loadBalancerSourceRanges");
    let annotated = annotation(service, SOURCE_RANGES);
    if !ranges.is_empty() {
        let path = Path::new("spec").child("LoadBalancerSourceRanges");
        errors.extend(only_balancers(&path));
        let stored = old.map_or(&[][..], |old| old.at("spec").list("loadBalancerSourceRanges"));
        let stored: Vec<&str> = stored.iter().filter_map(Value::as_str).map(str::trim).collect();
        for (index, range) in ranges.iter().enumerate() {
            let range = range.as_str().unwrap_or_default().trim();
            errors.extend(ip::validate_legacy_cidr(range, &path.index(index), &stored));
        }
    } else if let Some(text) = annotated {
        let path = Path::new("metadata").child("annotations").key(SOURCE_RANGES);
        errors.extend(only_balancers(&path));
        let unchanged = old.is_some_and(|old| annotation(old, SOURCE_RANGES) == annotated);
        if !unchanged && !text.trim().is_empty() {
            for range in text.trim().split(',') {
                errors.extend(ip::validate_legacy_cidr(range.trim(), &path, &[]));
            }
        }
    }
    errors
}

/// `old` is asked for changes only: that the class stays is one rule, that it is one is another.
fn load_balancer_class(spec: &Value, old: Option<&Value>) -> Vec<Error> {
    let path = Path::new("spec").child("loadBalancerClass");
    let class = spec.at("loadBalancerClass");
    let balances = spec.text("type") == "LoadBalancer";
    let mut errors = Vec::new();
    if let Some(old) = old
        && balances
        && old.text("type") == "LoadBalancer"
        && old.at("loadBalancerClass") != class
    {
        errors.push(Error::invalid(path.clone(), class, "may not change once set"));
    }
    if let Some(class) = class.as_str() {
        if balances {
            errors.extend(formats::invalid(&path, class, formats::qualified_name(class)));
        } else {
            errors.push(Error::forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
        }
    }
    errors
}

/// The policies of traffic from outside and inside, and the port where a load balancer asks for health.
fn traffic(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let policy_path = path.child("externalTrafficPolicy");
    let policy = spec.text("externalTrafficPolicy");
    if externally_accessible(spec) {
        errors.extend(formats::one_of(&policy_path, policy, &["Cluster", "Local"]));
    } else if !policy.is_empty() {
        let detail = "may only be set for externally-accessible services";
        errors.push(Error::invalid(policy_path, &policy.into(), detail));
    }
    let (port, port_path) = (spec.number("healthCheckNodePort"), path.child("healthCheckNodePort"));
    if needs_health_check(spec) {
        if port == 0 {
            errors.push(Error::required(port_path, ""));
        } else if let Some(wrong) = formats::port_number(port) {
            errors.push(Error::invalid(port_path, &port.into(), wrong));
        }
    } else if port != 0 {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(Error::invalid(port_path, &port.into(), detail));
    }
    let inside = path.child("internalTrafficPolicy");
    if spec.has("internalTrafficPolicy") {
        let policy = spec.text("internalTrafficPolicy");
        if !matches!(policy, "Cluster" | "Local") {
            errors.push(formats::unsupported(&inside, policy, &["Cluster", "Local"]));
        }
    } else if matches!(spec.text("type"), "NodePort" | "LoadBalancer" | "ClusterIP") {
        errors.push(Error::required(inside, ""));
    }
    let distribution = spec.text("trafficDistribution");
    if spec.has("trafficDistribution") && !DISTRIBUTIONS.contains(&distribution) {
        errors.push(formats::unsupported(&path.child("trafficDistribution"), distribution, DISTRIBUTIONS));
    }
    errors
}

/// How near the endpoints of a service are to be, as an annotation.
pub(super) const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// Its older name.
pub(super) const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const DISTRIBUTIONS: &[&str] = &["PreferClose", "PreferSameZone", "PreferSameNode"];
