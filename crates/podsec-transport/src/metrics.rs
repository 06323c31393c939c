//! What operators see of connections.

use prometheus::core::Collector;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// The metrics of a listener; clones share their values.
#[derive(Clone, Debug)]
pub struct ConnectionMetrics {
    open: IntGaugeVec,
    closed: IntCounterVec,
}

/// Why the server closed a connection that its client would have kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Closed {
    /// The handshake took too long.
    HandshakeTimeout,
    /// The handshake failed.
    HandshakeError,
    /// Nothing was asked after the handshake.
    FirstRequestTimeout,
    /// Nothing was asked for a while.
    Idle,
    /// Another connection needed its slot.
    Evicted,
    /// Another connection from the same address needed its slot.
    EvictedForAddress,
    /// There were no slots at all.
    Refused,
}

impl Default for ConnectionMetrics {
    fn default() -> Self {
        const LEGAL: &str = "the name and the labels are legal";
        let open = Opts::new(
            "podsec_connections",
            "Connections that are open, by whether the client has authenticated.",
        );
        let closed =
            Opts::new("podsec_connections_closed_total", "Connections that the server closed, by reason.");
        let metrics = Self {
            open: IntGaugeVec::new(open, &["client"]).expect(LEGAL),
            closed: IntCounterVec::new(closed, &["reason"]).expect(LEGAL),
        };
        metrics.set_open(0, 0);
        for reason in [
            Closed::HandshakeTimeout,
            Closed::HandshakeError,
            Closed::FirstRequestTimeout,
            Closed::Idle,
            Closed::Evicted,
            Closed::EvictedForAddress,
            Closed::Refused,
        ] {
            metrics.closed.with_label_values(&[reason.label()]);
        }
        metrics
    }
}

impl ConnectionMetrics {
    /// Shows them among those of the registry.
    ///
    /// # Errors
    /// When the registry has others of the same names.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let families: [Box<dyn Collector>; 2] = [Box::new(self.open.clone()), Box::new(self.closed.clone())];
        families.into_iter().try_for_each(|family| registry.register(family))
    }

    /// Adds them in the text format 0.0.4.
    pub fn render(&self, text: &mut String) {
        let families = [self.open.collect(), self.closed.collect()].concat();
        // Writing to a string cannot fail.
        let _ = TextEncoder::new().encode_utf8(&families, text);
    }

    pub(crate) fn set_open(&self, authenticated: usize, unauthenticated: usize) {
        for (label, count) in [("authenticated", authenticated), ("unauthenticated", unauthenticated)] {
            self.open.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn count(&self, reason: Closed) {
        self.closed.with_label_values(&[reason.label()]).inc();
    }

    #[cfg(test)]
    pub(crate) fn closed(&self, reason: Closed) -> u64 {
        self.closed.with_label_values(&[reason.label()]).get()
    }
}

impl Closed {
    fn label(self) -> &'static str {
        match self {
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeError => "handshake_error",
            Self::FirstRequestTimeout => "first_request_timeout",
            Self::Idle => "idle",
            Self::Evicted => "evicted",
            Self::EvictedForAddress => "evicted_for_address",
            Self::Refused => "refused",
        }
    }
}
