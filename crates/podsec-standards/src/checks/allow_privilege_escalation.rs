use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Features, Pod, Signs};
use crate::safety::{Ground, Safety, asks_for_powers, container, drops_all, is_told_non_root};
use crate::wording::push_containers;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "allowPrivilegeEscalation",
    level: Level::Restricted,
    docs: "
Every container must set `allowPrivilegeEscalation: false`.

Without it a program may gain more privileges than its parent, by a set-user-ID file such as `sudo` or by file
capabilities; with it the kernel refuses (`no_new_privs`). Set the field to false on every container. Since 1.25
pods with `os: {name: windows}` are spared: the field means nothing there.
",
    fields: &["spec.containers[*].securityContext.allowPrivilegeEscalation"],
    revisions: &[
        Revision {
            since: Version::V1(8),
            signs: Signs::certain(Features::MAY_ESCALATE),
            find: v1_8,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(25),
            signs: Signs::certain(Features::MAY_ESCALATE).except(Features::WINDOWS),
            find: v1_25,
            say,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[Ground {
            safety: Safety::Safe(
                "the container adds no capabilities, and drops ALL of them or is not told to run as another user than root",
            ),
            holds: |pod, field| {
                container(pod, field).is_some_and(|container| {
                    !asks_for_powers(container) && (drops_all(container) || !is_told_non_root(pod, container))
                })
            },
        }],
        edits: &[("spec.containers[*].securityContext.allowPrivilegeEscalation", Edit::Set("false"))],
        risk: "Programs that start set-user-ID files or files with capabilities (sudo, ping of old images, a server \
               that binds a low port as another user than root) no longer gain what these give. Look for such files in \
               the image: `find / -xdev -perm /6000`, `getcap -r /`. Kubernetes refuses the field next to \
               `privileged: true` or an added SYS_ADMIN.",
    },
    examples: &[
        Example::allow(
            "switched off",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": false}}]}}"#,
        ),
        Example::forbid(
            "not switched off",
            r#"{"spec": {"containers": [{"name": "a"}, {"name": "b", "securityContext": {"allowPrivilegeEscalation": null}},
                {"name": "c", "securityContext": {"allowPrivilegeEscalation": true}},
                {"name": "d", "securityContext": {"allowPrivilegeEscalation": false}}]}}"#,
            r#"containers "a", "b", "c" must set securityContext.allowPrivilegeEscalation=false"#,
        )
        .since(8),
        Example::forbid(
            "on Windows, before 1.25",
            r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#,
            r#"container "a" must set securityContext.allowPrivilegeEscalation=false"#,
        )
        .since(8)
        .until(24),
        Example::allow("on Windows", r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#).since(25),
    ],
};

fn v1_8<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        let allowed = container.security_context.allow_privilege_escalation;
        if allowed != Some(false) {
            let actual = allowed.map_or(Actual::Undefined, Actual::Bool);
            findings.push(Field::new(owner, "securityContext.allowPrivilegeEscalation", actual, &["false"]));
        }
    });
}

/// Spares Windows.
fn v1_25<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.is_windows() {
        v1_8(pod, findings);
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(96);
    push_containers(&mut detail, fields.iter());
    detail.push_str(" must set securityContext.allowPrivilegeEscalation=false");
    Words { reason: "allowPrivilegeEscalation != false", detail }
}
