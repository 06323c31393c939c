//! Whom no policy binds.

use crate::request::Request;
use crate::response::{Event, Exemption, Response};
use podsec_policy::configuration::Configuration;

/// The response to a request that is exempt by its namespace or its user, the namespace first.
pub(crate) fn exempt(configuration: &Configuration, request: &Request<'_>) -> Option<Response> {
    let exemptions = &configuration.exemptions;
    let exemption = if exemptions.has_namespace(&request.namespace) {
        Exemption::Namespace
    } else if exemptions.has_username(&request.username) {
        Exemption::User
    } else {
        return None;
    };
    Some(Response::exempt(exemption).counting(Event::Exemption))
}
