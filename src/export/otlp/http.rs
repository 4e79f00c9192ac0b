//! OTLP over HTTP, as protobuf or JSON. Must not know what becomes of an outcome.

use std::io::{Read, Write};

use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Certificate, Identity, Response, redirect};

use super::answer::{self, HttpAnswer};
use super::client::{ConnectError, Tls, USER_AGENT, with_causes};
use super::settings::{Compression, Protocol, Settings};
use super::{encode, wire};
use crate::event::Event;
use crate::export::Outcome;

/// The most bytes of a response that are read, before and after decompression; what the specification grants it.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// An HTTP receiver.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    headers: HeaderMap,
    settings: Settings,
}

impl Http {
    pub fn new(settings: Settings, tls: Tls) -> Result<Http, ConnectError> {
        // A redirected POST would become a GET that delivers nothing and succeeds, so redirects are not followed.
        let mut builder = reqwest::Client::builder().user_agent(USER_AGENT).redirect(redirect::Policy::none());
        if let Some(timeout) = settings.timeout {
            builder = builder.timeout(timeout);
        }
        if settings.endpoint.starts_with("https:") {
            if let Some(pem) = tls.trusted {
                let trusted =
                    Certificate::from_pem_bundle(&pem.bytes).map_err(|error| pem.wrong(with_causes(&error)))?;
                if trusted.is_empty() {
                    return Err(pem.wrong("holds no certificate in PEM form"));
                }
                builder = builder.tls_certs_only(trusted);
            }
            if let Some((chain, key)) = tls.identity {
                let pem = [chain.bytes.as_slice(), b"\n", &key.bytes].concat();
                builder = builder.identity(Identity::from_pem(&pem).map_err(|error| chain.wrong(with_causes(&error)))?);
            }
        } else {
            // Plain text needs no trust; asking for the system's would fail in an image that has none.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| ConnectError::Setup(with_causes(&error)))?;
        Ok(Http { client, headers: request_headers(&settings), settings })
    }

    /// The connections alone.
    pub fn into_client(self) -> reqwest::Client {
        self.client
    }

    /// Sends the events once.
    pub async fn export(&mut self, events: &[Event]) -> Outcome {
        let records = events.len() as u64;
        let body = match self.body(events) {
            Ok(body) => body,
            Err(error) => {
                return Outcome::Rejected { records, reason: answer::sentence("can't encode", &error) };
            }
        };
        match self.exchange(body).await {
            Ok(answer) => answer::of_http(&answer, records, Timestamp::now()),
            Err(error) => {
                Outcome::Retry { after: None, reason: answer::sentence("HTTP", &with_causes(&error.without_url())) }
            }
        }
    }

    fn body(&self, events: &[Event]) -> Result<Vec<u8>, String> {
        let plain = match self.settings.protocol {
            Protocol::HttpJson => serde_json::to_vec(&encode::request(events)).map_err(|error| error.to_string())?,
            Protocol::Grpc | Protocol::HttpProtobuf => wire::request(events),
        };
        match self.settings.compression {
            Compression::None => Ok(plain),
            Compression::Gzip => gzip(&plain).map_err(|error| error.to_string()),
        }
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<HttpAnswer, reqwest::Error> {
        let request = self.client.post(&self.settings.endpoint).headers(self.headers.clone()).body(body);
        let mut response = request.send().await?;
        let text = |name: HeaderName| response.headers().get(name)?.to_str().ok().map(str::to_ascii_lowercase);
        let content_type = text(CONTENT_TYPE).unwrap_or_default();
        let gzipped = text(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let status = response.status().as_u16();
        let body = bounded_body(&mut response).await?;
        Ok(HttpAnswer { status, content_type, retry_after, body: if gzipped { gunzip(&body) } else { body } })
    }
}

/// The user's headers, and over them those that the encoding needs.
fn request_headers(settings: &Settings) -> HeaderMap {
    let mut headers = settings.headers.map().clone();
    let content_type = match settings.protocol {
        Protocol::HttpJson => "application/json",
        Protocol::Grpc | Protocol::HttpProtobuf => "application/x-protobuf",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    if settings.compression == Compression::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers
}

/// The body, up to the bound; what lies past it is not read.
async fn bounded_body(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_RESPONSE_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(body)
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// What the body says, up to the bound; as much of a broken one as can be read.
fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    // An error leaves what came before it, which is all that can be had.
    let _ = GzDecoder::new(body).take(MAX_RESPONSE_BYTES as u64).read_to_end(&mut plain);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_goes_both_ways_within_the_bound() {
        let plain = b"one line, many times\n".repeat(1000);
        assert_eq!(gunzip(&gzip(&plain).unwrap()), plain);
        let bomb = gzip(&vec![0; MAX_RESPONSE_BYTES * 4]).unwrap();
        assert_eq!(gunzip(&bomb).len(), MAX_RESPONSE_BYTES);
        assert_eq!(gunzip(b"not gzip"), b"");
    }
}
