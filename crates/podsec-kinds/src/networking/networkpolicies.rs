//! NetworkPolicies: which pods may talk to which, and on what ports.

use podsec_apimachinery::field::{Error, Path, json};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::{BASE, count_content};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, ip, label_selector, metadata as meta, workload};

/// NetworkPolicies.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "networkpolicies",
    default,
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_content,
    validate: |policy| {
        let mut errors = meta::validate(policy, true, NameRule::Dns1123Subdomain);
        errors.extend(spec(policy.at("spec"), &[], &Path::new("spec")));
        errors
    },
    validate_update: |policy, old| {
        let mut errors = meta::validate_update(policy, old);
        let path = Path::new("spec");
        let blocks = peers(old.at("spec"), &path).map(|(peer, _)| peer.at("ipBlock"));
        let before: Vec<&str> = blocks
            .flat_map(|block| {
                let except = block.list("except").iter().filter_map(Value::as_str);
                block.at("cidr").as_str().into_iter().chain(except)
            })
            .collect();
        errors.extend(spec(policy.at("spec"), &before, &path));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |policy, _| warnings(policy),
    columns: &[
        printing::NAME,
        column(
            "Pod-Selector",
            "podSelector selects the pods to which this NetworkPolicy object applies. The array of rules is applied \
             to any pods selected by this field. An empty selector matches all pods in the policy's namespace. \
             Multiple network policies can select the same set of pods. In this case, the ingress rules for each are \
             combined additively. This field is optional. If it is not specified, it defaults to an empty selector.",
        ),
        printing::AGE,
    ],
    cells: |policy, now| {
        let selector = label_selector::format(policy.at("spec").at("podSelector"));
        vec![printing::name(policy), selector.into(), printing::age(policy, now)]
    },
    ..BASE
};

fn default(policy: &mut Value) {
    let Some(spec) = policy.as_object_mut().and_then(|policy| policy.ensure("spec")) else { return };
    if spec.list("policyTypes").is_empty() {
        let types: &[&str] =
            if spec.list("egress").is_empty() { &["Ingress"] } else { &["Ingress", "Egress"] };
        spec.insert("policyTypes".to_owned(), types.into());
    }
    for direction in ["ingress", "egress"] {
        for rule in spec.objects_mut(direction) {
            for port in rule.objects_mut("ports") {
                port.fill("protocol", "TCP");
            }
        }
    }
    spec.fill("podSelector", serde_json::Map::new());
}

fn spec(spec: &Value, before: &[&str], path: &Path) -> Vec<Error> {
    let mut errors = label_selector::validate(spec.at("podSelector"), &path.child("podSelector"));
    for (direction, peers) in DIRECTIONS {
        for (index, rule) in spec.list(direction).iter().enumerate() {
            let path = path.child(direction).index(index);
            for (index, port) in rule.list("ports").iter().enumerate() {
                errors.extend(self::port(port, &path.child("ports").index(index)));
            }
            for (index, peer) in rule.list(peers).iter().enumerate() {
                errors.extend(self::peer(peer, before, &path.child(peers).index(index)));
            }
        }
    }
    let path = path.child("policyTypes");
    let types = spec.list("policyTypes");
    if types.len() > POLICY_TYPES.len() {
        let shown = json(spec.at("policyTypes"));
        errors.push(Error::invalid_json(path, &shown, "may not specify more than two policyTypes"));
        return errors;
    }
    for (index, policy_type) in types.iter().enumerate() {
        let policy_type = policy_type.as_str().unwrap_or_default();
        if !POLICY_TYPES.contains(&policy_type) {
            errors.push(formats::unsupported(&path.index(index), policy_type, POLICY_TYPES));
        }
    }
    errors
}

fn port(port: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if let Some(protocol) = port.at("protocol").as_str().filter(|protocol| !PROTOCOLS.contains(protocol)) {
        errors.push(formats::unsupported(&path.child("protocol"), protocol, PROTOCOLS));
    }
    let (port_path, end_path) = (path.child("port"), path.child("endPort"));
    let end = port.integer("endPort");
    let invalid = |path: &Path, value: i64, detail: &str| Error::invalid(path.clone(), &value.into(), detail);
    match port.field("port") {
        None => errors.extend(
            end.map(|end| invalid(&end_path, end, "may not be specified when `port` is not specified")),
        ),
        Some(Value::String(name)) => {
            errors.extend(
                end.map(|end| invalid(&end_path, end, "may not be specified when `port` is non-numeric")),
            );
            errors.extend(formats::invalid(&port_path, name, formats::port_name(name)));
        }
        Some(number) => {
            let number = number.as_i64().unwrap_or_default();
            errors.extend(formats::port_number(number).map(|why| invalid(&port_path, number, why)));
            if let Some(end) = end {
                if end < number {
                    errors.push(invalid(&end_path, number, "must be greater than or equal to `port`"));
                }
                errors.extend(formats::port_number(end).map(|why| invalid(&end_path, end, why)));
            }
        }
    }
    errors
}

fn peer(peer: &Value, before: &[&str], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut count = 0;
    for selector in ["podSelector", "namespaceSelector"] {
        if let Some(value) = peer.field(selector) {
            count += 1;
            errors.extend(label_selector::validate(value, &path.child(selector)));
        }
    }
    if let Some(value) = peer.field("ipBlock") {
        count += 1;
        errors.extend(block(value, before, &path.child("ipBlock")));
    }
    if count == 0 {
        errors.push(Error::required(path.clone(), "must specify a peer"));
    } else if count > 1 && peer.has("ipBlock") {
        errors.push(Error::forbidden(path.clone(), "may not specify both ipBlock and another peer"));
    }
    errors
}

fn block(block: &Value, before: &[&str], path: &Path) -> Vec<Error> {
    let cidr = block.text("cidr");
    if cidr.is_empty() {
        return vec![Error::required(path.child("cidr"), "")];
    }
    let mut errors = ip::validate_legacy_cidr(cidr, &path.child("cidr"), before);
    let Some((_, network)) = ip::sloppy_cidr(cidr) else { return errors };
    for (index, except) in block.list("except").iter().enumerate() {
        let path = path.child("except").index(index);
        let text = except.as_str().unwrap_or_default();
        errors.extend(ip::validate_legacy_cidr(text, &path, before));
        let Some((_, inner)) = ip::sloppy_cidr(text) else { continue };
        if !network.contains(inner.address) || network.length >= inner.length {
            errors.push(Error::invalid(path, except, "must be a strict subset of `cidr`"));
        }
    }
    errors
}

fn warnings(policy: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    for (peer, path) in peers(policy.at("spec"), &Path::new("spec")) {
        let Some(block) = peer.field("ipBlock") else { continue };
        let path = path.child("ipBlock");
        warnings.extend(ip::cidr_warnings(block.text("cidr"), &path.child("cidr")));
        for (index, except) in block.list("except").iter().enumerate() {
            let text = except.as_str().unwrap_or_default();
            warnings.extend(ip::cidr_warnings(text, &path.child("except").index(index)));
        }
    }
    warnings
}

/// Every peer of every rule, with its path.
fn peers<'a>(spec: &'a Value, path: &'a Path) -> impl Iterator<Item = (&'a Value, Path)> {
    DIRECTIONS.iter().flat_map(move |(direction, peers)| {
        spec.list(direction).iter().enumerate().flat_map(move |(index, rule)| {
            let path = path.child(direction).index(index).child(peers);
            rule.list(peers).iter().enumerate().map(move |(index, peer)| (peer, path.index(index)))
        })
    })
}

const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];
const POLICY_TYPES: &[&str] = &["Ingress", "Egress"];
const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
