//! The rules of what decides where a pod runs and how it resolves names: tolerations, affinity, spreading,
//! gates, host aliases and DNS.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::label_keys;
use crate::object::Fields;
use crate::{formats, ip, label_selector, node_selector};

/// `tolerations`.
pub(crate) fn tolerations(tolerations: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        let path = path.index(index);
        let key = toleration.text("key");
        let operator = toleration.text("operator");
        let value = toleration.text("value");
        let effect = toleration.text("effect");
        let operator_path = path.child("operator");
        if !key.is_empty() {
            errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
        } else if operator != "Exists" {
            let detail =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.push(Error::invalid(operator_path.clone(), &operator.into(), detail));
        }
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(Error::invalid(path.child("effect"), &effect.into(), detail));
        }
        match operator {
            "" | "Equal" => {
                let wrong = formats::label_value(value);
                if !wrong.is_empty() {
                    errors.push(Error::invalid(operator_path, &value.into(), &wrong.join(";")));
                }
            }
            "Exists" if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'";
                errors.push(Error::invalid(operator_path, &value.into(), detail));
            }
            "Exists" => {}
            other => errors.push(formats::unsupported(&operator_path, other, &["Equal", "Exists"])),
        }
        if !effect.is_empty() {
            let supported = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            errors.extend(formats::one_of(&path.child("effect"), effect, &supported));
        }
    }
    errors
}

/// `affinity`.
pub(super) fn affinity(affinity: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let node = affinity.at("nodeAffinity");
    let node_path = path.child("nodeAffinity");
    if let Some(required) = node.field(REQUIRED) {
        errors.extend(node_selector::validate(required, &node_path.child(REQUIRED)));
    }
    for (index, term) in node.list(PREFERRED).iter().enumerate() {
        let path = node_path.child(PREFERRED).index(index);
        errors.extend(weight(term, &path));
        errors.extend(node_selector::validate_term(term.at("preference"), false, &path.child("preference")));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (pod, path) = (affinity.at(kind), path.child(kind));
        for (index, term) in pod.list(REQUIRED).iter().enumerate() {
            errors.extend(pod_affinity_term(term, &path.child(REQUIRED).index(index)));
        }
        for (index, term) in pod.list(PREFERRED).iter().enumerate() {
            let path = path.child(PREFERRED).index(index);
            errors.extend(weight(term, &path));
            errors.extend(pod_affinity_term(term.at("podAffinityTerm"), &path.child("podAffinityTerm")));
        }
    }
    errors
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn weight(term: &Value, path: &Path) -> Option<Error> {
    let weight = term.number("weight");
    (!(1..=100).contains(&weight))
        .then(|| Error::invalid(path.child("weight"), &weight.into(), "must be in the range 1-100"))
}

fn pod_affinity_term(term: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for selector in ["labelSelector", "namespaceSelector"] {
        errors.extend(label_selector::validate(term.at(selector), &path.child(selector)));
    }
    for namespace in term.list("namespaces").iter().filter_map(Value::as_str) {
        let reasons = formats::label(namespace);
        errors.extend(formats::invalid(&path.child("namespace"), namespace, reasons));
    }
    errors.extend(label_keys::validate(term, path));
    let key = term.text("topologyKey");
    if key.is_empty() {
        errors.push(Error::required(path.child("topologyKey"), "can not be empty"));
    }
    errors.extend(formats::invalid(&path.child("topologyKey"), key, formats::qualified_name(key)));
    errors
}

/// `topologySpreadConstraints`.
pub(super) fn topology_spread(constraints: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, constraint) in constraints.iter().enumerate() {
        let path = path.index(index);
        let skew = constraint.number("maxSkew");
        if skew <= 0 {
            errors.push(Error::invalid(path.child("maxSkew"), &skew.into(), "must be greater than zero"));
        }
        let key = constraint.text("topologyKey");
        if key.is_empty() {
            errors.push(Error::required(path.child("topologyKey"), "can not be empty"));
        }
        let when = constraint.text("whenUnsatisfiable");
        if !matches!(when, "DoNotSchedule" | "ScheduleAnyway") {
            let path = path.child("whenUnsatisfiable");
            errors.push(formats::unsupported(&path, when, &["DoNotSchedule", "ScheduleAnyway"]));
        }
        let repeated = constraints
            .iter()
            .skip(index + 1)
            .any(|later| later.text("topologyKey") == key && later.text("whenUnsatisfiable") == when);
        if repeated {
            let value = format!("{{{key}, {when}}}");
            errors.push(Error::duplicate(path.child("{topologyKey, whenUnsatisfiable}"), &value.into()));
        }
        if let Some(domains) = constraint.integer("minDomains") {
            let path = path.child("minDomains");
            if domains <= 0 {
                errors.push(Error::invalid(path.clone(), &domains.into(), "must be greater than zero"));
            }
            if when != "DoNotSchedule" {
                let detail =
                    format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}");
                errors.push(Error::invalid(path, &domains.into(), &detail));
            }
        }
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(policy) =
                constraint.at(field).as_str().filter(|policy| !NODE_POLICIES.contains(policy))
            {
                errors.push(formats::unsupported(&path.child(field), policy, NODE_POLICIES));
            }
        }
        errors.extend(label_keys::validate(constraint, &path));
        errors.extend(label_selector::validate(constraint.at("labelSelector"), &path.child("labelSelector")));
    }
    errors
}

