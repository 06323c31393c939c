use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Pod, Signs};
use crate::wording::{push_containers, push_quoted, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "capabilities_baseline",
    level: Level::Baseline,
    docs: "
Containers may add no capabilities beyond those that a container runtime gives by default.

A capability is a piece of root's power. Those outside the default set reach the node: SYS_ADMIN mounts file
systems, NET_ADMIN reconfigures networks, SYS_PTRACE reads other processes, NET_RAW forges packets. Add none;
a program that must listen on a port below 1024 needs NET_BIND_SERVICE at most.
",
    fields: &["spec.containers[*].securityContext.capabilities.add[*]"],
    revisions: &[Revision { since: Version::V1(0), signs: Signs::NONE, find: v1_0, say, overrides: &[] }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.containers[*].securityContext.capabilities.add[*]", Edit::Remove)],
        risk: "System calls that need the capability fail with EPERM. Run the program's tests without it, and \
               watch for `Operation not permitted`.",
    },
    examples: &[
        Example::allow("none added", r#"{"spec": {"containers": [{"name": "a"}]}}"#),
        Example::allow(
            "one of the default set",
            r#"{"spec": {"containers": [{"name": "a", "securityContext":
                {"capabilities": {"add": ["NET_BIND_SERVICE", "CHOWN"]}}}]}}"#,
        ),
        Example::forbid(
            "one of another",
            r#"{"spec": {"containers": [{"name": "a", "securityContext":
                {"capabilities": {"add": ["CHOWN", "NET_RAW"]}}}]}}"#,
            r#"container "a" must not include "NET_RAW" in securityContext.capabilities.add"#,
        ),
        Example::forbid(
            "names are case-sensitive and have no prefix",
            r#"{"spec": {"containers": [
                {"name": "a", "securityContext": {"capabilities": {"add": ["chown", "CAP_CHOWN"]}}},
                {"name": "b", "securityContext": {"capabilities": {"add": ["ALL"]}}}]}}"#,
            r#"containers "a", "b" must not include "ALL", "CAP_CHOWN", "chown" in securityContext.capabilities.add"#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        for (index, capability) in container.security_context.capabilities.add.iter().enumerate() {
            if !DEFAULT_SET.contains(&&**capability) {
                let actual = Actual::Text(capability);
                findings.push(
                    Field::new(owner, "securityContext.capabilities.add[*]", actual, DEFAULT_SET)
                        .element(index),
                );
            }
        }
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(128);
    push_containers(&mut detail, fields.iter());
    detail.push_str(" must not include ");
    push_quoted(&mut detail, sorted(fields.iter().filter_map(Field::text)));
    detail.push_str(" in securityContext.capabilities.add");
    Words { reason: "non-default capabilities", detail }
}

const DEFAULT_SET: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
