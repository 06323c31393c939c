use super::seccomp_profile_baseline::{PROFILES, say_fields, v1_19 as baseline_v1_19};
use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Features, Pod, Signs};
use crate::safety::{Ground, Safety, asks_for_powers, container};
use crate::wording::push_containers;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "seccompProfile_restricted",
    level: Level::Restricted,
    docs: "
Every container must have a seccomp profile, its own or the pod's.

Without one, most clusters run a container with every system call open to it. Set
`seccompProfile: {type: RuntimeDefault}` in the pod's security context, or name a profile of the node with
`Localhost`. Since 1.25 pods with `os: {name: windows}` are spared.
",
    fields: &["spec.securityContext.seccompProfile.type", "spec.containers[*].securityContext.seccompProfile.type"],
    revisions: &[
        Revision {
            since: Version::V1(19),
            signs: Signs::certain(UNCONFINED),
            find: v1_19,
            say,
            overrides: &["seccompProfile_baseline"],
        },
        Revision {
            since: Version::V1(25),
            signs: Signs::certain(UNCONFINED).except(Features::WINDOWS),
            find: v1_25,
            say,
            overrides: &["seccompProfile_baseline"],
        },
    ],
    fix: Fix {
        grounds: &[Ground {
            safety: Safety::Safe(
                "the container neither is privileged nor adds capabilities, and no annotation of older Kubernetes names \
                 a profile",
            ),
            holds: |pod, field| {
                let annotations = &pod.metadata.annotations;
                annotations.pod_seccomp().is_none()
                    && container(pod, field).is_some_and(|container| {
                        !asks_for_powers(container) && annotations.container_seccomp(&container.name).is_none()
                    })
            },
        }],
        edits: &[
            ("spec.securityContext.seccompProfile.type", Edit::Set(r#""RuntimeDefault""#)),
            ("spec.containers[*].securityContext.seccompProfile.type", Edit::SetForPod(r#""RuntimeDefault""#)),
        ],
        risk: "System calls outside the runtime's profile fail with EPERM: those of debuggers, nested containers, \
               browsers' sandboxes, io_uring. Run the program with the profile once and watch for `Operation not \
               permitted`.",
    },
    examples: &[
        Example::allow(
            "said once for the pod",
            r#"{"spec": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [{"name": "a"}]}}"#,
        ),
        Example::allow(
            "said by each container",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"seccompProfile": {"type": "Localhost"}}}]}}"#,
        ),
        Example::forbid(
            "not said",
            r#"{"spec": {"containers": [{"name": "a"},
                {"name": "b", "securityContext": {"seccompProfile": {"type": "Localhost"}}}, {"name": "c"}]}}"#,
            r#"pod or containers "a", "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost""#,
        )
        .since(19),
        Example::forbid(
            "denied, which counts more than not said",
            r#"{"spec": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}, "containers": [{"name": "a"},
                {"name": "b", "securityContext": {"seccompProfile": {}}}]}}"#,
            r#"pod and container "b" must not set securityContext.seccompProfile.type to "", "Unconfined""#,
        )
        .since(19),
        Example::forbid(
            "on Windows, before 1.25",
            r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#,
            r#"pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost""#,
        )
        .since(19)
        .until(24),
        Example::allow("on Windows", r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#).since(25),
    ],
};

fn v1_19<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    baseline_v1_19(pod, findings);
    if findings.is_empty() && pod.spec.security_context.seccomp_profile.is_none() {
        pod.visit_containers(|owner, container| {
            if container.security_context.seccomp_profile.is_none() {
                let name = "securityContext.seccompProfile.type";
                findings.push(Field::new(owner, name, Actual::Undefined, PROFILES));
            }
        });
    }
}

/// Spares Windows.
fn v1_25<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.is_windows() {
        v1_19(pod, findings);
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    if fields.iter().any(|field| field.actual != Actual::Undefined) {
        return say_fields(fields);
    }
    let mut detail = String::with_capacity(128);
    detail.push_str("pod or ");
    push_containers(&mut detail, fields.iter());
    detail.push_str(r#" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost""#);
    Words { reason: "seccompProfile", detail }
}

const UNCONFINED: Features = Features::POD_UNCONFINED_SECCOMP.and(Features::MAY_LACK_SECCOMP);