const NODE_POLICIES: &[&str] = &["Honor", "Ignore"];

/// `readinessGates` and `schedulingGates` of the spec at `path`.
pub(super) fn gates(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, gate) in spec.list("readinessGates").iter().enumerate() {
        let kind = gate.text("conditionType");
        let path = path.child("readinessGates").index(index).child("conditionType");
        errors.extend(formats::invalid(&path, kind, formats::qualified_name(kind)));
    }
    let mut seen = BTreeSet::new();
    for (index, gate) in spec.list("schedulingGates").iter().enumerate() {
        let name = gate.text("name");
        let path = path.child("schedulingGates").index(index);
        errors.extend(formats::invalid(&path, name, formats::qualified_name(name)));
        if !seen.insert(name) {
            errors.push(Error::duplicate(path, &name.into()));
        }
    }
    errors
}

/// `hostAliases`.
pub(super) fn host_aliases(aliases: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, alias) in aliases.iter().enumerate() {
        let path = path.index(index);
        errors.extend(ip::validate_legacy(alias.text("ip"), &path.child("ip"), &[]));
        for (index, name) in alias.list("hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            let path = path.child("hostnames").index(index);
            errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
        }
    }
    errors
}

/// `dnsConfig`, which the DNS policy `None` needs.
pub(super) fn dns_config(spec: &Value, path: &Path) -> Vec<Error> {
    let none = spec.text("dnsPolicy") == "None";
    let Some(config) = spec.field("dnsConfig") else {
        let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
        return none.then(|| Error::required(path.clone(), detail)).into_iter().collect();
    };
    let servers = config.list("nameservers");
    let servers_path = path.child("nameservers");
    if none && servers.is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        return vec![Error::required(servers_path, detail)];
    }
    let mut errors = Vec::new();
    if servers.len() > 3 {
        let detail = "must not have more than 3 nameservers";
        errors.push(Error::invalid(servers_path.clone(), config.at("nameservers"), detail));
    }
    for (index, server) in servers.iter().enumerate() {
        errors.extend(ip::validate_legacy(
            server.as_str().unwrap_or_default(),
            &servers_path.index(index),
            &[],
        ));
    }
    let searches: Vec<&str> = config.list("searches").iter().filter_map(Value::as_str).collect();
    let searches_path = path.child("searches");
    if searches.len() > 32 {
        let detail = "must not have more than 32 search paths";
        errors.push(Error::invalid(searches_path.clone(), config.at("searches"), detail));
    }
    if searches.join(" ").len() > 2048 {
        let detail = "must not have more than 2048 characters (including spaces) in the search list";
        errors.push(Error::invalid(searches_path.clone(), config.at("searches"), detail));
    }
    for (index, search) in searches.iter().enumerate().filter(|(_, search)| **search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        // Labels of a search path may hold underscores.
        if !formats::subdomain(&search.replace('_', "a")).is_empty() {
            let reasons = formats::subdomain(search);
            errors.extend(formats::invalid(&searches_path.index(index), search, reasons));
        }
    }
    for (index, option) in config.list("options").iter().enumerate() {
        if option.text("name").is_empty() {
            errors.push(Error::required(path.child("options").index(index), "must not be empty"));
        }
    }
    errors
}
