//! The webhook's own listener with nothing behind it: the whole body, within its bounds, and a fixed answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use podsec_transport::body::{self, Budget};
use podsec_transport::{Handler, Limits, Peer};
use tokio::net::TcpListener;

use crate::echo;

pub(crate) async fn serve(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let handler = Arc::new(Fixed(Budget::new(24 << 20)));
    let tls = Arc::new(echo::tls(folder));
    podsec_transport::serve(listener, tls, handler, Limits::default(), std::future::pending()).await;
}

struct Fixed(Budget);

impl Handler for Fixed {
    const QUICK: bool = true;

    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>, _: Arc<Peer>) -> Response<Full<Bytes>> {
        body::read(request.into_body(), &self.0, Duration::from_secs(10)).await.unwrap();
        echo::fixed_answer()
    }
}
