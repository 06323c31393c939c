//! What authorizers answer, and how they are asked.

use podsec_rbac::{Attributes, Target};

use crate::request::RequestInfo;
use crate::request::User;

/// Whether a user may do something, and why. The reason goes into the audit log; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Yes.
    Allow(String),
    /// No authorizer says so.
    Forbid(String),
    /// No authorizer says so, and one could not be asked: why not.
    Fail(String),
}

impl Decision {
    /// Whether it is a yes.
    pub(crate) fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// The user as podsec-rbac knows it.
pub(crate) fn rbac_user(user: &User) -> podsec_rbac::Requester<'_> {
    podsec_rbac::Requester { name: &user.name, groups: &user.groups }
}

/// The request as podsec-rbac knows it.
pub(super) fn attributes(info: &RequestInfo) -> Attributes<'_> {
    let target = if info.is_resource {
        Target::Resource {
            group: &info.group,
            resource: &info.resource,
            subresource: &info.subresource,
            namespace: &info.namespace,
            name: &info.name,
        }
    } else {
        Target::Path(&info.path)
    };
    Attributes { verb: &info.verb, target }
}
