//! `--authorization-mode`: which authorizers decide, in order.

use std::fmt;
use std::str::FromStr;

use podsec_apimachinery::quote::quoted;

/// An authorizer, by kube-apiserver's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationMode {
    /// Everything is allowed.
    AlwaysAllow,
    /// Everything is forbidden.
    AlwaysDeny,
    /// Nodes read what their pods need.
    Node,
    /// Roles and bindings.
    Rbac,
    /// A service outside.
    Webhook,
}

/// The authorizers that are asked, one after the other, until one allows the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationModes(Vec<AuthorizationMode>);

/// Why a list of modes cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationModesError {
    /// Kubernetes has no such mode.
    #[error("authorization-mode {} is not a valid mode: choose among {KNOWN}", quoted(.0))]
    Unknown(String),
    /// Kubernetes has it, podsec has not.
    #[error("authorization-mode {} is not in podsec: choose among {KNOWN}", quoted(.0))]
    Absent(String),
    /// A mode is there twice.
    #[error("authorization-mode {} has mode specified more than once", quoted(.0))]
    Twice(String),
    /// There is none.
    #[error("at least one authorization-mode must be passed: choose among {KNOWN}")]
    Empty,
}

const KNOWN: &str = "AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook";

impl AuthorizationModes {
    /// The modes of a flag.
    ///
    /// # Errors
    /// For names that are unknown or there twice, and for no name at all.
    pub fn select(names: &[String]) -> Result<Self, AuthorizationModesError> {
        let mut modes = Vec::new();
        for name in names {
            let mode = name.parse()?;
            if modes.contains(&mode) {
                return Err(AuthorizationModesError::Twice(name.clone()));
            }
            modes.push(mode);
        }
        if modes.is_empty() { Err(AuthorizationModesError::Empty) } else { Ok(Self(modes)) }
    }

    /// In the order in which they are asked.
    pub(crate) fn iter(&self) -> impl Iterator<Item = AuthorizationMode> {
        self.0.iter().copied()
    }

    /// Whether one of them is `mode`.
    pub fn contains(&self, mode: AuthorizationMode) -> bool {
        self.0.contains(&mode)
    }
}

impl Default for AuthorizationModes {
    /// What clusters made by kubeadm have.
    fn default() -> Self {
        Self(vec![AuthorizationMode::Node, AuthorizationMode::Rbac])
    }
}

impl FromStr for AuthorizationMode {
    type Err = AuthorizationModesError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "AlwaysAllow" => Ok(Self::AlwaysAllow),
            "AlwaysDeny" => Ok(Self::AlwaysDeny),
            "Node" => Ok(Self::Node),
            "RBAC" => Ok(Self::Rbac),
            "Webhook" => Ok(Self::Webhook),
            "ABAC" => Err(AuthorizationModesError::Absent(name.to_owned())),
            _ => Err(AuthorizationModesError::Unknown(name.to_owned())),
        }
    }
}

impl fmt::Display for AuthorizationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlwaysAllow => "AlwaysAllow",
            Self::AlwaysDeny => "AlwaysDeny",
            Self::Node => "Node",
            Self::Rbac => "RBAC",
            Self::Webhook => "Webhook",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_are_unknown_absent_or_there_twice_are_refused_by_name() {
        let select = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            AuthorizationModes::select(&names).map_err(|error| error.to_string())
        };
        assert_eq!(select(&["Node", "RBAC"]), Ok(AuthorizationModes::default()));
        let known = "choose among AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook";
        assert_eq!(
            select(&["rbac"]).unwrap_err(),
            format!("authorization-mode \"rbac\" is not a valid mode: {known}")
        );
        assert_eq!(
            select(&["RBAC", "ABAC"]).unwrap_err(),
            format!("authorization-mode \"ABAC\" is not in podsec: {known}")
        );
        assert_eq!(
            select(&["RBAC", "RBAC"]).unwrap_err(),
            "authorization-mode \"RBAC\" has mode specified more than once"
        );
        assert!(select(&[]).is_err());
    }
}
