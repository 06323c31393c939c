//! Which features a pod uses anywhere, found in one pass, so that only checks that read them need to be asked.

use core::ops::{BitOr, BitOrAssign};

use super::{Container, ContainerKind, Pod};

/// A set of features. Most pods use few, and most checks can only be broken by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features(u32);

impl Features {
    /// At least one container.
    pub(crate) const CONTAINERS: Self = Self(1);
    pub(crate) const VOLUMES: Self = Self(1 << 1);
    /// Annotations that mean something to Pod Security.
    pub(crate) const ANNOTATIONS: Self = Self(1 << 2);
    pub(crate) const HOST_NAMESPACES: Self = Self(1 << 3);
    pub(crate) const PORTS: Self = Self(1 << 4);
    pub(crate) const PROBES_AND_LIFECYCLE: Self = Self(1 << 5);
    pub(crate) const PRIVILEGED: Self = Self(1 << 6);
    pub(crate) const PROC_MOUNT: Self = Self(1 << 7);
    pub(crate) const ADDED_CAPABILITIES: Self = Self(1 << 8);
    pub(crate) const SECCOMP_PROFILE: Self = Self(1 << 9);
    pub(crate) const APP_ARMOR_PROFILE: Self = Self(1 << 10);
    pub(crate) const SE_LINUX_OPTIONS: Self = Self(1 << 11);
    pub(crate) const HOST_PROCESS: Self = Self(1 << 12);
    pub(crate) const SYSCTLS: Self = Self(1 << 13);
    pub(crate) const RUN_AS_ROOT: Self = Self(1 << 14);
    /// Said of the pod as a whole.
    pub(crate) const RUN_AS_NON_ROOT: Self = Self(1 << 15);

    /// The features that a pod uses.
    pub(crate) fn of(pod: &Pod<'_>) -> Self {
        let spec = &pod.spec;
        let context = &spec.security_context;
        let mut features = Self::VOLUMES.when(!spec.volumes.is_empty())
            | Self::ANNOTATIONS.when(!pod.metadata.annotations.is_empty())
            | Self::HOST_NAMESPACES.when(spec.host_network | spec.host_pid | spec.host_ipc)
            | Self::SECCOMP_PROFILE.when(context.seccomp_profile.is_some())
            | Self::APP_ARMOR_PROFILE.when(context.app_armor_profile.is_some())
            | Self::SE_LINUX_OPTIONS.when(context.se_linux_options.is_some())
            | Self::HOST_PROCESS.when(context.windows_options.host_process == Some(true))
            | Self::SYSCTLS.when(!context.sysctls.is_empty())
            | Self::RUN_AS_ROOT.when(context.run_as_user == Some(0))
            | Self::RUN_AS_NON_ROOT.when(context.run_as_non_root.is_some());
        for kind in ContainerKind::ALL {
            for container in pod.containers_of(kind) {
                features |= Self::of_container(container);
            }
        }
        features
    }

    fn of_container(container: &Container<'_>) -> Self {
        let context = &container.security_context;
        Self::CONTAINERS
            | Self::PORTS.when(!container.ports.is_empty())
            | Self::PROBES_AND_LIFECYCLE.when(container.hooks.is_some())
            | Self::PRIVILEGED.when(context.privileged == Some(true))
            | Self::PROC_MOUNT.when(context.proc_mount.is_some())
            | Self::ADDED_CAPABILITIES.when(!context.capabilities.add.is_empty())
            | Self::SECCOMP_PROFILE.when(context.seccomp_profile.is_some())
            | Self::APP_ARMOR_PROFILE.when(context.app_armor_profile.is_some())
            | Self::SE_LINUX_OPTIONS.when(context.se_linux_options.is_some())
            | Self::HOST_PROCESS.when(context.windows_options.host_process == Some(true))
            | Self::RUN_AS_ROOT.when(context.run_as_user == Some(0))
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
