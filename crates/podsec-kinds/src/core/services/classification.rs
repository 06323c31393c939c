//! What the other fields of a service depend on: whether it is headless, reached from outside, checked by load balancers.

use std::collections::BTreeSet;

use crate::object::Fields;

/// The ports on the nodes that a spec has.
pub(super) fn node_ports(spec: &impl Fields) -> BTreeSet<i64> {
    spec.list("ports").iter().map(|port| port.number("nodePort")).filter(|port| *port != 0).collect()
}

/// Whether clients outside of the cluster reach it.
pub(super) fn externally_accessible(spec: &impl Fields) -> bool {
    match spec.text("type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !spec.list("externalIPs").is_empty(),
        _ => false,
    }
}

/// Whether a load balancer asks the nodes which of them have an endpoint.
pub(super) fn needs_health_check(spec: &impl Fields) -> bool {
    spec.text("type") == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local"
}

/// Whether the service has no address of its own.
pub(super) fn is_headless(spec: &impl Fields) -> bool {
    matches!(spec.list("clusterIPs"), [address] if address == "None")
}
