//! Which features a pod uses anywhere, found in one pass, and what they tell: most rules need not be asked.
//!
//! A check is told once, by what it finds. From the fields that it reads follows which features a pod must use to break
//! it; of a field that no line below speaks of nothing is known, and then the check is asked about every pod. So a line
//! that is forgotten costs time and never a verdict.

use core::ops::{BitOr, BitOrAssign};

use super::model::Pod;
use super::volume::Volume;
use super::{Container, Profile};
use crate::ContainerKind;

/// A set of features. Most pods use few, and most checks can only be broken by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features(u32);

/// What a revision says of its rule beside finding what breaks it: nothing, or what makes it unnecessary to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    /// A pod that uses one of these breaks the rule.
    certain: Features,
    /// A pod that uses one of these keeps the rule whatever else it uses.
    spared: Features,
    /// A pod that uses none of these keeps the rule.
    possible: Features,
}

/// The fields that can only break a rule in a pod that uses a feature: those whose paths begin so.
pub(crate) type Line = (&'static [&'static str], Features);

/// Makes of each line a feature: its name, the fields that can only break a rule in a pod that uses it (if they are not
/// told in another line), and whether a pod, volume or container uses it.
macro_rules! features {
    ($(
        $part:ident($($argument:ident: $type:ty),*) {
            $($(#[$doc:meta])* $name:ident [$($field:literal),*] $used:expr;)*
        }
    )*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "they number the constants of the same names")]
        enum Bit {
            $($($name,)*)*
        }

        impl Features {
            $($($(#[$doc])* pub(crate) const $name: Self = Self(1 << Bit::$name as u32);)*)*

            /// Every line that names fields.
            pub(crate) const LINES: &[Line] = &[$($((&[$($field),*], Self::$name),)*)*];

            $(fn $part($($argument: $type),*) -> Self {
                Self::NONE $(| Self::$name.when($used))*
            })*
        }
    };
}

features! {
    of_pod(pod: &Pod<'_>) {
        /// Annotations that mean something to Pod Security.
        ANNOTATIONS ["metadata.annotations"] !pod.metadata.annotations.is_empty();
        HOST_NAMESPACES ["spec.hostNetwork", "spec.hostPID", "spec.hostIPC"]
            pod.spec.host_network | pod.spec.host_pid | pod.spec.host_ipc;
        /// A seccomp profile of the pod that does not confine.
        POD_UNCONFINED_SECCOMP ["spec.securityContext.seccompProfile"]
            is_unconfined(pod.spec.security_context.seccomp_profile.as_ref());
        POD_UNCONFINED_APP_ARMOR ["spec.securityContext.appArmorProfile"]
            is_unconfined(pod.spec.security_context.app_armor_profile.as_ref());
        POD_SE_LINUX_OPTIONS ["spec.securityContext.seLinuxOptions"]
            pod.spec.security_context.se_linux_options.is_some();
        POD_HOST_PROCESS ["spec.securityContext.windowsOptions.hostProcess"]
            pod.spec.security_context.windows_options.host_process == Some(true);
        SYSCTLS ["spec.securityContext.sysctls"] !pod.spec.security_context.sysctls.is_empty();
        /// `runAsUser: 0` of the pod.
        POD_RUN_AS_ROOT ["spec.securityContext.runAsUser"] pod.spec.security_context.run_as_user == Some(0);
        /// `runAsNonRoot: false` of the pod.
        POD_MAY_RUN_AS_ROOT ["spec.securityContext.runAsNonRoot"]
            pod.spec.security_context.run_as_non_root == Some(false);
        WINDOWS [] pod.is_windows();
        USER_NAMESPACE [] pod.has_user_namespace();
    }
    of_volume(volume: &Volume<'_>) {
        /// A volume with a source that the restricted level forbids, or without one that it allows.
        VOLUMES ["spec.volumes[*]"] !volume.has_unrestricted_source() | volume.has_host_path();
        /// A volume that is not fit for the restricted level.
        RESTRICTED_VOLUMES [] !volume.has_unrestricted_source();
        HOST_PATHS [] volume.has_host_path();
    }
    of_container(container: &Container<'_>, inherited: Inherited) {
        /// At least one container.
        CONTAINERS ["spec.containers[*].securityContext.capabilities.drop"] true;
        PORTS ["spec.containers[*].ports"] !container.ports.is_empty();
        PROBES_AND_LIFECYCLE [
            "spec.containers[*].livenessProbe",
            "spec.containers[*].readinessProbe",
            "spec.containers[*].startupProbe",
            "spec.containers[*].lifecycle"
        ] container.hooks.is_some();
        PRIVILEGED ["spec.containers[*].securityContext.privileged"]
            container.security_context.privileged == Some(true);
        /// A container that does not say `allowPrivilegeEscalation: false`.
        MAY_ESCALATE ["spec.containers[*].securityContext.allowPrivilegeEscalation"]
            container.security_context.allow_privilege_escalation != Some(false);
        PROC_MOUNT ["spec.containers[*].securityContext.procMount"]
            container.security_context.proc_mount.is_some();
        ADDED_CAPABILITIES ["spec.containers[*].securityContext.capabilities.add"]
            !container.security_context.capabilities.add.is_empty();
        /// A container that drops no capability.
        NO_DROPPED_CAPABILITIES [] container.security_context.capabilities.drop.is_empty();
        /// A seccomp profile that does not confine, or none in a pod without.
        MAY_LACK_SECCOMP ["spec.containers[*].securityContext.seccompProfile"]
            match &container.security_context.seccomp_profile {
                Some(profile) => profile.is_unconfined(),
                None => !inherited.seccomp,
            };
        UNCONFINED_SECCOMP [] is_unconfined(container.security_context.seccomp_profile.as_ref());
        UNCONFINED_APP_ARMOR ["spec.containers[*].securityContext.appArmorProfile"]
            is_unconfined(container.security_context.app_armor_profile.as_ref());
        SE_LINUX_OPTIONS ["spec.containers[*].securityContext.seLinuxOptions"]
            container.security_context.se_linux_options.is_some();
        HOST_PROCESS ["spec.containers[*].securityContext.windowsOptions.hostProcess"]
            container.security_context.windows_options.host_process == Some(true);
        /// `runAsUser: 0`
        RUN_AS_ROOT ["spec.containers[*].securityContext.runAsUser"]
            container.security_context.run_as_user == Some(0);
        /// `runAsNonRoot: false`, or a container that does not say in a pod that does not.
        MAY_RUN_AS_ROOT ["spec.containers[*].securityContext.runAsNonRoot"]
            match container.security_context.run_as_non_root {
                Some(non_root) => !non_root,
                None => !inherited.run_as_non_root,
            };
    }
}

/// What the pod says for containers that do not say it themselves.
#[derive(Clone, Copy)]
struct Inherited {
    seccomp: bool,
    run_as_non_root: bool,
}

fn is_unconfined(profile: Option<&Profile<'_>>) -> bool {
    profile.is_some_and(Profile::is_unconfined)
}

impl Features {
    const NONE: Self = Self(0);
    /// What every pod uses.
    const ANY: Self = Self(1 << 31);

    /// The features that a pod uses.
    pub(crate) fn of(pod: &Pod<'_>) -> Self {
        let context = &pod.spec.security_context;
        let inherited = Inherited {
            seccomp: context.seccomp_profile.is_some(),
            run_as_non_root: context.run_as_non_root.is_some(),
        };
        let mut features = Self::ANY | Self::of_pod(pod);
        for volume in &pod.spec.volumes {
            features |= Self::of_volume(volume);
        }
        for kind in ContainerKind::ALL {
            for container in pod.containers_of(kind) {
                features |= Self::of_container(container, inherited);
            }
        }
        features
    }

    /// The features of which a pod must use one to break a rule that reads these fields: what every pod uses, if no line
    /// speaks of a field.
    fn of_fields(fields: &[&str], lines: &[Line]) -> Self {
        fields.iter().fold(Self::NONE, |features, field| {
            let line = lines.iter().find(|(starts, _)| starts.iter().any(|start| is_within(field, start)));
            features | line.map_or(Self::ANY, |(_, feature)| *feature)
        })
    }

    /// Both sets.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a feature in common.
    pub(crate) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The set or nothing. A product and no branch, since pods differ too much to predict one.
    fn when(self, used: bool) -> Self {
        Self(self.0 * u32::from(used))
    }
}

/// Whether a path is another one or leads further: `spec.os.name` is within `spec.os`, `spec.osage` is not.
fn is_within(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOrAssign for Features {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.and(other);
    }
}

impl Signs {
    /// The rule is asked about every pod with one of its fields.
    pub(crate) const NONE: Self =
        Self { certain: Features::NONE, spared: Features::NONE, possible: Features::ANY };

    /// A pod breaks the rule when it uses one of these features, and need not be looked at.
    pub(crate) const fn certain(features: Features) -> Self {
        Self { certain: features, ..Self::NONE }
    }

    /// A pod that uses one of these features keeps the rule.
    pub(crate) const fn except(self, features: Features) -> Self {
        Self { spared: features, ..self }
    }

    /// The same for a rule that reads these fields alone.
    pub(crate) fn of_rule(self, fields: &[&str]) -> Self {
        Self { possible: Features::of_fields(fields, Features::LINES), ..self }
    }

    /// Whether a pod with these features breaks the rule.
    pub(crate) const fn is_certain(&self, features: Features) -> bool {
        self.certain.intersects(features) & !self.spared.intersects(features)
    }

    /// Whether a pod with these features may break the rule.
    pub(crate) const fn is_possible(&self, features: Features) -> bool {
        self.possible.intersects(features) & !self.spared.intersects(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::CHECKS;
    use crate::{Pod, Verdict};

    #[test]
    fn a_check_whose_line_is_missing_is_asked_about_every_pod() {
        for removed in 0..Features::LINES.len() {
            let mut lines = Features::LINES.to_vec();
            let (starts, _) = lines.remove(removed);
            for check in CHECKS {
                let reads_it =
                    check.fields.iter().any(|field| starts.iter().any(|start| is_within(field, start)));
                let is_always_asked = Features::of_fields(check.fields, &lines).intersects(Features::ANY);
                assert_eq!(is_always_asked, reads_it, "{} without {starts:?}", check.id);
            }
        }
    }

    #[test]
    fn no_check_is_asked_about_every_pod() {
        for check in CHECKS {
            assert!(
                !Features::of_fields(check.fields, Features::LINES).intersects(Features::ANY),
                "{}",
                check.id
            );
        }
    }

    #[test]
    fn a_field_has_one_line() {
        let starts = || Features::LINES.iter().flat_map(|(starts, _)| *starts);
        for start in starts() {
            assert_eq!(starts().filter(|other| is_within(start, other)).count(), 1, "{start}");
        }
    }

    #[test]
    fn a_pod_that_breaks_a_rule_uses_a_feature_of_it() {
        for check in CHECKS {
            for example in check.examples.iter().filter(|example| example.verdict != Verdict::Allow) {
                let pod = Pod::from_json(example.pod.as_bytes()).unwrap();
                let possible = Features::of_fields(check.fields, Features::LINES);
                assert!(possible.intersects(Features::of(&pod)), "{}: {}", check.id, example.name);
            }
        }
    }
}
