use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Features, Pod, Signs};
use crate::wording::{push_containers, push_quoted, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "procMount",
    level: Level::Baseline,
    docs: "
Containers must keep the masks over /proc.

Container runtimes hide the parts of /proc that reveal or change the node's kernel. An unmasked /proc lets a
container write kernel settings. Leave the field out. Since 1.35 a pod with its own user namespace
(`hostUsers: false`) may unmask /proc at the baseline level, since its root is nobody on the node.
",
    fields: &["spec.containers[*].securityContext.procMount"],
    revisions: &[
        Revision { since: Version::V1(0), signs: Signs::NONE, find: v1_0, say, overrides: &[] },
        Revision {
            since: Version::V1(35),
            signs: Signs::NONE.except(Features::USER_NAMESPACE),
            find: v1_35,
            say,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.containers[*].securityContext.procMount", Edit::Remove)],
        risk: "Programs that run containers inside the container (builders, nested runtimes) need the unmasked \
               /proc. Give such a pod `hostUsers: false` and keep it at the baseline level.",
    },
    examples: &[
        Example::allow(
            "the default masks",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"procMount": "Default"}}, {"name": "b"}]}}"#,
        ),
        Example::forbid(
            "unmasked",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"procMount": "Unmasked"}}]}}"#,
            r#"container "a" must not set securityContext.procMount to "Unmasked""#,
        ),
        Example::forbid(
            "unmasked in a user namespace, before 1.35",
            r#"{"spec": {"hostUsers": false, "containers": [
                {"name": "a", "securityContext": {"procMount": "Unmasked"}},
                {"name": "b", "securityContext": {"procMount": ""}}]}}"#,
            r#"containers "a", "b" must not set securityContext.procMount to "", "Unmasked""#,
        )
        .until(34),
        Example::allow(
            "unmasked in a user namespace",
            r#"{"spec": {"hostUsers": false, "containers": [
                {"name": "a", "securityContext": {"procMount": "Unmasked"}}]}}"#,
        )
        .since(35),
        Example::forbid(
            "unmasked without a user namespace",
            r#"{"spec": {"hostUsers": true, "containers": [
                {"name": "a", "securityContext": {"procMount": "Unmasked"}}]}}"#,
            r#"container "a" must not set securityContext.procMount to "Unmasked""#,
        ),
    ],
};

pub(super) fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        let Some(mount) = container.security_context.proc_mount.as_deref() else { return };
        if mount != "Default" {
            let name = "securityContext.procMount";
            findings.push(Field::new(owner, name, Actual::Text(mount), &["undefined", "Default"]));
        }
    });
}

/// Spares pods with a user namespace of their own.
fn v1_35<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.has_user_namespace() {
        v1_0(pod, findings);
    }
}

pub(super) fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(96);
    push_containers(&mut detail, fields.iter());
    detail.push_str(" must not set securityContext.procMount to ");
    push_quoted(&mut detail, sorted(fields.iter().filter_map(Field::text)));
    Words { reason: "procMount", detail }
}
