use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Profile, Signs};
use crate::wording::{annotation, plural, push_quoted, setters, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "appArmorProfile",
    level: Level::Baseline,
    docs: "
Containers must not switch AppArmor off.

On nodes with AppArmor the container runtime confines every container with a profile of its own, which denies
mounts, kernel tuning and other paths out of the container. A pod may name a profile loaded on the node
(`Localhost`) but may not run without one. Leave the field out or use `RuntimeDefault`; where the default is
too tight, load a profile for the program and name it. The annotations of Kubernetes before 1.30 count as well.
",
    fields: &[
        "spec.securityContext.appArmorProfile.type",
        "spec.containers[*].securityContext.appArmorProfile.type",
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]",
    ],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::POD_UNCONFINED_APP_ARMOR.and(Features::UNCONFINED_APP_ARMOR)),
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.securityContext.appArmorProfile.type", Edit::Set(r#""RuntimeDefault""#)),
            ("spec.containers[*].securityContext.appArmorProfile.type", Edit::Set(r#""RuntimeDefault""#)),
            ("metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]", Edit::Remove),
        ],
        risk: "A program that mounts file systems, loads modules or traces others is denied. Run it under the \
               default profile in a test cluster and look for `apparmor=\"DENIED\"` in the node's kernel log.",
    },
    examples: &[
        Example::allow("no profile named", r#"{"spec": {"containers": [{"name": "a"}]}}"#),
        Example::allow(
            "a profile of the node",
            r#"{"spec": {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "a", "securityContext":
                    {"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}}}]}}"#,
        ),
        Example::allow(
            "annotations with profiles",
            r#"{"metadata": {"annotations": {
                "container.apparmor.security.beta.kubernetes.io/a": "runtime/default",
                "container.apparmor.security.beta.kubernetes.io/b": "localhost/mine",
                "container.apparmor.security.beta.kubernetes.io/c": ""}}}"#,
        ),
        Example::forbid(
            "the pod unconfined",
            r#"{"spec": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}}"#,
            r#"pod must not set AppArmor profile type to "Unconfined""#,
        ),
        Example::forbid(
            "a container unconfined",
            r#"{"spec": {"containers": [{"name": "a", "securityContext":
                {"appArmorProfile": {"type": "Unconfined"}}}]}}"#,
            r#"container "a" must not set AppArmor profile type to "Unconfined""#,
        ),
        Example::forbid(
            "an annotation unconfined",
            r#"{"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}}"#,
            r#"annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"""#,
        ),
        Example::forbid(
            "all of them",
            r#"{"metadata": {"annotations": {
                    "container.apparmor.security.beta.kubernetes.io/b": "no",
                    "container.apparmor.security.beta.kubernetes.io/a": "say \"no\""}},
                "spec": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}},
                    "containers": [{"name": "a", "securityContext": {"appArmorProfile": {}}}]}}"#,
            r#"pod and container "a" and annotations must not set AppArmor profile type to "", "Unconfined", "container.apparmor.security.beta.kubernetes.io/a="say \"no\""", "container.apparmor.security.beta.kubernetes.io/b="no"""#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut check = |owner, profile: &'p Option<Profile<'p>>| {
        let Some(profile) = profile else { return };
        if profile.is_unconfined() {
            let actual = Actual::Text(profile.kind());
            findings.push(Field::new(owner, "securityContext.appArmorProfile.type", actual, PROFILES));
        }
    };
    check(Owner::Pod, &pod.spec.security_context.app_armor_profile);
    pod.visit_containers(|owner, container| {
        check(owner, &container.security_context.app_armor_profile);
    });
    for (key, value) in pod.metadata.annotations.app_armor() {
        if !(value.is_empty() || value == "runtime/default" || value.starts_with("localhost/")) {
            let name = "container.apparmor.security.beta.kubernetes.io/*";
            findings.push(Field::new(Owner::Annotation { key }, name, Actual::Text(value), ANNOTATIONS));
        }
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let types = fields.iter().filter_map(|field| match (field.owner, &field.actual) {
        (Owner::Pod | Owner::Container { .. }, Actual::Text(kind)) => Some((*kind).to_owned()),
        _ => None,
    });
    let annotations = sorted(fields.iter().filter_map(|field| match (field.owner, &field.actual) {
        (Owner::Annotation { key }, Actual::Text(value)) => Some(annotation(key, value)),
        _ => None,
    }));
    let mut detail = setters(fields);
    if !annotations.is_empty() {
        detail.push_str(if detail.is_empty() { "" } else { " and " });
        detail.push_str(plural("annotation", "annotations", annotations.len()));
    }
    let mut values = sorted(types);
    values.extend(annotations);
    detail.push_str(" must not set AppArmor profile type to ");
    push_quoted(&mut detail, values.iter().map(String::as_str));
    Words {
        reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.len()),
        detail,
    }
}

const PROFILES: &[&str] = &["RuntimeDefault", "Localhost"];
const ANNOTATIONS: &[&str] = &["undefined", "runtime/default", "localhost/*"];
