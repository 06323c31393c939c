//! The question to a service that decides, and its answer.

use podsec_kinds::object::Fields as _;
use serde_json::{Value, json};

use super::opinion::Opinion;
use crate::request::{RequestInfo, User};

/// A `SubjectAccessReview` of `version`. The service is not told of selectors: whom it lets list a part, it lets list all.
pub(super) fn request(version: &str, user: &User, info: &RequestInfo) -> Value {
    let mut spec = json!({"user": user.name});
    let mut set = |name: &str, value: Value| spec[name] = value;
    if !user.groups.is_empty() {
        // The older version has another name for it.
        set(if version == "v1" { "groups" } else { "group" }, json!(user.groups));
    }
    if !user.extra.is_empty() {
        set("extra", json!(user.extra));
    }
    if !user.uid.is_empty() {
        set("uid", user.uid.as_str().into());
    }
    if info.is_resource {
        let fields = [
            ("namespace", info.namespace.as_str()),
            ("verb", &info.verb),
            ("group", &info.group),
            ("version", &info.version),
            ("resource", &info.resource),
            ("subresource", &info.subresource),
            ("name", &info.name),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let fields = fields.map(|(name, value)| (name.to_owned(), Value::from(value)));
        set("resourceAttributes", Value::Object(fields.collect()));
    } else {
        set("nonResourceAttributes", json!({"path": info.path, "verb": info.verb}));
    }
    json!({
        "kind": "SubjectAccessReview", "apiVersion": format!("authorization.k8s.io/{version}"),
        "metadata": {}, "spec": spec, "status": {"allowed": false},
    })
}

/// The opinion in an answer.
///
/// # Errors
/// When it is none.
pub(super) fn read(answer: &[u8]) -> Result<Opinion, String> {
    let answer: Value = serde_json::from_slice(answer)
        .map_err(|error| format!("the answer of the authorization webhook is no JSON: {error}"))?;
    if answer.text("kind") != "SubjectAccessReview" {
        return Err("the answer of the authorization webhook is no SubjectAccessReview".to_owned());
    }
    let status = answer.at("status");
    let is = |field: &str| status.at(field) == &Value::Bool(true);
    let reason = status.text("reason").to_owned();
    match (is("denied"), is("allowed")) {
        (true, true) => Err(format!(
            "webhook subject access review returned both allow and deny response (reason: {reason:?})"
        )),
        (true, false) => Ok(Opinion::Deny(reason)),
        (false, true) => Ok(Opinion::Allow(reason)),
        (false, false) if status.text("evaluationError").is_empty() => Ok(Opinion::None(reason)),
        (false, false) => Err(status.text("evaluationError").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_name_the_groups_in_their_own_way() {
        let user = User::new("jane", &["devs"]);
        let info = RequestInfo {
            is_resource: true,
            verb: "get".into(),
            version: "v1".to_owned(),
            resource: "pods".to_owned(),
            namespace: "n".to_owned(),
            ..RequestInfo::default()
        };
        let attributes = json!({"namespace": "n", "verb": "get", "version": "v1", "resource": "pods"});
        let spec = json!({"user": "jane", "groups": ["devs"], "resourceAttributes": attributes});
        assert_eq!(request("v1", &user, &info)["spec"], spec);
        let spec = json!({"user": "jane", "group": ["devs"], "resourceAttributes": attributes});
        assert_eq!(request("v1beta1", &user, &info)["spec"], spec);
        let path = RequestInfo { path: "/metrics".to_owned(), verb: "get".into(), ..RequestInfo::default() };
        assert_eq!(
            request("v1", &user, &path)["spec"]["nonResourceAttributes"],
            json!({"path": "/metrics", "verb": "get"})
        );
    }

    #[test]
    fn only_a_clear_answer_is_an_opinion() {
        let answer = |status: Value| {
            read(&serde_json::to_vec(&json!({"kind": "SubjectAccessReview", "status": status})).unwrap())
        };
        assert_eq!(answer(json!({"allowed": true, "reason": "r"})), Ok(Opinion::Allow("r".to_owned())));
        assert_eq!(answer(json!({"allowed": false, "denied": true})), Ok(Opinion::Deny(String::new())));
        assert_eq!(answer(json!({"allowed": false})), Ok(Opinion::None(String::new())));
        assert_eq!(answer(Value::Null), Ok(Opinion::None(String::new())));
        assert!(answer(json!({"allowed": true, "denied": true})).is_err());
        assert_eq!(answer(json!({"evaluationError": "broken"})), Err("broken".to_owned()));
        assert!(read(b"nonsense").is_err() && read(b"{\"kind\": \"Pod\"}").is_err());
    }
}
