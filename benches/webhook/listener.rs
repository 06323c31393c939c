//! The webhook's own listener with nothing behind it: the whole body, within its bounds, and a fixed answer.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use podsec_transport::body::{self, BodyBudget, Pace};
use podsec_transport::{ConnectionMetrics, Handler, IncomingBody, Limits, Listener, Peer, Refusal};
use tokio::net::TcpListener;

use crate::echo;

pub(crate) async fn serve(folder: &Path) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", socket.local_addr().unwrap().port());
    let handler = Arc::new(Fixed(BodyBudget::new(24 << 20, 1024)));
    let tls = Arc::new(echo::tls(folder));
    let listener = Listener { socket, tls, limits: Limits::default(), metrics: ConnectionMetrics::default() };
    listener.serve(handler, std::future::pending()).await;
}

struct Fixed(BodyBudget);

impl Handler for Fixed {
    type Body = Full<Bytes>;

    const URI_TOO_LONG: Refusal = Refusal { content_type: "text/plain", body: "too long" };

    async fn answer(&self, request: Request<IncomingBody>, _: Arc<Peer>) -> Response<Full<Bytes>> {
        body::read(request.into_body(), &self.0, Pace::default()).await.unwrap();
        echo::fixed_answer()
    }
}
