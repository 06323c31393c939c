use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Handler, Lifecycle, Pod, Signs};
use crate::wording::{plural, push_quoted, sorted};
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "hostProbesAndHostLifecycle",
    level: Level::Baseline,
    docs: "
Probes and lifecycle hooks must not name a host.

The kubelet connects to the host on the pod's behalf, from the node: a pod that names one can make the node call
what the pod itself cannot reach, such as services on the node's loopback or the cloud's metadata server. Leave
the host out, and the kubelet calls the pod.
",
    fields: &[
        "spec.containers[*].livenessProbe.httpGet.host",
        "spec.containers[*].livenessProbe.tcpSocket.host",
        "spec.containers[*].readinessProbe.httpGet.host",
        "spec.containers[*].readinessProbe.tcpSocket.host",
        "spec.containers[*].startupProbe.httpGet.host",
        "spec.containers[*].startupProbe.tcpSocket.host",
        "spec.containers[*].lifecycle.postStart.httpGet.host",
        "spec.containers[*].lifecycle.postStart.tcpSocket.host",
        "spec.containers[*].lifecycle.preStop.httpGet.host",
        "spec.containers[*].lifecycle.preStop.tcpSocket.host",
    ],
    revisions: &[Revision {
        since: Version::V1(34),
        signs: Signs::NONE,
        find: v1_34,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[
            ("spec.containers[*].livenessProbe.httpGet.host", Edit::Remove),
            ("spec.containers[*].livenessProbe.tcpSocket.host", Edit::Remove),
            ("spec.containers[*].readinessProbe.httpGet.host", Edit::Remove),
            ("spec.containers[*].readinessProbe.tcpSocket.host", Edit::Remove),
            ("spec.containers[*].startupProbe.httpGet.host", Edit::Remove),
            ("spec.containers[*].startupProbe.tcpSocket.host", Edit::Remove),
            ("spec.containers[*].lifecycle.postStart.httpGet.host", Edit::Remove),
            ("spec.containers[*].lifecycle.postStart.tcpSocket.host", Edit::Remove),
            ("spec.containers[*].lifecycle.preStop.httpGet.host", Edit::Remove),
            ("spec.containers[*].lifecycle.preStop.tcpSocket.host", Edit::Remove),
        ],
        risk: "The kubelet calls the pod's address instead. A probe of a program that listens on its loopback \
               alone then fails: let it listen on all addresses, or probe it with a command.",
    },
    examples: &[
        Example::allow(
            "probes of the pod itself",
            r#"{"spec": {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"port": 80, "host": ""}},
                "lifecycle": {"preStop": {"exec": {"command": ["stop"]}}}}]}}"#,
        ),
        Example::forbid(
            "a probe of the node",
            r#"{"spec": {"containers": [{"name": "a", "readinessProbe":
                {"httpGet": {"host": "127.0.0.1", "port": 10250}}}]}}"#,
            r#"container "a" uses probe or lifecycle host "127.0.0.1""#,
        )
        .since(34),
        Example::forbid(
            "every place for a host",
            r#"{"spec": {"containers": [
                {"name": "b", "livenessProbe": {"httpGet": {"host": "h1"}, "tcpSocket": {"host": "h0"}},
                    "readinessProbe": {"httpGet": {"host": "h1"}, "tcpSocket": {"host": "h0"}},
                    "startupProbe": {"httpGet": {"host": "h1"}, "tcpSocket": {"host": "h0"}}},
                {"name": "a", "lifecycle": {
                    "postStart": {"httpGet": {"host": "h1"}, "tcpSocket": {"host": "h0"}},
                    "preStop": {"httpGet": {"host": "h1"}, "tcpSocket": {"host": "h0"}}}}]}}"#,
            r#"containers "a", "b" use probe or lifecycle hosts "h0", "h1""#,
        )
        .since(34),
    ],
};

fn v1_34<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        let mut check =
            |handler: &'p Option<Handler<'p>>, http_get: &'static str, tcp_socket: &'static str| {
                let Some(handler) = handler else { return };
                for (name, target) in [(http_get, &handler.http_get), (tcp_socket, &handler.tcp_socket)] {
                    if !target.host.is_empty() {
                        findings.push(Field::new(owner, name, Actual::Text(&target.host), &["undefined"]));
                    }
                }
            };
        let Some(hooks) = container.hooks.as_deref() else { return };
        check(&hooks.liveness_probe, "livenessProbe.httpGet.host", "livenessProbe.tcpSocket.host");
        check(&hooks.readiness_probe, "readinessProbe.httpGet.host", "readinessProbe.tcpSocket.host");
        check(&hooks.startup_probe, "startupProbe.httpGet.host", "startupProbe.tcpSocket.host");
        let Lifecycle { post_start, pre_stop } = &hooks.lifecycle;
        check(post_start, "lifecycle.postStart.httpGet.host", "lifecycle.postStart.tcpSocket.host");
        check(pre_stop, "lifecycle.preStop.httpGet.host", "lifecycle.preStop.tcpSocket.host");
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let containers = sorted(fields.iter().filter_map(Field::container));
    let hosts = sorted(fields.iter().filter_map(Field::text));
    let mut detail = String::with_capacity(64);
    detail.push_str(plural("container ", "containers ", containers.len()));
    push_quoted(&mut detail, containers.iter().copied());
    detail.push_str(plural(" uses ", " use ", containers.len()));
    detail.push_str(plural("probe or lifecycle host ", "probe or lifecycle hosts ", hosts.len()));
    push_quoted(&mut detail, hosts);
    Words { reason: "probe or lifecycle host", detail }
}
