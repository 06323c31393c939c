//! OpenID Connect discovery: who issues service account tokens, and the keys to verify them with.

use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response};
use podsec_apimachinery::Status;
use podsec_apimachinery::status::Details;
use serde::Serialize;

use crate::answer::Answer;
use crate::authentication::service_account::ServiceAccountTokens;
use crate::body::ResponseBody;
use crate::request::Request;

/// `/.well-known/openid-configuration`.
pub(super) fn configuration(
    tokens: &ServiceAccountTokens,
    address: &str,
    request: &Request,
) -> Result<Answer, Answer> {
    let jwks_uri = match tokens.jwks_uri() {
        Some(uri) => uri.to_owned(),
        None => format!("https://{address}/openid/v1/jwks"),
    };
    let document = Configuration {
        issuer: tokens.issuer(),
        jwks_uri,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: tokens.published().1,
    };
    answer(&request.headers, "application/json", &document)
}

/// `/openid/v1/jwks`.
pub(super) fn keys(tokens: &ServiceAccountTokens, request: &Request) -> Result<Answer, Answer> {
    answer(&request.headers, "application/jwk-set+json", &tokens.published().0)
}

/// The discovery document, in the order in which Kubernetes writes its fields.
#[derive(Serialize)]
struct Configuration<'a> {
    issuer: &'a str,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
}

fn answer(
    headers: &HeaderMap,
    content_type: &'static str,
    document: &impl Serialize,
) -> Result<Answer, Answer> {
    if !accepts(headers, content_type) {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {content_type}");
        let status = Status::failure(406, "NotAcceptable", message);
        return Err(Status { details: Some(Details::default()), ..status }.into());
    }
    let bytes = serde_json::to_vec(document).map_err(|error| Status::internal(&error.to_string()))?;
    let mut response = Response::new(ResponseBody::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(Answer::Response(Box::new(response)))
}

fn accepts(headers: &HeaderMap, content_type: &str) -> bool {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let fits = |range: &&str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        matches!(range, "*/*" | "application/*") || range.eq_ignore_ascii_case(content_type)
    };
    accepted.is_empty() || accepted.iter().any(fits)
}
