//! What a webhook answers: read, verified, and turned into a refusal in kube-apiserver's words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::status::Details;
use serde::Deserialize;
use serde_json::Value;

use crate::admission::review::ReviewVersion;

/// An answer that was verified.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Response {
    /// Whether the request goes on.
    pub(super) allowed: bool,
    /// Why not.
    pub(super) result: Outcome,
    /// The changes to the object; no bytes for none.
    pub(super) patch: Vec<u8>,
    /// `JSONPatch`, when there is a patch and it is one.
    pub(super) patch_type: String,
    /// Notes for the audit log, without the webhook's name.
    pub(super) audit_annotations: BTreeMap<String, String>,
    /// What the client is to be told.
    pub(super) warnings: Vec<String>,
}

/// The `metav1.Status` in an answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Outcome {
    code: Option<i64>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

impl Response {
    /// Reads the body of an answer to the review `uid`.
    ///
    /// # Errors
    /// Why it counts as none, in kube-apiserver's words where they are its own.
    pub(super) fn read(
        body: &[u8],
        uid: &str,
        review: ReviewVersion,
        mutating: bool,
    ) -> Result<Self, Unreadable> {
        let object: Value = serde_json::from_slice(body).map_err(|error| {
            Unreadable::Call(format!("couldn't get version/kind; json parse error: {error}"))
        })?;
        if let Some(status) = failure(&object) {
            return Err(Unreadable::Call(status));
        }
        let wire: Wire = serde_json::from_value(object)
            .map_err(|error| Unreadable::Call(format!("the answer is no AdmissionReview: {error}")))?;
        let invalid = |why: String| Err(Unreadable::Invalid(why));
        let Some(response) = wire.response else {
            return invalid("webhook response was absent".to_owned());
        };
        if review == ReviewVersion::V1 {
            let answered = response.uid.as_deref().unwrap_or_default();
            if answered != uid {
                return invalid(format!("expected response.uid={}, got {}", quoted(uid), quoted(answered)));
            }
            let (version, kind) = (wire.api_version.unwrap_or_default(), wire.kind.unwrap_or_default());
            if version != "admission.k8s.io/v1" || kind != "AdmissionReview" {
                let version = if version.is_empty() { "/" } else { &version };
                return invalid(format!(
                    "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {version}, Kind={kind}"
                ));
            }
        }
        let patch = response.patch.as_deref().unwrap_or_default();
        let patch = STANDARD
            .decode(patch)
            .map_err(|error| Unreadable::Call(format!("response.patch is no base64: {error}")))?;
        let patch_type = response.patch_type;
        if let Some(why) = contradiction(&patch, patch_type.as_deref(), review, mutating) {
            return invalid(why);
        }
        Ok(Self {
            allowed: response.allowed.unwrap_or_default(),
            result: response.status.unwrap_or_default(),
            // In the older form nobody looks at what the patch calls itself.
            patch_type: if review == ReviewVersion::V1Beta1 {
                "JSONPatch".to_owned()
            } else {
                patch_type.unwrap_or_default()
            },
            patch: if mutating { patch } else { Vec::new() },
            audit_annotations: response.audit_annotations.unwrap_or_default(),
            warnings: response.warnings.unwrap_or_default(),
        })
    }

    /// What the client gets for a request that `webhook` does not let through.
    pub(super) fn refusal(&self, webhook: &str) -> Status {
        let Outcome { code, reason, message, details } = &self.result;
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let why = match (filled(message), filled(reason)) {
            (Some(message), _) => format!(": {message}"),
            (None, Some(reason)) => format!(": {reason}"),
            (None, None) => " without explanation".to_owned(),
        };
        // A refusal is never a success, whatever the webhook says.
        let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..1000).contains(code));
        Status {
            code: code.unwrap_or(400),
            reason: Cow::Owned(filled(reason).unwrap_or_default()),
            message: format!("admission webhook {} denied the request{why}", quoted(webhook)),
            details: details.clone(),
        }
    }
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is no review: the call has failed.
    Call(String),
    /// It is a review that breaks the rules.
    Invalid(String),
}

/// The message of a `Status` that is a failure, which a webhook may answer instead of a review.
fn failure(object: &Value) -> Option<String> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let is_failure = text("kind") == "Status" && text("apiVersion") == "v1" && text("status") != "Success";
    is_failure.then(|| text("message").to_owned())
}

fn contradiction(
    patch: &[u8],
    patch_type: Option<&str>,
    review: ReviewVersion,
    mutating: bool,
) -> Option<String> {
    if review == ReviewVersion::V1Beta1 {
        return None;
    }
    let why = match (mutating, patch.is_empty(), patch_type) {
        (false, false, _) => "validating webhook may not return response.patch",
        (false, true, Some(_)) => "validating webhook may not return response.patchType",
        (true, false, None) => "webhook returned response.patch but not response.patchType",
        (true, true, Some(_)) => "webhook returned response.patchType but not response.patch",
        (true, false, Some("")) => r#"webhook returned invalid response.patchType of """#,
        _ => return None,
    };
    Some(why.to_owned())
}

