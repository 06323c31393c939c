//! Ports of the containers of one pod that say the same, or cannot mean what they say.

use std::collections::BTreeMap;

use podsec_apimachinery::field::Path;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::object::Fields;
use crate::pod_spec::containers;

/// Warnings about all ports of a pod spec at `path`.
pub(super) fn warnings(spec: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut by_number: BTreeMap<(i64, &str), Vec<(&Value, Path)>> = BTreeMap::new();
    for (port, path) in ports(spec, path) {
        if !port.text("hostIP").is_empty() && port.number("hostPort") == 0 {
            warnings.push(format!("{path}: hostIP set without hostPort: {}", shown(port)));
        }
        let others = by_number.entry((port.number("containerPort"), port.text("protocol"))).or_default();
        warnings.extend(others.iter().filter_map(|(other, other_path)| {
            conflict(port, other).map(|what| format!("{path}: {what} port definition with {other_path}"))
        }));
        // More of the same tell nothing new; without a bound, ten thousand ports would tell fifty million times. A
        // client hears the first four kilobytes.
        if others.len() < COMPARED {
            others.push((port, path));
        }
    }
    let mut names: BTreeMap<&str, Path> = BTreeMap::new();
    for (port, path) in ports(spec, path).filter(|(port, _)| !port.text("name").is_empty()) {
        let name = port.text("name");
        match names.get(name) {
            Some(first) => warnings.push(format!(
                "{path}: duplicate port name {} with {first}, services and probes that select ports by name will use {first}",
                quoted(name)
            )),
            None => drop(names.insert(name, path)),
        }
    }
    warnings
}

fn ports<'a>(spec: &'a Value, path: &'a Path) -> impl Iterator<Item = (&'a Value, Path)> {
    containers(spec, path).flat_map(|(container, path)| {
        let path = path.child("ports");
        container.list("ports").iter().enumerate().map(move |(index, port)| (port, path.index(index)))
    })
}

/// How two ports of one number and protocol stand to each other, if that is worth a word.
fn conflict(port: &Value, other: &Value) -> Option<&'static str> {
    let (own, theirs) = (port.number("hostPort"), other.number("hostPort"));
    let (own_ip, their_ip) = (port.text("hostIP"), other.text("hostIP"));
    if own_ip == their_ip && own == theirs {
        Some("duplicate")
    } else if own == 0 || theirs == 0 {
        Some("overlapping")
    } else if own == theirs && own_ip.is_empty() != their_ip.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}

/// A port as Go prints the struct.
fn shown(port: &Value) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.text("name"),
        port.number("hostPort"),
        port.number("containerPort"),
        port.text("protocol"),
        port.text("hostIP")
    )
}

/// With how many ports of its number and protocol a port is compared.
const COMPARED: usize = 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(ports: &Value) -> Vec<String> {
        let spec = json!({ "containers": [{ "ports": ports }] });
        warnings(&spec, &Path::new("spec"))
    }

    #[test]
    fn two_ports_of_a_number_and_protocol_are_told_by_what_their_host_ports_mean() {
        let port = |host: i64, ip: &str| json!({ "containerPort": 80, "protocol": "TCP", "hostPort": host, "hostIP": ip });
        let pair = |first: Value, second: Value| of(&json!([first, second]));
        let second = |what: &str| {
            vec![format!(
                "spec.containers[0].ports[1]: {what} port definition with spec.containers[0].ports[0]"
            )]
        };
        assert_eq!(pair(port(1, ""), port(1, "")), second("duplicate"));
        assert_eq!(pair(port(1, ""), port(0, "")), second("overlapping"));
        assert_eq!(pair(port(1, ""), port(1, "10.0.0.1")), second("dangerously ambiguous"));
        assert_eq!(pair(port(1, ""), port(2, "")), [""; 0]);
        assert_eq!(pair(port(1, "10.0.0.2"), port(1, "10.0.0.1")), [""; 0]);
    }

    #[test]
    fn a_name_that_two_ports_have_is_told_with_the_port_that_has_it_first() {
        let ports = json!([
            { "name": "web", "containerPort": 80, "protocol": "TCP" },
            { "name": "web", "containerPort": 81, "protocol": "TCP" },
            { "name": "web", "containerPort": 82, "protocol": "TCP" },
        ]);
        let of_second = "spec.containers[0].ports[1]: duplicate port name \"web\" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]";
        assert_eq!(of(&ports), [of_second.to_owned(), of_second.replacen("ports[1]", "ports[2]", 1)]);
    }

    #[test]
    fn an_address_of_the_host_without_a_port_of_it_is_shown_as_go_prints_it() {
        let ports = json!([{ "containerPort": 80, "protocol": "TCP", "hostIP": "x" }]);
        assert_eq!(
            of(&ports),
            [
                "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:x}"
            ]
        );
    }

    #[test]
    fn ten_thousand_equal_ports_are_told_in_bounds() {
        let ports: Vec<Value> =
            (0..10_000).map(|_| json!({ "containerPort": 80, "protocol": "TCP" })).collect();
        assert!(of(&ports.into()).len() <= 10_000 * COMPARED);
    }
}
