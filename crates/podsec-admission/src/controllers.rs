//! Requests for whatever may hold a pod template: warned about and audited, never refused. Admission cannot
//! know what becomes of the template before its pods are made.

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_standards::Level;

use crate::cluster::Cluster;
use crate::evaluation::{Enforcement, evaluate};
use crate::exemptions::exempt;
use crate::namespace_labels::namespace_labels;
use crate::object::{self, Object};
use crate::request::Request;
use crate::response::{Event, Response};
use podsec_policy::configuration::Configuration;

pub(crate) fn review(
    configuration: &Configuration,
    cluster: &impl Cluster,
    request: &Request<'_>,
) -> Response {
    if !request.subresource.is_empty() {
        return Response::allow();
    }
    if let Some(response) = exempt(configuration, request) {
        return response;
    }
    let labels = match namespace_labels(cluster, &request.namespace) {
        Ok(labels) => labels,
        Err(error) => {
            return unjudged(format!("failed to lookup namespace {}: {error}", quoted(&request.namespace)));
        }
    };
    let policies = labels.policies(&configuration.defaults);
    let silent = policies.warn.level == Level::Privileged && policies.audit.level == Level::Privileged;
    if silent && labels.are_valid() {
        return Response::allow();
    }
    match object::decode(request) {
        Ok(Object::Pod(pod)) => evaluate(configuration, &policies, &labels, &pod, Enforcement::Spare),
        Ok(Object::Template(Some(pod))) => {
            evaluate(configuration, &policies, &labels, &pod, Enforcement::Spare)
        }
        Ok(Object::Template(None)) => Response::allow(),
        Ok(Object::None) => Response::objectless(Status::bad_request("failed to decode object")),
        Ok(Object::Namespace(_)) => unjudged(unexpected_type("/v1, Kind=Namespace")),
        Ok(Object::Other(kind)) => unjudged(unexpected_type(&kind)),
        Err(error) => unjudged(format!("failed to decode object: {error}")),
    }
}

fn unexpected_type(kind: &str) -> String {
    format!("failed to extract pod template: unexpected object type: {kind}")
}

fn unjudged(why: String) -> Response {
    Response::allow_with_error(why).counting(Event::Error { fatal: true })
}
