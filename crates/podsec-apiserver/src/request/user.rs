//! Users and the groups that mean something to the server.

use std::collections::BTreeMap;

/// A user as Kubernetes sees one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The uid, often empty.
    pub uid: String,
    /// The groups, `system:authenticated` or `system:unauthenticated` last.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user with a name and groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { name: name.to_owned(), groups, ..Self::default() }
    }

    /// Whether the user belongs to `group`.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|candidate| candidate == group)
    }

    /// Adds `system:authenticated`, unless the user is anonymous or has it.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        if self.name == ANONYMOUS {
            if !self.is_in(ALL_UNAUTHENTICATED) {
                self.groups.push(ALL_UNAUTHENTICATED.to_owned());
            }
        } else if !self.is_in(ALL_AUTHENTICATED) && !self.is_in(ALL_UNAUTHENTICATED) {
            self.groups.push(ALL_AUTHENTICATED.to_owned());
        }
        self
    }
}

/// The user of a request without credentials.
pub(crate) const ANONYMOUS: &str = "system:anonymous";
/// The group of everyone with credentials.
pub(crate) const ALL_AUTHENTICATED: &str = "system:authenticated";
/// The group of everyone without.
pub(crate) const ALL_UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";
