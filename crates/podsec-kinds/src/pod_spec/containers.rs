//! The rules of regular, init and ephemeral containers.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::surroundings::Surroundings;
use super::{environment, probes, resources, security_context, volumes};
use crate::formats;
use crate::object::Fields;

/// Regular containers.
pub(super) fn validate(spec: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    let containers = spec.list("containers");
    if containers.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let path = path.index(index);
        errors.extend(validate_any(container, surroundings, &path));
        if !names.insert(container.text("name")) {
            errors.push(Error::duplicate(path.child("name"), container.at("name")));
        }
        errors.extend(probes::validate_lifecycle(container, surroundings, &path));
        errors.extend(probes::validate(container, surroundings, &path));
        errors.extend(restart_policy(container, &path));
    }
    errors.extend(host_port_conflicts(containers.iter().enumerate(), path));
    errors
}

/// Init containers, among them sidecars: those that restart always.
pub(super) fn validate_init(spec: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    const ONLY_SIDECARS: &str = "may not be set for init containers without restartPolicy=Always";
    let mut errors = Vec::new();
    let mut names: BTreeSet<&str> = spec.list("containers").iter().map(|other| other.text("name")).collect();
    for (index, container) in spec.list("initContainers").iter().enumerate() {
        let item = path.index(index);
        errors.extend(validate_any(container, surroundings, &item));
        let restart_policy = container.at("restartPolicy").as_str();
        errors.extend(self::restart_policy(container, &item));
        let name = container.text("name");
        if names.contains(name) {
            errors.push(Error::duplicate(item.child("name"), container.at("name")));
        } else if !name.is_empty() {
            names.insert(name);
        }
        // Init containers run one by one: each is alone with its ports.
        errors.extend(host_port_conflicts(std::iter::once((0, container)), path));
        if restart_policy == Some("Always") {
            errors.extend(probes::validate_lifecycle(container, surroundings, &item));
            errors.extend(probes::validate(container, surroundings, &item));
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.has(field) {
                    errors.push(Error::forbidden(item.child(field), ONLY_SIDECARS));
                }
            }
        }
    }
    errors
}

/// Ephemeral containers.
pub(super) fn validate_ephemeral(spec: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    const NOT_EPHEMERAL: &str = "cannot be set for an Ephemeral Container";
    let mut errors = Vec::new();
    let others: BTreeSet<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| spec.list(list))
        .map(|container| container.text("name"))
        .collect();
    let mut names = others.clone();
    for (index, container) in spec.list("ephemeralContainers").iter().enumerate() {
        let path = path.index(index);
        errors.extend(validate_any(container, surroundings, &path));
        errors.extend(validate_only_for_pod(container, &path));
        if !names.insert(container.text("name")) {
            errors.push(Error::duplicate(path.child("name"), container.at("name")));
        }
        let target = container.text("targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            errors.push(Error::not_found(path.child("targetContainerName"), &target.into()));
        }
        for field in FORBIDDEN_IN_EPHEMERAL {
            let set = match container.at(field) {
                Value::Null => false,
                // The defaults put an empty object here.
                Value::Object(fields) => *field != "resources" || !fields.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            };
            if set {
                errors.push(Error::forbidden(path.child(field), NOT_EPHEMERAL));
            }
        }
        for (index, mount) in container.list("volumeMounts").iter().enumerate() {
            for field in ["subPath", "subPathExpr"] {
                if !mount.text(field).is_empty() {
                    let path = path.child("volumeMounts").index(index).child(field);
                    errors.push(Error::forbidden(path, NOT_EPHEMERAL));
                }
            }
        }
    }
    errors
}

/// Rules that templates do not have.
pub(super) fn validate_only_for_pod(container: &Value, path: &Path) -> Option<Error> {
    let image = container.text("image");
    (image.trim().len() != image.len()).then(|| {
        Error::invalid(path.child("image"), &image.into(), "must not have leading or trailing whitespace")
    })
}

