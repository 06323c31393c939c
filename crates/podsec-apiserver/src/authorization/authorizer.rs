//! The authorizers, asked one after the other, and what they keep between requests.

use std::sync::Arc;

use podsec_rbac::{PolicyRule, RuleResolver};
use podsec_storage::Error;
use serde_json::{Value, json};

use super::decision::{Decision, attributes, rbac_user};
use super::modes::{AuthorizationMode, AuthorizationModes};
use super::node;
use super::roles::Roles;
use super::webhook::{AuthorizationWebhook, Opinion};
use crate::registry::Resources;
use crate::request::user::MASTERS;
use crate::request::{RequestInfo, User};

/// The authorizers.
pub(crate) struct Authorizer {
    modes: AuthorizationModes,
    roles: Roles,
    resources: Resources,
    webhook: Option<AuthorizationWebhook>,
}

impl Authorizer {
    /// Those of `modes`, which find roles, pods and what else they need among `resources`.
    pub(crate) fn new(modes: AuthorizationModes, resources: Resources) -> Self {
        Self { modes, roles: Roles::default(), resources, webhook: None }
    }

    /// The same modes with a service that is asked where they have Webhook.
    #[must_use]
    pub(crate) fn with_webhook(&self, webhook: AuthorizationWebhook) -> Self {
        Self { webhook: Some(webhook), ..Self::new(self.modes.clone(), self.resources.clone()) }
    }

    /// What the service says of a request.
    async fn ask_webhook(&self, user: &User, info: &RequestInfo) -> Result<Opinion, String> {
        let webhook = self.webhook.as_ref();
        let webhook = webhook.ok_or("authorization-mode Webhook's authorization config file not passed")?;
        // Boxed: few servers have one, and every request would carry its room.
        Box::pin(webhook.decide(user, info)).await
    }

    /// Whether everybody may do everything: then nobody is anonymous.
    pub(crate) fn allows_all(&self) -> bool {
        self.modes.contains(AuthorizationMode::AlwaysAllow)
    }

    /// Decides whether `user` may send the request `info` describes.
    pub(crate) async fn authorize(&self, user: &User, info: &RequestInfo) -> Decision {
        if user.is_in(MASTERS) {
            return Decision::Allow(String::new());
        }
        let (mut reasons, mut errors): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for mode in self.modes.iter() {
            let decision = match mode {
                AuthorizationMode::AlwaysAllow => Decision::Allow(String::new()),
                AuthorizationMode::AlwaysDeny => Decision::Forbid("Everything is forbidden.".to_owned()),
                AuthorizationMode::Node => node::decide(&self.resources, user, info).await,
                AuthorizationMode::Rbac => self.by_roles(user, info).await,
                AuthorizationMode::Webhook => match self.ask_webhook(user, info).await {
                    Ok(Opinion::Allow(reason)) => Decision::Allow(reason),
                    // Whoever comes after is not asked any more.
                    Ok(Opinion::Deny(reason)) => return Decision::Forbid(reason),
                    Ok(Opinion::None(reason)) => Decision::Forbid(reason),
                    Err(error) => Decision::Fail(error),
                },
            };
            match decision {
                Decision::Allow(reason) => return Decision::Allow(reason),
                Decision::Forbid(reason) if !reason.is_empty() => reasons.push(reason),
                Decision::Forbid(_) => {}
                Decision::Fail(error) => errors.push(error),
            }
        }
        match errors.as_slice() {
            [] => Decision::Forbid(reasons.join("\n")),
            [error] => Decision::Fail(error.clone()),
            errors => Decision::Fail(format!("[{}]", errors.join(", "))),
        }
    }

    async fn by_roles(&self, user: &User, info: &RequestInfo) -> Decision {
        match self.policy().await {
            Ok(policy) => match policy.decide(&rbac_user(user), &attributes(info)) {
                podsec_rbac::Decision::Allow(reason) => Decision::Allow(reason),
                podsec_rbac::Decision::NoOpinion(reason) => Decision::Forbid(reason),
            },
            Err(error) => Decision::Forbid(format!("RBAC: the roles cannot be read: {error}")),
        }
    }

    /// What all roles and bindings say now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn policy(&self) -> Result<Arc<RuleResolver>, Error> {
        self.roles.current(self.resources.store()).await
    }

    /// The status of a `SelfSubjectRulesReview`: everything that `user` may do in a namespace.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn rules(&self, user: &User, namespace: &str) -> Result<Value, Error> {
        let mut rules: Vec<PolicyRule> = Vec::new();
        let mut errors: Vec<String> = Vec::new();
        let mut incomplete = false;
        for mode in self.modes.iter() {
            match mode {
                AuthorizationMode::AlwaysAllow => rules.extend(podsec_rbac::escalation::full_authority()),
                AuthorizationMode::Node if node::name(user).is_some() => {
                    incomplete = true;
                    errors.push("node authorizer does not support user rule resolution".to_owned());
                }
                AuthorizationMode::Node | AuthorizationMode::AlwaysDeny => {}
                AuthorizationMode::Webhook => {
                    incomplete = true;
                    errors.push("webhook authorizer does not support user rule resolution".to_owned());
                }
                AuthorizationMode::Rbac => {
                    let policy = self.policy().await?;
                    let found = policy.rules(&rbac_user(user), namespace);
                    rules.extend(found.rules.into_iter().cloned());
                    errors.extend((!found.error.is_empty()).then_some(found.error));
                }
            }
        }
        let resources: Vec<Value> =
            rules.iter().filter(|rule| !rule.resources.is_empty()).map(resource_rule).collect();
        let paths = rules.iter().filter(|rule| !rule.non_resource_urls.is_empty());
        let paths: Vec<Value> = paths
            .map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.non_resource_urls}))
            .collect();
        let mut status =
            json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": incomplete});
        if !errors.is_empty() {
            status["evaluationError"] = errors.join(", ").into();
        }
        Ok(status)
    }
}

fn resource_rule(rule: &PolicyRule) -> Value {
    let mut value = json!({"verbs": rule.verbs, "resources": rule.resources});
    if !rule.api_groups.is_empty() {
        value["apiGroups"] = json!(rule.api_groups);
    }
    if !rule.resource_names.is_empty() {
        value["resourceNames"] = json!(rule.resource_names);
    }
    value
}
