//! Ingresses: the hosts they answer for, and where.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Map, Value, json};

use super::ingressclasses::reference;
use crate::generic::{BASE, WITH_GENERATION};
use crate::object::{Fields, FieldsMut, annotation};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, ip, metadata as meta, workload};

/// Ingresses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "ingresses",
    default: |ingress| {
        let Some(ingress) = ingress.as_object_mut() else { return };
        if let Some(status) = ingress.ensure("status") {
            status.ensure("loadBalancer");
        }
        let Some(spec) = ingress.ensure("spec") else { return };
        if let Some(backend) = spec.object_mut("defaultBackend") {
            default_backend(backend);
        }
        for rule in spec.objects_mut("rules") {
            let Some(http) = rule.object_mut("http") else { continue };
            for backend in http.objects_mut("paths").filter_map(|path| path.object_mut("backend")) {
                default_backend(backend);
            }
        }
    },
    prepare_for_create: |ingress| {
        workload::reset_status(ingress, json!({ "loadBalancer": {} }));
        workload::start_generation(ingress);
    },
    prepare_for_update: WITH_GENERATION.prepare_for_update,
    validate: |ingress| {
        let mut errors = validate(ingress, Strictness { secret_names: true, wildcard_rules: true });
        let class = ingress.at("spec").at("ingressClassName").as_str();
        if let (Some(annotated), Some(class)) = (annotation(ingress, CLASS_ANNOTATION), class)
            && annotated != class
        {
            let path = Path::new("annotations").child(CLASS_ANNOTATION);
            let detail = "must match `ingressClassName` when both are specified";
            errors.push(Error::invalid(path, &annotated.into(), detail));
        }
        errors
    },
    validate_update: |ingress, old| {
        let mut errors = meta::validate_update(ingress, old);
        errors.extend(validate(ingress, Strictness::after(old)));
        errors
    },
    warnings_on_create: |ingress| {
        let deprecated =
            annotation(ingress, CLASS_ANNOTATION).is_some() && !ingress.at("spec").has("ingressClassName");
        let warning = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
        deprecated.then(|| warning.to_owned()).into_iter().collect()
    },
    warnings_on_status_update: |ingress, _| ip::load_balancer_warnings(ingress),
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: |ingress, old| {
            let mut errors = meta::validate_update(ingress, old);
            errors.extend(points(ingress, old));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column(
            "Class",
            "The name of the IngressClass resource that should be used for additional configuration",
        ),
        column("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
        column("Address", "Address is a list containing ingress points for the load-balancer"),
        column("Ports", "Ports of TLS configurations that open"),
        printing::AGE,
    ],
    cells: |ingress, now| {
        let spec = ingress.at("spec");
        let ports = if spec.list("tls").is_empty() { "80" } else { "80, 443" };
        vec![
            printing::name(ingress),
            spec.at("ingressClassName").as_str().unwrap_or(printing::NONE).into(),
            hosts(spec).into(),
            addresses(ingress).into(),
            ports.into(),
            printing::age(ingress, now),
        ]
    },
    ..BASE
};

/// Go writes the group of a resource also when there is none.
fn default_backend(backend: &mut Map<String, Value>) {
    if let Some(resource) = backend.object_mut("resource") {
        resource.entry("apiGroup").or_insert(Value::Null);
    }
}

/// What is held against an Ingress. A change of one that broke a younger rule already may go on breaking it.
#[derive(Clone, Copy)]
struct Strictness {
    secret_names: bool,
    wildcard_rules: bool,
}

impl Strictness {
    fn after(old: &Value) -> Self {
        let spec = old.at("spec");
        let secrets = |tls: &Value| {
            let name = tls.text("secretName");
            name.is_empty() || formats::subdomain(name).is_empty()
        };
        let rules =
            |rule: &Value| !rule.text("host").contains('*') || http(rule, &Path::default()).is_empty();
        Self {
            secret_names: spec.list("tls").iter().all(secrets),
            wildcard_rules: spec.list("rules").iter().all(rules),
        }
    }
}

fn validate(ingress: &Value, strictness: Strictness) -> Vec<Error> {
    let mut errors = meta::validate(ingress, true, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), ingress.at("spec"));
    if spec.list("rules").is_empty() && !spec.has("defaultBackend") {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.push(Error::invalid_json(path.clone(), &spec.at("rules").to_string(), detail));
    }
    if let Some(backend) = spec.field("defaultBackend") {
        errors.extend(self::backend(backend, &path.child("defaultBackend")));
    }
    for (index, rule) in spec.list("rules").iter().enumerate() {
        errors.extend(self::rule(rule, strictness, &path.child("rules").index(index)));
    }
    for (index, tls) in spec.list("tls").iter().enumerate() {
        errors.extend(self::tls(tls, strictness, &path.child("tls").index(index)));
    }
    if let Some(class) = spec.at("ingressClassName").as_str() {
        errors.extend(formats::invalid(&path.child("ingressClassName"), class, formats::subdomain(class)));
    }
    errors
}

fn rule(rule: &Value, strictness: Strictness, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let host = rule.text("host");
    if !host.is_empty() {
        if ip::sloppy(host).is_some() {
            let detail = "must be a DNS name, not an IP address";
            errors.push(Error::invalid(path.child("host"), &host.into(), detail));
        }
        errors.extend(self::host(host, &path.child("host")));
    }
    if !host.contains('*') || strictness.wildcard_rules {
        errors.extend(http(rule, path));
    }
    errors
}

fn host(host: &str, path: &Path) -> Vec<Error> {
    let wrong = if host.contains('*') { formats::wildcard_subdomain(host) } else { formats::subdomain(host) };
    formats::invalid(path, host, wrong)
}

