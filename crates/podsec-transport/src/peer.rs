//! Who is at the other end of a connection, and whether that is known.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::time::Instant;

use crate::client_certificate::ClientAuthorities;
use crate::connections::Slot;

/// Who is at the other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// The address that the connection came from.
    pub address: SocketAddr,
    /// The client's certificate and those it sent with it. That the client has the key of the first is proven; who has
    /// signed it is not: see [`Peer::is_certified_by`].
    pub certificates: Vec<CertificateDer<'static>>,
    slot: Slot,
    verified: Mutex<Option<(Instant, bool)>>,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, certificates: Vec<CertificateDer<'static>>, slot: Slot) -> Self {
        Self { address, certificates, slot, verified: Mutex::default() }
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Notes that the client has authenticated: its connection is kept from now on, and counts no longer among those of
    /// strangers.
    pub fn set_authenticated(&self) {
        self.slot.set_authenticated();
    }

    /// Whether the client has shown a certificate that one of the authorities has signed for clients, and that is valid
    /// now. Asking again within a minute costs nothing; all calls are to name the same authorities.
    pub fn is_certified_by(&self, authorities: &ClientAuthorities) -> bool {
        let now = Instant::now();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, verdict)) = *verified
            && now < until
        {
            return verdict;
        }
        let verdict = match authorities.verify(&self.certificates) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, address = %self.address, "a client's certificate is not trusted");
                false
            }
        };
        *verified = Some((now + TRUSTED, verdict));
        verdict
    }
}

/// How long a certificate is trusted before it is looked at again.
const TRUSTED: Duration = Duration::from_mins(1);
