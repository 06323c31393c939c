//! IngressClasses: which controller serves an Ingress, and with what parameters.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::{NameRule, path_segment};
use serde_json::Value;

use crate::generic::{BASE, count_content};
use crate::object::{Fields, FieldsMut, annotation, metadata};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, immutable, metadata as meta, workload};

/// IngressClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "ingressclasses",
    default: |class| {
        let spec = class.as_object_mut().and_then(|class| class.ensure("spec"));
        if let Some(parameters) = spec.and_then(|spec| spec.object_mut("parameters")) {
            parameters.fill("scope", "Cluster");
        }
    },
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_content,
    validate,
    validate_update: |class, old| {
        let mut errors = meta::validate_update(class, old);
        errors.extend(immutable::text(class.at("spec"), old.at("spec"), "controller", &Path::new("spec")));
        errors.extend(validate(class));
        errors
    },
    columns: &[
        printing::NAME,
        column("Controller", "Controller that is responsible for handling this class"),
        column("Parameters", "A reference to a resource with additional parameters"),
        printing::AGE,
    ],
    cells: |class, now| {
        let spec = class.at("spec");
        let is_default = annotation(class, "ingressclass.kubernetes.io/is-default-class") == Some("true");
        let suffix = if is_default { " (default)" } else { "" };
        let parameters = spec.field("parameters").map_or_else(
            || printing::NONE.to_owned(),
            |parameters| {
                let group = parameters.at("apiGroup").as_str().map(|group| format!(".{group}"));
                let (kind, name) = (parameters.text("kind"), parameters.text("name"));
                format!("{kind}{}/{name}", group.unwrap_or_default())
            },
        );
        vec![
            format!("{}{suffix}", metadata(class).text("name")).into(),
            spec.text("controller").into(),
            parameters.into(),
            printing::age(class, now),
        ]
    },
    ..BASE
};

fn validate(class: &Value) -> Vec<Error> {
    let mut errors = meta::validate(class, false, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), class.at("spec"));
    let controller = spec.text("controller");
    let controller_path = path.child("controller");
    if controller.len() > CONTROLLER_LENGTH {
        errors.push(Error::too_long(controller_path.clone(), CONTROLLER_LENGTH));
    }
    errors.extend(formats::domain_prefixed_path(controller, &controller_path));
    if let Some(parameters) = spec.field("parameters") {
        errors.extend(self::parameters(parameters, &path.child("parameters")));
    }
    errors
}

fn parameters(parameters: &Value, path: &Path) -> Vec<Error> {
    let mut errors = reference(parameters, path);
    let namespace = parameters.at("namespace").as_str();
    let path_of = |field: &str| path.child(field);
    match parameters.at("scope").as_str() {
        None => errors.push(Error::required(path_of("scope"), "")),
        Some("Namespace") => match namespace {
            None => {
                errors
                    .push(Error::required(path_of("namespace"), "`parameters.scope` is set to 'Namespace'"));
            }
            Some(namespace) => {
                errors.extend(formats::invalid(&path_of("namespace"), namespace, formats::label(namespace)));
            }
        },
        Some("Cluster") if namespace.is_some() => {
            errors.push(Error::forbidden(path_of("namespace"), "`parameters.scope` is set to 'Cluster'"));
        }
        Some("Cluster") => {}
        Some(scope) => errors.push(formats::unsupported(&path_of("scope"), scope, &["Cluster", "Namespace"])),
    }
    errors
}

/// What is wrong with a reference to an object of any kind: `TypedLocalObjectReference`.
pub(super) fn reference(reference: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if let Some(group) = reference.at("apiGroup").as_str() {
        errors.extend(formats::invalid(&path.child("apiGroup"), group, formats::subdomain(group)));
    }
    for field in ["kind", "name"] {
        let (text, path) = (reference.text(field), path.child(field));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
        } else {
            errors.extend(formats::invalid(&path, text, path_segment(text)));
        }
    }
    errors
}

const CONTROLLER_LENGTH: usize = 250;
