//! Spans on their way to a collector: gathered by OpenTelemetry's own batches, which are bounded, and sent as JSON.

use std::error::Error;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use podsec_admission::Operation;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::TracesError;

#[derive(Clone, Debug)]
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// A review that has begun, and where in a trace.
pub(super) struct Begun {
    tracer: SdkTracer,
    parent: Context,
    time: SystemTime,
}

impl Exporter {
    pub(super) fn new(endpoint: &str) -> Result<Self, TracesError> {
        let wrong = |reason: String| TracesError::Endpoint { endpoint: endpoint.to_owned(), reason };
        let uri: hyper::Uri = endpoint.parse().map_err(|_| wrong("it is no URL".to_owned()))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(wrong("collectors are spoken to over http alone, as on the same node".to_owned()));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { runtime: Handle::current() })
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        // OTEL_SERVICE_NAME comes before the name given here.
        let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name("podsec-webhook") };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        Ok(Self { tracer: provider.tracer("podsec-webhook"), provider })
    }

    pub(super) fn begin(&self, headers: &HeaderMap) -> Begun {
        let parent =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        Begun { tracer: self.tracer.clone(), parent, time: SystemTime::now() }
    }

    pub(super) async fn finish(&self) {
        let provider = self.provider.clone();
        // It waits for its own thread, which waits for this runtime.
        let finished = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = finished {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

impl Begun {
    pub(super) fn end(self, request: &podsec_admission::Request<'_>, response: &podsec_admission::Response) {
        let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        let attributes = [
            text("k8s.namespace.name", &request.namespace),
            text("podsec.request.uid", &request.uid),
            text("podsec.request.name", &request.name),
            text("podsec.request.resource", &request.resource.resource),
            text("podsec.request.subresource", &request.subresource),
            text("podsec.request.operation", named(&request.operation)),
            KeyValue::new("podsec.response.allowed", response.allowed()),
        ];
        let span = self
            .tracer
            .span_builder("review")
            .with_kind(SpanKind::Server)
            .with_start_time(self.time)
            .with_attributes(attributes);
        span.start_with_context(&self.tracer, &self.parent).end();
    }
}

fn named<'a>(operation: &'a Operation<'_>) -> &'a str {
    match operation {
        Operation::Connect => "CONNECT",
        Operation::Create => "CREATE",
        Operation::Delete => "DELETE",
        Operation::Update => "UPDATE",
        Operation::Other(name) => name,
    }
}

/// Sends batches, a connection each: there is one every few seconds.
#[derive(Debug)]
struct Collector {
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Batches are sent from a thread of their own, which has no runtime.
        self.runtime.spawn(async { timeout(PATIENCE, send(request)).await? }).await?
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
    let authority = request.uri().authority().ok_or("the collector's URL names no host")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let port = authority.port_u16().unwrap_or(80);
    let named = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().insert(header::HOST, named);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse()?;
    *request.uri_mut() = path;
    let stream = TcpStream::connect((host, port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(parts, body))
}

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What an answer of a collector may hold.
const ANSWER_BYTES: usize = 1 << 20;
