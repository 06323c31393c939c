//! A pod, reduced to what Pod Security asks of it.

use std::borrow::Cow;

use crate::field::Owner;

use super::container::{Container, ContainerKind};
use super::decode::Object;
use super::error::{DecodeError, decode};
use super::metadata::Metadata;
use super::reader::{Member, Result};
use super::security_context::PodSecurityContext;
use super::volume::Volume;

/// A pod, reduced to what Pod Security asks of it.
///
/// It is read as Kubernetes reads a pod: names are case-sensitive, `null` is the same as absent, and a value of the
/// wrong type is an error in every field that Kubernetes knows, whether a check reads it or not.
#[derive(Clone, Debug, Default)]
pub struct Pod<'a> {
    pub(crate) metadata: Metadata<'a>,
    pub(crate) spec: Spec<'a>,
}

impl Pod<'static> {
    /// Reads a Pod object that was read as JSON already. Its bytes, if they are at hand, are read faster.
    ///
    /// ```
    /// use podsec_standards::{Level, Pod, Policy, Version, evaluate};
    ///
    /// let pod = Pod::from_value(&serde_json::json!({"spec": {"hostNetwork": true}}))?;
    /// assert!(!evaluate(Policy::new(Level::Baseline, Version::Latest), &pod).is_allowed());
    /// # Ok::<(), podsec_standards::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Pod::from_json`].
    pub fn from_value(value: &serde_json::Value) -> core::result::Result<Self, DecodeError> {
        Pod::from_json(value.to_string().as_bytes()).map(Pod::into_owned)
    }
}

/// Reads the pods of the Kubernetes API's types (feature `k8s-openapi`).
#[cfg(feature = "k8s-openapi")]
impl TryFrom<&k8s_openapi::api::core::v1::Pod> for Pod<'static> {
    type Error = DecodeError;

    fn try_from(pod: &k8s_openapi::api::core::v1::Pod) -> core::result::Result<Self, DecodeError> {
        let json =
            serde_json::to_string(pod).expect("the types of the API have names for keys and write no errors");
        Pod::from_json(json.as_bytes()).map(Pod::into_owned)
    }
}

impl<'a> Pod<'a> {
    /// Reads a Pod object, or any object with a pod's `metadata` and `spec`.
    ///
    /// # Errors
    ///
    /// When the bytes are not one JSON object in UTF-8, or a field has the wrong type.
    pub fn from_json(json: &'a [u8]) -> core::result::Result<Self, DecodeError> {
        decode(json)
    }

    /// `metadata.name`; empty when there is none.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The uid of the controller that this pod belongs to: the first owner reference marked so.
    pub fn controller_uid(&self) -> Option<&str> {
        self.metadata.owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| &*owner.uid)
    }

    /// `spec.runtimeClassName`, when it is given and not empty.
    pub fn runtime_class_name(&self) -> Option<&str> {
        self.spec.runtime_class_name.as_deref().filter(|name| !name.is_empty())
    }

    /// Every container, in the order in which Kubernetes names them: init, regular, ephemeral.
    pub fn containers(&self) -> impl Iterator<Item = (ContainerKind, usize, &Container<'a>)> {
        ContainerKind::ALL.into_iter().flat_map(|kind| {
            self.containers_of(kind)
                .iter()
                .enumerate()
                .map(move |(index, container)| (kind, index, container))
        })
    }

    /// The containers of one kind.
    pub fn containers_of(&self, kind: ContainerKind) -> &[Container<'a>] {
        match kind {
            ContainerKind::Init => &self.spec.init_containers,
            ContainerKind::Regular => &self.spec.containers,
            ContainerKind::Ephemeral => &self.spec.ephemeral_containers,
        }
    }

    /// Visits every container as the owner of its fields, so that no check can forget a kind.
    pub(crate) fn visit_containers<'p>(&'p self, mut visit: impl FnMut(Owner<'p>, &'p Container<'a>)) {
        for kind in ContainerKind::ALL {
            for (index, container) in self.containers_of(kind).iter().enumerate() {
                visit(Owner::Container { kind, index, name: &container.name }, container);
            }
        }
    }

    /// Whether the pod says that it runs on Windows, where some Linux settings mean nothing.
    pub(crate) fn is_windows(&self) -> bool {
        self.spec.os.name == "windows"
    }

    /// Whether the pod asks for a user namespace of its own, in which root is nobody on the node.
    pub(crate) fn has_user_namespace(&self) -> bool {
        self.spec.host_users == Some(false)
    }
}

impl<'de> Object<'de> for Pod<'de> {
    const EXPECTED: &'static str = "a pod";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "metadata" => member.read(&mut self.metadata),
            "spec" => member.read(&mut self.spec),
            _ => member.check(super::unread::POD),
        }
    }
}

/// `spec`
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec<'a> {
    pub(crate) containers: Vec<Container<'a>>,
    pub(crate) init_containers: Vec<Container<'a>>,
    pub(crate) ephemeral_containers: Vec<Container<'a>>,
    pub(crate) volumes: Vec<Volume<'a>>,
    pub(crate) security_context: PodSecurityContext<'a>,
    pub(crate) host_network: bool,
    pub(crate) host_pid: bool,
    pub(crate) host_ipc: bool,
    pub(crate) host_users: Option<bool>,
    pub(crate) os: Os<'a>,
    pub(crate) runtime_class_name: Option<Cow<'a, str>>,
}

impl<'de> Object<'de> for Spec<'de> {
    const EXPECTED: &'static str = "a pod spec";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "containers" => member.read(&mut self.containers),
            "initContainers" => member.read(&mut self.init_containers),
            "ephemeralContainers" => member.read(&mut self.ephemeral_containers),
            "volumes" => member.read(&mut self.volumes),
            "securityContext" => member.read(&mut self.security_context),
            "hostNetwork" => member.read(&mut self.host_network),
            "hostPID" => member.read(&mut self.host_pid),
            "hostIPC" => member.read(&mut self.host_ipc),
            "hostUsers" => member.read(&mut self.host_users),
            "os" => member.read(&mut self.os),
            "runtimeClassName" => member.read(&mut self.runtime_class_name),
            _ => member.check(super::unread::POD_SPEC),
        }
    }
}

/// `spec.os`
#[derive(Clone, Debug, Default)]
pub(crate) struct Os<'a> {
    pub(crate) name: Cow<'a, str>,
}

impl<'de> Object<'de> for Os<'de> {
    const EXPECTED: &'static str = "an operating system";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "name" => member.read(&mut self.name),
            _ => member.skip(),
        }
    }
}
