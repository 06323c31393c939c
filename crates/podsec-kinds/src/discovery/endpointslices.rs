//! EndpointSlices: up to a thousand endpoints of a service, of one type of address.

use std::collections::BTreeSet;

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{endpoint_addresses, formats, ip, metadata as meta, workload};

/// EndpointSlices.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    default: |slice| {
        let Some(slice) = slice.as_object_mut() else { return };
        for port in slice.objects_mut("ports") {
            port.fill("name", "");
            port.fill("protocol", "TCP");
        }
    },
    prepare_for_create: |slice| {
        workload::start_generation(slice);
        drop_topology(slice, None);
    },
    prepare_for_update: |slice, old| {
        let content = |slice: &Value| {
            let mut fields = slice.as_object().cloned().unwrap_or_default();
            fields.remove("metadata");
            Value::Object(fields)
        };
        let labels = |slice: &Value| metadata(slice).at("labels").clone();
        let changed = !same(&content(slice), &content(old)) || !same(&labels(slice), &labels(old));
        workload::count_generation(slice, old, changed);
        drop_topology(slice, Some(old));
    },
    validate: |slice| validate(slice, None),
    validate_update: |slice, old| {
        let mut errors = meta::common_update(slice, old);
        errors.extend(validate(slice, Some(old)));
        let (now, then) = (slice.text("addressType"), old.text("addressType"));
        if now != then {
            errors.push(Error::invalid(Path::new("addressType"), &now.into(), formats::IMMUTABLE));
        }
        errors
    },
    warnings_on_create: |slice| {
        let mut warnings = Vec::new();
        if slice.text("addressType") == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        warnings.extend(address_warnings(slice));
        warnings
    },
    warnings_on_update: |slice, _| address_warnings(slice),
    columns: &[
        printing::NAME,
        column("AddressType", "The type of its addresses."),
        column("Ports", "The ports of its endpoints."),
        column("Endpoints", "Their addresses."),
        printing::AGE,
    ],
    cells,
    ..BASE
};

/// Topology belongs to an older version. Of endpoints that change, only a node's name that was there survives.
fn drop_topology(slice: &mut Value, old: Option<&Value>) {
    const HOST: &str = "kubernetes.io/hostname";
    if old.is_some_and(|old| same(old.at("endpoints"), slice.at("endpoints"))) {
        return;
    }
    let before: BTreeSet<String> = old
        .into_iter()
        .flat_map(|old| old.list("endpoints"))
        .map(|endpoint| endpoint.at("deprecatedTopology").text(HOST).to_owned())
        .filter(|node| !node.is_empty())
        .collect();
    let Some(slice) = slice.as_object_mut() else { return };
    for endpoint in slice.objects_mut("endpoints") {
        let node = endpoint.at("deprecatedTopology").text(HOST).to_owned();
        if !endpoint.has("nodeName") && before.contains(&node) && formats::subdomain(&node).is_empty() {
            endpoint.insert("nodeName".to_owned(), node.into());
        }
        endpoint.remove("deprecatedTopology");
    }
}

/// Endpoints that have not changed stay as they are, whatever they are.
fn validate(slice: &Value, old: Option<&Value>) -> Vec<Error> {
    let mut errors = meta::validate(slice, true, NameRule::Dns1123Subdomain);
    let kind = slice.text("addressType");
    errors.extend(formats::one_of(&Path::new("addressType"), kind, &["FQDN", "IPv4", "IPv6"]));
    errors.extend(validate_ports(slice.list("ports"), &Path::new("ports")));
    if !old.is_some_and(|old| same(old.at("endpoints"), slice.at("endpoints"))) {
        errors.extend(validate_endpoints(slice.list("endpoints"), kind, &Path::new("endpoints")));
    }
    errors
}

fn validate_ports(ports: &[Value], path: &Path) -> Vec<Error> {
    if ports.len() > MOST_PORTS {
        return vec![Error::too_many(path.clone(), ports.len(), MOST_PORTS)];
    }
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.text("name");
        if !name.is_empty() {
            errors.extend(formats::invalid(&path.child("name"), name, formats::label(name)));
        }
        if !names.insert(name) {
            errors.push(Error::duplicate(path.child("name"), &name.into()));
        }
        let protocols = ["SCTP", "TCP", "UDP"];
        match port.at("protocol").as_str() {
            None => errors.push(Error::required(path.child("protocol"), "")),
            Some(protocol) if !protocols.contains(&protocol) => {
                errors.push(formats::unsupported(&path.child("protocol"), protocol, &protocols));
            }
            Some(_) => {}
        }
        if let Some(protocol) = port.at("appProtocol").as_str() {
            let wrong = formats::qualified_name(protocol);
            errors.extend(formats::invalid(&path.child("appProtocol"), protocol, wrong));
        }
    }
    errors
}

