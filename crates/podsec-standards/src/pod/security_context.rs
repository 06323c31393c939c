//! Security contexts: what a pod or container asks of the kernel.

use std::borrow::Cow;

use super::decode::{Member, Object};
use super::list::List;
use super::reader::Result;

/// `spec.securityContext`: what holds for the whole pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodSecurityContext<'a> {
    pub(crate) run_as_non_root: Option<bool>,
    pub(crate) run_as_user: Option<i64>,
    pub(crate) seccomp_profile: Option<Profile<'a>>,
    pub(crate) app_armor_profile: Option<Profile<'a>>,
    pub(crate) se_linux_options: Option<Box<SeLinuxOptions<'a>>>,
    pub(crate) windows_options: WindowsOptions,
    pub(crate) sysctls: List<Sysctl<'a>>,
}

impl<'de> Object<'de> for PodSecurityContext<'de> {
    const EXPECTED: &'static str = "a security context";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "runAsNonRoot" => value.read(&mut self.run_as_non_root),
            "runAsUser" => value.read(&mut self.run_as_user),
            "seccompProfile" => value.read(&mut self.seccomp_profile),
            "appArmorProfile" => value.read(&mut self.app_armor_profile),
            "seLinuxOptions" => value.read(&mut self.se_linux_options),
            "windowsOptions" => value.read(&mut self.windows_options),
            "sysctls" => value.read(&mut self.sysctls),
            _ => value.skip(),
        }
    }
}

/// `securityContext` of one container.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecurityContext<'a> {
    pub(crate) privileged: Option<bool>,
    pub(crate) allow_privilege_escalation: Option<bool>,
    pub(crate) run_as_non_root: Option<bool>,
    pub(crate) run_as_user: Option<i64>,
    pub(crate) proc_mount: Option<Cow<'a, str>>,
    pub(crate) capabilities: Capabilities<'a>,
    pub(crate) seccomp_profile: Option<Profile<'a>>,
    pub(crate) app_armor_profile: Option<Profile<'a>>,
    pub(crate) se_linux_options: Option<Box<SeLinuxOptions<'a>>>,
    pub(crate) windows_options: WindowsOptions,
}

impl<'de> Object<'de> for SecurityContext<'de> {
    const EXPECTED: &'static str = "a security context";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "privileged" => value.read(&mut self.privileged),
            "allowPrivilegeEscalation" => value.read(&mut self.allow_privilege_escalation),
            "runAsNonRoot" => value.read(&mut self.run_as_non_root),
            "runAsUser" => value.read(&mut self.run_as_user),
            "procMount" => value.read(&mut self.proc_mount),
            "capabilities" => value.read(&mut self.capabilities),
            "seccompProfile" => value.read(&mut self.seccomp_profile),
            "appArmorProfile" => value.read(&mut self.app_armor_profile),
            "seLinuxOptions" => value.read(&mut self.se_linux_options),
            "windowsOptions" => value.read(&mut self.windows_options),
            _ => value.skip(),
        }
    }
}

/// Capabilities added to and dropped from the container runtime's default set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capabilities<'a> {
    pub(crate) add: List<Cow<'a, str>>,
    pub(crate) drop: List<Cow<'a, str>>,
}

impl<'de> Object<'de> for Capabilities<'de> {
    const EXPECTED: &'static str = "capabilities";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "add" => value.read(&mut self.add),
            "drop" => value.read(&mut self.drop),
            _ => value.skip(),
        }
    }
}

/// A seccomp or AppArmor profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile<'a> {
    /// `type`
    pub(crate) kind: Cow<'a, str>,
}

impl<'de> Object<'de> for Profile<'de> {
    const EXPECTED: &'static str = "a profile";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "type" => value.read(&mut self.kind),
            _ => value.skip(),
        }
    }
}

/// The SELinux context to run in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeLinuxOptions<'a> {
    /// `type`
    pub(crate) kind: Cow<'a, str>,
    pub(crate) user: Cow<'a, str>,
    pub(crate) role: Cow<'a, str>,
}

impl<'de> Object<'de> for SeLinuxOptions<'de> {
    const EXPECTED: &'static str = "SELinux options";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "type" => value.read(&mut self.kind),
            "user" => value.read(&mut self.user),
            "role" => value.read(&mut self.role),
            _ => value.skip(),
        }
    }
}

/// Windows' settings: only whether the container is a process of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowsOptions {
    pub(crate) host_process: Option<bool>,
}

impl<'de> Object<'de> for WindowsOptions {
    const EXPECTED: &'static str = "Windows options";
    const POINTER: bool = true;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "hostProcess" => value.read(&mut self.host_process),
            _ => value.skip(),
        }
    }
}

/// A kernel parameter of the pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sysctl<'a> {
    pub(crate) name: Cow<'a, str>,
}

impl<'de> Object<'de> for Sysctl<'de> {
    const EXPECTED: &'static str = "a sysctl";
    const POINTER: bool = false;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "name" => value.read(&mut self.name),
            _ => value.skip(),
        }
    }
}
