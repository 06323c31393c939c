//! Endpoints: the addresses behind a service, before EndpointSlices.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{endpoint_addresses, formats, ip, metadata as meta};

/// Endpoints.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "endpoints",
    deprecation: Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
    default: |endpoints| {
        let Some(endpoints) = endpoints.as_object_mut() else { return };
        for subset in endpoints.objects_mut("subsets") {
            for port in subset.objects_mut("ports") {
                port.fill_zero("protocol", "TCP");
            }
        }
    },
    validate: |endpoints| validate(endpoints, None),
    validate_update: |endpoints, old| {
        let mut errors = meta::validate_update(endpoints, old);
        errors.extend(validate(endpoints, Some(old)));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |endpoints, _| warnings(endpoints),
    columns: &[
        printing::NAME,
        column(
            "Endpoints",
            "The set of all endpoints is the union of all subsets. Addresses are placed into subsets according \
         to the IPs they share. A single address with multiple ports, some of which are ready and some of \
         which are not (because they come from different containers) will result in the address being \
         displayed in different subsets for the different ports. No address will appear in both Addresses \
         and NotReadyAddresses in the same subset. Sets of addresses and ports that comprise a service.",
        ),
        printing::AGE,
    ],
    cells: |endpoints, now| {
        let mut shown = Vec::new();
        for subset in endpoints.list("subsets") {
            for address in subset.list("addresses").iter().map(|address| address.text("ip")) {
                match subset.list("ports") {
                    [] => shown.push(address.to_owned()),
                    ports => {
                        shown.extend(ports.iter().map(|port| with_port(address, port.number("port"))));
                    }
                }
            }
        }
        let more = shown.len().saturating_sub(3);
        shown.truncate(3);
        let mut text = shown.join(",");
        if more > 0 {
            text = format!("{text} + {more} more...");
        }
        vec![printing::name(endpoints), printing::or_none(&text), printing::age(endpoints, now)]
    },
    allow_create_on_update: true,
    ..BASE
};

fn with_port(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Subsets that have not changed stay as they are, whatever they are.
fn validate(endpoints: &Value, old: Option<&Value>) -> Vec<Error> {
    let mut errors = meta::validate(endpoints, true, NameRule::Dns1123Subdomain);
    if !old.is_some_and(|old| same(endpoints.at("subsets"), old.at("subsets"))) {
        let path = Path::new("subsets");
        for (index, subset) in endpoints.list("subsets").iter().enumerate() {
            errors.extend(validate_subset(subset, &path.index(index)));
        }
    }
    errors
}

fn validate_subset(subset: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let lists = ["addresses", "notReadyAddresses"];
    if lists.iter().all(|list| subset.list(list).is_empty()) {
        errors.push(Error::required(path.clone(), "must specify `addresses` or `notReadyAddresses`"));
    }
    for list in lists {
        for (index, address) in subset.list(list).iter().enumerate() {
            errors.extend(validate_address(address, &path.child(list).index(index)));
        }
    }
    let ports = subset.list("ports");
    for (index, port) in ports.iter().enumerate() {
        errors.extend(validate_port(port, ports.len() > 1, &path.child("ports").index(index)));
    }
    errors
}

fn validate_address(address: &Value, path: &Path) -> Vec<Error> {
    let (text, ip_path) = (address.text("ip"), path.child("ip"));
    let mut errors = ip::validate_legacy(text, &ip_path, &[]);
    let hostname = address.text("hostname");
    if !hostname.is_empty() {
        errors.extend(formats::invalid(&path.child("hostname"), hostname, formats::label(hostname)));
    }
    if let Some(node) = address.at("nodeName").as_str() {
        errors.extend(formats::invalid(&path.child("nodeName"), node, formats::subdomain(node)));
    }
    errors.extend(endpoint_addresses::validate(text, &ip_path));
    errors
}

fn validate_port(port: &Value, needs_name: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    match port.text("name") {
        "" if needs_name => errors.push(Error::required(path.child("name"), "")),
        "" => {}
        name => errors.extend(formats::invalid(&path.child("name"), name, formats::label(name))),
    }
    let number = port.number("port");
    if let Some(wrong) = formats::port_number(number) {
        errors.push(Error::invalid(path.child("port"), &number.into(), wrong));
    }
    let protocols = ["SCTP", "TCP", "UDP"];
    errors.extend(formats::one_of(&path.child("protocol"), port.text("protocol"), &protocols));
    if let Some(protocol) = port.at("appProtocol").as_str() {
        let wrong = formats::qualified_name(protocol);
        errors.extend(formats::invalid(&path.child("appProtocol"), protocol, wrong));
    }
    errors
}

fn warnings(endpoints: &Value) -> Vec<String> {
    let managed_by = metadata(endpoints).at("labels").text("endpoints.kubernetes.io/managed-by");
    if managed_by == "endpoint-controller" {
        return Vec::new();
    }
    let path = Path::new("subsets");
    let mut warnings = Vec::new();
    for (index, subset) in endpoints.list("subsets").iter().enumerate() {
        for list in ["addresses", "notReadyAddresses"] {
            for (number, address) in subset.list(list).iter().enumerate() {
                let path = path.index(index).child(list).index(number).child("ip");
                warnings.extend(ip::warnings(address.text("ip"), &path));
            }
        }
    }
    warnings
}
