//! Who may do what, as expressions ask it.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use podsec_cel::authorizer::{self, AuthorizerDecision, CheckTarget, Question};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::authorization::{Authorizer, Decision};
use crate::request::RequestInfo;
use crate::request::user::{ALL_AUTHENTICATED, User};

/// Answers questions about the user of a request and about service accounts.
pub(super) struct Rights {
    authorizer: Arc<Authorizer>,
    user: User,
}

impl Rights {
    /// For the expressions of a request by `user`.
    pub(super) fn of(authorizer: &Arc<Authorizer>, user: &User) -> Self {
        Self { authorizer: Arc::clone(authorizer), user: user.clone() }
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rights").field("user", &self.user.name).finish_non_exhaustive()
    }
}

impl authorizer::Authorizer for Rights {
    fn authorize(&self, question: &Question) -> AuthorizerDecision {
        let info = info(&question.verb, &question.target);
        let account = question.service_account.as_ref().map(|(namespace, name)| {
            let groups =
                ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), ALL_AUTHENTICATED];
            User::new(&format!("system:serviceaccount:{namespace}:{name}"), &groups)
        });
        let answer = self.authorizer.authorize(account.as_ref().unwrap_or(&self.user), &info);
        // Expressions run beside the workers of a runtime of many threads, where waiting holds up nobody.
        let handle = Handle::current();
        let answer = match handle.runtime_flavor() {
            RuntimeFlavor::MultiThread => Some(handle.block_on(answer)),
            _ => answer.now_or_never(),
        };
        match answer {
            Some(Decision::Allow(reason)) => AuthorizerDecision { allowed: true, reason, error: None },
            Some(Decision::Forbid(reason)) => AuthorizerDecision { allowed: false, reason, error: None },
            Some(Decision::Fail(error)) => {
                AuthorizerDecision { error: Some(error), ..AuthorizerDecision::default() }
            }
            None => {
                let error = "a runtime of one thread cannot wait for the store".to_owned();
                AuthorizerDecision { error: Some(error), ..AuthorizerDecision::default() }
            }
        }
    }
}

/// The request that a question is about.
fn info(verb: &str, target: &CheckTarget) -> RequestInfo {
    match target {
        CheckTarget::Path(path) => {
            RequestInfo { path: path.clone(), verb: verb.to_owned().into(), ..RequestInfo::default() }
        }
        CheckTarget::Resource(resource) => RequestInfo {
            is_resource: true,
            verb: verb.to_owned().into(),
            group: resource.group.clone(),
            version: "*".to_owned(),
            resource: resource.resource.clone(),
            subresource: resource.subresource.clone(),
            namespace: resource.namespace.clone(),
            name: resource.name.clone(),
            ..RequestInfo::default()
        },
    }
}
