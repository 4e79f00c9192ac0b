//! The room of Kubernetes: its API is spoken here, and nowhere else are its types known.
//!
//! Holds the way to a cluster ([`client`]) and the rights that are used there ([`access`]). Knows nothing of OTLP.

pub mod access;
pub mod client;
#[cfg(test)]
#[path = "../../tests/cluster/mod.rs"]
pub(crate) mod cluster;
