//! Health and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`. Reads the shared state; changes nothing.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State as With;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use serde_json::json;
use tokio::net::TcpListener;

use super::cluster::Talk;
use super::metrics::Shared;

/// What is served.
#[derive(Clone)]
struct Served {
    state: Shared,
    registry: Registry,
}

/// Begins to listen. Gives where.
pub(super) async fn listen(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let hint = "admin.listen: set another address:port, or null to serve none";
    let listener = TcpListener::bind(address).await.with_context(|| format!("can't listen on {address} ({hint})"))?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Serves for as long as the process lives.
pub(super) async fn serve(listener: TcpListener, state: Shared, registry: Registry) {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Served { state, registry });
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "health and metrics are not served any more");
    }
}

/// The process runs and answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it does all that it should, and what keeps it from that; and what an operator should know beside.
async fn readyz(With(served): With<Served>) -> Response {
    let (reasons, details) = served.state.with(|state| {
        let lost = state.files.lost.total();
        let details = json!({
            "reload": state.reload_trouble.as_deref().unwrap_or("ok"),
            "patterns": state.patterns,
            "files_followed": state.files.files_known,
            "files_refused": state.files.refused,
            "polling": state.files.polling,
            "lag_bytes": state.files.lag_bytes,
            "lag_seconds": state.files.lag.as_secs(),
            "lost_bytes": lost.bytes,
            "lost_files": lost.files,
            "lost_lines": lost.lines,
            "kubernetes": state.kubernetes.as_ref().map(Talk::details),
        });
        (state.unready(), details)
    });
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": reasons.is_empty(), "reasons": reasons, "details": details });
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

async fn metrics(With(served): With<Served>) -> Response {
    match TextEncoder::new().encode_to_string(&served.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
