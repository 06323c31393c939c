//! IP addresses and networks in the strict forms that Kubernetes takes.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use podsec_go::quote::quoted;

/// A network: an address and how many of its bits name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

impl Cidr {
    /// The address as written, with the bits behind the prefix.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits name the network.
    pub(crate) fn length(&self) -> u8 {
        self.length
    }

    /// The bits of an address that lie within the prefix.
    fn prefix_of(&self, address: IpAddr) -> u128 {
        let (bits, width) = bits(address);
        let host = u32::from(width - self.length);
        if host >= 128 { 0 } else { bits >> host << host }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && self.prefix_of(address) == self.prefix_of(self.address)
    }

    /// With the bits behind the prefix cleared.
    pub(crate) fn masked(&self) -> Self {
        let prefix = self.prefix_of(self.address);
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(prefix).unwrap_or(0))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(prefix)),
        };
        Self { address, length: self.length }
    }
}

impl Display for Cidr {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.length)
    }
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// An address in Kubernetes' strict form: no zone, no IPv4 within IPv6.
///
/// # Errors
/// Why it is none, in Kubernetes' words.
pub(crate) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    if let Some((address, zone)) = text.split_once('%')
        && !zone.is_empty()
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Err(format!("IP address {} with zone value is not allowed", quoted(text)));
    }
    let address: IpAddr = text.parse().map_err(|_| {
        let shown = quoted(text);
        let why = parse_error(text);
        format!("IP Address {shown} parse error during conversion from string: ParseAddr({shown}): {why}")
    })?;
    match address {
        IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)))
        }
        other => Ok(other),
    }
}

/// Why Go does not take a text for an address.
fn parse_error(text: &str) -> String {
    match text.find(['.', ':', '%']).and_then(|at| text.get(at..=at)) {
        Some(".") => v4_error(text),
        Some(":") => v6_error(text),
        Some(_) => "missing IPv6 address".to_owned(),
        None => "unable to parse IP".to_owned(),
    }
}

fn v4_error(text: &str) -> String {
    let (mut value, mut position, mut digits) = (0u32, 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        let rest = || quoted(text.get(at..).unwrap_or_default());
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return "IPv4 field has octet with leading zero".to_owned();
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return "IPv4 field has value >255".to_owned();
                }
            }
            b'.' => {
                let ends = at == 0 || at + 1 == text.len() || text.as_bytes().get(at - 1) == Some(&b'.');
                if ends {
                    return format!("IPv4 field must have at least one digit (at {})", rest());
                }
                if position == 3 {
                    return "IPv4 address too long".to_owned();
                }
                position += 1;
                (value, digits) = (0, 0);
            }
            _ => return format!("unexpected character (at {})", rest()),
        }
    }
    "IPv4 address too short".to_owned()
}

fn v6_error(text: &str) -> String {
    let groups = text.split(':').count();
    if let Some((at, _)) =
        text.char_indices().find(|(_, sign)| !sign.is_ascii_hexdigit() && !matches!(sign, ':' | '.'))
    {
        let begins_field = at == 0 || text.as_bytes().get(at - 1) == Some(&b':');
        let why = if begins_field {
            "each colon-separated field must have at least one digit"
        } else {
            "unexpected character, want colon"
        };
        return format!("{why} (at {})", quoted(text.get(at..).unwrap_or_default()));
    }
    if groups > 8 {
        "trailing garbage after address".to_owned()
    } else {
        "address string too short".to_owned()
    }
}

/// A network in Kubernetes' strict form.
///
/// # Errors
/// Why it is none, in Kubernetes' words.
pub(crate) fn parse_cidr(text: &str) -> Result<Cidr, String> {
    let prefix = || {
        format!(
            "network address parse error during conversion from string: netip.ParsePrefix({}): ",
            quoted(text)
        )
    };
    let Some((address, length)) = text.rsplit_once('/') else { return Err(prefix() + "no '/'") };
    let parsed: IpAddr = address.parse().map_err(|_| {
        if address.contains('%') {
            return prefix() + "IPv6 zones cannot be present in a prefix";
        }
        prefix() + &format!("ParseAddr({}): {}", quoted(address), parse_error(address))
    })?;
    let plain =
        length == "0" || (!length.starts_with('0') && length.bytes().all(|digit| digit.is_ascii_digit()));
    let Some(bits) = length.parse::<u32>().ok().filter(|_| plain && !length.is_empty()) else {
        return Err(prefix() + &format!("bad bits after slash: {}", quoted(length)));
    };
    let width = if parsed.is_ipv4() { 32 } else { 128 };
    let Some(bits) = u8::try_from(bits).ok().filter(|bits| *bits <= width) else {
        return Err(prefix() + "prefix length out of range");
    };
    match parsed {
        IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)))
        }
        address => Ok(Cidr { address, length: bits }),
    }
}