fn validate_endpoints(endpoints: &[Value], kind: &str, path: &Path) -> Vec<Error> {
    if endpoints.len() > MOST_ENDPOINTS {
        return vec![Error::too_many(path.clone(), endpoints.len(), MOST_ENDPOINTS)];
    }
    let mut errors = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = path.index(index);
        errors.extend(validate_addresses(endpoint.list("addresses"), kind, &path.child("addresses")));
        if let Some(node) = endpoint.at("nodeName").as_str() {
            errors.extend(formats::invalid(&path.child("nodeName"), node, formats::subdomain(node)));
        }
        let topology_path = path.child("deprecatedTopology");
        let count = endpoint.entries("deprecatedTopology").count();
        if count > MOST_LABELS {
            errors.push(Error::too_many(topology_path.clone(), count, MOST_LABELS));
        }
        errors.extend(meta::label_map(endpoint.at("deprecatedTopology"), &topology_path));
        if let Some(hostname) = endpoint.at("hostname").as_str() {
            errors.extend(formats::invalid(&path.child("hostname"), hostname, formats::label(hostname)));
        }
        errors.extend(validate_hints(endpoint.at("hints"), &path.child("hints")));
    }
    errors
}

fn validate_addresses(addresses: &[Value], kind: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if addresses.is_empty() {
        errors.push(Error::required(path.clone(), "must contain at least 1 address"));
    } else if addresses.len() > MOST_ADDRESSES {
        errors.push(Error::too_many(path.clone(), addresses.len(), MOST_ADDRESSES));
    }
    for (index, address) in addresses.iter().enumerate() {
        let (address, own) = (address.as_str().unwrap_or_default(), path.index(index));
        let (wrong, is_other, expected) = match kind {
            "IPv4" => {
                let wrong = ip::validate_legacy(address, &own, &[]);
                (wrong, address.contains(':'), "must be an IPv4 address")
            }
            "IPv6" => (ip::validate_strict(address, &own), !address.contains(':'), "must be an IPv6 address"),
            "FQDN" => {
                errors.extend(fully_qualified(address, &own));
                continue;
            }
            _ => continue,
        };
        if wrong.is_empty() {
            if is_other {
                errors.push(Error::invalid(path.clone(), &address.into(), expected));
            }
            errors.extend(endpoint_addresses::validate(address, &own));
        }
        errors.extend(wrong);
    }
    errors
}

/// A domain of at least two labels; a dot at the end is fine.
fn fully_qualified(name: &str, path: &Path) -> Vec<Error> {
    if name.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    let wrong = formats::subdomain(bare);
    if !wrong.is_empty() {
        return formats::invalid(path, bare, [wrong.join(",")]);
    }
    if !bare.contains('.') {
        return formats::invalid(
            path,
            bare,
            ["should be a domain with at least two segments separated by dots"],
        );
    }
    let mut labels = bare.split('.').map(|label| (label, formats::label(label)));
    let wrong = labels.find(|(_, wrong)| !wrong.is_empty());
    wrong.map_or_else(Vec::new, |(label, wrong)| formats::invalid(path, label, [wrong.join(",")]))
}

fn validate_hints(hints: &Value, path: &Path) -> Vec<Error> {
    let rules: [(&str, fn(&str) -> Vec<String>); 2] =
        [("forZones", formats::label_value), ("forNodes", formats::subdomain)];
    let mut errors = Vec::new();
    for (list, rule) in rules {
        let (given, path) = (hints.list(list), path.child(list));
        if given.len() > MOST_HINTS {
            errors.push(Error::too_many(path, given.len(), MOST_HINTS));
            return errors;
        }
        let mut names = BTreeSet::new();
        for (index, hint) in given.iter().enumerate() {
            let (name, path) = (hint.text("name"), path.index(index).child("name"));
            if !names.insert(name) {
                errors.push(Error::duplicate(path.clone(), &name.into()));
            }
            errors.extend(formats::invalid(&path, name, rule(name)));
        }
    }
    errors
}

fn address_warnings(slice: &Value) -> Vec<String> {
    let managed_by = metadata(slice).at("labels").text("endpointslice.kubernetes.io/managed-by");
    let own = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
    if own.contains(&managed_by) {
        return Vec::new();
    }
    let path = Path::new("endpoints");
    let mut warnings = Vec::new();
    for (index, endpoint) in slice.list("endpoints").iter().enumerate() {
        for (number, address) in endpoint.list("addresses").iter().enumerate() {
            let path = path.index(index).child("addresses").index(number);
            warnings.extend(ip::warnings(address.as_str().unwrap_or_default(), &path));
        }
    }
    warnings
}

fn cells(slice: &Value, now: Timestamp) -> Vec<Value> {
    let addresses: Vec<String> = slice
        .list("endpoints")
        .iter()
        .flat_map(|endpoint| endpoint.list("addresses"))
        .map(|address| address.as_str().unwrap_or_default().to_owned())
        .collect();
    let ports =
        slice.list("ports").iter().map(|port| match (port.integer("port"), port.at("name").as_str()) {
            (Some(number), _) => number.to_string(),
            (None, name) => name.unwrap_or("*").to_owned(),
        });
    vec![
        printing::name(slice),
        slice.text("addressType").into(),
        first_three(&ports.collect::<Vec<_>>(), "<unset>").into(),
        first_three(&addresses, "<unset>").into(),
        printing::age(slice, now),
    ]
}

fn first_three(texts: &[String], none: &str) -> String {
    match texts {
        [] => none.to_owned(),
        [one] if one.is_empty() => none.to_owned(),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a},{b},{c} + {} more...", rest.len()),
        few => few.join(","),
    }
}

const MOST_PORTS: usize = 20_000;
const MOST_ENDPOINTS: usize = 1000;
const MOST_ADDRESSES: usize = 100;
const MOST_LABELS: usize = 16;
const MOST_HINTS: usize = 8;
