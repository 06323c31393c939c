use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Pod, SeLinuxOptions, Signs};
use crate::wording::{plural, push_quoted, setters, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "seLinuxOptions",
    level: Level::Baseline,
    docs: "
Containers must keep an SELinux type made for containers, and no user or role of their own.

On nodes with SELinux the type decides what a process may touch; one that is not made for containers, such as
`spc_t`, is confined by nothing. Leave `type`, `user` and `role` out, or choose `container_t`,
`container_init_t`, `container_kvm_t` or, since 1.31, `container_engine_t`. The `level` is free.
",
    fields: &[
        "spec.securityContext.seLinuxOptions.type",
        "spec.securityContext.seLinuxOptions.user",
        "spec.securityContext.seLinuxOptions.role",
        "spec.containers[*].securityContext.seLinuxOptions.type",
        "spec.containers[*].securityContext.seLinuxOptions.user",
        "spec.containers[*].securityContext.seLinuxOptions.role",
    ],
    revisions: &[
        Revision { since: Version::V1(0), signs: Signs::NONE, find: v1_0, say, overrides: &[] },
        Revision { since: Version::V1(31), signs: Signs::NONE, find: v1_31, say, overrides: &[] },
    ],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.securityContext.seLinuxOptions.type", Edit::Remove),
            ("spec.securityContext.seLinuxOptions.user", Edit::Remove),
            ("spec.securityContext.seLinuxOptions.role", Edit::Remove),
            ("spec.containers[*].securityContext.seLinuxOptions.type", Edit::Remove),
            ("spec.containers[*].securityContext.seLinuxOptions.user", Edit::Remove),
            ("spec.containers[*].securityContext.seLinuxOptions.role", Edit::Remove),
        ],
        risk: "On nodes that enforce SELinux, access to files with other labels is denied. Look for `avc: denied` \
               in the audit log of a node in a test cluster.",
    },
    examples: &[
        Example::allow(
            "a level and a type for containers",
            r#"{"spec": {"securityContext": {"seLinuxOptions": {"level": "s0:c1,c2", "user": "", "type": "container_t"}},
                "containers": [{"name": "a", "securityContext": {"seLinuxOptions": {"type": "container_kvm_t"}}}]}}"#,
        ),
        Example::forbid(
            "a type that confines nothing",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"seLinuxOptions": {"type": "spc_t"}}}]}}"#,
            r#"container "a" set forbidden securityContext.seLinuxOptions: type "spc_t""#,
        ),
        Example::forbid(
            "user and role, for pod and container",
            r#"{"spec": {"securityContext": {"seLinuxOptions": {"user": "u", "role": "r", "type": "x"}},
                "containers": [{"name": "a", "securityContext": {"seLinuxOptions": {"user": "u", "role": "r"}}}]}}"#,
            r#"pod and container "a" set forbidden securityContext.seLinuxOptions: type "x"; user may not be set; role may not be set"#,
        ),
        Example::forbid(
            "the type of a container engine, before 1.31",
            r#"{"spec": {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}}"#,
            r#"pod set forbidden securityContext.seLinuxOptions: type "container_engine_t""#,
        )
        .until(30),
        Example::allow(
            "the type of a container engine",
            r#"{"spec": {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}}"#,
        )
        .since(31),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, TYPES.split_at(4).0);
}

/// Allows `container_engine_t` too.
fn v1_31<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, TYPES);
}

fn find<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>, types: &'static [&'static str]) {
    let mut check = |owner, options: Option<&'p SeLinuxOptions<'p>>| {
        let Some(SeLinuxOptions { kind, user, role }) = options else { return };
        if !kind.is_empty() && !types.iter().skip(1).any(|allowed| allowed == kind) {
            findings.push(Field::new(
                owner,
                "securityContext.seLinuxOptions.type",
                Actual::Text(kind),
                types,
            ));
        }
        if !user.is_empty() {
            let name = "securityContext.seLinuxOptions.user";
            findings.push(Field::new(owner, name, Actual::Text(user), &["undefined"]));
        }
        if !role.is_empty() {
            let name = "securityContext.seLinuxOptions.role";
            findings.push(Field::new(owner, name, Actual::Text(role), &["undefined"]));
        }
    };
    check(Owner::Pod, pod.spec.security_context.se_linux_options.as_deref());
    pod.visit_containers(|owner, container| {
        check(owner, container.security_context.se_linux_options.as_deref());
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let named = |member: &'static str| fields.iter().filter(move |field| field.name.ends_with(member));
    let types = sorted(named(".type").filter_map(Field::text));
    let mut faults = Vec::new();
    if !types.is_empty() {
        let mut fault = plural("type ", "types ", types.len()).to_owned();
        push_quoted(&mut fault, types);
        faults.push(fault);
    }
    if named(".user").next().is_some() {
        faults.push("user may not be set".to_owned());
    }
    if named(".role").next().is_some() {
        faults.push("role may not be set".to_owned());
    }
    let mut detail = setters(fields);
    detail.push_str(" set forbidden securityContext.seLinuxOptions: ");
    detail.push_str(&faults.join("; "));
    Words { reason: "seLinuxOptions", detail }
}

/// The types allowed, in the order in which they came to be.
const TYPES: &[&str] =
    &["undefined", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
