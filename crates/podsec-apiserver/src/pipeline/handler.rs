//! Finds who answers: an endpoint for a fixed path, or a verb of a resource.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::codec::protobuf;
use podsec_apimachinery::schema::catalog::Verb;

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::body::{RequestBody, UnreadBody};
use crate::endpoints;
use crate::request::Request;
use crate::request::representation::{Offer, Representation};
use crate::sinks::Sinks;
use crate::verbs::{self, Write};

/// Runs the handler of an authorized request.
pub(super) async fn handle(
    api: &Arc<ApiServer>,
    request: &mut Request,
    sinks: &Sinks,
    body: RequestBody,
) -> Result<Answer, Answer> {
    if !request.info.is_resource {
        return endpoints::handle(api, request).await;
    }
    let info = &request.info;
    let served = api.served();
    let catalog = &served.catalog;
    if catalog.version(&info.group, &info.version).is_none() {
        return Err(Answer::page_not_found());
    }
    let resource = catalog
        .find(&info.group, &info.version, &info.resource)
        .filter(|_| !info.excess)
        .ok_or_else(Status::no_such_resource)?;
    // Objects of a namespaced resource have no address outside of a namespace, and the other way round.
    let misplaced = if resource.namespaced {
        info.namespace.is_empty() && (!info.name.is_empty() && !matches!(&*info.verb, "list" | "watch"))
    } else {
        let is_in_itself = info.resource == "namespaces" && info.namespace == info.name;
        !info.namespace.is_empty() && !is_in_itself
    };
    if misplaced {
        return Err(Status::no_such_resource().into());
    }
    let has_message = protobuf::knows(&resource.group, &resource.version, &resource.kind);
    let offer = match (&*request.info.verb, has_message) {
        ("watch", _) | ("list", false) => Offer::Stream,
        ("list", true) => Offer::List,
        (_, true) => Offer::Object,
        (_, false) => Offer::CustomObject,
    };
    request.representation = Representation::negotiate(&request.headers, &request.query, offer)?;
    if !request.info.subresource.is_empty() && resource.subresource(&request.info.subresource).is_none() {
        return Err(Status::no_such_resource().into());
    }
    let verb =
        verb(&request.info.verb).filter(|_| !request.info.is_head).ok_or_else(Status::method_not_allowed)?;
    if request.info.subresource.is_empty() {
        let collection = matches!(verb, Verb::Create | Verb::List | Verb::Watch | Verb::DeleteCollection);
        let addressed = collection || !request.info.name.is_empty();
        let placed = !(resource.namespaced && request.info.namespace.is_empty())
            || matches!(verb, Verb::List | Verb::Watch);
        let named_create = verb == Verb::Create && !request.info.name.is_empty();
        if !resource.allows(verb) || !addressed || !placed || named_create {
            return Err(Status::method_not_allowed().into());
        }
    } else {
        let subresource =
            resource.subresource(&request.info.subresource).ok_or_else(Status::no_such_resource)?;
        if !subresource.verbs.contains(&verb) {
            return Err(Status::method_not_allowed().into());
        }
    }
    let custom = served.custom(resource);
    if verb == Verb::Create && custom.is_some_and(|custom| custom.terminating) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(Status::failure(405, "MethodNotAllowed", why).into());
    }
    let registry = api.resources.registry(resource);
    let write = Write { request, registry: &registry, admission: &api.admission, sinks };
    let body = UnreadBody { body, budget: &api.budget };
    let answer = match endpoints::handle_resource(api, &write, verb, body).await {
        Ok(answer) => answer,
        Err(body) => verbs::run(&write, verb, &api.verbs, body).await,
    };
    answer.map_err(Answer::from)
}

fn verb(name: &str) -> Option<Verb> {
    Some(match name {
        "create" => Verb::Create,
        "delete" => Verb::Delete,
        "deletecollection" => Verb::DeleteCollection,
        "get" => Verb::Get,
        "list" => Verb::List,
        "patch" => Verb::Patch,
        "update" => Verb::Update,
        "watch" => Verb::Watch,
        _ => return None,
    })
}
