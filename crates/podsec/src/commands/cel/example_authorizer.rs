//! An authorizer to try expressions on; its rules stand in the command's help.

use podsec_cel::authorizer::{Authorizer, Decision, Question, Target};

/// Answers by a few fixed rules.
#[derive(Debug)]
pub(super) struct Example;

impl Authorizer for Example {
    fn authorize(&self, question: &Question) -> Decision {
        let allowed = |reason: String| Decision { allowed: true, reason, error: None };
        let resource = match &question.target {
            Target::Path(path) if path == "/healthz" && question.verb == "get" => {
                return allowed("health".to_owned());
            }
            Target::Path(_) => return Decision::default(),
            Target::Resource(resource) => resource,
        };
        match resource.resource.as_str() {
            "broken" => {
                let error = Some("authorizer backend failed".to_owned());
                return Decision { error, ..Decision::default() };
            }
            "forbidden" => return Decision { reason: "denied by rule".to_owned(), ..Decision::default() },
            _ => {}
        }
        let get = question.verb == "get";
        if let Some((namespace, name)) = &question.service_account {
            let builder = (namespace.as_str(), name.as_str()) == ("default", "builder");
            return if builder && get && resource.resource == "secrets" {
                allowed("builder reads secrets".to_owned())
            } else {
                Decision::default()
            };
        }
        if !(get && resource.resource == "pods") {
            return Decision::default();
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