/// What client-go makes of an HTTP status that is no success, from the status and the text of the body.
pub(super) fn http_failure(code: u16, content_type: &str, body: &[u8]) -> String {
    if let Ok(object) = serde_json::from_slice(body)
        && let Some(message) = failure(&object)
    {
        return message;
    }
    let is_text = content_type.is_empty() || content_type.starts_with("text/");
    let text = if is_text { String::from_utf8_lossy(body).trim().to_owned() } else { "unknown".to_owned() };
    match code {
        400 => "the server rejected our request for an unknown reason".to_owned(),
        401 => "the server has asked for the client to provide credentials".to_owned(),
        404 => "the server could not find the requested resource".to_owned(),
        405 => "the server does not allow this method on the requested resource".to_owned(),
        406 if text.is_empty() || text == "unknown" => {
            "the server was unable to respond with a content type that the client supports".to_owned()
        }
        403 | 406 | 415 => text,
        409 => "the server reported a conflict".to_owned(),
        422 => "the server rejected our request due to an error in our request".to_owned(),
        429 => "the server has received too many requests and has asked us to try again later".to_owned(),
        503 => "the server is currently unable to handle the request".to_owned(),
        504 => "the server was unable to return a response in the time allotted, but may still be processing the request"
            .to_owned(),
        code if code >= 500 => {
            format!("an error on the server ({}) has prevented the request from succeeding", quoted(&text))
        }
        code => format!("the server responded with the status code {code} but did not return more information"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    kind: Option<String>,
    api_version: Option<String>,
    response: Option<WireResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResponse {
    uid: Option<String>,
    allowed: Option<bool>,
    status: Option<Outcome>,
    patch: Option<String>,
    patch_type: Option<String>,
    audit_annotations: Option<BTreeMap<String, String>>,
    warnings: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(review: &Value, mutating: bool) -> Result<Response, Unreadable> {
        Response::read(&serde_json::to_vec(review).unwrap(), "u", ReviewVersion::V1, mutating)
    }

    fn review(response: &Value) -> Value {
        json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response})
    }

    fn why(review: &Value, mutating: bool) -> String {
        match read(review, mutating) {
            Err(Unreadable::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        assert_eq!(
            why(&review(&json!({"uid": "v", "allowed": true})), false),
            r#"expected response.uid="u", got "v""#
        );
        assert_eq!(why(&json!({"kind": "AdmissionReview"}), false), "webhook response was absent");
        assert_eq!(
            why(&json!({"response": {"uid": "u", "allowed": true}}), false),
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind="
        );
    }

    #[test]
    fn a_patch_needs_its_type_and_a_webhook_that_may_change_things() {
        let patch = STANDARD.encode("[]");
        for (mutating, response, expected) in [
            (
                true,
                json!({"uid": "u", "patch": patch}),
                "webhook returned response.patch but not response.patchType",
            ),
            (
                true,
                json!({"uid": "u", "patchType": "JSONPatch"}),
                "webhook returned response.patchType but not response.patch",
            ),
            (false, json!({"uid": "u", "patch": patch}), "validating webhook may not return response.patch"),
            (
                false,
                json!({"uid": "u", "patchType": "x"}),
                "validating webhook may not return response.patchType",
            ),
        ] {
            assert_eq!(why(&review(&response), mutating), expected);
        }
        let both = review(&json!({"uid": "u", "patch": patch, "patchType": "JSONPatch", "warnings": null}));
        assert_eq!(read(&both, true).unwrap().patch, b"[]");
    }

    #[test]
    fn the_older_form_is_not_verified() {
        let body = br#"{"response": {"allowed": true, "patch": "W10="}}"#;
        let read = |mutating| Response::read(body, "u", ReviewVersion::V1Beta1, mutating).unwrap();
        assert_eq!((read(true).patch.as_slice(), &*read(true).patch_type), (b"[]".as_slice(), "JSONPatch"));
        assert_eq!(read(false).patch, b"");
    }

    #[test]
    fn a_refusal_says_who_refuses_and_is_never_a_success() {
        let refusal = |status: Value| {
            let response =
                read(&review(&json!({"uid": "u", "allowed": false, "status": status})), false).unwrap();
            serde_json::to_value(response.refusal("w.example.com")).unwrap()
        };
        let status = |message: &str, code: u16| {
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "code": code})
        };
        assert_eq!(
            refusal(json!({"message": "no way", "code": 403})),
            status(r#"admission webhook "w.example.com" denied the request: no way"#, 403)
        );
        assert_eq!(
            refusal(json!({"code": 200, "status": "Success"})),
            status(r#"admission webhook "w.example.com" denied the request without explanation"#, 400)
        );
        let mut reasoned = status(r#"admission webhook "w.example.com" denied the request: Teapot"#, 418);
        reasoned["reason"] = "Teapot".into();
        reasoned["details"] = json!({"name": "x"});
        assert_eq!(refusal(json!({"reason": "Teapot", "code": 418, "details": {"name": "x"}})), reasoned);
    }

    #[test]
    fn a_failure_without_a_review_is_told_as_client_go_tells_it() {
        assert_eq!(
            http_failure(500, "text/plain", b"boom\n"),
            r#"an error on the server ("boom") has prevented the request from succeeding"#
        );
        assert_eq!(http_failure(404, "", b""), "the server could not find the requested resource");
        assert_eq!(
            http_failure(302, "text/html", b"<a>"),
            "the server responded with the status code 302 but did not return more information"
        );
        let status = br#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "told so"}"#;
        assert_eq!(http_failure(500, "application/json", status), "told so");
    }

    proptest! {
        #[test]
        fn no_answer_panics(body in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            for body in [body.as_slice(), text.as_bytes()] {
                let _ = Response::read(body, "u", ReviewVersion::V1, true);
                let _ = http_failure(500, "", body);
            }
        }
    }
}