/// Rules that all containers have.
fn validate_any(container: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let name = container.text("name");
    if name.is_empty() {
        errors.push(Error::required(path.child("name"), ""));
    } else {
        errors.extend(formats::invalid(&path.child("name"), name, formats::label(name)));
    }
    if container.text("image").is_empty() {
        errors.push(Error::required(path.child("image"), ""));
    }
    errors.extend(formats::one_of(
        &path.child("terminationMessagePolicy"),
        container.text("terminationMessagePolicy"),
        &["File", "FallbackToLogsOnError"],
    ));
    errors.extend(ports(container.list("ports"), &path.child("ports")));
    errors.extend(environment::validate(container.list("env"), &path.child("env")));
    errors.extend(environment::validate_from(container.list("envFrom"), &path.child("envFrom")));
    errors.extend(volumes::validate_mounts(container, surroundings, &path.child("volumeMounts")));
    errors.extend(volumes::validate_devices(container, surroundings, &path.child("volumeDevices")));
    errors.extend(formats::one_of(
        &path.child("imagePullPolicy"),
        container.text("imagePullPolicy"),
        &["Always", "IfNotPresent", "Never"],
    ));
    errors.extend(resources::validate(container.at("resources"), surroundings, &path.child("resources")));
    errors.extend(resources::validate_resize_policy(container, surroundings, &path.child("resizePolicy")));
    errors.extend(security_context::validate_container(
        container.at("securityContext"),
        surroundings.host_users,
        &path.child("securityContext"),
    ));
    errors
}

/// `restartPolicy` and `restartPolicyRules`.
fn restart_policy(container: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let rules = container.list("restartPolicyRules");
    let rules_path = path.child("restartPolicyRules");
    match container.at("restartPolicy").as_str() {
        None if rules.is_empty() => return errors,
        None => {
            let detail = "must specify restartPolicy when restart rules are used";
            errors.push(Error::required(path.child("restartPolicy"), detail));
        }
        Some(policy) if !["Always", "Never", "OnFailure"].contains(&policy) => {
            let path = path.child("restartPolicy");
            errors.push(formats::unsupported(&path, policy, &["Always", "Never", "OnFailure"]));
        }
        Some(_) => {}
    }
    if rules.len() > 20 {
        errors.push(Error::too_many(rules_path.clone(), rules.len(), 20));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = rules_path.index(index);
        let action = rule.text("action");
        if !["Restart", "RestartAllContainers"].contains(&action) {
            let supported = ["Restart", "RestartAllContainers"];
            errors.push(formats::unsupported(&path.child("action"), action, &supported));
        }
        let path = path.child("exitCodes");
        let Some(codes) = rule.field("exitCodes") else {
            errors.push(Error::required(path, "must be specified"));
            continue;
        };
        let operator = codes.text("operator");
        if !["In", "NotIn"].contains(&operator) {
            errors.push(formats::unsupported(&path.child("operator"), operator, &["In", "NotIn"]));
        }
        let values = codes.list("values").len();
        if values > 255 {
            errors.push(Error::too_many(path.child("values"), values, 255));
        }
    }
    errors
}

fn ports(ports: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.text("name");
        if !name.is_empty() {
            let wrong = formats::port_name(name);
            if wrong.is_empty() && !names.insert(name) {
                errors.push(Error::duplicate(path.child("name"), &name.into()));
            }
            errors.extend(formats::invalid(&path.child("name"), name, wrong));
        }
        let mut number = |field: &str, required: bool| {
            let value = port.number(field);
            if value == 0 {
                if required {
                    errors.push(Error::required(path.child(field), ""));
                }
            } else if let Some(wrong) = formats::port_number(value) {
                errors.push(Error::invalid(path.child(field), &value.into(), wrong));
            }
        };
        number("containerPort", true);
        number("hostPort", false);
        errors.extend(formats::one_of(
            &path.child("protocol"),
            port.text("protocol"),
            &["SCTP", "TCP", "UDP"],
        ));
    }
    errors
}

fn host_port_conflicts<'a>(containers: impl Iterator<Item = (usize, &'a Value)>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut taken = BTreeSet::new();
    for (index, container) in containers {
        for (port_index, port) in container.list("ports").iter().enumerate() {
            let host_port = port.number("hostPort");
            if host_port == 0 {
                continue;
            }
            let key = format!("{}/{}/{host_port}", port.text("protocol"), port.text("hostIP"));
            if taken.contains(&key) {
                let path = path.index(index).child("ports").index(port_index).child("hostPort");
                errors.push(Error::duplicate(path, &key.into()));
            } else {
                taken.insert(key);
            }
        }
    }
    errors
}

/// Kubernetes allows ephemeral containers a list of fields; these are the others.
const FORBIDDEN_IN_EPHEMERAL: &[&str] = &[
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];
