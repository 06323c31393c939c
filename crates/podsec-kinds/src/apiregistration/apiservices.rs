//! APIServices: who serves a version of an API group.

use base64::Engine;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::{dns1035_label, path_segment};
use podsec_apimachinery::quote::quoted;
use serde_json::{Value, json};

use crate::generic::{BASE, WITH_STATUS};
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, metadata as meta, workload};

/// APIServices.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apiregistration.k8s.io",
    resource: "apiservices",
    default,
    prepare_for_create: |service| {
        let status = if service.at("spec").has("service") {
            json!({})
        } else {
            local(metadata(service).at("creationTimestamp"))
        };
        workload::reset_status(service, status);
    },
    prepare_for_update: WITH_STATUS.prepare_for_update,
    validate,
    validate_update: |service, old| {
        let mut errors = meta::validate_update_any_finalizers(service, old);
        errors.extend(validate(service));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |service, old| {
            let Some(fields) = service.as_object_mut() else { return };
            fields.copy("spec", old);
            if let Some(kept) = fields.ensure("metadata") {
                for field in ["labels", "annotations", "finalizers", "ownerReferences", "generation"] {
                    kept.copy(field, metadata(old));
                }
            }
        },
        validate_update: |service, old| {
            let mut errors = meta::validate_update_any_finalizers(service, old);
            let path = Path::new("status").child("conditions");
            for (index, condition) in service.at("status").list("conditions").iter().enumerate() {
                let status = condition.text("status");
                if !CONDITION_STATUS.contains(&status) {
                    let path = path.index(index).child("status");
                    errors.push(formats::unsupported(&path, status, CONDITION_STATUS));
                }
            }
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column("Service", "The reference to the service that hosts this API endpoint."),
        column("Available", "Whether this service is available."),
        printing::AGE,
    ],
    cells: |service, now| {
        let behind = service.at("spec").field("service").map_or_else(
            || "Local".to_owned(),
            |service| format!("{}/{}", service.text("namespace"), service.text("name")),
        );
        let conditions = service.at("status").list("conditions").iter();
        let available =
            conditions.filter(|condition| condition.text("type") == "Available").map(|condition| {
                match (condition.text("status"), condition.text("reason")) {
                    ("True", _) => "True".to_owned(),
                    (status, "") => status.to_owned(),
                    (status, reason) => format!("{status} ({reason})"),
                }
            });
        vec![
            printing::name(service),
            behind.into(),
            available.into_iter().next().unwrap_or_else(|| "Unknown".to_owned()).into(),
            printing::age(service, now),
        ]
    },
    allow_unconditional_update: false,
    ..BASE
};

/// What the author of an APIService with a Service behind it is told: see [`crate::effects`].
pub(crate) fn without_effect(service: &Value) -> Option<String> {
    let spec = service.at("spec");
    let behind = spec.field("service")?;
    Some(format!(
        "podsec serve passes no requests to the Service {}/{}: those for /apis/{}/{} are answered as if there were no \
         APIService",
        behind.text("namespace"),
        behind.text("name"),
        spec.text("group"),
        spec.text("version")
    ))
}

fn default(service: &mut Value) {
    let Some(service) = service.as_object_mut() else { return };
    service.ensure("status");
    let Some(spec) = service.ensure("spec") else { return };
    for field in ["groupPriorityMinimum", "versionPriority"] {
        spec.fill(field, 0);
    }
    if let Some(service) = spec.object_mut("service") {
        service.fill("port", 443);
    }
}

/// The status of a version that this server serves itself.
fn local(since: &Value) -> Value {
    json!({ "conditions": [{
        "type": "Available", "status": "True", "reason": "Local", "message": "Local APIServices are always available",
        "lastTransitionTime": since
    }] })
}

fn validate(service: &Value) -> Vec<Error> {
    let (path, spec) = (Path::new("spec"), service.at("spec"));
    let (group, version) = (spec.text("group"), spec.text("version"));
    let name = |name: &str| {
        let wrong = path_segment(name);
        let required = format!("{version}.{group}");
        if wrong.is_empty() && name != required {
            return vec![format!("must be `spec.version+\".\"+spec.group`: {}", quoted(&required))];
        }
        wrong
    };
    let mut errors = meta::validate_named(service, false, name, name);
    if group.is_empty() && version != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        errors.push(Error::required(path.child("group"), detail));
    }
    if !group.is_empty() {
        errors.extend(formats::invalid(&path.child("group"), group, formats::subdomain(group)));
    }
    errors.extend(formats::invalid(&path.child("version"), version, dns1035_label(version)));
    for (field, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let priority = spec.number(field);
        if !(1..=most).contains(&priority) {
            let detail = format!("must be positive and less than {most}");
            errors.push(Error::invalid(path.child(field), &priority.into(), &detail));
        }
    }
    let bundle = base64::engine::general_purpose::STANDARD.decode(spec.text("caBundle")).unwrap_or_default();
    let insecure = |detail: &str| {
        let path = path.child("insecureSkipTLSVerify");
        spec.flag("insecureSkipTLSVerify").then(|| Error::invalid(path, &true.into(), detail))
    };
    let Some(behind) = spec.field("service") else {
        if !bundle.is_empty() {
            let shown = format!("{} bytes", bundle.len());
            let detail = "local APIServices may not have a caBundle";
            errors.push(Error::invalid(path.child("caBundle"), &shown.into(), detail));
        }
        errors.extend(insecure("local APIServices may not have insecureSkipTLSVerify"));
        return errors;
    };
    let service_path = path.child("service");
    for field in ["namespace", "name"] {
        if behind.text(field).is_empty() {
            errors.push(Error::required(service_path.child(field), ""));
        }
    }
    let port = behind.number("port");
    if let Some(why) = formats::port_number(port) {
        let detail = format!("port is not valid: {why}");
        errors.push(Error::invalid(service_path.child("port"), &port.into(), &detail));
    }
    if !bundle.is_empty() {
        errors.extend(insecure("may not be true if caBundle is present"));
    }
    errors
}

const CONDITION_STATUS: &[&str] = &["True", "False", "Unknown"];
