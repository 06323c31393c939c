//! IP addresses and networks in fields, as Kubernetes reads them: sloppily where it always did, strictly where it is new.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::object::Fields;

/// What is wrong with an address in a field that is older than the strict rules (`IsValidIPForLegacyField`). Addresses
/// that the stored object has already stay allowed.
pub(crate) fn validate_legacy(text: &str, path: &Path, stored: &[&str]) -> Vec<Error> {
    if stored.contains(&text) { Vec::new() } else { parse(text, path).err().into_iter().collect() }
}

/// What is wrong with an address in canonical form (`IsValidIP`).
pub(crate) fn validate_strict(text: &str, path: &Path) -> Vec<Error> {
    let error = match parse(text, path) {
        Ok(address) if address.to_string() == text => return Vec::new(),
        Ok(address) => not_canonical(text, &address.to_string(), path),
        Err(error) => error,
    };
    vec![error]
}

/// What is wrong with a network in a field that is older than the strict rules (`IsValidCIDRForLegacyField`).
pub(crate) fn validate_legacy_cidr(text: &str, path: &Path, stored: &[&str]) -> Vec<Error> {
    if stored.contains(&text) { Vec::new() } else { parse_cidr(text, path).err().into_iter().collect() }
}

/// What is wrong with a network in canonical form (`IsValidCIDR`).
pub(crate) fn validate_strict_cidr(text: &str, path: &Path) -> Vec<Error> {
    let error = match parse_cidr(text, path) {
        Ok(network) if network.to_string() == text => return Vec::new(),
        Ok(network) => not_canonical(text, &network.to_string(), path),
        Err(error) => error,
    };
    vec![error]
}

/// What is wrong with the address of an interface, whose bits beyond the prefix count (`IsValidInterfaceAddress`).
pub(crate) fn validate_interface_address(text: &str, path: &Path) -> Vec<Error> {
    let Some((address, network)) = sloppy_cidr(text) else {
        let detail = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
        return vec![Error::invalid(path.clone(), &Value::from(text), detail)];
    };
    let shown = unmapped(address);
    // A prefix of an IPv6 address is one of the IPv4 address in it.
    let length = if shown.is_ipv4() && network.length > 32 {
        network.length.saturating_sub(96)
    } else {
        network.length
    };
    let canonical = format!("{shown}/{length}");
    if canonical == text { Vec::new() } else { vec![not_canonical(text, &canonical, path)] }
}

/// What to say about an address that is valid and not in its canonical form.
pub(crate) fn warnings(text: &str, path: &Path) -> Vec<String> {
    let Some(address) = sloppy(text) else { return Vec::new() };
    let shown = quoted(text);
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(own)) if own.to_ipv4_mapped().is_none() => {
            if own.to_string() == text {
                return Vec::new();
            }
            let canonical = quoted(&own.to_string());
            vec![format!("{path}: IPv6 address {shown} should be in RFC 5952 canonical format ({canonical})")]
        }
        Ok(IpAddr::V4(_)) => Vec::new(),
        _ => {
            let canonical = quoted(&unmapped(address).to_string());
            vec![format!("{path}: non-standard IP address {shown} is invalid: use {canonical}")]
        }
    }
}

/// What to say about a network that is valid and not in its canonical form.
pub(crate) fn cidr_warnings(text: &str, path: &Path) -> Vec<String> {
    let Some((address, network)) = sloppy_cidr(text) else { return Vec::new() };
    let (shown, canonical) = (quoted(text), quoted(&network.to_string()));
    let mut warnings = Vec::new();
    if unmapped(address) != network.address {
        let single = quoted(&format!("{}/{}", unmapped(address), network.length));
        warnings.push(format!(
            "{path}: CIDR value {shown} is ambiguous in this context (should be {canonical} or {single}?)"
        ));
    }
    let mapped = matches!(address, IpAddr::V6(own) if own.to_ipv4_mapped().is_some());
    if strict_cidr(text).is_none() || mapped {
        warnings.push(format!("{path}: non-standard CIDR value {shown} is invalid: use {canonical}"));
    }
    if warnings.is_empty() && address.is_ipv6() && network.to_string() != text {
        warnings.push(format!(
            "{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format ({canonical})"
        ));
    }
    warnings
}

/// What to say about the addresses of the load balancer in the status of a Service or an Ingress.
pub(crate) fn load_balancer_warnings(object: &Value) -> Vec<String> {
    let path = Path::new("status").child("loadBalancer").child("ingress");
    let ingress = object.at("status").at("loadBalancer").list("ingress").iter().enumerate();
    ingress.flat_map(|(index, ingress)| warnings(ingress.text("ip"), &path.index(index))).collect()
}

/// A network: its first address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The first address.
    pub(crate) address: IpAddr,
    /// How many bits are the same in all of its addresses.
    pub(crate) length: u32,
}

