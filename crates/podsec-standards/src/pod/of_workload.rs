//! The pod in an object that carries one.

use super::decode::Decode;
use super::error::{DecodeError, read};
use super::model::Pod;
use super::reader::{Reader, Result};
use super::unread::{self, Fields};
use crate::workload::Workload;

impl Workload {
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
