//! Ingresses: the hosts they answer for, and where.

use serde_json::{Value, json};

use crate::generic::{BASE, WITH_GENERATION};
use crate::object::Fields;
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::workload;

/// Ingresses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "ingresses",
    prepare_for_create: |ingress| {
        workload::reset_status(ingress, json!({ "loadBalancer": {} }));
        workload::start_generation(ingress);
    },
    prepare_for_update: WITH_GENERATION.prepare_for_update,
    subresources: WITH_GENERATION.subresources,
    columns: &[
        printing::NAME,
        column("Class", "The class of controllers that serve it."),
        column("Hosts", "The hosts it answers for."),
        column("Address", "Where it is reached."),
        column("Ports", "The ports of TLS and of plain HTTP."),
        printing::AGE,
    ],
    cells: |ingress, now| {
        let spec = ingress.at("spec");
        let ports = if spec.list("tls").is_empty() { "80" } else { "80, 443" };
        vec![
            printing::name(ingress),
            printing::or_none(spec.text("ingressClassName")),
            hosts(spec).into(),
            addresses(ingress).into(),
            ports.into(),
            printing::age(ingress, now),
        ]
    },
    ..BASE
};

/// The first three hosts; `*` when every host is answered for.
fn hosts(spec: &Value) -> String {
    let named: Vec<&str> =
        spec.list("rules").iter().map(|rule| rule.text("host")).filter(|host| !host.is_empty()).collect();
    match named.as_slice() {
        [] => "*".to_owned(),
        [first, second, third, more @ ..] if !more.is_empty() => {
            format!("{first},{second},{third} + {} more...", more.len())
        }
        all => all.join(","),
    }
}

fn addresses(ingress: &Value) -> String {
    let points = ingress.at("status").at("loadBalancer").list("ingress").iter();
    let shown = points.map(|point| match point.text("ip") {
        "" => point.text("hostname"),
        ip => ip,
    });
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hosts_are_shown_and_the_others_counted() {
        let spec = |hosts: &[&str]| {
            let rules: Vec<Value> = hosts.iter().map(|host| json!({ "host": host })).collect();
            json!({ "rules": rules })
        };
        assert_eq!(hosts(&spec(&[])), "*");
        assert_eq!(hosts(&spec(&["a", "b", "c"])), "a,b,c");
        assert_eq!(hosts(&spec(&["a", "b", "c", "d", "e"])), "a,b,c + 2 more...");
    }
}
