//! Requests for pods: the only ones that are refused for what a pod asks for.

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_standards::{Level, Policy, Version};

use crate::cluster::Cluster;
use crate::evaluation::{Enforcement, evaluate};
use crate::exemptions::exempt;
use crate::namespace_labels::namespace_labels;
use crate::object::{self, Object};
use crate::request::{Operation, Request};
use crate::response::{Decision, Event, Response, Violated};
use podsec_policy::configuration::Configuration;
use podsec_policy::labels::Mode;

pub(crate) fn review(
    configuration: &Configuration,
    cluster: &impl Cluster,
    request: &Request<'_>,
) -> Response {
    if IGNORED_SUBRESOURCES.contains(&request.subresource.as_ref()) {
        return Response::allow();
    }
    if let Some(response) = exempt(configuration, request) {
        return response;
    }
    let labels = match namespace_labels(cluster, &request.namespace) {
        Ok(labels) => labels,
        Err(error) => {
            let why = format!("failed to lookup namespace {}", quoted(&request.namespace));
            return fatal(Response::refuse_with_error(Status::internal(&why), Some(&error)));
        }
    };
    let policies = labels.policies(&configuration.defaults);
    if policies.are_privileged() && labels.are_valid() {
        return allow_privileged();
    }
    let pod = match object::decode(request) {
        Ok(Object::Pod(pod)) => pod,
        Ok(_) => return bad_request("failed to decode pod", None),
        Err(error) => return bad_request("failed to decode object", Some(&error)),
    };
    if request.operation == Operation::Update {
        let old = match object::decode_old(request) {
            Ok(Object::Pod(old)) => old,
            Ok(_) => return bad_request("failed to decode old pod", None),
            Err(error) => return bad_request("failed to decode old object", Some(&error)),
        };
        if !pod.significantly_differs_from(&old) {
            return Response::allow();
        }
    }
    evaluate(configuration, &policies, &labels, &pod, Enforcement::Refuse { name: &request.name })
}

/// Subresources of pods that hold no pod. Any other is judged as a pod, so that a subresource that Kubernetes
/// adds later cannot slip past.
const IGNORED_SUBRESOURCES: [&str; 8] =
    ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"];

fn allow_privileged() -> Response {
    let policy = Policy::new(Level::Privileged, Version::Latest);
    Response::allow().noting_enforce_policy(policy).counting(Event::Evaluation {
        mode: Mode::Enforce,
        policy,
        decision: Decision::Allow,
        violated: Violated::default(),
    })
}

fn bad_request(message: &str, cause: Option<&dyn std::fmt::Display>) -> Response {
    fatal(Response::refuse_with_error(Status::bad_request(message), cause))
}

fn fatal(response: Response) -> Response {
    response.counting(Event::Error { fatal: true })
}
