//! An authorizer to try expressions on; its rules stand in the command's help.

use podsec_cel::authorizer::{Authorizer, AuthorizerDecision, CheckTarget, Question};

/// Answers by a few fixed rules.
#[derive(Debug)]
pub(super) struct Example;

impl Authorizer for Example {
    fn authorize(&self, question: &Question) -> AuthorizerDecision {
        let allowed = |reason: String| AuthorizerDecision { allowed: true, reason, error: None };
        let resource = match &question.target {
            CheckTarget::Path(path) if path == "/healthz" && question.verb == "get" => {
                return allowed("health".to_owned());
            }
            CheckTarget::Path(_) => return AuthorizerDecision::default(),
            CheckTarget::Resource(resource) => resource,
        };
        match resource.resource.as_str() {
            "broken" => {
                let error = Some("authorizer backend failed".to_owned());
                return AuthorizerDecision { error, ..AuthorizerDecision::default() };
            }
            "forbidden" => {
                return AuthorizerDecision {
                    reason: "denied by rule".to_owned(),
                    ..AuthorizerDecision::default()
                };
            }
            _ => {}
        }
        let get = question.verb == "get";
        if let Some((namespace, name)) = &question.service_account {
            let builder = (namespace.as_str(), name.as_str()) == ("default", "builder");
            return if builder && get && resource.resource == "secrets" {
                allowed("builder reads secrets".to_owned())
            } else {
                AuthorizerDecision::default()
            };
        }
        if !(get && resource.resource == "pods") {
            return AuthorizerDecision::default();
        }
        allowed(if !resource.field_selector.is_empty() {
            format!("fields {}", resource.field_selector)
        } else if !resource.label_selector.is_empty() {
            format!("labels {}", resource.label_selector)
        } else {
            format!("pods in {}", resource.namespace)
        })
    }
}
