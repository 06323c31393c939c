//! `--enable-admission-plugins` and `--disable-admission-plugins`: which of kube-apiserver's plugins run.

use std::collections::BTreeSet;

use podsec_apimachinery::quote::quoted;

/// The admission plugins that run, by kube-apiserver's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins(BTreeSet<&'static str>);

/// Why a list of plugins cannot be used, in kube-apiserver's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PluginsError {
    /// Kubernetes has no such plugin.
    #[error("{flag} plugin {} is unknown", quoted(name))]
    Unknown {
        /// The flag without its dashes.
        flag: &'static str,
        /// What it names.
        name: String,
    },
    /// Both flags name the same plugins.
    #[error("[{}] in enable-admission-plugins and disable-admission-plugins overlapped", .0.join(" "))]
    Overlap(Vec<String>),
}

impl Plugins {
    /// The plugins that run without any flag.
    pub fn standard() -> Self {
        Self(RUN_HERE.iter().copied().collect())
    }

    /// The plugins that run when `enable` and `disable` are named by the flags. Enabling a plugin that Kubernetes has
    /// and podsec has not changes nothing; [`Plugins::absent`] tells of it.
    ///
    /// # Errors
    /// For a name that Kubernetes does not know, and for one in both lists.
    pub fn select(enable: &[String], disable: &[String]) -> Result<Self, PluginsError> {
        for (flag, names) in [("enable-admission-plugins", enable), ("disable-admission-plugins", disable)] {
            if let Some(name) = names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
                return Err(PluginsError::Unknown { flag, name: name.clone() });
            }
        }
        let enabled: BTreeSet<&String> = enable.iter().collect();
        let overlap: Vec<String> = disable
            .iter()
            .collect::<BTreeSet<_>>()
            .intersection(&enabled)
            .map(|name| (*name).clone())
            .collect();
        if !overlap.is_empty() {
            return Err(PluginsError::Overlap(overlap));
        }
        let mut plugins = Self::standard();
        plugins.0.retain(|name| !disable.iter().any(|disabled| disabled == name));
        Ok(plugins)
    }

    /// Those of `enable` that podsec does not have.
    pub fn absent(enable: &[String]) -> impl Iterator<Item = &str> {
        enable.iter().map(String::as_str).filter(|name| !RUN_HERE.contains(name))
    }

    /// Whether a plugin runs.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self::standard()
    }
}

pub(crate) const NAMESPACE_LIFECYCLE: &str = "NamespaceLifecycle";
pub(crate) const PRIORITY: &str = "Priority";
pub(crate) const DEFAULT_TOLERATION_SECONDS: &str = "DefaultTolerationSeconds";
pub(crate) const POD_SECURITY: &str = "PodSecurity";
pub(crate) const MUTATING_ADMISSION_WEBHOOK: &str = "MutatingAdmissionWebhook";
pub(crate) const VALIDATING_ADMISSION_WEBHOOK: &str = "ValidatingAdmissionWebhook";

/// The plugins that podsec has. All of them are on by default in kube-apiserver too.
const RUN_HERE: &[&str] = &[
    NAMESPACE_LIFECYCLE,
    PRIORITY,
    DEFAULT_TOLERATION_SECONDS,
    POD_SECURITY,
    MUTATING_ADMISSION_WEBHOOK,
    VALIDATING_ADMISSION_WEBHOOK,
];

/// Every plugin that kube-apiserver v1.37 knows, in its order.
const KNOWN: &[&str] = &[
    "AlwaysAdmit",
    "NamespaceAutoProvision",
    NAMESPACE_LIFECYCLE,
    "NamespaceExists",
    "LimitPodHardAntiAffinityTopology",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "AlwaysPullImages",
    "ImagePolicyWebhook",
    POD_SECURITY,
    "PodNodeSelector",
    PRIORITY,
    DEFAULT_TOLERATION_SECONDS,
    "PodTolerationRestriction",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PodGroupProtection",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "DenyServiceExternalIPs",
    "PodTopologyLabels",
    "PodGroupWorkloadExists",
    "NodeDeclaredFeatureValidator",
    "JobValidation",
    "PodResizeValidator",
    "MutatingAdmissionPolicy",
    MUTATING_ADMISSION_WEBHOOK,
    "ValidatingAdmissionPolicy",
    VALIDATING_ADMISSION_WEBHOOK,
    "ResourceQuota",
    "AlwaysDeny",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_disabled_plugin_does_not_run_and_the_others_do() {
        let plugins = Plugins::select(&[], &names(&[POD_SECURITY])).unwrap();
        assert!(!plugins.runs(POD_SECURITY));
        assert!(plugins.runs(NAMESPACE_LIFECYCLE) && plugins.runs(VALIDATING_ADMISSION_WEBHOOK));
    }

    #[test]
    fn unknown_and_contradictory_names_are_refused_in_kubernetes_words() {
        let error = |enable: &[&str], disable: &[&str]| {
            Plugins::select(&names(enable), &names(disable)).unwrap_err().to_string()
        };
        assert_eq!(
            error(&["PodSecurityPolicy"], &[]),
            r#"enable-admission-plugins plugin "PodSecurityPolicy" is unknown"#
        );
        assert_eq!(
            error(&[], &["podsecurity"]),
            r#"disable-admission-plugins plugin "podsecurity" is unknown"#
        );
        assert_eq!(
            error(&["PodSecurity", "Priority", "NodeRestriction"], &["Priority", "PodSecurity"]),
            "[PodSecurity Priority] in enable-admission-plugins and disable-admission-plugins overlapped"
        );
    }

    #[test]
    fn a_plugin_of_kubernetes_that_is_not_here_is_told_of() {
        let enable = names(&["NodeRestriction", "PodSecurity"]);
        assert_eq!(Plugins::select(&enable, &[]), Ok(Plugins::standard()));
        assert_eq!(Plugins::absent(&enable).collect::<Vec<_>>(), ["NodeRestriction"]);
    }
}
