//! The ports of a service on the nodes: which it keeps, which it asks for, which it is given.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value};

use super::classification::{needs_health_check, node_ports};
use super::pool::{Pool, Refused};
use crate::object::{Fields, FieldsMut};

/// A port that names none on the nodes keeps the one that its name had, unless another has taken that
/// (`patchAllocatedValues`).
pub(super) fn keep(spec: &mut Map<String, Value>, old: &Value) {
    if wants_ports(old) && wants_ports(spec) {
        let used: BTreeSet<i64> = node_ports(old).intersection(&node_ports(spec)).copied().collect();
        let named: BTreeMap<&str, i64> =
            old.list("ports").iter().map(|port| (port.text("name"), port.number("nodePort"))).collect();
        for port in spec.objects_mut("ports") {
            let kept = named.get(port.text("name")).copied().unwrap_or_default();
            if kept != 0 && !used.contains(&kept) {
                port.fill_zero("nodePort", kept);
            }
        }
    }
    let stored = old.number("healthCheckNodePort");
    if stored != 0 && needs_health_check(old) && needs_health_check(spec) {
        spec.fill_zero("healthCheckNodePort", stored);
    }
}

/// Gives a new service its ports (`txnAllocNodePorts`).
pub(super) fn allocate(spec: &mut Map<String, Value>, pool: &mut Pool) -> Result<(), Refused> {
    if is_on_nodes(spec) {
        let automatic = wants_ports(spec);
        let requested = requested(spec);
        let mut given: BTreeMap<i64, i64> = BTreeMap::new();
        for (index, port) in spec.objects_mut("ports").enumerate() {
            let (number, asked) = (port.number("port"), port.number("nodePort"));
            if asked == 0 && !automatic {
                continue;
            }
            match given.get(&number) {
                None => {
                    let chosen = match requested.get(&number) {
                        Some(asked) => take(pool, *asked, index)?,
                        None => next(pool)?,
                    };
                    port.insert("nodePort".to_owned(), chosen.into());
                    given.insert(number, chosen);
                }
                Some(same) if asked == 0 => {
                    port.insert("nodePort".to_owned(), (*same).into());
                }
                Some(same) if asked != *same => {
                    take(pool, asked, index)?;
                }
                Some(_) => {}
            }
        }
    }
    if needs_health_check(spec) { allocate_health_check(spec, pool) } else { Ok(()) }
}

/// Gives a changed service the ports that it had not (`txnUpdateNodePorts`).
pub(super) fn reallocate(spec: &mut Map<String, Value>, old: &Value, pool: &mut Pool) -> Result<(), Refused> {
    if is_on_nodes(spec) {
        let automatic = wants_ports(spec);
        let stored = node_ports(old);
        let (mut taken, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for (index, port) in spec.objects_mut("ports").enumerate() {
            let asked = port.number("nodePort");
            if asked == 0 && !automatic {
                continue;
            }
            let chosen = if asked == 0 {
                let chosen = next(pool)?;
                port.insert("nodePort".to_owned(), chosen.into());
                chosen
            } else {
                if !stored.contains(&asked) && taken.insert(asked) {
                    take(pool, asked, index)?;
                }
                asked
            };
            let protocol = port.text("protocol").to_owned();
            let pair = format!("{{{protocol} {chosen}}}");
            if !seen.insert((protocol, chosen)) {
                return Err(Refused::Plain(format!("duplicate nodePort: {pair}")));
            }
        }
    }
    if needs_health_check(spec) && !needs_health_check(old) {
        allocate_health_check(spec, pool)?;
    }
    Ok(())
}

fn allocate_health_check(spec: &mut Map<String, Value>, pool: &mut Pool) -> Result<(), Refused> {
    let asked = spec.number("healthCheckNodePort");
    if asked == 0 {
        let failed =
            || Refused::Internal("failed to allocate a HealthCheck NodePort 0: range is full".to_owned());
        let chosen = pool.next_port().ok_or_else(failed)?;
        spec.insert("healthCheckNodePort".to_owned(), chosen.into());
        return Ok(());
    }
    pool.take_port(asked).map_err(|why| {
        Refused::Internal(format!("failed to allocate requested HealthCheck NodePort {asked}: {why}"))
    })
}

fn take(pool: &mut Pool, asked: i64, index: usize) -> Result<i64, Refused> {
    pool.take_port(asked).map_err(|why| {
        let path = Path::new("spec").child("ports").index(index).child("nodePort");
        Refused::Invalid(vec![Error::invalid(path, &asked.into(), why)])
    })?;
    Ok(asked)
}

fn next(pool: &mut Pool) -> Result<i64, Refused> {
    let full = || Refused::Internal("failed to allocate a nodePort: range is full".to_owned());
    pool.next_port().ok_or_else(full)
}

/// The first port on the nodes that the client asks for, for each port.
fn requested(spec: &Map<String, Value>) -> BTreeMap<i64, i64> {
    let mut requested = BTreeMap::new();
    for port in spec.list("ports").iter().filter(|port| port.number("nodePort") != 0) {
        requested.entry(port.number("port")).or_insert(port.number("nodePort"));
    }
    requested
}

fn is_on_nodes(spec: &impl Fields) -> bool {
    matches!(spec.text("type"), "NodePort" | "LoadBalancer")
}

/// Whether each of its ports gets one on the nodes, asked for or not.
fn wants_ports(spec: &impl Fields) -> bool {
    match spec.text("type") {
        "NodePort" => true,
        "LoadBalancer" => spec.field("allocateLoadBalancerNodePorts").is_none_or(|wants| wants == true),
        _ => false,
    }
}
