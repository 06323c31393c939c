//! The calls to etcd.

use std::time::Duration;

use http::uri::PathAndQuery;
use prost::Message;
use tokio_stream::{StreamExt, once, pending};
use tonic::{IntoRequest, Status, Streaming, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use super::message::{
    CompactionRequest, CompactionResponse, RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchCreate,
    WatchRequest, WatchResponse,
};

/// A connection to etcd. Cloning it shares the connection.
#[derive(Clone)]
pub(super) struct Client {
    grpc: Grpc<Channel>,
}

impl Client {
    pub(super) fn new(channel: Channel) -> Self {
        // etcd's own limits are the ones that count.
        let grpc =
            Grpc::new(channel).max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX);
        Self { grpc }
    }

    pub(super) async fn range(&self, request: RangeRequest) -> Result<RangeResponse, Status> {
        self.call("/etcdserverpb.KV/Range", request).await
    }

    pub(super) async fn transaction(&self, request: TxnRequest) -> Result<TxnResponse, Status> {
        self.call("/etcdserverpb.KV/Txn", request).await
    }

    pub(super) async fn compact(&self, request: CompactionRequest) -> Result<CompactionResponse, Status> {
        self.call("/etcdserverpb.KV/Compact", request).await
    }

    /// Starts a watch and waits until etcd has taken it on.
    pub(super) async fn watch(&self, create: WatchCreate) -> Result<Streaming<WatchResponse>, Status> {
        // The stream of requests stays open; etcd ends the watch when it closes.
        let requests = once(WatchRequest { create: Some(create) }).chain(pending());
        let mut grpc = self.ready().await?;
        let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
        let codec = ProstCodec::<WatchRequest, WatchResponse>::default();
        let mut responses = grpc.streaming(requests.into_request(), path, codec).await?.into_inner();
        match responses.message().await? {
            Some(response) if response.created && !response.canceled => Ok(responses),
            Some(response) => Err(Status::failed_precondition(response.cancel_reason)),
            None => Err(Status::unavailable("etcd closed the watch")),
        }
    }

    async fn call<Request, Response>(&self, path: &'static str, request: Request) -> Result<Response, Status>
    where
        Request: Message + Send + Sync + 'static,
        Response: Message + Default + Send + Sync + 'static,
    {
        let codec = ProstCodec::<Request, Response>::default();
        let path = PathAndQuery::from_static(path);
        let mut request = request.into_request();
        request.set_timeout(TIMEOUT);
        Ok(self.ready().await?.unary(request, path, codec).await?.into_inner())
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }
}

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
