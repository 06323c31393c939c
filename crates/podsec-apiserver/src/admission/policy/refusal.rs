//! What the client of a refused request is told.

use std::borrow::Cow;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::status::StatusCause;
use serde_json::Value;

use super::definition::Policy;
use super::request::Asked;
use super::verdict::Denial;

/// The refusal of a ValidatingAdmissionPolicy.
pub(super) fn by_validation(
    asked: &Asked<'_>,
    object: Option<&Value>,
    policy: &Policy,
    binding: Option<&str>,
    denial: &Denial,
) -> Status {
    let by = binding.map(|binding| format!(" with binding '{binding}'")).unwrap_or_default();
    let message =
        format!("ValidatingAdmissionPolicy '{}'{by} denied request: {}", policy.name, denial.message);
    let mut status = forbidden(asked, object, &message);
    let reason = if denial.reason.is_empty() { "Invalid" } else { &denial.reason };
    status.code = match reason {
        "Forbidden" => 403,
        "Unauthorized" => 401,
        "RequestEntityTooLarge" => 413,
        _ => 422,
    };
    status.reason = Cow::Owned(reason.to_owned());
    add_cause(&mut status, message);
    status
}

/// What a MutatingAdmissionPolicy fails with.
pub(super) struct Failure {
    /// The whole sentence.
    pub(super) message: String,
    /// Whether an expression or patch has failed, and not the configuration.
    pub(super) is_invalid: bool,
}

impl Failure {
    /// A failure of `policy`, as asked by a binding.
    pub(super) fn of(policy: &Policy, binding: Option<&str>, why: &str, is_invalid: bool) -> Self {
        let name = &policy.name;
        let message = match binding {
            Some(binding) => format!("policy '{name}' with binding '{binding}' denied request: {why}"),
            None => format!("policy {name:?} denied request: {why}"),
        };
        Self { message, is_invalid }
    }
}

/// The refusal for failures of MutatingAdmissionPolicies; `None` for none.
pub(super) fn by_mutation(asked: &Asked<'_>, object: &Value, failures: Vec<Failure>) -> Option<Status> {
    let first = failures.first()?;
    let mut status = forbidden(asked, Some(object), "");
    status.message.clone_from(&first.message);
    if first.is_invalid {
        status.reason = Cow::Borrowed("Invalid");
    }
    for failure in failures {
        add_cause(&mut status, failure.message);
    }
    Some(status)
}

/// 403 about the object that the request is about, which may not have a name yet.
fn forbidden(asked: &Asked<'_>, object: Option<&Value>, why: &str) -> Status {
    let own = object.map(Meta::of);
    let name = [
        asked.attributes.name,
        own.as_ref().map(|meta| meta.name()).unwrap_or_default(),
        own.as_ref().map(|meta| meta.generate_name()).unwrap_or_default(),
    ];
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or("Unknown!");
    Status::forbidden(asked.attributes.registry.group_resource(), name, why)
}

fn add_cause(status: &mut Status, message: String) {
    if let Some(details) = &mut status.details {
        details.causes.push(StatusCause { message, ..StatusCause::default() });
    }
}
