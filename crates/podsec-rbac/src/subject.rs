//! To whom a binding gives a role.

use std::fmt;

use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::json::text;

/// The kinds of subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// One user, by name.
    User,
    /// All users of a group.
    Group,
    /// One service account.
    ServiceAccount,
}

/// A subject of a binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
    /// The namespace of a service account: that of the binding, when the subject names none.
    pub namespace: String,
}

impl Subject {
    /// Reads a subject of a binding in `namespace`; `None` for a kind that Kubernetes does not know, which is nobody.
    pub fn read(subject: &Value, namespace: &str) -> Option<Self> {
        let kind = match text(subject, "/kind") {
            "User" => SubjectKind::User,
            "Group" => SubjectKind::Group,
            "ServiceAccount" => SubjectKind::ServiceAccount,
            _ => return None,
        };
        let own = text(subject, "/namespace");
        let namespace = match kind {
            SubjectKind::ServiceAccount if own.is_empty() => namespace,
            _ => own,
        };
        Some(Self { kind, name: text(subject, "/name").to_owned(), namespace: namespace.to_owned() })
    }

    /// The name of the user that a service account is, or of the user.
    pub(crate) fn user_name(&self) -> Option<String> {
        match self.kind {
            SubjectKind::User => Some(self.name.clone()),
            SubjectKind::Group => None,
            SubjectKind::ServiceAccount if self.namespace.is_empty() => None,
            SubjectKind::ServiceAccount => {
                Some(format!("system:serviceaccount:{}:{}", self.namespace, self.name))
            }
        }
    }
}

/// As a reason names a subject: `User "jane"`, `ServiceAccount "robot/dev"`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SubjectKind::User => write!(f, "User {}", quoted(&self.name)),
            SubjectKind::Group => write!(f, "Group {}", quoted(&self.name)),
            SubjectKind::ServiceAccount => {
                write!(f, "ServiceAccount {}", quoted(&format!("{}/{}", self.name, self.namespace)))
            }
        }
    }
}
