use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs};
use crate::wording::{plural, push_quoted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "hostPathVolumes",
    level: Level::Baseline,
    docs: "
Volumes must not be paths of the node.

A path of the node hands the node's files to the pod: its credentials, its sockets, other pods' volumes. Even a
harmless path can be turned by a symbolic link, and what is written there survives the pod. Use an `emptyDir`
for scratch space, a PersistentVolumeClaim for data, a ConfigMap or Secret for settings, and a CSI driver for
what must come from the node.
",
    fields: &["spec.volumes[*].hostPath"],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::HOST_PATHS),
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.volumes[*].hostPath", Edit::Replace("emptyDir", "{}"))],
        risk: "The program finds an empty directory where it found the node's files, and what it writes goes \
               with the pod. Only right where the volume was scratch space.",
    },
    examples: &[
        Example::allow("an empty directory", r#"{"spec": {"volumes": [{"name": "a", "emptyDir": {}}]}}"#),
        Example::allow("no path after all", r#"{"spec": {"volumes": [{"name": "a", "hostPath": null}]}}"#),
        Example::forbid(
            "a path of the node",
            r#"{"spec": {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/"}}]}}"#,
            r#"volume "b""#,
        ),
        Example::forbid(
            "two paths",
            r#"{"spec": {"volumes": [{"name": "b", "hostPath": {}}, {"name": "a", "hostPath": {}}]}}"#,
            r#"volumes "b", "a""#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        if volume.has_host_path() {
            let owner = Owner::Volume { index, name: &volume.name };
            findings.push(Field::new(owner, "hostPath", Actual::Object, &["undefined"]));
        }
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(64);
    detail.push_str(plural("volume ", "volumes ", fields.len()));
    push_quoted(&mut detail, fields.iter().filter_map(Field::volume));
    Words { reason: "hostPath volumes", detail }
}
