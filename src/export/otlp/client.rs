//! The OTLP client: one receiver, by whichever protocol the settings name. Must not know of batches and retries.

use std::path::{Path, PathBuf};

use super::grpc::Grpc;
use super::http::Http;
use super::settings::{Protocol, Settings};
use crate::event::Event;
use crate::export::{Exporter, Outcome};

/// What requests call themselves.
pub(super) const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file of the TLS settings can't be read.
    #[error("{path}: can't be read: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the TLS settings holds something else.
    #[error("{path}: {problem}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS or the transport can't be set up.
    #[error("the OTLP exporter can't be set up: {0}")]
    Setup(String),
}

/// Sends requests to one receiver. Connects at the first request, and again whenever the connection is lost.
#[derive(Debug)]
pub struct Client(Transport);

#[derive(Debug)]
enum Transport {
    Grpc(Box<Grpc>),
    Http(Box<Http>),
}

impl Client {
    /// Makes a client; reads the TLS files, but does not connect yet. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// When a TLS file can't be used, or TLS is wanted and the system has no certificates to trust.
    pub fn connect(settings: Settings) -> Result<Client, ConnectError> {
        // The two TLS stacks find their cryptography here. An error means that there is one already: just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = Tls::read(&settings)?;
        Ok(Client(match settings.protocol {
            Protocol::Grpc => Transport::Grpc(Box::new(Grpc::new(settings, tls)?)),
            Protocol::HttpProtobuf | Protocol::HttpJson => Transport::Http(Box::new(Http::new(settings, tls)?)),
        }))
    }
}

impl Exporter for Client {
    async fn export(&mut self, events: &[Event]) -> Outcome {
        match &mut self.0 {
            Transport::Grpc(grpc) => grpc.export(events).await,
            Transport::Http(http) => http.export(events).await,
        }
    }
}

/// An error with everything below it: the outermost words of a transport alone say nothing.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The contents of the TLS files.
pub(super) struct Tls {
    /// Certificates to trust, and the file that they are from.
    pub trusted: Option<Pem>,
    /// The client's certificate chain and key.
    pub identity: Option<(Pem, Pem)>,
}

/// A file and what it holds.
pub(super) struct Pem {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Tls {
    pub fn read(settings: &Settings) -> Result<Tls, ConnectError> {
        let identity = settings.identity.as_ref();
        Ok(Tls {
            trusted: settings.certificate.as_deref().map(Pem::read).transpose()?,
            identity: identity
                .map(|identity| Ok((Pem::read(&identity.certificate)?, Pem::read(&identity.key)?)))
                .transpose()?,
        })
    }
}

impl Pem {
    fn read(path: &Path) -> Result<Pem, ConnectError> {
        let path = path.to_owned();
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Pem { path, bytes }),
            Err(source) => Err(ConnectError::File { path, source }),
        }
    }

    /// The error that says what is wrong with this file.
    pub fn wrong(&self, problem: impl Into<String>) -> ConnectError {
        ConnectError::Pem { path: self.path.clone(), problem: problem.into() }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
