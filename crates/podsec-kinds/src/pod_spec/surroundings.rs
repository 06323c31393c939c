//! What the rules of a container look at outside of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::Fields;

/// What of the pod a container's rules look at.
pub(super) struct Surroundings<'a> {
    /// The valid volumes by name.
    pub(super) volumes: BTreeMap<&'a str, &'a Value>,
    /// The names of the pod's resource claims.
    pub(super) claims: BTreeSet<&'a str>,
    /// How long the pod may take to end.
    pub(super) grace_period: Option<i64>,
    /// Whether containers share the host's users.
    pub(super) host_users: bool,
    /// The pod's restart policy.
    pub(super) restart_policy: &'a str,
}

impl<'a> Surroundings<'a> {
    /// The surroundings of the containers of `spec`.
    pub(super) fn new(spec: &'a Value, volumes: BTreeMap<&'a str, &'a Value>) -> Self {
        let claims = spec.list("resourceClaims").iter().map(|claim| claim.text("name"));
        Self {
            volumes,
            claims: claims.filter(|name| !name.is_empty()).collect(),
            grace_period: spec.integer("terminationGracePeriodSeconds"),
            host_users: spec.at("hostUsers").as_bool().unwrap_or(true),
            restart_policy: spec.text("restartPolicy"),
        }
    }
}
