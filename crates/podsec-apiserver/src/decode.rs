//! A request's body as an object of the kind that the URL says, or a refusal in Kubernetes' words.

use hyper::header::CONTENT_TYPE;
use podsec_apimachinery::Status;
pub(crate) use podsec_apimachinery::codec::Kind;
use podsec_apimachinery::codec::{self, Body, BodyError, Encoding};
use podsec_apimachinery::schema::Definitions;
use serde_json::Value;

use crate::registry::Registry;
use crate::request::Request;
use crate::request::options::FieldValidation;
use crate::sinks::Sinks;
use podsec_kinds::object::as_map;

/// Decodes the body of a create or update. What strict validation has against it becomes an error, warnings, or
/// nothing, as the client wants it.
///
/// # Errors
/// 400 and 415; 422 for a custom object of another kind.
pub(crate) fn object(
    request: &Request,
    registry: &Registry,
    sinks: &Sinks,
    bytes: &[u8],
    validation: FieldValidation,
) -> Result<Value, Status> {
    let resource = registry.resource();
    let expected = Kind { group: &resource.group, version: &resource.version, kind: &resource.kind };
    let mut body = codec::decode(bytes, encoding(request, expected)?, expected)?;
    if let Some(custom) = &registry.behaviour().custom {
        body.strict.extend(custom.decode(&mut body.object)?);
    }
    validated(sinks, body, expected, validation)
}

/// Decodes a body of any kind, as [`object`] does.
///
/// # Errors
/// 400 and 415; 422 for a custom object of another kind.
pub(crate) fn kind(
    request: &Request,
    sinks: &Sinks,
    bytes: &[u8],
    expected: Kind<'_>,
    validation: FieldValidation,
) -> Result<Value, Status> {
    let body = codec::decode(bytes, encoding(request, expected)?, expected)?;
    validated(sinks, body, expected, validation)
}

fn validated(
    sinks: &Sinks,
    body: Body,
    expected: Kind<'_>,
    validation: FieldValidation,
) -> Result<Value, Status> {
    match validation {
        FieldValidation::Strict => Ok(body.strictly(expected)?),
        FieldValidation::Warn => {
            body.strict.into_iter().for_each(|text| sinks.warnings.add(text));
            Ok(body.object)
        }
        FieldValidation::Ignore => Ok(body.object),
    }
}

/// Decodes the `DeleteOptions` of a DELETE.
///
/// # Errors
/// 400 and 415.
pub(crate) fn delete_options(request: &Request, bytes: &[u8]) -> Result<Value, Status> {
    let expected = Kind { group: "", version: "v1", kind: "DeleteOptions" };
    let encoding = encoding(request, expected)?;
    // Kubernetes reads them with a decoder of their own, which says less about where it was.
    let body = codec::decode_delete_options(bytes, encoding).map_err(|error| {
        let cause = error.cause();
        Status::bad_request(cause.replace(
            "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30",
            "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27",
        ))
    })?;
    let mut options = body.object;
    // What kube-apiserver writes into the audit log, whatever the client has sent.
    as_map(&mut options).insert("apiVersion".to_owned(), "meta.k8s.io/__internal".into());
    Ok(options)
}

fn encoding(request: &Request, expected: Kind<'_>) -> Result<Encoding, BodyError> {
    let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_custom = Definitions::builtin().kind(expected.group, expected.version, expected.kind).is_none();
    Encoding::parse(content_type, is_custom)
}
