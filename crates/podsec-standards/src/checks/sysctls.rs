use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings, Owner};
use crate::pod::{Pod, Signs};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "sysctls",
    level: Level::Baseline,
    docs: "
A pod may set only those kernel parameters that are known to be safe.

A parameter is safe when it belongs to the pod's namespaces alone and cannot take memory or time from other pods.
All others can disturb the node. Leave them out; what a whole node needs is set on the node.
",
    fields: &["spec.securityContext.sysctls[*].name"],
    revisions: &[
        Revision {
            since: Version::V1(0),
            signs: Signs::NONE,
            find: v1_0,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(27),
            signs: Signs::NONE,
            find: v1_27,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(29),
            signs: Signs::NONE,
            find: v1_29,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(32),
            signs: Signs::NONE,
            find: v1_32,
            say,
            overrides: &[],
        },
        Revision {
            since: Version::V1(37),
            signs: Signs::NONE,
            find: v1_37,
            say,
            overrides: &[],
        },
    ],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.securityContext.sysctls[*].name", Edit::RemoveElement)],
        risk: "The program runs with the node's value. Look up what the parameter was set for, often a long \
               connection queue or large shared memory, and test under load.",
    },
    examples: &[
        Example::allow(
            "safe ones",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"},
                {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}}}"#,
        ),
        Example::forbid(
            "others, each time they are named",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.core.somaxconn"},
                {"name": "net.ipv4.tcp_syncookies"}, {"name": "kernel.msgmax"}, {"name": "kernel.msgmax"}]}}}"#,
            "net.core.somaxconn, kernel.msgmax, kernel.msgmax",
        ),
        Example::forbid(
            "reserved ports, before 1.27",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}}}"#,
            "net.ipv4.ip_local_reserved_ports",
        )
        .until(26),
        Example::allow(
            "reserved ports",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}}}"#,
        )
        .since(27),
        Example::forbid(
            "keepalive times, before 1.29",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"}]}}}"#,
            "net.ipv4.tcp_keepalive_time",
        )
        .until(28),
        Example::allow(
            "keepalive times",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"},
                {"name": "net.ipv4.tcp_fin_timeout"}, {"name": "net.ipv4.tcp_keepalive_intvl"},
                {"name": "net.ipv4.tcp_keepalive_probes"}]}}}"#,
        )
        .since(29),
        Example::forbid(
            "socket buffers, before 1.32",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}, {"name": "net.ipv4.tcp_wmem"}]}}}"#,
            "net.ipv4.tcp_rmem, net.ipv4.tcp_wmem",
        )
        .until(31),
        Example::allow(
            "socket buffers",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}, {"name": "net.ipv4.tcp_wmem"}]}}}"#,
        )
        .since(32),
        Example::forbid(
            "idle connections, before 1.37",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_slow_start_after_idle"}]}}}"#,
            "net.ipv4.tcp_slow_start_after_idle",
        )
        .until(36),
        Example::allow(
            "idle connections",
            r#"{"spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_slow_start_after_idle"},
                {"name": "net.ipv4.tcp_notsent_lowat"}]}}}"#,
        )
        .since(37),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, SAFE.split_at(5).0);
}

fn v1_27<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, SAFE.split_at(6).0);
}

fn v1_29<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, SAFE.split_at(10).0);
}

fn v1_32<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, SAFE.split_at(12).0);
}

fn v1_37<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    find(pod, findings, SAFE.split_at(14).0);
}

fn find<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>, safe: &'static [&'static str]) {
    for (index, sysctl) in pod.spec.security_context.sysctls.iter().enumerate() {
        if !safe.contains(&&*sysctl.name) {
            let actual = Actual::Text(&sysctl.name);
            findings
                .push(Field::new(Owner::Pod, "securityContext.sysctls[*].name", actual, safe).element(index));
        }
    }
}

fn say(fields: &[Field<'_>]) -> Words {
    let names: Vec<&str> = fields.iter().filter_map(Field::text).collect();
    Words { reason: "forbidden sysctls", detail: names.join(", ") }
}

/// The safe parameters, in the order in which the versions named them.
const SAFE: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
];
