//! Values that only functions look into: quantities, addresses, URLs, versions, formats, checks of rights.

pub(crate) mod named_format;
pub(crate) mod network;
pub(crate) mod quantity;
pub(crate) mod semver;
pub(crate) mod url;

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::sync::Arc;

use crate::authorizer::{AuthorizerCheck, AuthorizerDecision};
use crate::types::Type;
pub use named_format::NamedFormat;
pub use network::Cidr;
pub use quantity::Quantity;
pub use semver::Semver;
pub use url::Url;

/// One of them.
#[derive(Clone, Debug)]
pub enum Opaque {
    /// An amount, as of memory.
    Quantity(Quantity),
    /// An IP address.
    Ip(IpAddr),
    /// A network.
    Cidr(Cidr),
    /// A URL.
    Url(Url),
    /// A semantic version.
    Semver(Semver),
    /// A named format.
    Format(&'static NamedFormat),
    /// A question about rights, as far as it has been put together.
    Check(AuthorizerCheck),
    /// The answer to one.
    Decision(Arc<AuthorizerDecision>),
}

impl Opaque {
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Quantity(_) => Type::message("kubernetes.Quantity"),
            Self::Ip(_) => Type::opaque("net.IP"),
            Self::Cidr(_) => Type::opaque("net.CIDR"),
            Self::Url(_) => Type::message("kubernetes.URL"),
            Self::Semver(_) => Type::message("kubernetes.Semver"),
            Self::Format(_) => Type::message("kubernetes.NamedFormat"),
            Self::Check(check) => Type::message(check.type_name()),
            Self::Decision(_) => Type::message("kubernetes.authorization.Decision"),
        }
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quantity(one), Self::Quantity(other)) => one == other,
            (Self::Ip(one), Self::Ip(other)) => one == other,
            (Self::Cidr(one), Self::Cidr(other)) => one == other,
            (Self::Url(one), Self::Url(other)) => one == other,
            (Self::Semver(one), Self::Semver(other)) => one.compare(other).is_eq(),
            (Self::Format(one), Self::Format(other)) => one.name == other.name,
            (Self::Check(one), Self::Check(other)) => one == other,
            (Self::Decision(one), Self::Decision(other)) => one == other,
            _ => false,
        }
    }

    /// The size that costs are counted by: the bytes of an address.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Ip(address) => Some(bytes(*address)),
            Self::Cidr(network) => Some(bytes(network.address())),
            _ => None,
        }
    }
}

fn bytes(address: IpAddr) -> u64 {
    if address.is_ipv4() { 4 } else { 16 }
}

impl Display for Opaque {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => write!(formatter, "{quantity}"),
            Self::Ip(address) => write!(formatter, "{address}"),
            Self::Cidr(network) => write!(formatter, "{network}"),
            Self::Url(url) => write!(formatter, "{url}"),
            Self::Semver(version) => write!(formatter, "{version}"),
            Self::Format(format) => formatter.write_str(format.name),
            Self::Check(check) => formatter.write_str(check.type_name()),
            Self::Decision(_) => formatter.write_str("kubernetes.authorization.Decision"),
        }
    }
}
