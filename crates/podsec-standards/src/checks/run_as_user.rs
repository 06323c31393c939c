use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs};
use crate::wording::setters;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "runAsUser",
    level: Level::Restricted,
    docs: "
Neither pod nor containers may set `runAsUser: 0`.

User 0 is root, and root in a container is root on the node for every exploit that leaves the container. Leave the
field out and let the image say its user, or set any other number. Since 1.35 pods with a user namespace of their
own (`hostUsers: false`) are spared.
",
    fields: &["spec.securityContext.runAsUser", "spec.containers[*].securityContext.runAsUser"],
    revisions: &[
        Revision {
            since: Version::V1(23),
            signs: Signs::certain(ROOT),
            find: v1_23,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(35),
            signs: Signs::certain(ROOT).except(Features::USER_NAMESPACE),
            find: v1_35,
            say,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.securityContext.runAsUser", Edit::Remove),
            ("spec.containers[*].securityContext.runAsUser", Edit::Remove),
        ],
        risk: "The image's own user takes over. If that is root, `runAsNonRoot: true` keeps the container from \
               starting; if not, files that root owns may be out of its reach.",
    },
    examples: &[
        Example::allow(
            "another user",
            r#"{"spec": {"securityContext": {"runAsUser": 1000}, "containers": [{"name": "a", "securityContext": {"runAsUser": null}}]}}"#,
        ),
        Example::forbid(
            "root",
            r#"{"spec": {"securityContext": {"runAsUser": 0}, "containers": [{"name": "a"},
                {"name": "b", "securityContext": {"runAsUser": 0}}]}}"#,
            r#"pod and container "b" must not set runAsUser=0"#,
        )
        .since(23),
        Example::forbid(
            "root in a user namespace, before 1.35",
            r#"{"spec": {"hostUsers": false, "securityContext": {"runAsUser": 0}}}"#,
            "pod must not set runAsUser=0",
        )
        .since(23)
        .until(34),
        Example::allow(
            "root in a user namespace",
            r#"{"spec": {"hostUsers": false, "securityContext": {"runAsUser": 0}}}"#,
        )
        .since(35),
    ],
};

fn v1_23<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut check = |owner, user| {
        if user == Some(0) {
            let allowed = &["undefined", "any but 0"];
            findings.push(Field::new(owner, "securityContext.runAsUser", Actual::Integer(0), allowed));
        }
    };
    check(Owner::Pod, pod.spec.security_context.run_as_user);
    pod.visit_containers(|owner, container| {
        check(owner, container.security_context.run_as_user);
    });
}

/// Spares pods with a user namespace of their own.
fn v1_35<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.has_user_namespace() {
        v1_23(pod, findings);
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    Words { reason: "runAsUser=0", detail: setters(fields) + " must not set runAsUser=0" }
}

const ROOT: Features = Features::POD_RUN_AS_ROOT.and(Features::RUN_AS_ROOT);
