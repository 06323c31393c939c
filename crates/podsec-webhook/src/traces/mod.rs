//! Traces: a span for each review, beside those of the API server that asks. Only with the feature `opentelemetry`, and
//! only where the environment names a collector; without either they cost nothing.

mod error;
#[cfg(not(feature = "opentelemetry"))]
#[path = "absent.rs"]
mod exporter;
#[cfg(feature = "opentelemetry")]
mod exporter;

use hyper::HeaderMap;
use podsec_admission::{Request, Response};

pub use error::TracesError;
use exporter::Exporter;

/// Where spans go; nowhere by default.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    exporter: Option<Exporter>,
}

/// A review that has begun.
pub(crate) struct Begun {
    span: Option<exporter::Begun>,
}

impl Traces {
    /// As the environment says: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`
    /// there; nowhere without either. The other variables of OpenTelemetry hold, too. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When the collector cannot be spoken to.
    pub fn from_environment() -> Result<Self, TracesError> {
        let variable = |name| std::env::var(name).ok().filter(|endpoint| !endpoint.is_empty());
        if let Some(endpoint) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Self::to(&endpoint);
        }
        match variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            Some(endpoint) => Self::to(&format!("{}/v1/traces", endpoint.trim_end_matches('/'))),
            None => Ok(Self::default()),
        }
    }

    /// To a collector at this URL. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When it cannot be spoken to.
    pub fn to(endpoint: &str) -> Result<Self, TracesError> {
        Ok(Self { exporter: Some(Exporter::new(endpoint)?) })
    }

    /// Begins a review, whose headers may say which trace it belongs to.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Begun {
        Begun { span: self.exporter.as_ref().map(|exporter| exporter.begin(headers)) }
    }

    /// Sends what was not sent yet.
    pub(crate) async fn finish(&self) {
        if let Some(exporter) = &self.exporter {
            exporter.finish().await;
        }
    }
}

impl Begun {
    /// Ends a review.
    pub(crate) fn end(self, request: &Request<'_>, response: &Response) {
        if let Some(span) = self.span {
            span.end(request, response);
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "opentelemetry"))]
    #[test]
    fn without_the_feature_traces_take_no_room_and_a_collector_is_refused() {
        use super::{Begun, Traces};

        assert_eq!(size_of::<Traces>() + size_of::<Begun>(), 0);
        assert!(Traces::to("http://localhost:4318/v1/traces").is_err());
    }
}
