//! A container as the checks see it.

use std::borrow::Cow;

use super::decode::Object;
use super::list::List;
use super::reader::Member;
use super::reader::Result;
use super::security_context::SecurityContext;
use super::unread;

/// The three lists of containers in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// `spec.initContainers`
    Init,
    /// `spec.containers`
    Regular,
    /// `spec.ephemeralContainers`
    Ephemeral,
}

impl ContainerKind {
    /// Every kind, in the order in which checks visit and name containers.
    pub const ALL: [Self; 3] = [Self::Init, Self::Regular, Self::Ephemeral];

    /// The name of the list in a pod's spec.
    pub const fn list(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// A container as the checks see it.
#[derive(Clone, Debug, Default)]
pub struct Container<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) image: Cow<'a, str>,
    pub(crate) security_context: SecurityContext<'a>,
    pub(crate) ports: List<Port>,
    /// In a box of their own: only one check reads them, and small containers are quick to make and to move.
    pub(crate) hooks: Option<Box<Hooks<'a>>>,
}

impl Container<'_> {
    /// The container's name; empty when the manifest gives none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The container's image; empty when the manifest gives none.
    pub fn image(&self) -> &str {
        &self.image
    }
}

impl<'de> Object<'de> for Container<'de> {
    const EXPECTED: &'static str = "a container";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "name" => member.read(&mut self.name),
            "image" => member.read(&mut self.image),
            "securityContext" => member.read(&mut self.security_context),
            "ports" => member.read(&mut self.ports),
            "livenessProbe" => member.read(&mut self.hooks.get_or_insert_default().liveness_probe),
            "readinessProbe" => member.read(&mut self.hooks.get_or_insert_default().readiness_probe),
            "startupProbe" => member.read(&mut self.hooks.get_or_insert_default().startup_probe),
            "lifecycle" => member.read(&mut self.hooks.get_or_insert_default().lifecycle),
            _ => member.check(unread::CONTAINER),
        }
    }
}

/// A container port: only its claim on the node matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Port {
    pub(crate) host_port: i32,
}

impl<'de> Object<'de> for Port {
    const EXPECTED: &'static str = "a container port";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "hostPort" => member.read(&mut self.host_port),
            _ => member.check(unread::PORT),
        }
    }
}

/// All that the node does to a container while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks<'a> {
    pub(crate) liveness_probe: Option<Handler<'a>>,
    pub(crate) readiness_probe: Option<Handler<'a>>,
    pub(crate) startup_probe: Option<Handler<'a>>,
    pub(crate) lifecycle: Lifecycle<'a>,
}

/// The hooks that run as a container starts and stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifecycle<'a> {
    pub(crate) post_start: Option<Handler<'a>>,
    pub(crate) pre_stop: Option<Handler<'a>>,
}

impl<'de> Object<'de> for Lifecycle<'de> {
    const EXPECTED: &'static str = "lifecycle hooks";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "postStart" => member.read(&mut self.post_start),
            "preStop" => member.read(&mut self.pre_stop),
            _ => member.check(unread::LIFECYCLE),
        }
    }
}

/// A probe or hook: only the hosts it names matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handler<'a> {
    pub(crate) http_get: Target<'a>,
    pub(crate) tcp_socket: Target<'a>,
}

impl<'de> Object<'de> for Handler<'de> {
    const EXPECTED: &'static str = "a probe or lifecycle hook";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "httpGet" => member.read(&mut self.http_get),
            "tcpSocket" => member.read(&mut self.tcp_socket),
            _ => member.check(unread::HANDLER),
        }
    }
}

/// Where a probe or hook connects to. The pod itself when the host is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target<'a> {
    pub(crate) host: Cow<'a, str>,
}

impl<'de> Object<'de> for Target<'de> {
    const EXPECTED: &'static str = "a probe or hook target";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "host" => member.read(&mut self.host),
            _ => member.check(unread::TARGET),
        }
    }
}
