//! The addresses and ports that services share.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use podsec_apimachinery::field::Error;
use serde_json::Value;

use super::classification::{needs_health_check, node_ports};
use super::range::ServiceRange;
use crate::ip;
use crate::object::Fields;

/// What no other service may have: the addresses of a range and the ports 30000 to 32767 that are taken.
///
/// It is made anew from the stored services for each service that is written, so that it never says other than they.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    range: ServiceRange,
    addresses: BTreeSet<u32>,
    ports: BTreeSet<i64>,
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
        let spec = service.at("spec");
        for address in spec.list("clusterIPs").iter().chain(spec.field("clusterIP")) {
            if let Some(IpAddr::V4(address)) = address.as_str().and_then(ip::sloppy) {
                self.addresses.insert(address.to_bits());
            }
        }
        self.ports.extend(node_ports(spec));
        if needs_health_check(spec) {
            self.ports.insert(spec.number("healthCheckNodePort"));
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
        let free = self.addresses.insert(address.to_bits());
        if free || self.trial.is_some() { Ok(()) } else { Err("provided IP is already allocated".to_owned()) }
    }

    /// A free address, above those that people choose by hand as long as there is one.
    pub(super) fn next_address(&mut self) -> Option<Ipv4Addr> {
        let find = |from: u32, to: u32| {
            let start = from + u32::try_from(self.seed % u64::from(to - from + 1)).unwrap_or_default();
            (start..=to).chain(from..start).find(|address| !self.addresses.contains(address))
        };
        let (first, own, last) =
            (self.range.first().to_bits(), self.range.first_dynamic(), self.range.last().to_bits());
        let by_hand = || if own > first { find(first, own - 1) } else { None };
        let address = find(own, last).or_else(by_hand)?;
        self.addresses.insert(address);
        Some(Ipv4Addr::from_bits(address))
    }

    pub(super) fn take_port(&mut self, port: i64) -> Result<(), &'static str> {
        if let Some(trial) = &mut self.trial {
            let free = !self.ports.contains(&port) && trial.insert(port);
            return if free { Ok(()) } else { Err(ALLOCATED_PORT) };
        }
        if !(FIRST_PORT..=LAST_PORT).contains(&port) {
            return Err("provided port is not in the valid range. The range of valid ports is 30000-32767");
        }
        if self.ports.insert(port) { Ok(()) } else { Err(ALLOCATED_PORT) }
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
            (start..=to).chain(from..start).find(|port| !self.ports.contains(port))
        };
        let own = FIRST_PORT + 86;
        let port = find(own, LAST_PORT).or_else(|| find(FIRST_PORT, own - 1))?;
        self.ports.insert(port);
        Some(port)
    }

    fn out_of_range(&self, address: &str) -> String {
        let range = self.range;
        format!("the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}")
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
}
