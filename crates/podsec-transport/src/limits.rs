//! What clients may hold: connections, and time.

use std::time::Duration;

/// What one client, and all of them together, may hold.
///
/// A connection is unauthenticated until its [`Peer`](crate::Peer) is told otherwise, and so costs a stranger nothing but
/// a socket. That is why there is always room for one more of them: when a bound is reached, the connection on which
/// nothing has been asked for the longest time makes room. A connection that has authenticated is never closed for
/// another.
///
/// Memory for unread bytes follows from the bounds: hyper keeps at most one flow-control window (1 MiB) for each
/// HTTP/2 connection and one buffer (about 400 KiB) for each HTTP/1.1 connection that nobody reads from.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time of clients that have authenticated.
    pub connections: usize,
    /// Connections at one time of clients that have not.
    pub unauthenticated: usize,
    /// How many of those one address may have: one of IPv4, or 64 bits of IPv6.
    pub unauthenticated_per_address: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a client may take after its handshake until its first request has arrived, up to its body.
    pub first_request: Duration,
    /// How long the headers of any request may take; over HTTP/1.1 also how long a client may wait between requests.
    pub headers: Duration,
    /// How long a connection stays on which nothing is asked, of a client that has not authenticated.
    pub unauthenticated_idle: Duration,
    /// How long one stays of a client that has; as long as Kubernetes' own servers keep them.
    pub idle: Duration,
    /// How long requests that were begun may take after the server was told to stop.
    pub drain: Duration,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            unauthenticated: 512,
            unauthenticated_per_address: 128,
            handshake: Duration::from_secs(5),
            first_request: Duration::from_secs(5),
            headers: Duration::from_secs(10),
            unauthenticated_idle: Duration::from_secs(15),
            idle: Duration::from_secs(90),
            drain: Duration::from_secs(30),
            streams: 250,
        }
    }
}
