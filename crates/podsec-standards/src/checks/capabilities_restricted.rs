use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Features, Pod, Signs};
use crate::safety::{Ground, Safety, asks_for_powers, container, user};
use crate::wording::{push_containers, push_quoted, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "capabilities_restricted",
    level: Level::Restricted,
    docs: "
Every container must drop ALL capabilities and may add back only NET_BIND_SERVICE.

Even the default set of capabilities lets root in a container change owners of files, forge packets and open
devices. Few programs need any of it. Set `capabilities: {drop: [ALL]}`, and add NET_BIND_SERVICE for a program
that must listen on a port below 1024. Since 1.25 pods with `os: {name: windows}` are spared.
",
    fields: &[
        "spec.containers[*].securityContext.capabilities.drop",
        "spec.containers[*].securityContext.capabilities.add[*]",
    ],
    revisions: &[
        Revision {
            since: Version::V1(22),
            signs: Signs::certain(Features::NO_DROPPED_CAPABILITIES),
            find: v1_22,
            say,
            overrides: &["capabilities_baseline"],
        },
        Revision {
            since: Version::V1(25),
            signs: Signs::certain(Features::NO_DROPPED_CAPABILITIES)
                .except(Features::WINDOWS),
            find: v1_25,
            say,
            overrides: &["capabilities_baseline"],
        },
    ],
    fix: Fix {
        grounds: &[Ground {
            safety: Safety::Checked(
                "runAsUser names another user than root, no capability is added, and allowPrivilegeEscalation is false: \
                 the program has no capabilities, and can gain none",
            ),
            holds: |pod, field| {
                container(pod, field).is_some_and(|container| {
                    user(pod, container).is_some_and(|user| user != 0)
                        && !asks_for_powers(container)
                        && container.security_context.allow_privilege_escalation == Some(false)
                })
            },
        }],
        edits: &[
            ("spec.containers[*].securityContext.capabilities.drop", Edit::Set(r#"["ALL"]"#)),
            ("spec.containers[*].securityContext.capabilities.add[*]", Edit::Remove),
        ],
        risk: "Programs that start as root and change owners, switch users or bind low ports fail with `Operation \
               not permitted`: official images of databases and web servers often do. Try the image as a non-root \
               user with all capabilities dropped.",
    },
    examples: &[
        Example::allow(
            "all dropped, one added back",
            r#"{"spec": {"containers": [{"name": "a", "securityContext":
                {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}}]}}"#,
        ),
        Example::forbid(
            "not all dropped",
            r#"{"spec": {"containers": [{"name": "a"},
                {"name": "b", "securityContext": {"capabilities": {"drop": ["all", "NET_RAW"]}}}]}}"#,
            r#"containers "a", "b" must set securityContext.capabilities.drop=["ALL"]"#,
        )
        .since(22),
        Example::forbid(
            "another added back",
            r#"{"spec": {"containers": [{"name": "a", "securityContext":
                {"capabilities": {"drop": ["KILL", "ALL"], "add": ["CHOWN", "NET_BIND_SERVICE"]}}}]}}"#,
            r#"container "a" must not include "CHOWN" in securityContext.capabilities.add"#,
        )
        .since(22),
        Example::forbid(
            "both",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"capabilities": {"add": ["SYS_TIME", "CHOWN"]}}},
                {"name": "b", "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}}]}}"#,
            r#"container "a" must set securityContext.capabilities.drop=["ALL"]; containers "a", "b" must not include "CHOWN", "SYS_TIME" in securityContext.capabilities.add"#,
        )
        .since(22),
        Example::forbid(
            "on Windows, before 1.25",
            r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#,
            r#"container "a" must set securityContext.capabilities.drop=["ALL"]"#,
        )
        .since(22)
        .until(24),
        Example::allow("on Windows", r#"{"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}"#).since(25),
    ],
};

fn v1_22<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        let capabilities = &container.security_context.capabilities;
        if !capabilities.drop.iter().any(|capability| capability == "ALL") {
            let dropped = capabilities.drop.as_slice();
            let actual = if dropped.is_empty() { Actual::Undefined } else { Actual::List(dropped) };
            findings.push(Field::new(owner, DROP, actual, &["[ALL]"]));
        }
        for (index, capability) in capabilities.add.iter().enumerate() {
            if capability != "NET_BIND_SERVICE" {
                let actual = Actual::Text(capability);
                findings.push(Field::new(owner, ADD, actual, &["NET_BIND_SERVICE"]).element(index));
            }
        }
    });
}

/// Spares Windows.
fn v1_25<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    if !pod.is_windows() {
        v1_22(pod, findings);
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let named = |name| fields.iter().filter(move |field| field.name == name);
    let mut detail = String::with_capacity(128);
    if named(DROP).next().is_some() {
        push_containers(&mut detail, named(DROP));
        detail.push_str(r#" must set securityContext.capabilities.drop=["ALL"]"#);
    }
    if named(ADD).next().is_some() {
        detail.push_str(if detail.is_empty() { "" } else { "; " });
        push_containers(&mut detail, named(ADD));
        detail.push_str(" must not include ");
        push_quoted(&mut detail, sorted(named(ADD).filter_map(Field::text)));
        detail.push_str(" in securityContext.capabilities.add");
    }
    Words { reason: "unrestricted capabilities", detail }
}

const DROP: &str = "securityContext.capabilities.drop";
const ADD: &str = "securityContext.capabilities.add[*]";
