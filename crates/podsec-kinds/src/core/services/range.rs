//! The range of addresses that Services get theirs from.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A block of IPv4 addresses, as `--service-cluster-ip-range` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRange {
    network: u32,
    length: u32,
}

/// Why a text is no range for Services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It is no block of IPv4 addresses.
    #[error("want one block of IPv4 addresses, as in 10.0.0.0/24; podsec gives Services no IPv6 addresses")]
    NoBlock,
    /// It has more addresses than Kubernetes allows.
    #[error(
        "specified --service-cluster-ip-range is too large; for 32-bit addresses, the mask must be >= 12"
    )]
    TooLarge,
    /// It has fewer addresses than Kubernetes allows.
    #[error("the service cluster IP range must be at least 8 IP addresses")]
    TooSmall,
}

impl ServiceRange {
    /// The address of the Service `kubernetes`: the first that a Service can have.
    pub fn first(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network + 1)
    }

    /// The last address that a Service can have; the one above it is the broadcast address.
    pub fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network + (self.size() - 2))
    }

    /// The first address that is given to Services that name none, as long as one is free: those below are for
    /// people who choose by hand (`calculateRangeOffset` in Kubernetes' allocator).
    pub(super) fn first_dynamic(self) -> u32 {
        let by_hand = if self.size() <= 16 { 0 } else { (self.size() / 16).clamp(16, 256) };
        self.first().to_bits() + by_hand
    }

    /// Whether an address is in the block.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & (u32::MAX << (32 - self.length)) == self.network
    }

    fn size(self) -> u32 {
        1 << (32 - self.length)
    }
}

impl Default for ServiceRange {
    /// What clusters made by kubeadm have.
    fn default() -> Self {
        Self { network: Ipv4Addr::new(10, 96, 0, 0).to_bits(), length: 12 }
    }
}

impl FromStr for ServiceRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = text.split_once('/').ok_or(RangeError::NoBlock)?;
        let address: Ipv4Addr = address.parse().map_err(|_| RangeError::NoBlock)?;
        let length: u32 = length.parse().map_err(|_| RangeError::NoBlock)?;
        match length {
            0..12 => Err(RangeError::TooLarge),
            12..=29 => Ok(Self { network: address.to_bits() & (u32::MAX << (32 - length)), length }),
            30..=32 => Err(RangeError::TooSmall),
            _ => Err(RangeError::NoBlock),
        }
    }
}

impl fmt::Display for ServiceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.network), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_block_whose_first_address_is_that_of_the_api_server() {
        let range: ServiceRange = "10.0.0.77/24".parse().unwrap();
        assert_eq!(range.to_string(), "10.0.0.0/24");
        assert_eq!(
            (range.first().to_string(), range.last().to_string()),
            ("10.0.0.1".into(), "10.0.0.254".into())
        );
        assert_eq!(Ipv4Addr::from_bits(range.first_dynamic()).to_string(), "10.0.0.17");
        let least: ServiceRange = "10.0.0.0/29".parse().unwrap();
        assert_eq!(least.first_dynamic(), least.first().to_bits());
    }

    #[test]
    fn what_kubernetes_takes_for_no_range_is_refused_in_its_words() {
        for (text, error) in [
            ("10.0.0.0/11", RangeError::TooLarge),
            ("10.0.0.0/30", RangeError::TooSmall),
            ("10.0.0.0/33", RangeError::NoBlock),
            ("10.0.0.0", RangeError::NoBlock),
            ("fd00::/108", RangeError::NoBlock),
            ("10.0.0.0/24,fd00::/108", RangeError::NoBlock),
        ] {
            assert_eq!(text.parse::<ServiceRange>(), Err(error), "{text}");
        }
    }
}
