//! Whom no policy binds: users, namespaces, runtime classes.

use std::collections::HashSet;

use podsec_apimachinery::field::{self, Cause, Path};
use podsec_apimachinery::name::{dns1123_label, dns1123_subdomain};
use podsec_apimachinery::quote::quoted;

use super::error::ConfigurationError;

/// Whom no policy binds. Every name is one that could exist, and stands here once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemptions {
    namespaces: HashSet<String>,
    runtime_classes: HashSet<String>,
    usernames: HashSet<String>,
}

impl Exemptions {
    /// The exemptions as configured.
    ///
    /// # Errors
    /// When a name stands there twice, or is none that a namespace, a runtime class or a user can have.
    pub fn new(
        namespaces: Vec<String>,
        runtime_classes: Vec<String>,
        usernames: Vec<String>,
    ) -> Result<Self, ConfigurationError> {
        let mut errors = Vec::new();
        let exemptions = Self {
            namespaces: checked("namespaces", namespaces, dns1123_label, &mut errors),
            runtime_classes: checked("runtimeClasses", runtime_classes, dns1123_subdomain, &mut errors),
            usernames: checked("usernames", usernames, username, &mut errors),
        };
        if errors.is_empty() { Ok(exemptions) } else { Err(ConfigurationError::Exemptions(errors)) }
    }

    /// Whether everything in this namespace is exempt.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// Whether pods of this runtime class are exempt.
    pub fn has_runtime_class(&self, name: &str) -> bool {
        self.runtime_classes.contains(name)
    }

    /// Whether everything that this user does is exempt.
    pub fn has_username(&self, name: &str) -> bool {
        self.usernames.contains(name)
    }
}

fn checked(
    list: &str,
    names: Vec<String>,
    check: impl Fn(&str) -> Vec<String>,
    errors: &mut Vec<field::Error>,
) -> HashSet<String> {
    let mut valid = HashSet::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let wrong = check(&name);
        let (cause, message) = if !wrong.is_empty() {
            (Cause::Invalid, format!("Invalid value: {}: {}", quoted(&name), wrong.join(", ")))
        } else if valid.contains(&name) {
            (Cause::Duplicate, format!("Duplicate value: {}", quoted(&name)))
        } else {
            valid.insert(name);
            continue;
        };
        errors.push(field::Error { path: Path::new("exemptions").child(list).index(index), cause, message });
    }
    valid
}

fn username(name: &str) -> Vec<String> {
    if name.is_empty() { vec!["username must not be empty".to_owned()] } else { Vec::new() }
}
