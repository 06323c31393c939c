//! The flags by which both servers bound what clients may hold.

use std::time::Duration;

use clap::Args;
use podsec_transport::Limits;

/// What connections may hold.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArguments {
    /// The connections at one time of clients that have authenticated.
    #[arg(long, default_value_t = Limits::default().connections, value_name = "NUMBER")]
    max_connections: usize,
    /// The connections at one time of clients that have not. For one more, the one that is idle for the longest time is
    /// closed.
    #[arg(long, default_value_t = Limits::default().unauthenticated, value_name = "NUMBER")]
    max_unauthenticated_connections: usize,
    /// How many of those one address (64 bits of IPv6) may have.
    #[arg(long, default_value_t = Limits::default().unauthenticated_per_address, value_name = "NUMBER")]
    max_unauthenticated_connections_per_address: usize,
    /// The seconds that a TLS handshake may take.
    #[arg(long, default_value_t = Limits::default().handshake.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    handshake_timeout: u64,
    /// The seconds from the handshake to the first request.
    #[arg(long, default_value_t = Limits::default().first_request.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    first_request_timeout: u64,
    /// The seconds that the headers of any request may take.
    #[arg(long, default_value_t = Limits::default().headers.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    header_timeout: u64,
    /// The seconds after which an idle connection is closed whose client has not authenticated.
    #[arg(long, default_value_t = Limits::default().unauthenticated_idle.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    unauthenticated_idle_timeout: u64,
    /// The seconds after which any other idle connection is closed.
    #[arg(long, default_value_t = Limits::default().idle.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    idle_timeout: u64,
}

impl ConnectionArguments {
    /// The limits that the flags ask for.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connections: self.max_connections,
            unauthenticated: self.max_unauthenticated_connections,
            unauthenticated_per_address: self.max_unauthenticated_connections_per_address,
            handshake: Duration::from_secs(self.handshake_timeout),
            first_request: Duration::from_secs(self.first_request_timeout),
            headers: Duration::from_secs(self.header_timeout),
            unauthenticated_idle: Duration::from_secs(self.unauthenticated_idle_timeout),
            idle: Duration::from_secs(self.idle_timeout),
            ..Limits::default()
        }
    }
}
