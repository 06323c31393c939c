//! An address of this machine that Kubernetes takes for an endpoint.

use std::net::{IpAddr, UdpSocket};

/// An address of this machine that an EndpointSlice may name, as 127.0.0.1 is not. Nothing is sent to find it.
pub fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("192.0.2.1:9").expect("a network");
    socket.local_addr().expect("an address").ip()
}
