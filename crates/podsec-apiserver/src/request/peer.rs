//! Who is at the other end of a connection.

use std::net::SocketAddr;

use super::user::User;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The user of its client certificate, which an authority of this server has signed.
    pub certified: Option<User>,
}
