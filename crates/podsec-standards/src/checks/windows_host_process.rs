use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs, WindowsOptions};
use crate::wording::setters;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "windowsHostProcess",
    level: Level::Baseline,
    docs: "
Windows pods must not run as processes of their node.

A HostProcess container is a process of the Windows node, with the node's file system, network and accounts: what
`privileged` is on Linux. Leave the field out, or keep node agents in a namespace at the privileged level.
",
    fields: &[
        "spec.securityContext.windowsOptions.hostProcess",
        "spec.containers[*].securityContext.windowsOptions.hostProcess",
    ],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::POD_HOST_PROCESS.and(Features::HOST_PROCESS)),
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.securityContext.windowsOptions.hostProcess", Edit::Remove),
            ("spec.containers[*].securityContext.windowsOptions.hostProcess", Edit::Remove),
        ],
        risk: "The container loses the node's file system, network and accounts. A HostProcess pod also has \
               `hostNetwork: true` and a node account as `runAsUserName`, which no longer fit.",
    },
    examples: &[
        Example::allow(
            "an ordinary Windows container",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"windowsOptions": {"hostProcess": false}}}]}}"#,
        ),
        Example::forbid(
            "a pod of the node",
            r#"{"spec": {"securityContext": {"windowsOptions": {"hostProcess": true}}}}"#,
            "pod must not set securityContext.windowsOptions.hostProcess=true",
        ),
        Example::forbid(
            "pod and container",
            r#"{"spec": {"securityContext": {"windowsOptions": {"hostProcess": true}},
                "containers": [{"name": "a", "securityContext": {"windowsOptions": {"hostProcess": true}}}]}}"#,
            r#"pod and container "a" must not set securityContext.windowsOptions.hostProcess=true"#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut check = |owner, options: &WindowsOptions| {
        if options.host_process == Some(true) {
            let name = "securityContext.windowsOptions.hostProcess";
            findings.push(Field::new(owner, name, Actual::Bool(true), &["undefined", "false"]));
        }
    };
    check(Owner::Pod, &pod.spec.security_context.windows_options);
    pod.visit_containers(|owner, container| {
        check(owner, &container.security_context.windows_options);
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = setters(fields);
    detail.push_str(" must not set securityContext.windowsOptions.hostProcess=true");
    Words { reason: "hostProcess", detail }
}
