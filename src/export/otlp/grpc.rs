//! OTLP over gRPC. Must not know what becomes of an outcome.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use prost::bytes::BufMut;
use tokio::task::JoinSet;
use tonic::client;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use super::answer;
use super::client::{ConnectError, Tls, USER_AGENT, with_causes};
use super::settings::{Compression, Settings};
use super::wire;
use crate::event::Event;
use crate::export::Outcome;

/// How long a connection in use may be silent before it is probed. Servers resent being probed more often, or at all
/// while idle.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long the probe's answer may take.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is called.
const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// A gRPC receiver.
#[derive(Debug)]
pub(super) struct Grpc {
    endpoint: Endpoint,
    channel: Channel,
    metadata: MetadataMap,
    settings: Settings,
}

impl Grpc {
    pub fn new(settings: Settings, tls: Tls) -> Result<Grpc, ConnectError> {
        let setup = |error: tonic::transport::Error| ConnectError::Setup(with_causes(&error));
        let mut endpoint = Endpoint::from_shared(settings.endpoint.clone())
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .map_err(setup)?
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .tcp_keepalive(Some(KEEP_ALIVE_INTERVAL));
        if let Some(timeout) = settings.timeout {
            endpoint = endpoint.connect_timeout(timeout);
        }
        if settings.endpoint.starts_with("https:") {
            endpoint = endpoint.tls_config(tls_config(tls)?).map_err(setup)?;
        }
        Ok(Grpc {
            channel: endpoint.connect_lazy(),
            endpoint,
            metadata: MetadataMap::from_headers(settings.headers.map().clone()),
            settings,
        })
    }

    /// The connection, and the metadata of each call.
    pub fn into_parts(self) -> (Channel, MetadataMap) {
        (self.channel, self.metadata)
    }

    /// Sends the events once.
    pub async fn export(&mut self, events: &[Event]) -> Outcome {
        let records = events.len() as u64;
        match self.call(wire::request(events)).await {
            Some(answer) => answer::of_grpc(answer, records),
            None => {
                // The connection may be dead without anybody having said so; the next attempt is to have a new one.
                self.channel = self.endpoint.connect_lazy();
                Outcome::Retry { after: None, reason: "gRPC: no usable answer in time".into() }
            }
        }
    }

    /// The answer; `None` if there was none within the timeout, or none that could be read.
    async fn call(&self, message: Vec<u8>) -> Option<Result<ExportLogsServiceResponse, Status>> {
        let mut client = client::Grpc::new(self.channel.clone()).accept_compressed(CompressionEncoding::Gzip);
        if self.settings.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        if let Some(timeout) = self.settings.timeout {
            request.set_timeout(timeout);
        }
        // In a task of its own, since tonic panics on a `grpc-status-details-bin` that is no base64; a panic there
        // ends only that task. Dropping the set, at the timeout or with this future, ends the call.
        let mut task = JoinSet::new();
        task.spawn(async move {
            let not_ready = |error| Status::unavailable(with_causes(&error));
            client.ready().await.map_err(not_ready)?;
            client.unary(request, PathAndQuery::from_static(EXPORT), Encoded).await
        });
        let joined = match self.settings.timeout {
            Some(timeout) => tokio::time::timeout(timeout, task.join_next()).await.ok()?,
            None => task.join_next().await,
        };
        Some(joined?.ok()?.map(tonic::Response::into_inner))
    }
}

/// Requests that are encoded already, and their answers.
#[derive(Clone, Copy, Debug)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Vec<u8>;
    type Decode = ExportLogsServiceResponse;
    type Encoder = Encoded;
    type Decoder = Encoded;

    fn encoder(&mut self) -> Encoded {
        Encoded
    }

    fn decoder(&mut self) -> Encoded {
        Encoded
    }
}

impl Encoder for Encoded {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = ExportLogsServiceResponse;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<ExportLogsServiceResponse>, Status> {
        let unreadable = |error: prost::DecodeError| Status::internal(error.to_string());
        ExportLogsServiceResponse::decode(bytes).map(Some).map_err(unreadable)
    }
}

fn tls_config(tls: Tls) -> Result<ClientTlsConfig, ConnectError> {
    let mut config = ClientTlsConfig::new();
    config = match tls.trusted {
        Some(pem) => {
            // tonic passes over what is no certificate, and would then trust nobody.
            if reqwest::Certificate::from_pem_bundle(&pem.bytes).is_ok_and(|found| found.is_empty()) {
                return Err(pem.wrong("holds no certificate in PEM form"));
            }
            config.ca_certificate(Certificate::from_pem(pem.bytes))
        }
        None => config.with_native_roots(),
    };
    if let Some((chain, key)) = tls.identity {
        config = config.identity(Identity::from_pem(chain.bytes, key.bytes));
    }
    Ok(config)
}
