//! A document into the parts of a configuration, strictly: nothing in it may go unread.

use podsec_standards::Policy;
use serde_json::Value;

use super::error::ConfigurationError;
use super::exemptions::Exemptions;
use super::object::Object;
use crate::labels::Policies;

const KIND: &str = "PodSecurityConfiguration";
const VERSIONS: [&str; 3] = [
    "pod-security.admission.config.k8s.io/v1",
    "pod-security.admission.config.k8s.io/v1beta1",
    "pod-security.admission.config.k8s.io/v1alpha1",
];

/// Reads a document of any of the three versions, which have the same fields.
pub(super) fn decode(document: &Value) -> Result<(Policies, Exemptions), ConfigurationError> {
    let mut unknown = Vec::new();
    let document = Object::root(document)?;
    document.expect_kind(KIND, &VERSIONS)?;
    document.unknown(&["apiVersion", "kind", "defaults", "exemptions"], &mut unknown);

    let defaults = document.object("defaults")?;
    let mode = |level: &str, version: &str| -> Result<ModeDefaults, ConfigurationError> {
        Ok(ModeDefaults { level: defaults.text(level)?, version: defaults.text(version)? })
    };
    let enforce = mode("enforce", "enforce-version")?;
    let audit = mode("audit", "audit-version")?;
    let warn = mode("warn", "warn-version")?;
    defaults.unknown(
        &["enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version"],
        &mut unknown,
    );

    let exemptions = document.object("exemptions")?;
    let namespaces = exemptions.texts("namespaces")?;
    let runtime_classes = exemptions.texts("runtimeClasses")?;
    let usernames = exemptions.texts("usernames")?;
    exemptions.unknown(&["namespaces", "runtimeClasses", "usernames"], &mut unknown);

    if !unknown.is_empty() {
        return Err(ConfigurationError::UnknownFields(unknown));
    }
    let mut errors = Vec::new();
    let defaults = Policies {
        enforce: enforce.policy("enforce", &mut errors),
        audit: audit.policy("audit", &mut errors),
        warn: warn.policy("warn", &mut errors),
    };
    if !errors.is_empty() {
        return Err(ConfigurationError::Defaults(errors));
    }
    let exemptions = Exemptions::new(namespaces, runtime_classes, usernames)?;
    Ok((defaults, exemptions))
}

/// The two fields of one mode under `defaults`, as far as they are set.
#[derive(Default)]
struct ModeDefaults {
    level: Option<String>,
    version: Option<String>,
}

impl ModeDefaults {
    /// The policy; what is unset or empty is privileged and latest.
    fn policy(&self, mode: &str, errors: &mut Vec<String>) -> Policy {
        let unset = Policies::PRIVILEGED.enforce;
        Policy::new(
            read(self.level.as_deref(), unset.level, mode, errors),
            read(self.version.as_deref(), unset.version, &format!("{mode}-version"), errors),
        )
    }
}

fn read<T>(text: Option<&str>, unset: T, field: &str, errors: &mut Vec<String>) -> T
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match text.filter(|text| !text.is_empty()).map(str::parse) {
        None => unset,
        Some(Ok(value)) => value,
        Some(Err(error)) => {
            errors.push(format!("{field}: {error}"));
            unset
        }
    }
}
