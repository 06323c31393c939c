//! IP addresses and networks: `ip("10.0.0.1")`, `cidr("10.0.0.0/8").containsIP(…)`.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use podsec_go::quote::quoted;

use super::{id, unfit};
use crate::declaration::{Body, Function, member, overload};
use crate::eval::{Budget, Error};
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

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

    /// The bits of an address that lie within the prefix.
    fn prefix_of(&self, address: IpAddr) -> u128 {
        let (bits, width) = bits(address);
        let host = u32::from(width - self.length);
        if host >= 128 { 0 } else { bits >> host << host }
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && self.prefix_of(address) == self.prefix_of(self.address)
    }

    fn masked(&self) -> Self {
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

pub(super) fn functions() -> Vec<Function> {
    let ip = Type::opaque("net.IP");
    let cidr = Type::opaque("net.CIDR");
    let test = |name: &'static str, id_name: &str, body: Body| {
        Function::new(name, body, vec![member(id(format!("ip_is_{id_name}")), &[ip.clone()], &Type::Bool)])
    };
    vec![
        Function::new(
            "ip",
            |args, _| match args {
                [Value::String(text)] => parse_ip(text).map(|address| Value::opaque(Opaque::Ip(address))),
                [value] => network("ip", value).map(|network| Value::opaque(Opaque::Ip(network.address))),
                _ => Err(unfit("ip", args)),
            },
            vec![overload("string_to_ip", &[Type::String], &ip), member("cidr_ip", &[cidr.clone()], &ip)],
        ),
        Function::new(
            "isIP",
            |args, _| is(args, |text| parse_ip(text).is_ok()),
            vec![overload("is_ip", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "ip.isCanonical",
            |args, _| match args {
                [Value::String(text)] => Ok(Value::Bool(parse_ip(text)?.to_string() == **text)),
                _ => Err(unfit("ip.isCanonical", args)),
            },
            vec![overload("ip_is_canonical", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "family",
            |args, _| address(args).map(|address| Value::Int(if address.is_ipv4() { 4 } else { 6 })),
            vec![member("ip_family", &[ip.clone()], &Type::Int)],
        ),
        test("isUnspecified", "unspecified", |args, _| {
            address(args).map(|ip| Value::Bool(ip.is_unspecified()))
        }),
        test("isLoopback", "loopback", |args, _| address(args).map(|ip| Value::Bool(ip.is_loopback()))),
        test("isLinkLocalMulticast", "link_local_multicast", |args, _| {
            address(args).map(|ip| Value::Bool(is_link_local_multicast(ip)))
        }),
        test("isLinkLocalUnicast", "link_local_unicast", |args, _| {
            address(args).map(|ip| Value::Bool(is_link_local_unicast(ip)))
        }),
        test("isGlobalUnicast", "global_unicast", |args, _| {
            address(args).map(|ip| Value::Bool(is_global_unicast(ip)))
        }),
        Function::new(
            "cidr",
            |args, _| match args {
                [Value::String(text)] => to_network(text),
                _ => Err(unfit("cidr", args)),
            },
            vec![overload("string_to_cidr", &[Type::String], &cidr)],
        ),
        Function::new(
            "isCIDR",
            |args, _| is(args, |text| parse_cidr(text).is_ok()),
            vec![overload("is_cidr", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "containsIP",
            contains_ip,
            vec![
                member("cidr_contains_ip_string", &[cidr.clone(), Type::String], &Type::Bool),
                member("cidr_contains_ip_ip", &[cidr.clone(), ip], &Type::Bool),
            ],
        ),
        Function::new(
            "containsCIDR",
            contains_cidr,
            vec![
                member("cidr_contains_cidr_string", &[cidr.clone(), Type::String], &Type::Bool),
                member("cidr_contains_cidr", &[cidr.clone(), cidr.clone()], &Type::Bool),
            ],
        ),
        Function::new(
            "prefixLength",
            |args, _| only_network("prefixLength", args).map(|network| Value::Int(i64::from(network.length))),
            vec![member("cidr_prefix_length", &[cidr.clone()], &Type::Int)],
        ),
        Function::new(
            "masked",
            |args, _| {
                only_network("masked", args).map(|network| Value::opaque(Opaque::Cidr(network.masked())))
            },
            vec![member("cidr_masked", &[cidr.clone()], &cidr)],
        ),
    ]
}

fn is(args: &[Value], holds: fn(&str) -> bool) -> Result<Value, Error> {
    match args {
        [Value::String(text)] => Ok(Value::Bool(holds(text))),
        _ => Err(unfit("isIP", args)),
    }
}

fn address(args: &[Value]) -> Result<IpAddr, Error> {
    match args {
        [Value::Opaque(opaque)] => match &**opaque {
            Opaque::Ip(address) => Ok(*address),
            _ => Err(unfit("family", args)),
        },
        _ => Err(unfit("family", args)),
    }
}

fn network(function: &str, value: &Value) -> Result<Cidr, Error> {
    if let Value::Opaque(opaque) = value
        && let Opaque::Cidr(network) = &**opaque
    {
        return Ok(*network);
    }
    Err(unfit(function, std::slice::from_ref(value)))
}

fn only_network(function: &str, args: &[Value]) -> Result<Cidr, Error> {
    match args {
        [value] => network(function, value),
        _ => Err(unfit(function, args)),
    }
}

fn contains_ip(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [value, inner] = args else { return Err(unfit("containsIP", args)) };
    let network = network("containsIP", value)?;
    let address = match inner {
        // A text that is no address does not fit, rather than being wrong.
        Value::String(text) => parse_ip(text).map_err(|_| Error::new("no such overload"))?,
        other => address(std::slice::from_ref(other))?,
    };
    Ok(Value::Bool(network.contains(address)))
}

fn contains_cidr(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [value, inner] = args else { return Err(unfit("containsCIDR", args)) };
    let outer = network("containsCIDR", value)?;
    let inner = match inner {
        Value::String(text) => {
            let inner = to_network(text).map_err(|_| Error::new("no such overload"))?;
            network("containsCIDR", &inner)?
        }
        other => network("containsCIDR", other)?,
    };
    Ok(Value::Bool(outer.length <= inner.length && outer.contains(inner.address)))
}

fn to_network(text: &str) -> Result<Value, Error> {
    let network = parse_cidr(text).map_err(|wrong| {
        Error::new(format!("network address parse error during conversion from string: {wrong}"))
    })?;
    Ok(Value::opaque(Opaque::Cidr(network)))
}

/// An address in Kubernetes' strict form: no zone, no IPv4 within IPv6.
fn parse_ip(text: &str) -> Result<IpAddr, Error> {
    if let Some((address, zone)) = text.split_once('%')
        && !zone.is_empty()
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Err(Error::new(format!("IP address {} with zone value is not allowed", quoted(text))));
    }
    let address: IpAddr = text.parse().map_err(|_| {
        let shown = quoted(text);
        let why = parse_error(text);
        Error::new(format!(
            "IP Address {shown} parse error during conversion from string: ParseAddr({shown}): {why}"
        ))
    })?;
    match address {
        IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
            Err(Error::new(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text))))
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

fn parse_cidr(text: &str) -> Result<Cidr, String> {
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

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().starts_with(&[224, 0, 0]),
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// As Go has it: private addresses are global, too.
fn is_global_unicast(address: IpAddr) -> bool {
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local_unicast(address))
}
