//! Who puts containers into pods that no template names, told by the names they give them.

/// The names of containers, and who adds them. A `*` at the end stands for anything.
pub const INJECTORS: &[(&str, &str)] = &[
    ("aws-appmesh-proxyinit", "AWS App Mesh"),
    ("consul-connect-inject-init", "Consul"),
    ("consul-connect-inject-init-*", "Consul"),
    ("consul-dataplane", "Consul"),
    ("consul-dataplane-*", "Consul"),
    ("daprd", "Dapr"),
    ("datadog-init-*", "Datadog"),
    ("datadog-lib-*", "Datadog"),
    ("install-oneagent", "Dynatrace"),
    ("istio-init", "Istio"),
    ("istio-proxy", "Istio"),
    ("istio-validation", "Istio"),
    ("enable-core-dump", "Istio"),
    ("kuma-init", "Kuma"),
    ("kuma-sidecar", "Kuma"),
    ("kuma-validation", "Kuma"),
    ("linkerd-debug", "Linkerd"),
    ("linkerd-init", "Linkerd"),
    ("linkerd-network-validator", "Linkerd"),
    ("linkerd-proxy", "Linkerd"),
    ("newrelic-instrumentation-*", "New Relic"),
    ("opentelemetry-auto-instrumentation", "OpenTelemetry operator"),
    ("opentelemetry-auto-instrumentation-*", "OpenTelemetry operator"),
    ("otc-container", "OpenTelemetry operator"),
    ("osm-init", "Open Service Mesh"),
    ("vault-agent", "Vault"),
    ("vault-agent-init", "Vault"),
];

/// Who adds a container of this name.
pub(super) fn injector_of(container: &str) -> Option<&'static str> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => container.starts_with(start),
        None => container == pattern,
    };
    INJECTORS.iter().find(|(pattern, _)| fits(pattern)).map(|(_, injector)| *injector)
}
