use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Features, Pod, Signs};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "hostNamespaces",
    level: Level::Baseline,
    docs: "
A pod must not share the namespaces of its node.

With the node's network a pod reaches services bound to the node's loopback address, sniffs its traffic and
evades network policies; with its process ids it sees and signals every process; with its IPC it reads the
shared memory of others. Leave the fields out. A program that must be reached from outside needs a Service,
one that must watch the node belongs in a namespace at the privileged level.
",
    fields: &["spec.hostNetwork", "spec.hostPID", "spec.hostIPC"],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::HOST_NAMESPACES),
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.hostNetwork", Edit::Remove),
            ("spec.hostPID", Edit::Remove),
            ("spec.hostIPC", Edit::Remove),
        ],
        risk: "A program that binds a node's address, talks to the node's loopback, or inspects other \
               processes stops working. Look for node agents, CNI plugins and exporters.",
    },
    examples: &[
        Example::allow("its own namespaces", r#"{"spec": {"hostNetwork": false, "hostPID": null}}"#),
        Example::forbid("the node's network", r#"{"spec": {"hostNetwork": true}}"#, "hostNetwork=true"),
        Example::forbid(
            "all of the node's namespaces",
            r#"{"spec": {"hostIPC": true, "hostNetwork": true, "hostPID": true}}"#,
            "hostNetwork=true, hostPID=true, hostIPC=true",
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let spec = &pod.spec;
    for (name, shared) in
        [("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)]
    {
        if shared {
            findings.push(Field::new(Owner::Pod, name, Actual::Bool(true), &["undefined", "false"]));
        }
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let shared: Vec<String> = fields.iter().map(|field| format!("{}=true", field.name)).collect();
    Words { reason: "host namespaces", detail: shared.join(", ") }
}
