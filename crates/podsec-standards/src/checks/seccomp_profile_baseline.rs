use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Profile, Signs};
use crate::wording::{annotation, plural, push_quoted, setters, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "seccompProfile_baseline",
    level: Level::Baseline,
    docs: "
Containers must not switch seccomp off.

A seccomp profile keeps a container from the system calls that programs do not need and exploits do. A pod may
choose the container runtime's profile (`RuntimeDefault`) or one of the node's (`Localhost`), or say nothing, but
it may not be `Unconfined`. Before 1.19 the profiles were annotations, and those versions judge the annotations.
",
    fields: &[
        "spec.securityContext.seccompProfile.type",
        "spec.containers[*].securityContext.seccompProfile.type",
        "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]",
        "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/*]",
    ],
    revisions: &[
        Revision {
            since: Version::V1(0),
            signs: Signs::NONE,
            find: v1_0,
            say: say_annotations,
            overrides: &[],
        },
        Revision {
            since: Version::V1(19),
            signs: Signs::certain(Features::POD_UNCONFINED_SECCOMP.and(Features::UNCONFINED_SECCOMP)),
            find: v1_19,
            say: say_fields,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.securityContext.seccompProfile.type", Edit::Set(r#""RuntimeDefault""#)),
            ("spec.containers[*].securityContext.seccompProfile.type", Edit::Set(r#""RuntimeDefault""#)),
            ("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]", Edit::Remove),
            ("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/*]", Edit::Remove),
        ],
        risk: "System calls outside the runtime's profile fail with EPERM or end the program: debuggers, nested \
               containers, some databases' io_uring. Run the program's tests under RuntimeDefault first.",
    },
    examples: &[
        Example::allow("no profile named", r#"{"spec": {"containers": [{"name": "a"}]}}"#),
        Example::allow(
            "profiles named",
            r#"{"spec": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [
                {"name": "a", "securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}}}]}}"#,
        ),
        Example::forbid(
            "the pod and a container unconfined",
            r#"{"spec": {"securityContext": {"seccompProfile": {"type": "Unconfined"}},
                "containers": [{"name": "a", "securityContext": {"seccompProfile": {"type": ""}}}]}}"#,
            r#"pod and container "a" must not set securityContext.seccompProfile.type to "", "Unconfined""#,
        )
        .since(19),
        Example::forbid(
            "annotations, before 1.19",
            r#"{"metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined",
                    "container.seccomp.security.alpha.kubernetes.io/a": "unconfined",
                    "container.seccomp.security.alpha.kubernetes.io/gone": "unconfined"}},
                "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}"#,
            r#"forbidden annotations container.seccomp.security.alpha.kubernetes.io/a="unconfined", seccomp.security.alpha.kubernetes.io/pod="unconfined""#,
        )
        .until(18),
        Example::allow(
            "annotations with profiles, before 1.19",
            r#"{"metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
                    "container.seccomp.security.alpha.kubernetes.io/a": "docker/default",
                    "container.seccomp.security.alpha.kubernetes.io/b": "localhost/p"}},
                "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}"#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut check = |annotation: Option<(&'p str, &'p str)>, name| {
        let Some((key, value)) = annotation else { return };
        if !(matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")) {
            findings.push(Field::new(Owner::Annotation { key }, name, Actual::Text(value), ANNOTATIONS));
        }
    };
    let annotations = &pod.metadata.annotations;
    check(annotations.pod_seccomp(), "seccomp.security.alpha.kubernetes.io/pod");
    pod.visit_containers(|_, container| {
        let annotation = annotations.container_seccomp(&container.name);
        check(annotation, "container.seccomp.security.alpha.kubernetes.io/*");
    });
}

fn say_annotations(fields: &[Field<'_>]) -> Words {
    let forbidden = sorted(fields.iter().filter_map(|field| match (field.owner, &field.actual) {
        (Owner::Annotation { key }, Actual::Text(value)) => Some(annotation(key, value)),
        _ => None,
    }));
    let noun = plural("forbidden annotation ", "forbidden annotations ", forbidden.len());
    Words { reason: "seccompProfile", detail: [noun, &forbidden.join(", ")].concat() }
}

/// Reads the fields that came with 1.19 and the annotations no more.
pub(super) fn v1_19<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut check = |owner, profile: &'p Option<Profile<'p>>| {
        let Some(profile) = profile else { return };
        if profile.is_unconfined() {
            let actual = Actual::Text(profile.kind());
            findings.push(Field::new(owner, "securityContext.seccompProfile.type", actual, PROFILES));
        }
    };
    check(Owner::Pod, &pod.spec.security_context.seccomp_profile);
    pod.visit_containers(|owner, container| {
        check(owner, &container.security_context.seccomp_profile);
    });
}

pub(super) fn say_fields(fields: &[Field<'_>]) -> Words {
    let mut detail = setters(fields);
    detail.push_str(" must not set securityContext.seccompProfile.type to ");
    push_quoted(&mut detail, sorted(fields.iter().filter_map(Field::text)));
    Words { reason: "seccompProfile", detail }
}

pub(super) const PROFILES: &[&str] = &["RuntimeDefault", "Localhost"];
const ANNOTATIONS: &[&str] = &["undefined", "runtime/default", "docker/default", "localhost/*"];