impl Network {
    /// Whether an address of the same family is in the network.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, bits: u32| {
            (own ^ other).checked_shr(bits - self.length.min(bits)).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// An address, or why it is none.
pub(crate) fn parse(text: &str, path: &Path) -> Result<IpAddr, Error> {
    let invalid = |detail: &str| Err(Error::invalid(path.clone(), &Value::from(text), detail));
    if sloppy(text).is_none() {
        return invalid("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
    match text.parse::<IpAddr>() {
        Err(_) => invalid("must not have leading 0s"),
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            invalid("must not be an IPv4-mapped IPv6 address")
        }
        Ok(address) => Ok(address),
    }
}

/// An address as Go once read it: with leading zeros, which mean nothing.
pub(crate) fn sloppy(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    let (head, dotted) = match text.rfind(':') {
        Some(colon) => text.split_at(colon + 1),
        None => ("", text),
    };
    let mut octets = [0; 4];
    let mut parts = dotted.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = part.trim_start_matches('0');
        *octet = if digits.is_empty() { 0 } else { digits.parse::<u8>().ok()? };
    }
    if parts.next().is_some() {
        return None;
    }
    let address = Ipv4Addr::from(octets);
    if head.is_empty() { Some(address.into()) } else { format!("{head}{address}").parse().ok() }
}

fn parse_cidr(text: &str, path: &Path) -> Result<Network, Error> {
    let invalid = |detail: &str| Err(Error::invalid(path.clone(), &Value::from(text), detail));
    let Some((_, network)) = sloppy_cidr(text) else {
        return invalid("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    };
    match strict_cidr(text) {
        None => invalid("must not have leading 0s in IP or prefix length"),
        Some(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            invalid("must not have an IPv4-mapped IPv6 address")
        }
        Some(address) if address != network.address => {
            invalid("must not have bits set beyond the prefix length")
        }
        Some(_) => Ok(network),
    }
}

/// The address of a network without leading zeros.
fn strict_cidr(text: &str) -> Option<IpAddr> {
    let (address, length) = text.rsplit_once('/')?;
    let plain = length == "0" || !length.starts_with('0');
    address.parse().ok().filter(|_| plain)
}

/// A network as Go once read it, and the address that it was written with.
pub(crate) fn sloppy_cidr(text: &str) -> Option<(IpAddr, Network)> {
    let (address, length) = text.split_once('/')?;
    let address = sloppy(address)?;
    if length.is_empty() || length.len() > 8 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: u32 = length.parse().ok()?;
    match address {
        IpAddr::V4(own) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            Some((address, Network { address: Ipv4Addr::from_bits(own.to_bits() & mask).into(), length }))
        }
        IpAddr::V6(own) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let first = IpAddr::from(Ipv6Addr::from_bits(own.to_bits() & mask));
            Some((address, Network { address: first, length }))
        }
        _ => None,
    }
}

/// An IPv4 address that was written as an IPv6 one is shown as what it is.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(own) => own.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn not_canonical(text: &str, canonical: &str, path: &Path) -> Error {
    let detail = format!("must be in canonical form ({})", quoted(canonical));
    Error::invalid(path.clone(), &Value::from(text), &detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(errors: &[Error]) -> Vec<String> {
        errors.iter().map(|error| error.message.clone()).collect()
    }

    #[test]
    fn leading_zeros_and_mapped_addresses_are_named() {
        let path = Path::new("ip");
        let legacy = |text| said(&validate_legacy(text, &path, &["010.0.0.1"]));
        assert_eq!(legacy("010.0.0.1"), [""; 0]);
        assert_eq!(legacy("01.2.3.4"), [r#"Invalid value: "01.2.3.4": must not have leading 0s"#]);
        assert_eq!(
            legacy("::ffff:1.2.3.4"),
            [r#"Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address"#]
        );
        assert_eq!(
            legacy("1.2.3"),
            [r#"Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#]
        );
        assert_eq!(
            said(&validate_strict("FE80::0abc", &path)),
            [r#"Invalid value: "FE80::0abc": must be in canonical form ("fe80::abc")"#]
        );
    }

    #[test]
    fn networks_have_no_bits_beyond_their_prefix() {
        let path = Path::new("cidr");
        let legacy = |text| said(&validate_legacy_cidr(text, &path, &[]));
        assert_eq!(legacy("10.0.0.0/8"), [""; 0]);
        assert_eq!(
            legacy("10.0.0.1/8"),
            [r#"Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length"#]
        );
        assert_eq!(
            legacy("10.0.0.0/08"),
            [r#"Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length"#]
        );
        assert_eq!(
            legacy("10.0.0.0/33"),
            [
                r#"Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#
            ]
        );
        assert_eq!(
            cidr_warnings("FE80::/64", &path),
            [r#"cidr: IPv6 CIDR value "FE80::/64" should be in RFC 5952 canonical format ("fe80::/64")"#]
        );
        assert_eq!(
            warnings("010.0.0.1", &path),
            [r#"cidr: non-standard IP address "010.0.0.1" is invalid: use "10.0.0.1""#]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-f:./]{0,24}|\\PC{0,12}") {
            let path = Path::new("x");
            let _ = (validate_strict(&text, &path), validate_strict_cidr(&text, &path), warnings(&text, &path));
            let _ = (cidr_warnings(&text, &path), validate_legacy_cidr(&text, &path, &[]));
        }
    }
}
