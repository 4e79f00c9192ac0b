//! OTLP: events as messages, where and how to send them, and what the receiver's answer means.
//!
//! Knows of no files being tailed and reads no process environment: that is passed in.

mod answer;
mod client;
mod encode;
mod endpoint;
mod grpc;
mod headers;
mod http;
mod own_metrics;
mod settings;
mod status;
pub mod wire;

pub use client::{Client, ConnectError};
pub use encode::{EVENT_NAME, MAX_TEXT_BYTES, SCHEMA_URL, request};
pub use headers::Headers;
pub use own_metrics::metrics_exporter;
pub use settings::{Compression, Explicit, Identity, Protocol, SettingError, Settings};
pub(crate) use wire::{record_len, resource_len};
