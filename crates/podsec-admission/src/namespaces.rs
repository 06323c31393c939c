//! Requests for namespaces: their labels must be right, and pods that exist should fit a new enforce level.

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_standards::Level;

use crate::cluster::Cluster;
use crate::existing_pods;
use crate::object::{self, Namespace, Object};
use crate::request::{Operation, Request};
use crate::response::Response;
use podsec_policy::configuration::Configuration;
use podsec_policy::labels::{Mode, NamespaceLabels, Policies};

pub(crate) fn review(
    configuration: &Configuration,
    cluster: &impl Cluster,
    request: &Request<'_>,
) -> Response {
    if !request.subresource.is_empty() {
        return Response::allow();
    }
    let namespace = match object::decode(request) {
        Ok(Object::Namespace(namespace)) => namespace,
        Ok(_) => return bad_request("failed to decode namespace", None),
        Err(error) => return bad_request("failed to decode object", Some(&error)),
    };
    match request.operation {
        Operation::Create => create(configuration, request, &namespace),
        Operation::Update => update(configuration, cluster, request, &namespace),
        _ => Response::allow(),
    }
}

fn create(configuration: &Configuration, request: &Request<'_>, namespace: &Namespace<'_>) -> Response {
    if !namespace.labels.are_valid() {
        return invalid(request, &namespace.labels);
    }
    if configuration.exemptions.has_namespace(&request.namespace) {
        return exempt(configuration, namespace);
    }
    Response::allow()
}

fn update(
    configuration: &Configuration,
    cluster: &impl Cluster,
    request: &Request<'_>,
    namespace: &Namespace<'_>,
) -> Response {
    // The two blanks are upstream's.
    let old = match object::decode_old(request) {
        Ok(Object::Namespace(old)) => old,
        Ok(_) => return bad_request("failed to decode  old namespace", None),
        Err(error) => return bad_request("failed to decode  old object", Some(&error)),
    };
    // Labels that were wrong already may stay so: the request is about something else.
    if !namespace.labels.are_valid() && namespace.labels.errors() != old.labels.errors() {
        return invalid(request, &namespace.labels);
    }
    let defaults = &configuration.defaults;
    let (enforced, before) =
        (namespace.labels.policies(defaults).enforce, old.labels.policies(defaults).enforce);
    let relaxed = enforced.version == before.version && enforced.level <= before.level;
    if enforced.level == Level::Privileged || relaxed {
        return Response::allow();
    }
    if configuration.exemptions.has_namespace(&request.namespace) {
        return exempt(configuration, namespace);
    }
    let exemptions = &configuration.exemptions;
    Response::allow_with_warnings(existing_pods::warnings(cluster, exemptions, &namespace.name, enforced))
}

/// Tells whoever labels an exempt namespace that the labels have no effect, if they would otherwise.
fn exempt(configuration: &Configuration, namespace: &Namespace<'_>) -> Response {
    let defaults = &configuration.defaults;
    let policies = namespace.labels.policies(defaults);
    if policies.are_privileged() || policies.are_equivalent(defaults) {
        return Response::allow();
    }
    Response::allow_with_warnings(vec![format!(
        "namespace {} is exempt from Pod Security, and the policy ({}) will be ignored",
        quoted(&namespace.name),
        labelled(&namespace.labels, &policies)
    )])
}

/// The policies that the labels set, except the privileged ones: `enforce=baseline:latest, warn=…`.
fn labelled(labels: &NamespaceLabels, policies: &Policies) -> String {
    let modes: Vec<String> = policies
        .modes()
        .filter(|(mode, policy)| policy.level != Level::Privileged && labels.set(*mode))
        .map(|(mode, policy): (Mode, _)| format!("{mode}={policy}"))
        .collect();
    modes.join(", ")
}

fn invalid(request: &Request<'_>, labels: &NamespaceLabels) -> Response {
    Response::refuse(Status::invalid(
        &request.kind.group,
        &request.kind.kind,
        &request.name,
        &labels.errors(),
    ))
}

fn bad_request(message: &str, cause: Option<&dyn std::fmt::Display>) -> Response {
    Response::refuse_with_error(Status::bad_request(message), cause)
}
