//! Which features a pod uses anywhere, found in one pass, and what they tell: most rules need not be asked.

use core::ops::{BitOr, BitOrAssign};

use super::{Container, ContainerKind, Pod, Profile};

/// A set of features. Most pods use few, and most checks can only be broken by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features(u32);

/// What features tell of a rule: whether a pod breaks it, keeps it, or has to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    /// A pod that uses one of these breaks the rule.
    certain: Features,
    /// A pod that uses none of these keeps the rule.
    possible: Features,
    /// A pod that uses one of these keeps the rule whatever else it uses.
    spared: Features,
}

impl Features {
    const NONE: Self = Self(0);
    /// At least one container.
    pub(crate) const CONTAINERS: Self = Self(1);
    /// A volume that is not fit for the restricted level.
    pub(crate) const RESTRICTED_VOLUMES: Self = Self(1 << 1);
    pub(crate) const HOST_PATHS: Self = Self(1 << 2);
    /// Annotations that mean something to Pod Security.
    pub(crate) const ANNOTATIONS: Self = Self(1 << 3);
    pub(crate) const HOST_NAMESPACES: Self = Self(1 << 4);
    pub(crate) const PORTS: Self = Self(1 << 5);
    pub(crate) const PROBES_AND_LIFECYCLE: Self = Self(1 << 6);
    pub(crate) const PRIVILEGED: Self = Self(1 << 7);
    /// A container that does not say `allowPrivilegeEscalation: false`.
    pub(crate) const MAY_ESCALATE: Self = Self(1 << 8);
    pub(crate) const PROC_MOUNT: Self = Self(1 << 9);
    pub(crate) const ADDED_CAPABILITIES: Self = Self(1 << 10);
    /// A container that drops no capability.
    pub(crate) const NO_DROPPED_CAPABILITIES: Self = Self(1 << 11);
    /// A seccomp profile that does not confine.
    pub(crate) const UNCONFINED_SECCOMP: Self = Self(1 << 12);
    /// A container without a seccomp profile, in a pod without.
    pub(crate) const NO_SECCOMP: Self = Self(1 << 13);
    /// An AppArmor profile that does not confine.
    pub(crate) const UNCONFINED_APP_ARMOR: Self = Self(1 << 14);
    pub(crate) const SE_LINUX_OPTIONS: Self = Self(1 << 15);
    pub(crate) const HOST_PROCESS: Self = Self(1 << 16);
    pub(crate) const SYSCTLS: Self = Self(1 << 17);
    /// A pod or container with `runAsUser: 0`.
    pub(crate) const RUN_AS_ROOT: Self = Self(1 << 18);
    /// A pod or container with `runAsNonRoot: false`, or a container that does not say in a pod that does not.
    pub(crate) const MAY_RUN_AS_ROOT: Self = Self(1 << 19);
    pub(crate) const WINDOWS: Self = Self(1 << 20);
    pub(crate) const USER_NAMESPACE: Self = Self(1 << 21);

    /// The features that a pod uses.
    pub(crate) fn of(pod: &Pod<'_>) -> Self {
        let spec = &pod.spec;
        let context = &spec.security_context;
        let mut features = Self::ANNOTATIONS.when(!pod.metadata.annotations.is_empty())
            | Self::HOST_NAMESPACES.when(spec.host_network | spec.host_pid | spec.host_ipc)
            | Self::UNCONFINED_SECCOMP.when(is_unconfined(context.seccomp_profile.as_ref()))
            | Self::UNCONFINED_APP_ARMOR.when(is_unconfined(context.app_armor_profile.as_ref()))
            | Self::SE_LINUX_OPTIONS.when(context.se_linux_options.is_some())
            | Self::HOST_PROCESS.when(context.windows_options.host_process == Some(true))
            | Self::SYSCTLS.when(!context.sysctls.is_empty())
            | Self::RUN_AS_ROOT.when(context.run_as_user == Some(0))
            | Self::MAY_RUN_AS_ROOT.when(context.run_as_non_root == Some(false))
            | Self::WINDOWS.when(pod.is_windows())
            | Self::USER_NAMESPACE.when(pod.has_user_namespace());
        for volume in &spec.volumes {
            features |= Self::RESTRICTED_VOLUMES.when(!volume.has_unrestricted_source())
                | Self::HOST_PATHS.when(volume.has_host_path());
        }
        let inherited = Inherited {
            seccomp: context.seccomp_profile.is_some(),
            run_as_non_root: context.run_as_non_root.is_some(),
        };
        for kind in ContainerKind::ALL {
            for container in pod.containers_of(kind) {
                features |= Self::of_container(container, inherited);
            }
        }
        features
    }

    fn of_container(container: &Container<'_>, inherited: Inherited) -> Self {
        let context = &container.security_context;
        let may_run_as_root = match context.run_as_non_root {
            Some(non_root) => !non_root,
            None => !inherited.run_as_non_root,
        };
        Self::CONTAINERS
            | Self::PORTS.when(!container.ports.is_empty())
            | Self::PROBES_AND_LIFECYCLE.when(container.hooks.is_some())
            | Self::PRIVILEGED.when(context.privileged == Some(true))
            | Self::MAY_ESCALATE.when(context.allow_privilege_escalation != Some(false))
            | Self::PROC_MOUNT.when(context.proc_mount.is_some())
            | Self::ADDED_CAPABILITIES.when(!context.capabilities.add.is_empty())
            | Self::NO_DROPPED_CAPABILITIES.when(context.capabilities.drop.is_empty())
            | Self::UNCONFINED_SECCOMP.when(is_unconfined(context.seccomp_profile.as_ref()))
            | Self::NO_SECCOMP.when(context.seccomp_profile.is_none() && !inherited.seccomp)
            | Self::UNCONFINED_APP_ARMOR.when(is_unconfined(context.app_armor_profile.as_ref()))
            | Self::SE_LINUX_OPTIONS.when(context.se_linux_options.is_some())
            | Self::HOST_PROCESS.when(context.windows_options.host_process == Some(true))
            | Self::RUN_AS_ROOT.when(context.run_as_user == Some(0))
            | Self::MAY_RUN_AS_ROOT.when(may_run_as_root)
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

/// What the pod says for containers that do not say it themselves.
#[derive(Clone, Copy)]
struct Inherited {
    seccomp: bool,
    run_as_non_root: bool,
}

fn is_unconfined(profile: Option<&Profile<'_>>) -> bool {
    profile.is_some_and(Profile::is_unconfined)
}

impl Signs {
    /// A pod breaks the rule when it uses one of these features, and otherwise keeps it.
    pub(crate) const fn certain(features: Features) -> Self {
        Self { certain: features, possible: features, spared: Features::NONE }
    }

    /// A pod may break the rule when it uses one of these features, and otherwise keeps it.
    pub(crate) const fn possible(features: Features) -> Self {
        Self { certain: Features::NONE, possible: features, spared: Features::NONE }
    }

    /// A pod may also break the rule when it uses one of these features.
    pub(crate) const fn or_possible(self, features: Features) -> Self {
        Self { possible: self.possible.and(features), ..self }
    }

    /// A pod that uses one of these features keeps the rule.
    pub(crate) const fn except(self, features: Features) -> Self {
        Self { spared: features, ..self }
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
