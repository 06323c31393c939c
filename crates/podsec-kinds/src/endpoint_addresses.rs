//! The addresses that cannot be those of an endpoint: no address at all, the machine itself, the link.

use std::net::IpAddr;

use podsec_apimachinery::field::{Error, Path};

use crate::{formats, ip};

/// What is wrong with an address of Endpoints, of an EndpointSlice or outside of the cluster (`ValidateEndpointIP`).
pub(crate) fn validate(text: &str, path: &Path) -> Vec<Error> {
    let Some(address) = ip::sloppy(text) else {
        return formats::invalid(path, text, ["must be a valid IP address"]);
    };
    let address = match address {
        IpAddr::V6(own) => own.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let (link_local, link_local_multicast) = match address {
        IpAddr::V4(own) => (own.is_link_local(), own.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(own) => (own.is_unicast_link_local(), own.segments()[0] & 0xff0f == 0xff02),
    };
    let mut wrong = Vec::new();
    if address.is_unspecified() {
        wrong.push(format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        wrong.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned());
    }
    if link_local {
        wrong.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned());
    }
    if link_local_multicast {
        wrong.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned());
    }
    formats::invalid(path, text, wrong)
}
