//! Questions about rights that an expression puts together, and who answers them.

use std::fmt::Debug;
use std::sync::Arc;

/// Answers questions about rights.
pub trait Authorizer: Debug + Send + Sync {
    /// The answer to one question.
    fn authorize(&self, question: &Question) -> AuthorizerDecision;
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Namespace and name of the service account that is asked about; `None` for who makes the request.
    pub service_account: Option<(String, String)>,
    /// What is to be done.
    pub verb: String,
    /// With what.
    pub target: CheckTarget,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckTarget {
    /// A path that is no resource.
    Path(String),
    /// A resource.
    Resource(CheckedResource),
}

/// A resource; what is empty is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a resource in a SubjectAccessReview")]
pub struct CheckedResource {
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub field_selector: String,
    pub label_selector: String,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizerDecision {
    /// Whether it is allowed. What nobody has an opinion on is not.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// What kept the authorizer from answering.
    pub error: Option<String>,
}

/// A question as far as it has been put together.
#[derive(Clone, Debug)]
pub struct AuthorizerCheck {
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) service_account: Option<(String, String)>,
    pub(crate) stage: Stage,
}

/// How far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Whose rights are asked about.
    User,
    /// A path.
    Path(String),
    /// A group of resources.
    Group(String),
    /// A resource.
    Resource(CheckedResource),
}

impl AuthorizerCheck {
    /// The variable `authorizer`: a question about who makes the request.
    pub fn of_user(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer, service_account: None, stage: Stage::User }
    }

    /// The variable `authorizer.requestResource`: a question about the resource of the request.
    pub fn of_resource(authorizer: Arc<dyn Authorizer>, resource: CheckedResource) -> Self {
        Self { authorizer, service_account: None, stage: Stage::Resource(resource) }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.stage {
            Stage::User => "kubernetes.authorization.Authorizer",
            Stage::Path(_) => "kubernetes.authorization.PathCheck",
            Stage::Group(_) => "kubernetes.authorization.GroupCheck",
            Stage::Resource(_) => "kubernetes.authorization.ResourceCheck",
        }
    }

    pub(crate) fn ask(&self, verb: &str) -> Option<AuthorizerDecision> {
        let target = match &self.stage {
            Stage::Path(path) => CheckTarget::Path(path.clone()),
            Stage::Resource(resource) => CheckTarget::Resource(resource.clone()),
            Stage::User | Stage::Group(_) => return None,
        };
        let question =
            Question { service_account: self.service_account.clone(), verb: verb.to_owned(), target };
        Some(self.authorizer.authorize(&question))
    }
}

impl PartialEq for AuthorizerCheck {
    fn eq(&self, other: &Self) -> bool {
        self.service_account == other.service_account && self.stage == other.stage
    }
}
