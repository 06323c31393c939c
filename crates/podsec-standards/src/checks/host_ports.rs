use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Pod, Signs};
use crate::wording::{plural, push_containers, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "hostPorts",
    level: Level::Baseline,
    docs: "
Containers must not claim ports of their node.

A host port is opened on the node itself, where network policies do not reach it, and only one pod on each node
can hold it. Publish the container with a Service instead.
",
    fields: &["spec.containers[*].ports[*].hostPort"],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::NONE,
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.containers[*].ports[*].hostPort", Edit::Remove)],
        risk: "Clients that use the node's address and port lose the program. Look for the port in firewall \
               rules, load balancers and monitoring, and give them a Service.",
    },
    examples: &[
        Example::allow(
            "a container port alone",
            r#"{"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80, "hostPort": 0}]}]}}"#,
        ),
        Example::forbid(
            "one port",
            r#"{"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}}"#,
            r#"container "a" uses hostPort 8080"#,
        ),
        Example::forbid(
            "two ports on one container, one of them on another",
            r#"{"spec": {"containers": [
                {"name": "a", "ports": [{"hostPort": 9}, {"containerPort": 1}, {"hostPort": 10}]},
                {"name": "b", "ports": [{"hostPort": 9}]}]}}"#,
            r#"containers "a", "b" use hostPorts 10, 9"#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        for (index, port) in container.ports.iter().enumerate() {
            if port.host_port != 0 {
                let actual = Actual::Integer(port.host_port.into());
                findings
                    .push(Field::new(owner, "ports[*].hostPort", actual, &["undefined", "0"]).element(index));
            }
        }
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(64);
    push_containers(&mut detail, fields.iter());
    // As text, not as numbers: 10 stands before 9.
    let ports = sorted(fields.iter().map(|field| field.actual.to_string()));
    detail.push_str(if detail.starts_with("containers") { " use " } else { " uses " });
    detail.push_str(plural("hostPort ", "hostPorts ", ports.len()));
    detail.push_str(&ports.join(", "));
    Words { reason: "hostPort", detail }
}
