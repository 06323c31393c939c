//! IP addresses and networks: `ip("10.0.0.1")`, `cidr("10.0.0.0/8").containsIP(…)`.

use std::net::{IpAddr, Ipv4Addr};

use super::arguments::unfit;
use crate::declaration::{Body, Function, id, member, overload};
use crate::error::{Budget, Error};
use crate::opaque::network::{parse_cidr, parse_ip};
use crate::opaque::{Cidr, Opaque};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let ip = Type::opaque("net.IP");
    let cidr = Type::opaque("net.CIDR");
    let is_kind = |name: &'static str, id_name: &str, body: Body| {
        Function::new(
            name,
            body,
            vec![member(id(format!("ip_is_{id_name}")), std::slice::from_ref(&ip), &Type::Bool)],
        )
    };
    vec![
        Function::new(
            "ip",
            |args, _| match args {
                [Value::String(text)] => {
                    parse_ip(text).map(|address| Value::opaque(Opaque::Ip(address))).map_err(Error::new)
                }
                [value] => network("ip", value).map(|network| Value::opaque(Opaque::Ip(network.address()))),
                _ => Err(unfit("ip", args)),
            },
            vec![
                overload("string_to_ip", &[Type::String], &ip),
                member("cidr_ip", std::slice::from_ref(&cidr), &ip),
            ],
        ),
        Function::new(
            "isIP",
            |args, _| is(args, |text| parse_ip(text).is_ok()),
            vec![overload("is_ip", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "ip.isCanonical",
            |args, _| match args {
                [Value::String(text)] => {
                    Ok(Value::Bool(parse_ip(text).map_err(Error::new)?.to_string() == **text))
                }
                _ => Err(unfit("ip.isCanonical", args)),
            },
            vec![overload("ip_is_canonical", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "family",
            |args, _| address(args).map(|address| Value::Int(if address.is_ipv4() { 4 } else { 6 })),
            vec![member("ip_family", std::slice::from_ref(&ip), &Type::Int)],
        ),
        is_kind("isUnspecified", "unspecified", |args, _| {
            address(args).map(|ip| Value::Bool(ip.is_unspecified()))
        }),
        is_kind("isLoopback", "loopback", |args, _| address(args).map(|ip| Value::Bool(ip.is_loopback()))),
        is_kind("isLinkLocalMulticast", "link_local_multicast", |args, _| {
            address(args).map(|ip| Value::Bool(is_link_local_multicast(ip)))
        }),
        is_kind("isLinkLocalUnicast", "link_local_unicast", |args, _| {
            address(args).map(|ip| Value::Bool(is_link_local_unicast(ip)))
        }),
        is_kind("isGlobalUnicast", "global_unicast", |args, _| {
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
            |args, _| {
                only_network("prefixLength", args).map(|network| Value::Int(i64::from(network.length())))
            },
            vec![member("cidr_prefix_length", std::slice::from_ref(&cidr), &Type::Int)],
        ),
        Function::new(
            "masked",
            |args, _| {
                only_network("masked", args).map(|network| Value::opaque(Opaque::Cidr(network.masked())))
            },
            vec![member("cidr_masked", std::slice::from_ref(&cidr), &cidr)],
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
    Ok(Value::Bool(outer.length() <= inner.length() && outer.contains(inner.address())))
}

fn to_network(text: &str) -> Result<Value, Error> {
    let network = parse_cidr(text).map_err(|wrong| {
        Error::new(format!("network address parse error during conversion from string: {wrong}"))
    })?;
    Ok(Value::opaque(Opaque::Cidr(network)))
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