fn http(rule: &Value, path: &Path) -> Vec<Error> {
    let Some(http) = rule.field("http") else { return Vec::new() };
    let path = path.child("http").child("paths");
    let mut errors = Vec::new();
    if http.list("paths").is_empty() {
        errors.push(Error::required(path.clone(), ""));
    }
    for (index, each) in http.list("paths").iter().enumerate() {
        errors.extend(http_path(each, &path.index(index)));
    }
    errors
}

fn http_path(http_path: &Value, path: &Path) -> Vec<Error> {
    let Some(path_type) = http_path.at("pathType").as_str() else {
        return vec![Error::required(path.child("pathType"), "pathType must be specified")];
    };
    let text = http_path.text("path");
    let mut errors = Vec::new();
    let mut wrong = |detail: &str| errors.push(Error::invalid(path.child("path"), &text.into(), detail));
    match path_type {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                wrong("must be an absolute path");
            }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] {
                if text.contains(sequence) {
                    wrong(&format!("must not contain '{sequence}'"));
                }
            }
            for suffix in ["/..", "/."] {
                if text.ends_with(suffix) {
                    wrong(&format!("cannot end with '{suffix}'"));
                }
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                wrong("must be an absolute path");
            }
        }
        other => {
            let supported = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(formats::unsupported(&path.child("pathType"), other, &supported));
        }
    }
    errors.extend(backend(http_path.at("backend"), &path.child("backend")));
    errors
}

fn backend(backend: &Value, path: &Path) -> Vec<Error> {
    let invalid = |detail: &str| Error::invalid(path.clone(), &"".into(), detail);
    match (backend.field("resource"), backend.field("service")) {
        (Some(_), Some(_)) => vec![invalid("cannot set both resource and service backends")],
        (Some(resource), None) => reference(resource, &path.child("resource")),
        (None, Some(service)) => {
            let mut errors = Vec::new();
            let service_path = path.child("service");
            let name = service.text("name");
            if name.is_empty() {
                errors.push(Error::required(service_path.child("name"), ""));
            } else {
                errors.extend(formats::invalid(&service_path.child("name"), name, formats::label(name)));
            }
            let port_path = service_path.child("port");
            let (name, number) = (service.at("port").text("name"), service.at("port").number("number"));
            match (name, number) {
                ("", 0) => errors.push(Error::required(path.clone(), "port name or number is required")),
                ("", number) => errors.extend(
                    formats::port_number(number)
                        .map(|wrong| Error::invalid(port_path.child("number"), &number.into(), wrong)),
                ),
                (name, 0) => {
                    errors.extend(formats::invalid(&port_path.child("name"), name, formats::port_name(name)));
                }
                _ => errors.push(invalid("cannot set both port name & port number")),
            }
            errors
        }
        (None, None) => vec![invalid("resource or service backend is required")],
    }
}

fn tls(tls: &Value, strictness: Strictness, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, name) in tls.list("hosts").iter().enumerate() {
        errors.extend(host(name.as_str().unwrap_or_default(), &path.child("hosts").index(index)));
    }
    let secret = tls.text("secretName");
    if strictness.secret_names && !secret.is_empty() {
        errors.extend(formats::invalid(&path.child("secretName"), secret, formats::subdomain(secret)));
    }
    errors
}

/// What is wrong with the points of the load balancer in the status.
fn points(ingress: &Value, old: &Value) -> Vec<Error> {
    let of = |ingress: &'_ Value| ingress.at("status").at("loadBalancer").at("ingress").clone();
    let (new, old) = (of(ingress), of(old));
    let listed = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let old = listed(&old);
    let before: Vec<&str> = old.iter().map(|point| point.text("ip")).filter(|ip| !ip.is_empty()).collect();
    let path = Path::new("status").child("loadBalancer").child("ingress");
    let mut errors = Vec::new();
    for (index, point) in listed(&new).iter().enumerate() {
        let path = path.index(index);
        let (address, name) = (point.text("ip"), point.text("hostname"));
        if !address.is_empty() {
            errors.extend(ip::validate_legacy(address, &path.child("ip"), &before));
        }
        if !name.is_empty() {
            let path = path.child("hostname");
            errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
            if ip::sloppy(name).is_some() {
                let detail = "must be a DNS name, not an IP address";
                errors.push(Error::invalid(path, &name.into(), detail));
            }
        }
    }
    errors
}

/// The first three hosts; `*` when every host is answered for.
fn hosts(spec: &Value) -> String {
    let rules = spec.list("rules");
    let mut shown = Vec::new();
    let mut more = false;
    for host in rules.iter().map(|rule| rule.text("host")) {
        more |= shown.len() == 3;
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match shown.as_slice() {
        [] => "*".to_owned(),
        shown if more => format!("{} + {} more...", shown.join(","), rules.len() - 3),
        shown => shown.join(","),
    }
}

/// Where it is reached.
fn addresses(ingress: &Value) -> String {
    let points = ingress.at("status").at("loadBalancer").list("ingress").iter();
    let shown = points.map(|point| match point.text("ip") {
        "" => point.text("hostname"),
        ip => ip,
    });
    let shown: BTreeSet<&str> = shown.filter(|text| !text.is_empty()).collect();
    shown.into_iter().collect::<Vec<_>>().join(",")
}

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hosts_are_shown_and_the_others_counted() {
        let spec = |hosts: &[&str]| {
            let rules: Vec<Value> = hosts.iter().map(|host| json!({ "host": host })).collect();
            json!({ "rules": rules })
        };
        assert_eq!(hosts(&spec(&[])), "*");
        assert_eq!(hosts(&spec(&["a", "b", "c"])), "a,b,c");
        assert_eq!(hosts(&spec(&["a", "b", "c", "d", "e"])), "a,b,c + 2 more...");
    }
}
