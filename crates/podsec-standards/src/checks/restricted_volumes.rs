use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs, UNRESTRICTED_SOURCES};
use crate::wording::{plural, push_quoted, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "restrictedVolumes",
    level: Level::Restricted,
    docs: "
Volumes must be of a kind that cannot reach the node.

Beside paths of the node, the restricted level forbids the volumes that are mounted by the node's own drivers
with whatever the pod asks for. Use configMap, csi, downwardAPI, emptyDir, ephemeral, image,
persistentVolumeClaim, projected or secret; storage of any other kind is had through a PersistentVolumeClaim.
",
    fields: &[
        "spec.volumes[*]",
        "spec.volumes[*].hostPath",
        "spec.volumes[*].gcePersistentDisk",
        "spec.volumes[*].awsElasticBlockStore",
        "spec.volumes[*].gitRepo",
        "spec.volumes[*].nfs",
        "spec.volumes[*].iscsi",
        "spec.volumes[*].glusterfs",
        "spec.volumes[*].rbd",
        "spec.volumes[*].flexVolume",
        "spec.volumes[*].cinder",
        "spec.volumes[*].cephfs",
        "spec.volumes[*].flocker",
        "spec.volumes[*].fc",
        "spec.volumes[*].azureFile",
        "spec.volumes[*].vsphereVolume",
        "spec.volumes[*].quobyte",
        "spec.volumes[*].azureDisk",
        "spec.volumes[*].photonPersistentDisk",
        "spec.volumes[*].portworxVolume",
        "spec.volumes[*].scaleIO",
        "spec.volumes[*].storageos",
    ],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::RESTRICTED_VOLUMES),
        find: v1_0,
        say,
        overrides: &["hostPathVolumes"],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.volumes[*].hostPath", Edit::Replace("emptyDir", "{}"))],
        risk: "The program finds an empty directory where it found the node's files, and what it writes goes \
               with the pod. Other kinds of volumes hold data, so moving them to a PersistentVolumeClaim is not \
               done for you.",
    },
    examples: &[
        Example::allow(
            "every kind that is allowed",
            r#"{"spec": {"volumes": [{"name": "a", "configMap": {}}, {"name": "b", "csi": {}}, {"name": "c", "downwardAPI": {}},
                {"name": "d", "emptyDir": {}}, {"name": "e", "ephemeral": {}}, {"name": "f", "image": {}},
                {"name": "g", "persistentVolumeClaim": {}}, {"name": "h", "projected": {}}, {"name": "i", "secret": {}}]}}"#,
        ),
        Example::forbid(
            "a path of the node",
            r#"{"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}}"#,
            r#"volume "a" uses restricted volume type "hostPath""#,
        ),
        Example::forbid(
            "every kind that is not",
            r#"{"spec": {"volumes": [{"name": "a", "hostPath": {}}, {"name": "b", "gcePersistentDisk": {}},
                {"name": "c", "awsElasticBlockStore": {}}, {"name": "d", "gitRepo": {}}, {"name": "e", "nfs": {}},
                {"name": "f", "iscsi": {}}, {"name": "g", "glusterfs": {}}, {"name": "h", "rbd": {}}, {"name": "i", "flexVolume": {}},
                {"name": "j", "cinder": {}}, {"name": "k", "cephfs": {}}, {"name": "l", "flocker": {}}, {"name": "m", "fc": {}},
                {"name": "n", "azureFile": {}}, {"name": "o", "vsphereVolume": {}}, {"name": "p", "quobyte": {}},
                {"name": "q", "azureDisk": {}}, {"name": "r", "photonPersistentDisk": {}}, {"name": "s", "portworxVolume": {}},
                {"name": "t", "scaleIO": {}}, {"name": "u", "storageos": {}}]}}"#,
            r#"volumes "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u" use restricted volume types "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume""#,
        ),
        Example::forbid(
            "a kind unknown to Kubernetes, or none",
            r#"{"spec": {"volumes": [{"name": "a", "tape": {}}, {"name": "b"}]}}"#,
            r#"volumes "a", "b" use restricted volume type "unknown""#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        if !volume.has_unrestricted_source() {
            let owner = Owner::Volume { index, name: &volume.name };
            findings.push(match volume.restricted_source() {
                Some(source) => Field::new(owner, source, Actual::Object, &["undefined"]),
                None => Field::new(owner, "", Actual::Object, UNRESTRICTED_SOURCES),
            });
        }
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let types = sorted(fields.iter().map(|field| if field.name.is_empty() { "unknown" } else { field.name }));
    let mut detail = String::with_capacity(64);
    detail.push_str(plural("volume ", "volumes ", fields.len()));
    push_quoted(&mut detail, fields.iter().filter_map(Field::volume));
    detail.push_str(plural(" uses ", " use ", fields.len()));
    detail.push_str(plural("restricted volume type ", "restricted volume types ", types.len()));
    push_quoted(&mut detail, types);
    Words { reason: "restricted volume types", detail }
}
