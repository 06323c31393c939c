use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs};
use crate::safety::{Ground, Safety, container, user};
use crate::wording::{push_containers, setters};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "runAsNonRoot",
    level: Level::Restricted,
    docs: "
Every container must be made to run as a user other than root.

Root in a container is root on the node for every exploit that leaves the container. With `runAsNonRoot: true`
the kubelet refuses to start a container whose user is root. Set it on the pod, or on every container; false is
forbidden wherever it stands. Since 1.35 pods with a user namespace of their own (`hostUsers: false`) are spared.
",
    fields: &["spec.securityContext.runAsNonRoot", "spec.containers[*].securityContext.runAsNonRoot"],
    revisions: &[
        Revision {
            since: Version::V1(0),
            signs: Signs::certain(MAY_BE_ROOT),
            find: v1_0,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(35),
            signs: Signs::certain(MAY_BE_ROOT).except(Features::USER_NAMESPACE),
            find: v1_35,
            say,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[Ground {
            safety: Safety::Checked(
                "runAsUser names another user than root, which is all that the kubelet asks",
            ),
            holds: |pod, field| {
                container(pod, field).and_then(|container| user(pod, container)).is_some_and(|user| user != 0)
            },
        }],
        edits: &[
            ("spec.securityContext.runAsNonRoot", Edit::Set("true")),
            ("spec.containers[*].securityContext.runAsNonRoot", Edit::SetForPod("true")),
        ],
        risk: "A container whose image says no user, or root, is not started: `container has runAsNonRoot and image \
               will run as root`. Look at the image's user (`docker inspect --format '{{.Config.User}}'`) and at the \
               owners of the files it writes.",
    },
    examples: &[
        Example::allow(
            "said once for the pod",
            r#"{"spec": {"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "a"}]}}"#,
        ),
        Example::allow(
            "said by each container",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"runAsNonRoot": true}}]}}"#,
        ),
        Example::forbid(
            "not said",
            r#"{"spec": {"containers": [{"name": "a"}, {"name": "b", "securityContext": {"runAsNonRoot": true}},
                {"name": "c", "securityContext": {"runAsNonRoot": null}}]}}"#,
            r#"pod or containers "a", "c" must set securityContext.runAsNonRoot=true"#,
        )
        ,
        Example::forbid(
            "denied, which counts more than not said",
            r#"{"spec": {"securityContext": {"runAsNonRoot": false}, "containers": [{"name": "a"},
                {"name": "b", "securityContext": {"runAsNonRoot": false}}]}}"#,
            r#"pod and container "b" must not set securityContext.runAsNonRoot=false"#,
        ),
        Example::forbid(
            "in a user namespace, before 1.35",
            r#"{"spec": {"hostUsers": false, "containers": [{"name": "a"}]}}"#,
            r#"pod or container "a" must set securityContext.runAsNonRoot=true"#,
        )
        .until(34),
        Example::allow(
            "in a user namespace",
            r#"{"spec": {"hostUsers": false, "containers": [{"name": "a"}]}}"#,
        )
        .since(35),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let for_pod = pod.spec.security_context.run_as_non_root;
    if for_pod == Some(false) {
        findings.push(Field::new(Owner::Pod, NAME, Actual::Bool(false), &["true"]));
    }
    pod.visit_containers(|owner, container| {
        if container.security_context.run_as_non_root == Some(false) {
            findings.push(Field::new(owner, NAME, Actual::Bool(false), &["true"]));
        }
    });
    if findings.is_empty() && for_pod.is_none() {
        pod.visit_containers(|owner, container| {
            if container.security_context.run_as_non_root.is_none() {
                findings.push(Field::new(owner, NAME, Actual::Undefined, &["true"]));
            }
        });
    }
}

/// Spares pods with a user namespace of their own.
fn v1_35<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.has_user_namespace() {
        v1_0(pod, findings);
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let missing = fields.iter().all(|field| field.actual == Actual::Undefined);
    let detail = if missing {
        let mut detail = "pod or ".to_owned();
        push_containers(&mut detail, fields.iter());
        detail + " must set securityContext.runAsNonRoot=true"
    } else {
        setters(fields) + " must not set securityContext.runAsNonRoot=false"
    };
    Words { reason: "runAsNonRoot != true", detail }
}

const NAME: &str = "securityContext.runAsNonRoot";

const MAY_BE_ROOT: Features = Features::POD_MAY_RUN_AS_ROOT.and(Features::MAY_RUN_AS_ROOT);
