//! Namespace labels to policies: which level and version each mode applies, and what is wrong with the labels.

use std::fmt;
use std::str::FromStr;

use podsec_apimachinery::field;
use podsec_apimachinery::quote::quoted;
use podsec_standards::{InvalidLevel, InvalidVersion, Level, Policy, Version};

/// What the keys of all Pod Security labels and audit annotations begin with.
pub const PREFIX: &str = "pod-security.kubernetes.io/";

/// The label of the enforced level.
pub const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// The label of the enforced level's version.
pub const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";
/// The label of the audited level.
pub const AUDIT: &str = "pod-security.kubernetes.io/audit";
/// The label of the audited level's version.
pub const AUDIT_VERSION: &str = "pod-security.kubernetes.io/audit-version";
/// The label of the level warned about.
pub const WARN: &str = "pod-security.kubernetes.io/warn";
/// The label of the version of the level warned about.
pub const WARN_VERSION: &str = "pod-security.kubernetes.io/warn-version";

/// The policies of the three modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// What a pod must satisfy to be admitted.
    pub enforce: Policy,
    /// What is noted in the audit log when it is not satisfied.
    pub audit: Policy,
    /// What the caller is warned about when it is not satisfied.
    pub warn: Policy,
}

impl Policies {
    /// Privileged in its latest version, in all modes: what holds where nothing is configured.
    pub const PRIVILEGED: Self = {
        let policy = Policy::new(Level::Privileged, Version::Latest);
        Self { enforce: policy, audit: policy, warn: policy }
    };

    /// Whether no mode restricts anything.
    pub fn are_privileged(&self) -> bool {
        self.modes().all(|(_, policy)| policy.level == Level::Privileged)
    }

    /// Whether both restrict the same: any two versions of the privileged level do.
    pub fn are_equivalent(&self, other: &Self) -> bool {
        self.modes()
            .zip(other.modes())
            .all(|((_, a), (_, b))| a == b || (a.level == Level::Privileged && b.level == Level::Privileged))
    }

    /// Each mode with its policy, the enforced one first.
    pub fn modes(&self) -> impl Iterator<Item = (Mode, Policy)> {
        [(Mode::Enforce, self.enforce), (Mode::Audit, self.audit), (Mode::Warn, self.warn)].into_iter()
    }
}

/// What happens to a pod that violates a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The audit log notes it.
    Audit,
    /// The request is refused.
    Enforce,
    /// The caller is warned.
    Warn,
}

impl Mode {
    /// The mode as labels and metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Enforce => "enforce",
            Self::Warn => "warn",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The Pod Security labels of a namespace, read once.
///
/// Whoever keeps a namespace's labels in memory keeps this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceLabels {
    enforce: Setting,
    audit: Setting,
    warn: Setting,
}

/// The two labels of one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Setting {
    level: Option<Result<Level, String>>,
    version: Option<Result<Version, String>>,
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for NamespaceLabels {
    /// Reads the Pod Security labels among all labels of a namespace. Unknown keys mean nothing, even under
    /// Pod Security's prefix.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Self {
        let mut read = Self::default();
        for (key, value) in labels {
            let value = value.as_ref();
            match key.as_ref() {
                ENFORCE => read.enforce.level = Some(parsed(value)),
                ENFORCE_VERSION => read.enforce.version = Some(parsed(value)),
                AUDIT => read.audit.level = Some(parsed(value)),
                AUDIT_VERSION => read.audit.version = Some(parsed(value)),
                WARN => read.warn.level = Some(parsed(value)),
                WARN_VERSION => read.warn.version = Some(parsed(value)),
                _ => {}
            }
        }
        read
    }
}

impl NamespaceLabels {
    /// The policies that hold in the namespace: its labels, and `defaults` for what they leave open.
    ///
    /// An enforce level that is none means restricted; audit and warn levels that are none mean privileged; a
    /// version that is none means latest. Where only the enforce level is set and it is stricter than the
    /// default warn level, warn follows it (and its version, unless warn has its own).
    pub fn policies(&self, defaults: &Policies) -> Policies {
        let mut policies = Policies {
            enforce: self.enforce.policy(defaults.enforce, Level::Restricted),
            audit: self.audit.policy(defaults.audit, Level::Privileged),
            warn: self.warn.policy(defaults.warn, Level::Privileged),
        };
        let enforce_is_set = matches!(self.enforce.level, Some(Ok(_)));
        if enforce_is_set && self.warn.level.is_none() && policies.warn.level < policies.enforce.level {
            policies.warn.level = policies.enforce.level;
            if self.warn.version.is_none() {
                policies.warn.version = policies.enforce.version;
            }
        }
        policies
    }

    /// Whether all labels could be read.
    pub fn are_valid(&self) -> bool {
        [&self.enforce, &self.audit, &self.warn]
            .into_iter()
            .all(|setting| !matches!(setting.level, Some(Err(_))) && !matches!(setting.version, Some(Err(_))))
    }

    /// What is wrong with the labels, in Kubernetes' words and order.
    pub fn errors(&self) -> Vec<field::Error> {
        [
            self.enforce.errors(ENFORCE, ENFORCE_VERSION),
            self.audit.errors(AUDIT, AUDIT_VERSION),
            self.warn.errors(WARN, WARN_VERSION),
        ]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
    }

    /// Whether the namespace has a label for the mode, its level or its version.
    pub fn set(&self, mode: Mode) -> bool {
        let setting = match mode {
            Mode::Audit => &self.audit,
            Mode::Enforce => &self.enforce,
            Mode::Warn => &self.warn,
        };
        setting.level.is_some() || setting.version.is_some()
    }
}

impl Setting {
    fn policy(&self, default: Policy, fallback: Level) -> Policy {
        Policy {
            level: match self.level {
                None => default.level,
                Some(Ok(level)) => level,
                Some(Err(_)) => fallback,
            },
            version: match self.version {
                None => default.version,
                Some(Ok(version)) => version,
                Some(Err(_)) => Version::Latest,
            },
        }
    }

    fn errors(&self, level_key: &str, version_key: &str) -> [Option<field::Error>; 2] {
        [
            self.level.as_ref().and_then(|level| invalid(level_key, level, &InvalidLevel)),
            self.version.as_ref().and_then(|version| invalid(version_key, version, &InvalidVersion)),
        ]
    }
}

fn parsed<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| value.to_owned())
}

fn invalid<T>(key: &str, setting: &Result<T, String>, detail: &dyn fmt::Display) -> Option<field::Error> {
    let value = setting.as_ref().err()?;
    Some(field::Error {
        path: field::Path::new("metadata").child("labels").key(key),
        cause: field::Cause::Invalid,
        message: format!("Invalid value: {}: {detail}", quoted(value)),
    })
}
