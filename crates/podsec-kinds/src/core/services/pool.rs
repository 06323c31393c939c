//! The addresses and ports that services share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use podsec_apimachinery::field::Error;
use serde_json::Value;

use super::classification::{needs_health_check, node_ports};
use super::range::ServiceRange;
use crate::ip;
use crate::object::Fields;

/// What no other service may have: the addresses of a range and the ports 30000 to 32767 that are taken.
///
/// Each is counted: a service names its address twice, and one that is about to be written may be there beside the stored
/// one.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    range: ServiceRange,
    addresses: BTreeMap<u32, usize>,
    ports: BTreeMap<i64, usize>,
    pub(super) seed: u64,
    trial: Option<BTreeSet<i64>>,
}

/// Why a service gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 422: it asks for what it cannot have.
    Invalid(Vec<Error>),
    /// 500: Kubernetes calls it an internal error.
    Internal(String),
    /// 500 without a reason.
    Plain(String),
}

impl Pool {
    /// All addresses of a range, and all ports.
    pub fn of(range: ServiceRange) -> Self {
        Self { range, ..Self::default() }
    }

    /// Notes what a service has.
    pub fn hold(&mut self, service: &Value) {
        for address in addresses(service) {
            *self.addresses.entry(address).or_default() += 1;
        }
        for port in ports(service) {
            *self.ports.entry(port).or_default() += 1;
        }
    }

    /// Takes back what [`hold`](Self::hold) noted of the same service.
    pub fn release(&mut self, service: &Value) {
        for address in addresses(service) {
            release(&mut self.addresses, &address);
        }
        for port in ports(service) {
            release(&mut self.ports, &port);
        }
    }

    /// The pool of a dry run. Kubernetes looks less closely then: an address may be another's, a port may be in no range,
    /// and the port that a service would get is one that none gets.
    #[must_use]
    pub fn for_trial(self) -> Self {
        Self { trial: Some(BTreeSet::new()), ..self }
    }

    pub(super) fn take_address(&mut self, text: &str) -> Result<(), String> {
        let address = match ip::sloppy(text) {
            Some(IpAddr::V4(address)) => address,
            other => {
                let shown = other.map_or_else(|| text.to_owned(), |address| address.to_string());
                return Err(self.out_of_range(&shown));
            }
        };
        if !(self.range.first()..=self.range.last()).contains(&address) {
            return Err(self.out_of_range(&address.to_string()));
        }
        let free = take(&mut self.addresses, address.to_bits());
        if free || self.trial.is_some() { Ok(()) } else { Err("provided IP is already allocated".to_owned()) }
    }

    /// A free address, above those that people choose by hand as long as there is one.
    pub(super) fn next_address(&mut self) -> Option<Ipv4Addr> {
        let find = |from: u32, to: u32| {
            let start = from + u32::try_from(self.seed % u64::from(to - from + 1)).unwrap_or_default();
            (start..=to).chain(from..start).find(|address| !self.addresses.contains_key(address))
        };
        let (first, own, last) =
            (self.range.first().to_bits(), self.range.first_dynamic(), self.range.last().to_bits());
        let by_hand = || if own > first { find(first, own - 1) } else { None };
        let address = find(own, last).or_else(by_hand)?;
        take(&mut self.addresses, address);
        Some(Ipv4Addr::from_bits(address))
    }

    pub(super) fn take_port(&mut self, port: i64) -> Result<(), &'static str> {
        if let Some(trial) = &mut self.trial {
            let free = !self.ports.contains_key(&port) && trial.insert(port);
            return if free { Ok(()) } else { Err(ALLOCATED_PORT) };
        }
        if !(FIRST_PORT..=LAST_PORT).contains(&port) {
            return Err("provided port is not in the valid range. The range of valid ports is 30000-32767");
        }
        if take(&mut self.ports, port) { Ok(()) } else { Err(ALLOCATED_PORT) }
    }

    /// A free port, above those that people choose by hand as long as there is one.
    pub(super) fn next_port(&mut self) -> Option<i64> {
        if let Some(trial) = &mut self.trial {
            let port = 1 + trial.last().copied().unwrap_or(LAST_PORT + 1);
            trial.insert(port);
            return Some(port);
        }
        let find = |from: i64, to: i64| {
            let start = from + i64::try_from(self.seed % (to - from + 1).unsigned_abs()).unwrap_or_default();
            (start..=to).chain(from..start).find(|port| !self.ports.contains_key(port))
        };
        let own = FIRST_PORT + 86;
        let port = find(own, LAST_PORT).or_else(|| find(FIRST_PORT, own - 1))?;
        take(&mut self.ports, port);
        Some(port)
    }

    fn out_of_range(&self, address: &str) -> String {
        let range = self.range;
        format!("the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}")
    }
}

/// The addresses of a service.
fn addresses(service: &Value) -> impl Iterator<Item = u32> {
    let spec = service.at("spec");
    let named = spec.list("clusterIPs").iter().chain(spec.field("clusterIP"));
    named.filter_map(|address| match address.as_str().and_then(ip::sloppy) {
        Some(IpAddr::V4(address)) => Some(address.to_bits()),
        _ => None,
    })
}

/// The node ports of a service, the one of its health check among them.
fn ports(service: &Value) -> Vec<i64> {
    let spec = service.at("spec");
    let health_check = needs_health_check(spec).then(|| spec.number("healthCheckNodePort"));
    node_ports(spec).into_iter().chain(health_check).collect()
}

/// Whether nobody had it.
fn take<T: Ord>(taken: &mut BTreeMap<T, usize>, one: T) -> bool {
    let count = taken.entry(one).or_default();
    *count += 1;
    *count == 1
}

fn release<T: Ord>(taken: &mut BTreeMap<T, usize>, one: &T) {
    if let Some(count) = taken.get_mut(one) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            taken.remove(one);
        }
    }
}

/// The cause of a port that somebody has.
const ALLOCATED_PORT: &str = "provided port is already allocated";
const FIRST_PORT: i64 = 30000;
const LAST_PORT: i64 = 32767;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_used_to_their_end() {
        let mut pool = Pool::of("10.0.0.0/28".parse().unwrap());
        let ports: BTreeSet<i64> = std::iter::from_fn(|| pool.next_port()).collect();
        assert_eq!(ports, (FIRST_PORT..=LAST_PORT).collect());
        let addresses: BTreeSet<Ipv4Addr> = std::iter::from_fn(|| pool.next_address()).collect();
        assert_eq!(addresses, (1..15).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect());
        let mut pool = Pool::of("10.0.0.0/24".parse().unwrap());
        let last = (0..254).map_while(|_| pool.next_address()).last().unwrap();
        assert!(last < Ipv4Addr::new(10, 0, 0, 17), "{last} is given before those for people are left");
        assert_eq!(pool.next_address(), None);
    }

    #[test]
    fn what_a_service_had_is_free_when_no_service_has_it() {
        let service = serde_json::json!({"spec": {
            "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"], "type": "NodePort",
            "ports": [{"port": 80, "nodePort": 30001}],
        }});
        let mut pool = Pool::default();
        pool.hold(&service);
        pool.hold(&service);
        pool.release(&service);
        assert!(pool.clone().take_address("10.96.0.7").is_err());
        assert!(pool.clone().take_port(30001).is_err());
        pool.release(&service);
        assert_eq!(pool.take_address("10.96.0.7"), Ok(()));
        assert_eq!(pool.take_port(30001), Ok(()));
    }
}
