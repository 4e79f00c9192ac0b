//! The exporter of faultscope's own metrics: the SDK's encoder over the same connections, trust and headers as events.
//! Must not know which metrics there are.

use std::collections::HashMap;
use std::pin::Pin;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use tokio::runtime::Handle;

use super::client::{ConnectError, Tls};
use super::grpc::Grpc;
use super::http::Http;
use super::settings::{Compression, Protocol, Settings};

/// An exporter to the receiver that these settings name for events. To be called within a Tokio runtime.
///
/// # Errors
/// As of [`super::Client::connect`].
pub fn metrics_exporter(settings: &Settings) -> Result<MetricExporter, ConnectError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = Tls::read(settings)?;
    let built = match settings.protocol {
        Protocol::Grpc => {
            let (channel, metadata) = Grpc::new(settings.clone(), tls)?.into_parts();
            let builder = MetricExporter::builder().with_tonic().with_channel(channel).with_metadata(metadata);
            match settings.compression {
                Compression::Gzip => builder.with_compression(opentelemetry_otlp::Compression::Gzip).build(),
                Compression::None => builder.build(),
            }
        }
        Protocol::HttpProtobuf | Protocol::HttpJson => {
            let bridge = Bridge { client: Http::new(settings.clone(), tls)?.into_client(), runtime: Handle::current() };
            let protocol = match settings.protocol {
                Protocol::HttpJson => opentelemetry_otlp::Protocol::HttpJson,
                Protocol::Grpc | Protocol::HttpProtobuf => opentelemetry_otlp::Protocol::HttpBinary,
            };
            let builder = MetricExporter::builder().with_http().with_http_client(bridge).with_protocol(protocol);
            let builder = builder.with_endpoint(metrics_address(&settings.endpoint)).with_headers(header_map(settings));
            match settings.compression {
                Compression::Gzip => builder.with_compression(opentelemetry_otlp::Compression::Gzip).build(),
                Compression::None => builder.build(),
            }
        }
    };
    built.map_err(|error| ConnectError::Setup(error.to_string()))
}

/// Where a receiver of logs takes metrics.
fn metrics_address(logs: &str) -> String {
    format!("{}/v1/metrics", logs.strip_suffix("/v1/logs").unwrap_or(logs.trim_end_matches('/')))
}

fn header_map(settings: &Settings) -> HashMap<String, String> {
    let headers = settings.headers.map().iter();
    headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

/// The SDK sends from a thread of its own, outside the runtime that our connections live in.
#[derive(Debug)]
struct Bridge {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for Bridge {
    fn send_bytes<'this, 'answer>(
        &'this self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'this: 'answer,
        Self: 'answer,
    {
        let client = self.client.clone();
        let exchange = self.runtime.spawn(async move {
            let response = client.execute(request.try_into()?).await?;
            let mut answer = Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                headers.clone_from(response.headers());
            }
            Ok::<_, HttpError>(answer.body(response.bytes().await?)?)
        });
        Box::pin(async move { exchange.await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_go_beside_the_logs() {
        for (logs, metrics) in [
            ("http://c:4318/v1/logs", "http://c:4318/v1/metrics"),
            ("https://c/otlp/v1/logs", "https://c/otlp/v1/metrics"),
            ("http://c/custom/", "http://c/custom/v1/metrics"),
        ] {
            assert_eq!(metrics_address(logs), metrics);
        }
    }
}
