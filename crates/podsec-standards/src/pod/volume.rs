//! A volume as the checks see it: its name and which sources it has.

use std::borrow::Cow;

use super::decode::Object;
use super::reader::Member;
use super::reader::Result;
use super::unread;

/// A volume. A valid one has exactly one source, but the checks also judge what is not valid.
#[derive(Clone, Debug, Default)]
pub(crate) struct Volume<'a> {
    pub(crate) name: Cow<'a, str>,
    /// One bit for each of [`SOURCES`].
    pub(super) sources: u32,
}

impl Volume<'_> {
    /// Whether some source makes the volume fit for the restricted level.
    pub(crate) fn has_unrestricted_source(&self) -> bool {
        self.sources >> RESTRICTED_SOURCES.len() != 0
    }

    /// The first source that the restricted level forbids, in Kubernetes' order.
    pub(crate) fn restricted_source(&self) -> Option<&'static str> {
        RESTRICTED_SOURCES.get(self.sources.trailing_zeros() as usize).copied()
    }

    /// Whether the volume is a path of the node.
    pub(crate) fn has_host_path(&self) -> bool {
        // The first of the sources.
        self.sources & 1 != 0
    }
}

impl<'de> Object<'de> for Volume<'de> {
    const EXPECTED: &'static str = "a volume";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        let name = member.name;
        if name == "name" {
            return member.read(&mut self.name);
        }
        let Some((index, (_, source))) =
            unread::SOURCES.iter().enumerate().find(|(_, (source, _))| *source == name)
        else {
            return member.skip();
        };
        let is_present = member.presence(*source)?;
        let bit = 1 << index;
        self.sources = if is_present { self.sources | bit } else { self.sources & !bit };
        Ok(())
    }
}

/// What a volume of the restricted level may be.
pub(crate) const UNRESTRICTED_SOURCES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The sources with a name of their own in the message of `restrictedVolumes`, in the order in which
/// Kubernetes looks for them.
pub(crate) const RESTRICTED_SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];
