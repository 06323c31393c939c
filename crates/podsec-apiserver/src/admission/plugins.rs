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
    /// Kubernetes has such a plugin, and podsec has not.
    #[error("enable-admission-plugins plugin {} is not a part of podsec: start without it", quoted(.0))]
    Absent(String),
    /// Both flags name the same plugins.
    #[error("[{}] in enable-admission-plugins and disable-admission-plugins overlapped", .0.join(" "))]
    Overlap(Vec<String>),
}

impl Plugins {
    /// The plugins that run without any flag.
    pub fn standard() -> Self {
        Self(BUILT.iter().copied().filter(|name| !ON_DEMAND.contains(name)).collect())
    }

    /// The plugins that run when `enable` and `disable` are named by the flags.
    ///
    /// # Errors
    /// For a name that Kubernetes does not know, for one in both lists, and for one to enable that podsec does not have.
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
        for name in enable {
            let built = BUILT.iter().find(|built| *built == name);
            plugins.0.insert(built.ok_or_else(|| PluginsError::Absent(name.clone()))?);
        }
        plugins.0.retain(|name| !disable.iter().any(|disabled| disabled == name));
        Ok(plugins)
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
pub(crate) const LIMIT_RANGER: &str = "LimitRanger";
pub(crate) const SERVICE_ACCOUNT: &str = "ServiceAccount";
pub(crate) const NODE_RESTRICTION: &str = "NodeRestriction";
pub(crate) const TAINT_NODES_BY_CONDITION: &str = "TaintNodesByCondition";
pub(crate) const ALWAYS_PULL_IMAGES: &str = "AlwaysPullImages";
pub(crate) const POD_SECURITY: &str = "PodSecurity";
pub(crate) const POD_NODE_SELECTOR: &str = "PodNodeSelector";
pub(crate) const PRIORITY: &str = "Priority";
pub(crate) const DEFAULT_TOLERATION_SECONDS: &str = "DefaultTolerationSeconds";
pub(crate) const DEFAULT_STORAGE_CLASS: &str = "DefaultStorageClass";
pub(crate) const STORAGE_OBJECT_IN_USE_PROTECTION: &str = "StorageObjectInUseProtection";
pub(crate) const OWNER_REFERENCES_PERMISSION_ENFORCEMENT: &str = "OwnerReferencesPermissionEnforcement";
pub(crate) const PERSISTENT_VOLUME_CLAIM_RESIZE: &str = "PersistentVolumeClaimResize";
pub(crate) const RUNTIME_CLASS: &str = "RuntimeClass";
pub(crate) const CERTIFICATE_APPROVAL: &str = "CertificateApproval";
pub(crate) const CERTIFICATE_SIGNING: &str = "CertificateSigning";
pub(crate) const CERTIFICATE_SUBJECT_RESTRICTION: &str = "CertificateSubjectRestriction";
pub(crate) const DEFAULT_INGRESS_CLASS: &str = "DefaultIngressClass";
pub(crate) const POD_TOPOLOGY_LABELS: &str = "PodTopologyLabels";
pub(crate) const MUTATING_ADMISSION_POLICY: &str = "MutatingAdmissionPolicy";
pub(crate) const MUTATING_ADMISSION_WEBHOOK: &str = "MutatingAdmissionWebhook";
pub(crate) const VALIDATING_ADMISSION_POLICY: &str = "ValidatingAdmissionPolicy";
pub(crate) const VALIDATING_ADMISSION_WEBHOOK: &str = "ValidatingAdmissionWebhook";
pub(crate) const RESOURCE_QUOTA: &str = "ResourceQuota";

/// The plugins that podsec has, in kube-apiserver's order.
const BUILT: &[&str] = &[
    NAMESPACE_LIFECYCLE,
    LIMIT_RANGER,
    SERVICE_ACCOUNT,
    NODE_RESTRICTION,
    TAINT_NODES_BY_CONDITION,
    ALWAYS_PULL_IMAGES,
    POD_SECURITY,
    POD_NODE_SELECTOR,
    PRIORITY,
    DEFAULT_TOLERATION_SECONDS,
    DEFAULT_STORAGE_CLASS,
    STORAGE_OBJECT_IN_USE_PROTECTION,
    OWNER_REFERENCES_PERMISSION_ENFORCEMENT,
    PERSISTENT_VOLUME_CLAIM_RESIZE,
    RUNTIME_CLASS,
    CERTIFICATE_APPROVAL,
    CERTIFICATE_SIGNING,
    CERTIFICATE_SUBJECT_RESTRICTION,
    DEFAULT_INGRESS_CLASS,
    POD_TOPOLOGY_LABELS,
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_WEBHOOK,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_WEBHOOK,
    RESOURCE_QUOTA,
];

/// Those that run only when they are asked for, as in kube-apiserver.
const ON_DEMAND: &[&str] =
    &[NODE_RESTRICTION, ALWAYS_PULL_IMAGES, POD_NODE_SELECTOR, OWNER_REFERENCES_PERMISSION_ENFORCEMENT];

/// Every plugin that kube-apiserver v1.37 knows, in its order.
const KNOWN: &[&str] = &[
    "AlwaysAdmit",
    "NamespaceAutoProvision",
    NAMESPACE_LIFECYCLE,
    "NamespaceExists",
    "LimitPodHardAntiAffinityTopology",
    LIMIT_RANGER,
    SERVICE_ACCOUNT,
    NODE_RESTRICTION,
    TAINT_NODES_BY_CONDITION,
    ALWAYS_PULL_IMAGES,
    "ImagePolicyWebhook",
    POD_SECURITY,
    POD_NODE_SELECTOR,
    PRIORITY,
    DEFAULT_TOLERATION_SECONDS,
    "PodTolerationRestriction",
    "EventRateLimit",
    "ExtendedResourceToleration",
    DEFAULT_STORAGE_CLASS,
    STORAGE_OBJECT_IN_USE_PROTECTION,
    "PodGroupProtection",
    OWNER_REFERENCES_PERMISSION_ENFORCEMENT,
    PERSISTENT_VOLUME_CLAIM_RESIZE,
    RUNTIME_CLASS,
    CERTIFICATE_APPROVAL,
    CERTIFICATE_SIGNING,
    "ClusterTrustBundleAttest",
    CERTIFICATE_SUBJECT_RESTRICTION,
    DEFAULT_INGRESS_CLASS,
    "DenyServiceExternalIPs",
    POD_TOPOLOGY_LABELS,
    "PodGroupWorkloadExists",
    "NodeDeclaredFeatureValidator",
    "JobValidation",
    "PodResizeValidator",
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_WEBHOOK,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_WEBHOOK,
    RESOURCE_QUOTA,
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
    fn a_plugin_of_kubernetes_that_is_not_here_can_only_be_disabled() {
        let names = names(&["ImagePolicyWebhook"]);
        assert_eq!(
            Plugins::select(&names, &[]).unwrap_err().to_string(),
            r#"enable-admission-plugins plugin "ImagePolicyWebhook" is not a part of podsec: start without it"#
        );
        assert_eq!(Plugins::select(&[], &names), Ok(Plugins::standard()));
    }

    #[test]
    fn some_plugins_run_when_they_are_asked_for() {
        assert!(!Plugins::standard().runs(NODE_RESTRICTION));
        assert!(Plugins::select(&names(&[NODE_RESTRICTION]), &[]).unwrap().runs(NODE_RESTRICTION));
    }

    #[test]
    fn what_podsec_has_stands_in_the_order_of_kubernetes() {
        let order = |name: &str| KNOWN.iter().position(|known| *known == name);
        assert!(BUILT.iter().map(|name| order(name)).is_sorted());
        assert!(BUILT.iter().all(|name| order(name).is_some()));
    }
}
