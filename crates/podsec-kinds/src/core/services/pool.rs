//! The addresses and ports that services share.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use podsec_apimachinery::field::Error;
use serde_json::Value;

use super::classification::{needs_health_check, node_ports};
use crate::ip;
use crate::object::Fields;

/// What no other service may have: the addresses of 10.96.0.0/12 and the ports 30000 to 32767 that are taken.
///
/// It is made anew from the stored services for each service that is written, so that it never says other than they.
#[derive(Clone, Debug, Default)]
pub struct Pool {
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
                return Err(out_of_range(&shown));
            }
        };
        if !(FIRST_ADDRESS..=LAST_ADDRESS).contains(&address.to_bits()) {
            return Err(out_of_range(&address.to_string()));
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
        let own = FIRST_ADDRESS + 256;
        let address = find(own, LAST_ADDRESS).or_else(|| find(FIRST_ADDRESS, own - 1))?;
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
}

fn out_of_range(address: &str) -> String {
    format!("the provided IP ({address}) is not in the valid range. The range of valid IPs is 10.96.0.0/12")
}

/// The cause of a port that somebody has.
const ALLOCATED_PORT: &str = "provided port is already allocated";
const FIRST_ADDRESS: u32 = Ipv4Addr::new(10, 96, 0, 1).to_bits();
const LAST_ADDRESS: u32 = Ipv4Addr::new(10, 111, 255, 254).to_bits();
const FIRST_PORT: i64 = 30000;
const LAST_PORT: i64 = 32767;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_used_to_their_end() {
        let mut pool = Pool::default();
        let ports: BTreeSet<i64> = std::iter::from_fn(|| pool.next_port()).collect();
        assert_eq!(ports, (FIRST_PORT..=LAST_PORT).collect());
        pool.addresses.extend(FIRST_ADDRESS + 1..=LAST_ADDRESS);
        assert_eq!(pool.next_address(), Some(Ipv4Addr::new(10, 96, 0, 1)));
        assert_eq!(pool.next_address(), None);
    }
}
