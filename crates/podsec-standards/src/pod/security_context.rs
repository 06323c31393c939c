//! Security contexts: what a pod or container asks of the kernel.

use std::borrow::Cow;

use super::decode::{Decode, Object};
use super::list::List;
use super::reader::Member;
use super::reader::{Reader, Result};
use super::unread;

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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "runAsNonRoot" => member.read(&mut self.run_as_non_root),
            "runAsUser" => member.read(&mut self.run_as_user),
            "seccompProfile" => member.read(&mut self.seccomp_profile),
            "appArmorProfile" => member.read(&mut self.app_armor_profile),
            "seLinuxOptions" => member.read(&mut self.se_linux_options),
            "windowsOptions" => member.read(&mut self.windows_options),
            "sysctls" => member.read(&mut self.sysctls),
            _ => member.check(unread::POD_SECURITY_CONTEXT),
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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "privileged" => member.read(&mut self.privileged),
            "allowPrivilegeEscalation" => member.read(&mut self.allow_privilege_escalation),
            "runAsNonRoot" => member.read(&mut self.run_as_non_root),
            "runAsUser" => member.read(&mut self.run_as_user),
            "procMount" => member.read(&mut self.proc_mount),
            "capabilities" => member.read(&mut self.capabilities),
            "seccompProfile" => member.read(&mut self.seccomp_profile),
            "appArmorProfile" => member.read(&mut self.app_armor_profile),
            "seLinuxOptions" => member.read(&mut self.se_linux_options),
            "windowsOptions" => member.read(&mut self.windows_options),
            _ => member.check(unread::SECURITY_CONTEXT),
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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "add" => member.read(&mut self.add),
            "drop" => member.read(&mut self.drop),
            _ => member.skip(),
        }
    }
}

/// A seccomp or AppArmor profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile<'a> {
    /// `type`
    pub(super) kind: ProfileKind<'a>,
}

#[derive(Clone, Debug)]
pub(super) enum ProfileKind<'a> {
    RuntimeDefault,
    Localhost,
    /// `Unconfined`, or what Kubernetes does not know.
    Other(Cow<'a, str>),
}

impl Profile<'_> {
    /// `type`; empty when it is not given.
    pub(crate) fn kind(&self) -> &str {
        match &self.kind {
            ProfileKind::RuntimeDefault => "RuntimeDefault",
            ProfileKind::Localhost => "Localhost",
            ProfileKind::Other(kind) => kind,
        }
    }

    /// Whether it is not known to confine.
    pub(crate) fn is_unconfined(&self) -> bool {
        matches!(self.kind, ProfileKind::Other(_))
    }
}

impl<'de> Object<'de> for Profile<'de> {
    const EXPECTED: &'static str = "a profile";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "type" => member.read(&mut self.kind),
            _ => member.check(unread::PROFILE),
        }
    }
}

impl Default for ProfileKind<'_> {
    fn default() -> Self {
        Self::Other(Cow::Borrowed(""))
    }
}

impl<'de> Decode<'de> for ProfileKind<'de> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        if let Some(kind) = reader.text()? {
            *self = match &*kind {
                "RuntimeDefault" => Self::RuntimeDefault,
                "Localhost" => Self::Localhost,
                _ => Self::Other(kind),
            };
        }
        Ok(())
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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "type" => member.read(&mut self.kind),
            "user" => member.read(&mut self.user),
            "role" => member.read(&mut self.role),
            _ => member.check(unread::SE_LINUX_OPTIONS),
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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "hostProcess" => member.read(&mut self.host_process),
            _ => member.check(unread::WINDOWS_OPTIONS),
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

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "name" => member.read(&mut self.name),
            _ => member.check(unread::SYSCTL),
        }
    }
}
