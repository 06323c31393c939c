//! The nine built-in kinds that carry a pod, and where in them it is.

use core::fmt;

use crate::pod::unread::{self, Fields};
use crate::pod::{Decode, DecodeError, Pod, Reader, Result, read};

/// A kind of object that carries a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the kinds are Kubernetes' own and say what they are")]
pub enum Workload {
    Pod,
    PodTemplate,
    ReplicationController,
    ReplicaSet,
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
}

impl Workload {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Pod,
        Self::PodTemplate,
        Self::ReplicationController,
        Self::ReplicaSet,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
    ];

    /// The workload of an API group and kind, as in `apps` and `Deployment`; the core group is empty.
    pub fn from_kind(group: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.kind() == kind && workload.group() == group)
    }

    /// The workload of an API group and resource, as in `apps` and `deployments`.
    pub fn from_resource(group: &str, resource: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.resource() == resource && workload.group() == group)
    }

    /// The API group; empty for the core group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Pod | Self::PodTemplate | Self::ReplicationController => "",
            Self::ReplicaSet | Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Job | Self::CronJob => "batch",
        }
    }

    /// The kind, as in `kind: Deployment`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::PodTemplate => "PodTemplate",
            Self::ReplicationController => "ReplicationController",
            Self::ReplicaSet => "ReplicaSet",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    /// The resource, as in `/apis/apps/v1/deployments`.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::PodTemplate => "podtemplates",
            Self::ReplicationController => "replicationcontrollers",
            Self::ReplicaSet => "replicasets",
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
        }
    }

    /// The fields that lead to the pod; a path in the pod continues this one.
    pub const fn pod_path(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &[],
            Self::PodTemplate => &["template"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }

    /// Reads the pod out of an object of this kind, and nothing else of the object.
    ///
    /// There is none in a ReplicationController without a template, the one kind where Kubernetes knows
    /// the difference; elsewhere a missing template is an empty pod.
    ///
    /// # Errors
    ///
    /// As [`Pod::from_json`].
    pub fn pod_from_json(self, json: &[u8]) -> core::result::Result<Option<Pod<'_>>, DecodeError> {
        self.read(json, &[])
    }

    /// Reads the pod out of an object of this kind as Kubernetes does when it is sent the object: all of it has to be
    /// of the right type.
    ///
    /// # Errors
    ///
    /// As [`Pod::from_json`].
    pub fn pod_of_object(self, json: &[u8]) -> core::result::Result<Option<Pod<'_>>, DecodeError> {
        self.read(json, unread::around_pod(self))
    }

    fn read<'a>(
        self,
        json: &'a [u8],
        around: &[&'static Fields],
    ) -> core::result::Result<Option<Pod<'a>>, DecodeError> {
        let path = self.pod_path();
        if self == Self::ReplicationController {
            let mut pod = None;
            read(json, |reader| decode_at(path, around, &mut pod, reader))?;
            return Ok(pod);
        }
        let mut pod = Pod::default();
        read(json, |reader| decode_at(path, around, &mut pod, reader))?;
        Ok(Some(pod))
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.kind())
    }
}

/// Decodes into `target` what these members, each in the one before it, lead to. Other members are of the types that
/// the tables say, one table for each step.
fn decode_at<'de, T: Decode<'de>>(
    path: &[&str],
    around: &[&'static Fields],
    target: &mut T,
    reader: &mut Reader<'de>,
) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return target.decode(reader) };
    let (fields, around) = around.split_first().map_or((&[][..], around), |(fields, rest)| (*fields, rest));
    reader.object("an object", |member| {
        if member.name == *name {
            decode_at(rest, around, target, member.value())
        } else {
            member.check(fields)
        }
    })?;
    Ok(())
}
