//! What Kubernetes' API says of workloads, in faultscope's own words.
//!
//! The only room that knows Kubernetes' types: the way to a cluster ([`client`]), the rights that are used there ([`access`]), and what it says
//! ([`statement`]). Must not know how events are exported or files read.

pub mod access;
pub mod client;
#[cfg(test)]
#[path = "../../tests/cluster/mod.rs"]
pub(crate) mod cluster;
pub mod diagnose;
pub mod statement;
